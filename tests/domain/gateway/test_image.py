from __future__ import annotations

import pytest

from hitless.domain.gateway.image import TRAEFIK_IMAGE, unfit

SAID = "Version:      {}\nCodename:     langres\nGo version:   go1.26.9\n"
TAKES = "; the gateway takes 3.7 or newer, and below 4"


@pytest.mark.parametrize(
    ("version", "wrong"),
    [
        ("3.7.0", ""),
        ("3.7.15", ""),
        ("v3.10.1", ""),
        ("3.6.15", f"has Traefik 3.6.15{TAKES}"),
        ("2.11.0", f"has Traefik 2.11.0{TAKES}"),
        ("4.0.0", f"has Traefik 4.0.0{TAKES}"),
        ("dev", f"has Traefik dev{TAKES}"),
    ],
)
def test_the_versions_that_the_gateway_takes(version: str, wrong: str) -> None:
    assert unfit(SAID.format(version)) == wrong


def test_hitlesss_own_image_is_of_an_exact_version_that_it_takes() -> None:
    assert unfit(SAID.format(TRAEFIK_IMAGE.removeprefix("traefik:v"))) == ""


def test_what_is_no_traefik() -> None:
    assert unfit("") == f"has a Traefik that does not tell its version{TAKES}"
