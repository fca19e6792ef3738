"""The options of `gateway up` for certificates from a CA."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import pytest

from hitless.cli.acme import Email, Provider, Resolver, Server, Variables, take_files
from hitless.domain.gateway.acme import STAGING


@pytest.mark.parametrize(
    ("option", "value", "expected"),
    [
        (Email(), "ann@example.org", "ann@example.org"),
        (Email(), "none", ""),
        (Server(), "staging", STAGING),
        (Server(), "default", ""),
        (Server(), "https://ca.internal:9000/acme/directory", "https://ca.internal:9000/acme/directory"),
        (Provider(), "cloudflare", "cloudflare"),
        (Provider(), "none", ""),
        (Resolver(), "9.9.9.9:53", "9.9.9.9:53"),
        (Resolver(), "[2620:fe::fe]:53", "[2620:fe::fe]:53"),
    ],
)
def test_what_is_right(option: click.ParamType[str], value: str, expected: str) -> None:
    assert option.convert(value, None, None) == expected


@pytest.mark.parametrize(
    ("option", "value"),
    [
        (Email(), "ann"),
        (Email(), "ann@example.org,bob@example.org"),
        (Server(), "http://ca.internal/directory"),
        (Server(), "letsencrypt"),
        (Server(), "https://ann:secret@ca.internal/directory"),
        (Provider(), "Cloud Flare"),
        (Resolver(), "9.9.9.9"),
    ],
)
def test_what_is_wrong(option: click.ParamType[str], value: str) -> None:
    with pytest.raises(click.BadParameter, match="is not like"):
        option.convert(value, None, None)


def test_variables_are_taken_literally(tmp_path: Path) -> None:
    file = tmp_path / "dns.env"
    file.write_text("# of ours\n\nexport A_TOKEN=\"a b\"\nB='$(touch /tmp/x) `id`'\nC=1=2 \nD=\n")
    assert Variables().convert(str(file), None, None) == b"A_TOKEN=a b\nB=$(touch /tmp/x) `id`\nC=1=2\nD=\n"


def test_a_line_that_is_no_variable_is_not_printed(tmp_path: Path) -> None:
    file = tmp_path / "dns.env"
    file.write_text("A=1\nthe secret itself\n")
    with pytest.raises(click.BadParameter) as raised:
        Variables().convert(str(file), None, None)
    assert "line 2" in raised.value.message
    assert "secret" not in raised.value.message


def test_files_are_named_after_what_is_in_them() -> None:
    settings = {**NOTHING, "acme_ca": b"PEM", "acme_dns_env": b"A=1\n", "acme_server": STAGING}
    files = take_files(settings)
    assert files == {settings["acme_ca"]: b"PEM", settings["acme_env"]: b"A=1\n"}
    assert settings["acme_dns_resolvers"] is None
    assert "acme_dns_env" not in settings


NOTHING = dict.fromkeys(
    ("acme_email", "acme_server", "acme_ca", "acme_dns", "acme_dns_env", "acme_dns_resolvers"), None
)


@pytest.mark.parametrize(
    ("asked", "cleared"),
    [
        ({}, {}),
        # another CA is known by other certificates
        ({"acme_server": ""}, {"acme_server": "", "acme_ca": ""}),
        ({"acme_ca": b"", "acme_dns_env": b""}, {"acme_ca": "", "acme_env": ""}),
        ({"acme_dns_resolvers": ("",)}, {"acme_dns_resolvers": ()}),
        (
            {"acme_email": ""},
            {
                **dict.fromkeys(("acme_email", "acme_server", "acme_dns", "acme_ca", "acme_env"), ""),
                "acme_dns_resolvers": (),
            },
        ),
    ],
)
def test_what_belongs_together_goes_together(asked: dict[str, Any], cleared: dict[str, Any]) -> None:
    settings: dict[str, Any] = {**NOTHING, **asked}
    assert take_files(settings) == {}
    assert {key: value for key, value in settings.items() if value is not None} == cleared
