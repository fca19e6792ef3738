"""Which image the gateway runs, and an image that is unfit."""

from __future__ import annotations

import dataclasses
import subprocess
from collections.abc import Iterator

import pytest

from hitless.adapters.docker.cli import DockerCli
from hitless.adapters.gateway.project import GatewayProject
from hitless.domain.gateway.image import TRAEFIK_IMAGE
from tests.e2e.conftest import GATEWAY, Gateway, docker, gateway_of_its_own

POOR = "hitless-e2e-poor:1"


@pytest.fixture(scope="module")
def gateway() -> Iterator[Gateway]:
    with gateway_of_its_own(f"{GATEWAY}-image") as made:
        yield made


def made_of(text: str) -> None:
    subprocess.run(("docker", "build", "--quiet", "--tag", POOR, "-"), input=text, text=True, check=True)


@pytest.fixture
def poor() -> Iterator[str]:
    """An image with Traefik, and without what the lock needs."""
    made_of(f"FROM {TRAEFIK_IMAGE}\nRUN rm -f $(command -v flock)\n")
    yield POOR
    docker("rmi", POOR)


def test_an_image_without_the_tools_is_refused_and_the_gateway_stays(gateway: Gateway, poor: str) -> None:
    began = docker("inspect", "--format", "{{.State.StartedAt}}", gateway.container)
    said = gateway.cli.run("gateway", "up", "--replace", "--image", poor, code=1)
    assert f"{poor} has no flock" in said
    assert TRAEFIK_IMAGE in said
    assert docker("inspect", "--format", "{{.State.StartedAt}}", gateway.container) == began


def test_an_older_traefik_is_refused_and_the_gateway_stays(gateway: Gateway) -> None:
    # it says that it is 3.6, whatever it really is
    lines = (
        f"FROM {TRAEFIK_IMAGE}",
        r"RUN printf '#!/bin/sh\necho Version: 3.6.15\n' > $(command -v traefik)",
    )
    made_of("\n".join(lines))
    try:
        said = gateway.cli.run("gateway", "up", "--replace", "--image", POOR, code=1)
        assert f"{POOR} has Traefik 3.6.15; the gateway takes 3.7 or newer" in said
        assert gateway.cli.json("gateway", "status")["gateway"]["settings"]["image"] == TRAEFIK_IMAGE
    finally:
        docker("rmi", POOR)


def test_a_gateway_that_runs_without_them_says_that_and_is_replaced(gateway: Gateway, poor: str) -> None:
    project = GatewayProject(DockerCli(), gateway.name)
    settings = project.settings()
    assert settings
    project.apply(dataclasses.replace(settings, image=poor))  # an older hitless did this, without a check
    try:
        said = gateway.cli.run("-p", "nobody", "down", code=1)
        assert "flock can't take the lock" in said
        assert "hitless gateway up --replace" in said
        assert "unlock" not in said
    finally:
        gateway.cli.run("gateway", "up", "--replace", "--image", "default")
