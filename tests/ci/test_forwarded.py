"""A Docker host whose socket SSH has brought to this machine."""

from __future__ import annotations

import pytest

from hitless import wiring
from hitless.adapters.docker.cli import DockerCli
from hitless.adapters.load.load import published
from hitless.domain.common.errors import HitlessError
from hitless.domain.gateway.settings import GatewaySettings


@pytest.fixture(autouse=True)
def forwarded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///tmp/job/d")
    monkeypatch.setenv("HITLESS_HOST_NAME", "shop.example")


def test_addresses_have_the_name_that_the_environment_gives() -> None:
    assert wiring.host(None, "traefik").name() == "shop.example"


def test_a_context_says_its_own_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "ssh://deploy@other.example")
    assert wiring.host(None, "traefik").name() == "other.example"


def test_no_load_is_sent_to_this_machine_in_place_of_the_host() -> None:
    with pytest.raises(HitlessError, match="the Docker host is another machine"):
        published(DockerCli(), GatewaySettings())
