"""Networks that reach over the nodes of a Swarm."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from hitless.adapters.docker.cli import DockerCli
from hitless.adapters.swarm.networks import SwarmNetworks
from hitless.domain.common.errors import HitlessError
from hitless.domain.common.names import Colour
from hitless.domain.release.networks import Network
from tests.adapters.fake_docker import FakeDocker
from tests.adapters.swarm.test_tasks import service

LABELS = {"hitless.application": "shop", "com.docker.compose.project": "shop-green"}
OWN = Network("shop-green_default", LABELS, 4, "")
WAY = Network("zzz-edge-edge", {"hitless.application": "shop"}, 4, "", joined="edge-traefik-1")


@pytest.fixture
def own() -> SwarmNetworks:
    return SwarmNetworks(DockerCli(), "edge")


def changes(docker: FakeDocker) -> list[tuple[str, ...]]:
    return [argv for argv in docker.argvs if argv[1:2] in (("create",), ("update",), ("connect",))]


def services(docker: FakeDocker, *found: dict[str, Any]) -> None:
    docker.answers("service", "ls", stdout="".join(f"{one['ID']}\n" for one in found))
    docker.answers("inspect", "--type", "service", stdout=json.dumps(found))


def test_a_network_that_is_missing_reaches_over_all_nodes(docker: FakeDocker, own: SwarmNetworks) -> None:
    own.create((OWN,))
    assert changes(docker) == [
        (
            *("network", "create", "--driver", "overlay", "--attachable"),
            *("--label", "hitless.application=shop", "--label", "com.docker.compose.project=shop-green"),
            "shop-green_default",
        )
    ]


def test_a_network_that_leads_nowhere_else_leads_nowhere_else_on_a_swarm(
    docker: FakeDocker, own: SwarmNetworks
) -> None:
    own.create((replace(OWN, settings={"internal": True, "driver_opts": {"encrypted": "$$1"}}),))
    [words] = changes(docker)
    assert "--internal" in words
    assert words[words.index("--opt") + 1] == "encrypted=$1"


def test_a_network_that_is_there_is_left(docker: FakeDocker, own: SwarmNetworks) -> None:
    docker.answers("network", "ls", stdout="shop-green_default\tshop\tshop-green\n")
    own.create((OWN,))
    assert changes(docker) == []


@pytest.mark.parametrize("labels", ["blog\tblog-green", "\tshop-green", "\t"])
def test_a_network_of_somebody_else_is_refused(docker: FakeDocker, own: SwarmNetworks, labels: str) -> None:
    docker.answers("network", "ls", stdout=f"shop-green_default\t{labels}\n")
    with pytest.raises(HitlessError, match="shop-green_default that hitless did not make") as raised:
        own.create((OWN,))
    assert "docker network rm" in raised.value.hint
    assert changes(docker) == []


def test_the_network_of_the_gateway_is_never_created(docker: FakeDocker, own: SwarmNetworks) -> None:
    own.create((WAY,))
    assert changes(docker) == []


def test_a_service_joins_a_network_that_it_is_not_on_yet(docker: FakeDocker, own: SwarmNetworks) -> None:
    docker.answers("network", "inspect", stdout='[{"Id": "n9"}]')
    elsewhere, there, other = service(), service(), service()
    there["ID"], there["Spec"]["TaskTemplate"]["Networks"] = "s2", [{"Target": "n1"}, {"Target": "n9"}]
    other["ID"], other["Spec"]["TaskTemplate"]["Networks"] = "s3", None
    services(docker, elsewhere, there, other)
    own.connect("zzz-edge-edge", ("s1.1", "s1.2", "s2.1"))
    assert changes(docker) == [("service", "update", "--detach", "--network-add", "zzz-edge-edge", "s1")]


def test_a_network_that_is_gone_is_an_error_before_a_service_changes(
    docker: FakeDocker, own: SwarmNetworks
) -> None:
    gone = "Error response from daemon: network zzz-edge-edge not found\n"
    docker.answers("network", "inspect", stdout="[]", stderr=gone, exit_code=1)
    with pytest.raises(HitlessError, match="no network zzz-edge-edge") as raised:
        own.connect("zzz-edge-edge", ("s1.1",))
    assert raised.value.hint == "is the gateway up?"
    assert changes(docker) == []


def test_the_colours_that_have_networks_are_told(docker: FakeDocker, own: SwarmNetworks) -> None:
    docker.answers(
        "network", "ls", stdout="shop-green_default\tshop-green\tshop\nblog_default\tblog-blue\tblog\n"
    )
    found = own.networked("shop")
    assert (found.colours, found.has_way) == (frozenset({Colour.GREEN}), False)
    assert found.names == {"shop-green_default", "blog_default"}
    assert own.ranges() == {}


def test_shared_services_are_refused(own: SwarmNetworks) -> None:
    own.connect_shared((), {})
    own.detach("shop", Colour.GREEN)
    with pytest.raises(HitlessError, match="shared services"):
        own.connect_shared((OWN,), {})
    with pytest.raises(HitlessError, match="shared services"):
        own.attach("shop", OWN, ("db",), {})
