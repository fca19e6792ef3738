"""Traefik's programs on the Docker host, and hitless's own image."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hitless.adapters.docker.cli import DockerCli
from hitless.adapters.gateway.programs import Programs, gateway_image
from hitless.adapters.gateway.shell import GatewayShell
from hitless.domain.common.errors import DockerFailed, HitlessError
from hitless.domain.gateway.model import Software
from tests.adapters.fake_docker import FakeDocker

VERSION = "Version:      3.7.15\n"
MISSING = "Error response from daemon: No such image: traefik:v3.7.15"


@pytest.fixture
def there(docker: FakeDocker) -> FakeDocker:
    """A host that has the images."""
    docker.answers("image", "inspect", stdout="sha256:0123456789abcdef\n")
    return docker


@pytest.fixture
def shell(docker: FakeDocker) -> Iterator[GatewayShell]:
    """The real script, whose root is a directory of the test's."""
    docker.answers("exec", way="shell")
    (docker.root / "opt/traefik").mkdir(parents=True)
    made = GatewayShell(DockerCli(), "one")
    yield made
    made.close()


def of(docker: FakeDocker, *words: str) -> list[tuple[str, ...]]:
    return [argv for argv in docker.argvs if argv[: len(words)] == words]


def test_a_program_that_is_there_is_not_copied_again(there: FakeDocker) -> None:
    there.answers("run", stdout=VERSION)
    found = Programs(DockerCli(), "one").software("traefik:v3.7.15")
    assert found == (Software(gateway_image(), "traefik-0123456789ab"), VERSION)
    assert of(there, "pull") == of(there, "build") == []
    [look] = of(there, "run")
    assert look[-3:] == ("program", "traefik-0123456789ab", "one")


def test_one_that_is_not_there_is_copied_and_then_taken_as_a_whole(there: FakeDocker) -> None:
    Programs(DockerCli(), "one").software("traefik:v3.7.15")
    _, copying, taking = of(there, "run")
    *_, image, source, target = copying
    assert (image, source) == ("traefik:v3.7.15", "/usr/local/bin/traefik")
    assert taking[-4:] == ("program", "traefik-0123456789ab", "one", target.removeprefix("/opt/traefik/"))


def test_an_image_without_the_program_is_told(there: FakeDocker) -> None:
    there.answers("run", "--rm", exit_code=0)
    start = ("run", "--rm", "--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges")
    volume = ("--network", "none", "--volume", "hitless-traefik:/opt/traefik")
    there.answers(*start, *volume, "--user", stderr="cp: can't stat '/usr/local/bin/traefik'", exit_code=1)
    with pytest.raises(HitlessError, match=r"nginx:1 has no program /usr/local/bin/traefik.*can't stat"):
        Programs(DockerCli(), "one").software("nginx:1")


def test_an_image_that_the_host_lacks_is_pulled(docker: FakeDocker) -> None:
    docker.answers("image", "inspect", stderr=MISSING, exit_code=1)
    docker.answers("image", "inspect", "--format", "{{.Id}}", gateway_image(), stdout="sha256:fedc\n")
    docker.answers("pull", stderr="no such host", exit_code=1)
    with pytest.raises(DockerFailed, match="no such host"):
        Programs(DockerCli(), "one").software("traefik:v3.7.15")
    assert of(docker, "pull") == [("pull", "--quiet", "traefik:v3.7.15")]


def test_a_gateways_image_that_cant_be_built_says_what_a_host_needs(docker: FakeDocker) -> None:
    docker.answers("image", "inspect", stderr=MISSING, exit_code=1)
    docker.answers("build", stderr="failed to resolve debian:bookworm-slim", exit_code=1)
    with pytest.raises(HitlessError, match="failed to resolve") as raised:
        Programs(DockerCli(), "one").container_image()
    assert "docker load" in raised.value.hint


def test_the_gateways_image_is_pinned_and_named_after_its_dockerfile(docker: FakeDocker) -> None:
    docker.answers("image", "inspect", stderr=MISSING, exit_code=1)
    assert Programs(DockerCli(), "one").container_image() == gateway_image()
    [call] = [call for call in docker.calls if call.argv[0] == "build"]
    assert call.argv == ("build", "--tag", gateway_image(), "-")
    assert "\nFROM debian:bookworm-slim@sha256:" in call.stdin


def test_a_copy_that_was_cut_short_is_no_program(docker: FakeDocker, shell: GatewayShell) -> None:
    programs = docker.root / "opt/traefik"
    (programs / ".new.1").write_text("#!/bin/sh\necho half")
    assert shell.run("program", "new", "one")[0] == b""
    assert not (programs / "new").exists()
    (programs / ".new.2").write_text("#!/bin/sh\necho whole $1\n")
    assert shell.run("program", "new", "one", ".new.2")[0] == b"whole version\n"


def test_programs_of_other_gateways_are_kept(docker: FakeDocker, shell: GatewayShell) -> None:
    programs = docker.root / "opt/traefik"
    for name, gateway in (("old", "one"), ("old", "two"), ("new", "one"), ("wrong", "one")):
        (programs / name).write_text("#!/bin/sh\n")
        shell.run("program", name, gateway)

    def kept(*words: str) -> set[str]:
        shell.run("keep_programs", *words)
        return {file.name for file in programs.iterdir() if file.is_file()}

    assert kept("one", "new") == {"old", "new"}
    assert kept("two") == {"new"}
    assert kept("one") == set()
