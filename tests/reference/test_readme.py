"""The README's tables say what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from hitless.cli.exit_codes import ExitCode
from hitless.domain.application.read import read
from hitless.domain.checks.application import check
from hitless.domain.gateway.settings import GatewaySettings
from hitless.domain.gateway.settings import gateway as made
from hitless.domain.host.world import World

README = Path(__file__).parents[2] / "README.md"


def test_the_readme_has_every_exit_code() -> None:
    table = README.read_text(encoding="utf-8").partition("| exit code |")[2].partition("\n\n")[0]
    assert [int(code) for code in re.findall(r"^\| (\d+) \|", table, re.MULTILINE)] == list(ExitCode)


def test_the_first_compose_file_is_one_for_https() -> None:
    text = README.read_text(encoding="utf-8").partition("```yaml\n")[2].partition("```")[0]
    services = yaml.safe_load(text)["services"]
    labels = {key: str(value) for key, value in services["web"]["labels"].items()}
    application, findings = read({"name": "shop", "services": {"web": {"build": {}, "labels": labels}}})

    gateway = made("traefik", GatewaySettings(https_port=443, acme_email="ann@example.org"))
    found = (*findings, *check(application, World(gateway=gateway), {}))
    assert [one for one in found if one.is_error] == []
    routers = [(one.rule, "tls" in one.settings) for one in application.routes.routers]
    assert routers == [("Host(`shop.example.org`)", True)]


def test_its_picture_is_of_a_whole_run_and_of_no_machine() -> None:
    picture = (README.parent / "docs" / "deployment.svg").read_text(encoding="utf-8")
    words = " ".join(re.findall(r">([^<>]+)</text>", picture)).replace("&#160;", " ")
    assert "](docs/deployment.svg)" in README.read_text(encoding="utf-8")
    for said in ("hitless deploy", "release 2 is live", "none lost", "next: hitless logs -f"):
        assert said in words
    assert not re.search(
        r"/(home|root|tmp|work|Users|opt|var|srv)\b|http://(?!flask\.localhost|www\.w3)", words
    )
    assert "@import" not in picture and "url(http" not in picture
