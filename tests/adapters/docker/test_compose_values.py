"""Secrets and configs from the environment: read with the file, and given to Compose again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hitless.adapters.docker.cli import DockerCli
from hitless.adapters.docker.compose import compose
from hitless.adapters.docker.compose_file import resolve
from hitless.adapters.docker.compose_files import ComposeOptions
from hitless.adapters.docker.compose_yaml import load
from tests.adapters.fake_docker import FakeDocker

MODEL = """\
name: shop
services: {web: {image: x, secrets: [{source: token}]}}
secrets: {token: {name: shop_token, environment: TOKEN}}
configs: {conf: {environment: CONF}, other: {content: x}, bad: {environment: NO-NAME}}
"""
TOLD = """\
name: values
services: {values: {image: values, environment: {TOKEN: '=a$$b', CONF: ''}}}
"""
VALUES = ("compose", "--file", "-", "--project-directory")


def test_a_release_has_the_values_and_a_variable_that_is_not_set_is_an_error(docker: FakeDocker) -> None:
    docker.answers("compose", stdout=MODEL)
    docker.answers(*VALUES, stdout=TOLD)

    model, findings = resolve(DockerCli(), ComposeOptions(project_directory="/srv"))

    token = {"name": "shop_token", "environment": "TOKEN", "x-hitless-value": "a$$b"}
    assert model["secrets"] == {"token": token}
    assert model["configs"]["other"] == {"content": "x"}
    assert [(one.path, one.is_error) for one in findings] == [
        ("configs.conf.environment", True),
        ("configs.bad.environment", True),
    ]
    # the other name can't be asked for
    assert load(docker.calls[-1].stdin.encode())["services"]["values"]["environment"] == {
        "TOKEN": "${TOKEN+=}${TOKEN-}",
        "CONF": "${CONF+=}${CONF-}",
    }


@pytest.mark.parametrize(
    ("options", "variable", "expected"),
    [
        (ComposeOptions(("a/compose.yml", "b.yml"), env_files=("x.env",)), "", "a"),
        (ComposeOptions(project_directory="/srv"), "", "/srv"),
        (ComposeOptions(), "c/compose.yml:d.yml", "c"),
    ],
)
def test_the_variables_are_those_of_the_files_own_folder(
    docker: FakeDocker,
    options: ComposeOptions,
    variable: str,
    expected: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COMPOSE_FILE", variable)
    docker.answers("compose", stdout=MODEL)
    docker.answers(*VALUES, stdout=TOLD)

    resolve(DockerCli(), options)

    env_files = [word for file in options.env_files for word in ("--env-file", file)]
    assert docker.argvs[-1] == (*VALUES, expected, *env_files, "config")


def test_the_folder_of_a_file_that_compose_finds_itself_is_above(
    docker: FakeDocker, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    (tmp_path / "compose.yaml").touch()
    monkeypatch.chdir(below)
    docker.answers("compose", stdout=MODEL)
    docker.answers(*VALUES, stdout=TOLD)

    resolve(DockerCli(), ComposeOptions())

    assert docker.argvs[-1] == (*VALUES, str(tmp_path), "config")


def test_compose_finds_the_values_in_variables_of_hitless_own() -> None:
    given: dict[str, object] = {}

    def run(*_: str, **options: object) -> str:
        given.update(options)
        return ""

    home = {"environment": "HOME", "x-hitless-value": "a$$b"}
    model: dict[str, Any] = {
        "name": "shop",
        "services": {},
        "secrets": {"home": home, "file": {"file": "/x"}},
        "configs": {"conf": {"environment": "HOME", "x-hitless-value": ""}},
    }

    compose(run, model, "create")

    assert given["variables"] == {"HITLESS_VALUE_0": "a$b", "HITLESS_VALUE_1": ""}
    read = load(str(given["stdin"]).encode())
    assert read["secrets"] == {"home": {"environment": "HITLESS_VALUE_0"}, "file": {"file": "/x"}}
    assert read["configs"] == {"conf": {"environment": "HITLESS_VALUE_1"}}
    assert model["secrets"]["home"] is home
