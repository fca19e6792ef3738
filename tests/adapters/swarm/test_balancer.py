"""All gateways of a Swarm as one."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from hitless.adapters.docker.cli import DockerCli
from hitless.adapters.gateway.shell import GatewayShell
from hitless.adapters.gateway.traefik import Traefik
from hitless.adapters.swarm.balancer import SwarmBalancer
from hitless.adapters.swarm.edges import Edge, Edges
from hitless.adapters.swarm.nodes import Node
from hitless.domain.common.errors import DockerFailed, GatewayDown, HitlessError
from hitless.domain.common.names import Colour
from hitless.domain.gateway.model import edge_network
from hitless.domain.release.requirements import Probe
from hitless.domain.routing.split import Routing
from hitless.ports.balancer import Answer
from tests.adapters.fake_docker import FakeDocker
from tests.adapters.swarm.test_edges import node as edge_node
from tests.adapters.swarm.test_edges import swarm
from tests.adapters.swarm.test_edges import task as edge_task
from tests.domain.builders import routing

PROBES = (Probe("shop-green-web-1", 8000), Probe("shop-green-web-2", 8000))


@dataclass
class OneGateway:
    """A gateway that notes what it is told."""

    name: str
    told: list[str]
    answers: tuple[Answer, ...] = ()
    holds: bool = True
    open: int = 0
    has_room: bool = True
    seen: list[str] = field(default_factory=list)

    def stage(self, application: str, routing: Routing) -> None:
        if not self.has_room:
            raise DockerFailed("stage", 1, "no space left on device")
        self.told.append("stage")

    def unstage(self, application: str) -> None:
        self.told.append("unstage")

    def show(self, application: str) -> None:
        self.told.append("show")

    def in_force(self, *_: Any) -> bool:
        return self.holds

    def ask(self, probes: Sequence[Probe]) -> tuple[Answer, ...]:
        return self.answers

    def connections(self, addresses: Sequence[str]) -> int:
        return self.open


def balancer(*gateways: OneGateway) -> SwarmBalancer:
    manager = DockerCli()
    edges = Edges(manager, "edge")
    made = SwarmBalancer(edges)
    for one in gateways:
        node = Node(one.name, one.name, "", False, True, True, True, one.name, manager)
        edges._known[one.name] = Edge(node, one.name, "", GatewayShell(manager, "edge"))
        made._known[one.name] = cast("Traefik", one)
    return made


def test_a_generation_is_written_everywhere_before_it_is_shown_anywhere() -> None:
    told: list[str] = []
    balancer(OneGateway("n2", told), OneGateway("n3", told)).deliver("shop", routing(Colour.BLUE))
    assert told == ["stage", "stage", "show", "show"]


def test_what_one_gateway_has_no_room_for_is_shown_nowhere() -> None:
    told: list[str] = []
    both = balancer(OneGateway("n2", told), OneGateway("n3", told, has_room=False))
    with pytest.raises(HitlessError, match="no space left"):
        both.deliver("shop", routing(Colour.BLUE))
    assert "show" not in told
    assert told.count("unstage") == 2  # what one has written must not differ from what the other has


def test_a_generation_is_in_force_where_it_is_in_force_on_every_gateway() -> None:
    assert balancer(OneGateway("n2", []), OneGateway("n3", [])).in_force("shop", None)
    assert not balancer(OneGateway("n2", []), OneGateway("n3", [], holds=False)).in_force("shop", None)


def test_of_each_probe_the_worst_answer_counts() -> None:
    first = OneGateway("n2", [], answers=(Answer(200, ""), Answer(200, "")))
    second = OneGateway("n3", [], answers=(Answer(0, "no route"), Answer(503, "")))
    assert balancer(first, second).ask(PROBES) == (Answer(0, "no route"), Answer(503, ""))


def test_a_drain_counts_the_connections_of_every_gateway() -> None:
    both = balancer(OneGateway("n2", [], open=2), OneGateway("n3", [], open=1))
    assert both.connections(("10.0.1.5",)) == 3


def test_an_answer_that_a_probe_does_not_want_is_worse_than_a_higher_status_that_it_wants() -> None:
    wanted = (Probe("shop-green-web-1", 8000, status=404),)
    first = OneGateway("n2", [], answers=(Answer(404, ""),))
    second = OneGateway("n3", [], answers=(Answer(200, ""),))
    assert balancer(first, second).ask(wanted) == (Answer(200, ""),)


def test_without_a_gateway_nothing_is_in_force(docker: FakeDocker) -> None:
    docker.answers("node", "ls", stdout="")
    nobody = balancer()
    assert nobody.gateway() is None
    with pytest.raises(GatewayDown):
        nobody.in_force("shop", None)


def test_the_gateway_is_as_old_as_the_task_that_began_last(docker: FakeDocker) -> None:
    tasks = [edge_task("a", "c1"), edge_task("b", "c2")]
    tasks[0]["Status"]["Timestamp"] = "2026-11-28T12:00:00Z"
    swarm(docker, [edge_node("a"), edge_node("b")], tasks)
    found = balancer().gateway()
    assert found
    assert (found.since, found.shared_network) == ("2026-11-28T12:00:00Z", edge_network("edge"))


def test_other_gateways_of_the_swarm_are_named_once(docker: FakeDocker) -> None:
    labels = [{"hitless.gateway": name, "hitless.gateway.settings": "{}"} for name in ("z", "edge", "b", "b")]
    there = [{"ID": str(number), "Spec": {"Labels": one}} for number, one in enumerate(labels)]
    docker.answers("service", "ls", stdout="0\n1\n2\n3\n")
    docker.answers("inspect", "--type", "service", stdout=json.dumps(there))
    assert balancer().other_gateways() == ("b", "z")
