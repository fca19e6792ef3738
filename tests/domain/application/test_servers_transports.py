"""How the gateway speaks TLS with containers, as an application defines it."""

from __future__ import annotations

from typing import Any

import pytest

from hitless.domain.application import read as reading
from tests.domain.builders import WEB_LABELS, application, compose, only, web

PEM = "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n"
BALANCER = "traefik.http.services.shop.loadbalancer"
HTTPS = {**WEB_LABELS, f"{BALANCER}.server.scheme": "https"}


def settings_of(labels: dict[str, str], transports: Any) -> Any:
    made = application({"app": web(labels)}, x_hitless={"servers_transports": transports})
    return made.routes.backends[0].load_balancer.get("serversTransport")


def findings_of(labels: dict[str, str], transports: Any = None) -> list[str]:
    model = compose({"app": web(labels)}, x_hitless={"servers_transports": transports})
    return [f"{one.path}: {one.message}" for one in reading.read(model)[1]]


@pytest.mark.parametrize("name", ["inside", "inside@file", "inside@docker"])
def test_a_label_refers_to_one_by_name(name: str) -> None:
    inside = {"rootCAs": [PEM], "serverName": "inside.example", "disableHTTP2": True}
    assert settings_of({**HTTPS, f"{BALANCER}.serverstransport": name}, {"inside": inside}) == inside


def test_the_default_one_is_for_backends_over_https_without_a_label() -> None:
    default = {"default": {"insecureSkipVerify": True}}
    assert settings_of(HTTPS, default) == {"insecureSkipVerify": True}
    assert settings_of(WEB_LABELS, default) is None


def test_without_one_no_certificate_is_believed() -> None:
    _, found = reading.read(compose({"app": web(HTTPS)}))
    finding = only(found)
    assert finding.path == f"services.app.labels.{BALANCER}.server.scheme"
    assert finding.is_error
    assert "servers_transports" in finding.hint


@pytest.mark.parametrize("labels", [HTTPS, WEB_LABELS])
def test_one_that_is_not_defined(labels: dict[str, str]) -> None:
    (said,) = findings_of({**labels, f"{BALANCER}.serverstransport": "inside@file"})
    assert said == (
        f"services.app.labels.{BALANCER}.serverstransport: no servers transport 'inside' in this application"
    )


@pytest.mark.parametrize(
    ("transports", "said"),
    [
        ([], [": must be a mapping: name -> servers transport"]),
        ({"a": "x"}, [".a: must be a mapping"]),
        (
            {
                "a": {
                    "insecureSkipVerify": "yes",
                    "serverName": "",
                    "rootCAs": ["/ca.pem"],
                    "certs": [],
                }
            },
            [
                ".a.insecureSkipVerify: expects true or false, not 'yes'",
                ".a.serverName: must be a host name",
                ".a.rootCAs: must be a list of certificates themselves, in PEM",
                ".a.certs: is unknown",
            ],
        ),
    ],
)
def test_what_is_wrong_with_them(transports: Any, said: list[str]) -> None:
    assert findings_of(WEB_LABELS, transports) == [f"x-hitless.servers_transports{one}" for one in said]
