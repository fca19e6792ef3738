"""The gateway's adapters on a docker that answers as recorded."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hitless.adapters.docker.cli import DockerCli
from hitless.adapters.gateway.shell import GatewayShell
from hitless.adapters.gateway.state import GatewayState
from hitless.adapters.gateway.traefik import Traefik
from tests.adapters.fake_docker import FakeDocker
from tests.adapters.gateway.traefiks import traefik_of


@pytest.fixture
def state(docker: FakeDocker) -> Iterator[GatewayState]:
    shell = GatewayShell(DockerCli(), "traefik")
    yield GatewayState(shell)
    shell.close()


@pytest.fixture
def host(docker: FakeDocker) -> FakeDocker:
    """The fake runs the real shell scripts, in a directory that stands for the gateway's root."""
    docker.answers("exec", way="shell")
    (docker.root / "etc/hitless/routes").mkdir(parents=True)
    return docker


@pytest.fixture
def gateway(docker: FakeDocker) -> Iterator[Traefik]:
    """The fake runs the real shell scripts, and an `nc` of the tests' own."""
    docker.answers("exec", way="shell")
    shell = GatewayShell(DockerCli(), "adapters-rec")
    yield traefik_of(shell)
    shell.close()
