"""The adapters of one gateway's applications, with the fake `docker` behind them."""

from __future__ import annotations

import pytest

from hitless.adapters.docker.cli import DockerCli
from hitless.adapters.docker.containers import DockerContainers
from hitless.adapters.docker.images import DockerImages
from hitless.adapters.docker.networks import DockerNetworks
from hitless.adapters.docker.projects import DockerProjects

GATEWAY = "adapters-rec"


@pytest.fixture
def cli() -> DockerCli:
    return DockerCli()


@pytest.fixture
def images(cli: DockerCli) -> DockerImages:
    return DockerImages(cli)


@pytest.fixture
def containers(cli: DockerCli) -> DockerContainers:
    return DockerContainers(cli, GATEWAY)


@pytest.fixture
def networks(cli: DockerCli) -> DockerNetworks:
    return DockerNetworks(cli, GATEWAY)


@pytest.fixture
def projects(cli: DockerCli) -> DockerProjects:
    return DockerProjects(cli, GATEWAY)
