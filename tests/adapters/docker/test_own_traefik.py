"""The files that describe somebody's own Traefik."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hitless.adapters.docker.cli import DockerCli
from hitless.adapters.docker.compose_files import ComposeOptions
from hitless.adapters.docker.own_traefik import read
from hitless.domain.gateway.own_traefik import OwnTraefik, Published
from tests.adapters.fake_docker import FakeDocker

TOML = '[entryPoints.web]\naddress = ":80"\n[accessLog]\n'
YAML = "entryPoints: {web: {address: ':80'}}\naccessLog: {}\n"
SECRETS = {"cf": "token", "gone": "gone"}
SETTINGS = {"entrypoints.web.address": ":80", "accesslog": "true"}


def written(folder: Path, **files: str) -> list[str]:
    for name, text in files.items():
        (folder / name.replace("_", ".")).write_text(text)
    return [str(folder / name.replace("_", ".")) for name in files]


def compose(docker: FakeDocker, folder: Path, **keys: Any) -> str:
    """A Compose file; Compose makes this service from it."""
    model = {"name": "x", "services": {"proxy": {"image": "traefik:v3", **keys}, "web": {"image": "x"}}}
    model |= {"configs": {"static": {"content": YAML}, "other": {"file": str(folder / "traefik.toml")}}}
    model["secrets"] = {name: {"file": str(folder / file)} for name, file in SECRETS.items()}
    docker.answers("compose", stdout=json.dumps(model))
    (file,) = written(folder, compose_yaml="services:\n  proxy: {image: traefik}\n")
    return file


def of(*files: str) -> OwnTraefik:
    own, findings = read(DockerCli(), files, ComposeOptions())
    assert not findings
    assert own
    return own


def wrong(*files: str) -> list[str]:
    own, findings = read(DockerCli(), files, ComposeOptions())
    assert own is None
    assert all(finding.is_error for finding in findings)
    return [f"{finding.path} {finding.message}" for finding in findings]


@pytest.mark.parametrize("file", [{"traefik_toml": TOML}, {"traefik_yml": YAML}])
def test_its_own_file(file: dict[str, str], tmp_path: Path) -> None:
    assert of(*written(tmp_path, **file)) == OwnTraefik(SETTINGS)


def test_a_compose_file(docker: FakeDocker, tmp_path: Path) -> None:
    ports = [{"target": 80, "published": "8000", "protocol": "tcp"}]
    own = of(compose(docker, tmp_path, command=["--entrypoints.web.address=:80"], ports=ports))
    assert own == OwnTraefik({"entrypoints.web.address": ":80"}, (Published(80, "", 8000, False),), {})
    # whatever profile it is in
    assert docker.argvs[0][3:5] == ("--profile", "*")


@pytest.mark.parametrize(
    "keys",
    [
        {"volumes": [("bind", "traefik.toml", "/etc/traefik/traefik.toml")]},
        {"volumes": [("bind", "", "/etc/traefik")]},
        {"volumes": [("bind", "traefik.toml", "/conf/x.toml")], "command": ["--configfile=/conf/x.toml"]},
        {"configs": [{"source": "static", "target": "/traefik.yml"}]},
        {"configs": [{"source": "other", "target": "/traefik.toml"}]},
    ],
)
def test_the_file_that_its_container_mounts(docker: FakeDocker, keys: dict[str, Any], tmp_path: Path) -> None:
    written(tmp_path, traefik_toml=TOML)
    if volumes := keys.get("volumes"):
        volumes = [
            {"type": kind, "source": str(tmp_path / file), "target": target} for kind, file, target in volumes
        ]
        keys = {**keys, "volumes": volumes}
    own = of(compose(docker, tmp_path, **keys))
    assert own.settings == SETTINGS
    assert own.ports == ()


def test_credentials_that_are_a_secret_of_the_file(docker: FakeDocker, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("the-token\n")
    (tmp_path / "several").write_text("a\nb\n")
    environment = {
        "CF_DNS_API_TOKEN_FILE": "/run/secrets/cf",
        "GONE_FILE": "/run/secrets/gone",
        "GCE_SERVICE_ACCOUNT_FILE": "/several",
        "AWS_SHARED_CREDENTIALS_FILE": "/run/secrets/cf",
    }
    file = compose(
        docker,
        tmp_path,
        command=["--entrypoints.web.address=:80"],
        environment=environment,
        secrets=[{"source": "cf"}, {"source": "gone"}],
        volumes=[{"type": "bind", "source": str(tmp_path / "several"), "target": "/several"}],
    )
    assert of(file).variables == {
        "CF_DNS_API_TOKEN": "the-token",
        **{name: one for name, one in environment.items() if not name.startswith("CF")},
    }


def test_a_mounted_file_that_is_not_here_can_be_given(docker: FakeDocker, tmp_path: Path) -> None:
    volume = {"type": "bind", "source": str(tmp_path / "gone.yml"), "target": "/etc/traefik/traefik.yml"}
    file = compose(docker, tmp_path, volumes=[volume])
    (said,) = wrong(file)
    assert "gone.yml, which can't be read" in said
    own = of(file, *written(tmp_path, traefik_yml=YAML))
    assert own.settings == SETTINGS
    assert own.ports == ()


def test_everything_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    files = written(
        tmp_path,
        list_yml="- 1\n",
        broken_toml="a =",
        broken_yml="a: [",
        empty_yml="",
        dynamic_yml="http: {routers: {}}\n",
        loop_yml="a: &a {b: *a}\n",
    )
    said = wrong(str(tmp_path / "missing.yml"), str(tmp_path), *files)
    assert len(said) == 9
    parts = (
        "No such file",
        "Is a directory",
        "reads one file",
        "no settings",
        "can't be read",
        "can't be read",
    )
    for part, line in zip((*parts, "no settings", "file provider", "holds itself"), said, strict=True):
        assert part in line
    (tmp_path / "large.yml").write_text("#" * (2**20 + 1))
    assert "more than 1 MiB" in wrong(str(tmp_path / "large.yml"))[0]


def test_a_compose_file_without_traefik_or_with_nothing_of_it(docker: FakeDocker, tmp_path: Path) -> None:
    assert "no service runs Traefik" in wrong(compose(docker, tmp_path, image="nginx"))[0]
    assert "has no command" in wrong(compose(docker, tmp_path))[0]
