"""What `hitless config` says of the command line itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from hitless import wiring
from hitless.cli.main import hitless
from tests.execution.applications import shop
from tests.reference.published import check_output

FILE = "name: shop\nx-hitless:\n  keep: 5\n"


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("HITLESS_GATEWAY", "DOCKER_HOST", "DOCKER_CONTEXT", "COMPOSE_FILE", "COMPOSE_PROJECT_NAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(wiring, "application", lambda *_: (shop(), ()))
    made = tmp_path / "compose.yml"
    made.write_text(FILE)
    monkeypatch.chdir(tmp_path)
    return made


def settings(*words: str, **environment: str) -> dict[str, Any]:
    done = CliRunner().invoke(hitless, [*words, "--json"], env=environment)
    assert done.exit_code == 0, done.output
    check_output(("config", "--json"), done.output)
    return {
        one["path"]: (one["value"], one["origin"], one["where"])
        for one in json.loads(done.output)["settings"]
    }


def test_without_a_word_all_is_found_or_a_default(file: Path) -> None:
    found = settings("config")
    assert found["name"] == ("shop", "compose", f"{file}:1")
    assert found["files"] == (str(file), "derived", "found in this folder or above")
    assert found["gateway"] == ("traefik", "default", "")
    assert found["engine"][1] == "default"


def test_options_before_and_after_the_command(file: Path) -> None:
    found = settings(
        "-f", str(file), "config", "-p", "shop", "--gateway", "edge", "--profile", "x", "-c", "far"
    )
    assert found["name"] == ("shop", "option", "--project-name")
    assert found["files"] == (str(file), "option", "--file")
    assert found["gateway"] == ("edge", "option", "--gateway")
    assert found["profiles"] == ("x", "option", "--profile")
    assert found["engine"] == ("far", "option", "--context")
    assert settings("--gateway", "edge", "config")["gateway"] == ("edge", "option", "--gateway")


def test_variables(file: Path) -> None:
    found = settings(
        "config", HITLESS_GATEWAY="edge", DOCKER_HOST="ssh://ann:pw@far", COMPOSE_PROJECT_NAME="shop"
    )
    assert found["name"] == ("shop", "variable", "COMPOSE_PROJECT_NAME")
    assert found["gateway"] == ("edge", "variable", "HITLESS_GATEWAY")
    assert found["engine"] == ("ssh://ann:[redacted]@far", "variable", "DOCKER_HOST")
    (file.parent / ".env").write_text("COMPOSE_PROJECT_NAME=shop\n")
    assert settings("config")["name"][1] == "variable"


def test_people_read_one_line_for_each(file: Path) -> None:
    done = CliRunner().invoke(hitless, ["config"])
    assert "gateway: traefik  default\n" in done.output
    assert f"name: shop  compose ({file}:1)\n" in done.output
