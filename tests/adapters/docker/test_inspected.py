"""What Docker says about containers and images, decoded."""

from __future__ import annotations

from typing import Any

import pytest

from hitless.adapters.docker import inspected
from hitless.domain.common.names import Colour
from hitless.domain.host.world import Container
from hitless.domain.release.model import Image
from tests.adapters.fake_docker import recorded

HEALTHY = "5ea5b42aa90996be4cc7fd1773b8fd9a4bb0d8ccaa9631d7b922b75c34c15b83"


def test_a_running_container_with_its_health_and_its_address_on_the_gateways_network() -> None:
    [found] = recorded("container_running_healthy")

    assert inspected.container(found) == Container(
        id=HEALTHY,
        name="rec-green-app-1",
        gateway="",  # recorded before hitless labelled containers with it
        application="rec",
        service="app",
        colour=Colour.GREEN,
        release=2,
        state="running",
        health="healthy",
        restarts=0,
        exit_code=0,
        addresses=("172.26.0.4", "172.30.0.4"),
        number=1,
    )


def test_a_container_tells_its_gateway() -> None:
    [found] = recorded("container_running_healthy")
    found["Config"]["Labels"]["hitless.gateway"] = "traefik"

    assert inspected.container(found).gateway == "traefik"


def test_a_container_has_addresses_of_both_families_on_each_of_its_networks() -> None:
    [found] = recorded("container_running_healthy")
    found["NetworkSettings"]["Networks"] = {
        "a": {"IPAddress": "10.0.0.2", "GlobalIPv6Address": "fd00::2"},
        "b": {"IPAddress": "", "GlobalIPv6Address": "2001:db8::3"},
        "none": None,
    }

    assert inspected.container(found).addresses == ("10.0.0.2", "fd00::2", "2001:db8::3")


def test_a_container_that_has_exited_tells_its_code() -> None:
    [found] = recorded("container_exited")

    container = inspected.container(found)

    assert (container.state, container.exit_code, container.restarts) == ("exited", 3, 0)
    assert (container.health, container.addresses, container.is_running) == ("", (), False)


def test_a_container_between_two_starts_is_not_running() -> None:
    [found] = recorded("container_restarting")
    assert found["State"]["Running"]  # so the engine says

    container = inspected.container(found)

    assert (container.state, container.exit_code, container.restarts) == ("restarting", 7, 12)
    assert not container.is_running


def test_an_images_exposed_port() -> None:
    [found] = recorded("image")

    assert inspected.image(found) == Image(found["Id"], (8000,), healthcheck=False)


@pytest.mark.parametrize(
    ("config", "ports", "healthcheck"),
    [
        ({"ExposedPorts": {"9000/tcp": {}, "53/udp": {}, "80/tcp": {}}}, (80, 9000), False),
        ({"ExposedPorts": None, "Healthcheck": None}, (), False),
        ({"Healthcheck": {"Test": ["CMD", "true"]}}, (), True),
        ({"Healthcheck": {"Test": ["NONE"]}}, (), False),
        ({"Healthcheck": {"Interval": 1000000000}}, (), False),
        (None, (), False),
    ],
)
def test_what_counts_of_an_images_configuration(
    config: dict[str, Any] | None, ports: tuple[int, ...], healthcheck: bool
) -> None:
    found = {**recorded("image")[0], "Config": config}

    seen = inspected.image(found)

    assert (seen.id, seen.ports, seen.healthcheck) == (found["Id"], ports, healthcheck)


@pytest.mark.parametrize(
    ("volumes", "paths"), [({"/var/lib/data": {}, "/cache": {}}, ("/cache", "/var/lib/data")), (None, ())]
)
def test_an_images_own_volumes(volumes: dict[str, Any] | None, paths: tuple[str, ...]) -> None:
    found = {**recorded("image")[0], "Config": {"Volumes": volumes}}

    assert inspected.image(found).volumes == paths


@pytest.mark.parametrize(
    ("labels", "is_labelled", "is_ours"),
    [
        ({"traefik.enable": "false", "traefik.http.routers.web.rule": "x"}, False, False),
        ({"hitless.gateway": "traefik"}, False, True),
        (None, False, False),
    ],
)
def test_a_neighbour_that_no_traefik_routes_to(
    labels: dict[str, str] | None, is_labelled: bool, is_ours: bool
) -> None:
    [found] = recorded("container_running_healthy")
    found["Config"]["Labels"] = labels
    neighbour = inspected.neighbour(found)
    assert (neighbour.is_labelled, neighbour.is_ours) == (is_labelled, is_ours)
