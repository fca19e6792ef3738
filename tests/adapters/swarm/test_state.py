"""The state in every gateway of a Swarm."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from hitless.adapters.docker.cli import DockerCli
from hitless.adapters.gateway.shell import GatewayShell
from hitless.adapters.gateway.state import GatewayState
from hitless.adapters.swarm import state as swarm_state
from hitless.adapters.swarm.edges import Edge, Edges
from hitless.adapters.swarm.nodes import Node
from hitless.adapters.swarm.state import HeldEverywhere, SwarmState
from hitless.domain.common.errors import GatewayDown, HitlessError, Locked
from tests.adapters.fake_docker import FakeDocker
from tests.adapters.gateway.states import RELEASE, SHOP

NODES = ("a", "b")


@pytest.fixture
def edges(docker: FakeDocker) -> Iterator[Edges]:
    """Two gateways that run the real scripts, each in a directory of its own."""
    docker.answers("exec", way="shell")
    manager = DockerCli()
    found = Edges(manager, "edge")
    for name in NODES:
        routes(docker, name).mkdir(parents=True)
        node = Node(name, name, "", False, True, True, True, name, manager)
        found._known[name] = Edge(node, name, "", GatewayShell(node.cli(), "edge", container=name))
    yield found
    for edge in found.all:
        edge.shell.close()


@pytest.fixture
def state(edges: Edges) -> SwarmState:
    return SwarmState(edges)


def routes(docker: FakeDocker, node: str) -> Path:
    return docker.root_of(node) / "etc/hitless/routes"


def alone_on(edges: Edges, node: str) -> GatewayState:
    """What another machine sees that works on this gateway only."""
    return GatewayState(GatewayShell(DockerCli(node), "edge", container=node))


@dataclass
class Lock:
    held: bool = True
    lines: list[str] = field(default_factory=list)

    def write(self, line: str) -> None:
        self.lines.append(line)

    def is_held(self) -> bool:
        return self.held


def test_a_lock_is_lost_where_one_gateway_has_lost_it() -> None:
    first, second = Lock(), Lock()
    lock = HeldEverywhere((first, second))
    assert lock.is_held()
    second.held = False
    assert not lock.is_held()


def test_each_gateway_has_the_whole_journal() -> None:
    first, second = Lock(), Lock()
    HeldEverywhere((first, second)).write("began")
    assert (first.lines, second.lines) == (["began"], ["began"])


def test_locks_are_free_at_once_after_work_in_every_gateway(state: SwarmState) -> None:
    with state.lock("shop", "alice", 0, print):
        state.record("shop", RELEASE)
        ended = time.monotonic()
    assert time.monotonic() - ended < 5  # a lock that a shell still has is waited for twice as long

    with state.lock("shop", "bob", 0, print):
        pass


def test_locks_are_taken_in_the_order_of_the_nodes(docker: FakeDocker, state: SwarmState) -> None:
    with state.lock("shop", "alice", 0, print):
        pass
    assert [argv[1] for argv in docker.argvs if "lock" in argv] == ["a", "b"]


@pytest.mark.parametrize("node", NODES)
def test_what_another_holds_in_one_gateway_leaves_the_others_free(
    state: SwarmState, edges: Edges, node: str
) -> None:
    with alone_on(edges, node).lock("shop", "bob", 0, print):
        with pytest.raises(Locked, match="bob"), state.lock("shop", "alice", 0, print):
            pytest.fail("there were two holders")
        [other] = {*NODES} - {node}
        with alone_on(edges, other).lock("shop", "carol", 0, print):
            pass
    assert [edge.shell.claims for edge in edges.all] == [{}, {}]


def test_gateways_that_differ_in_routes_are_named(
    docker: FakeDocker, state: SwarmState, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(swarm_state, "_PAUSE", 0)
    (routes(docker, "b") / "shop.yml").write_text(SHOP)
    with pytest.raises(HitlessError, match="on a and b have different routes") as raised:
        state.read("shop")
    assert "hitless nodes remove b" in raised.value.hint


def test_gateways_that_differ_in_releases_are_named(
    state: SwarmState, edges: Edges, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(swarm_state, "_PAUSE", 0)
    of_one = GatewayState(edges.all[0].shell)
    with of_one.lock("shop", "alice", 0, print):
        of_one.record("shop", RELEASE)
    with pytest.raises(HitlessError, match="on a and b have different releases"):
        state.read("shop")


def test_a_switch_that_is_just_under_way_is_no_difference(
    docker: FakeDocker, state: SwarmState, monkeypatch: pytest.MonkeyPatch
) -> None:
    (routes(docker, "a") / "shop.yml").write_text(SHOP)

    def meanwhile(_: float) -> None:
        (routes(docker, "b") / "shop.yml").write_text(SHOP)

    monkeypatch.setattr(time, "sleep", meanwhile)
    assert [*state.read(None).routings] == ["shop"]


def test_who_works_in_the_second_gateway_alone_is_seen(state: SwarmState, edges: Edges) -> None:
    with alone_on(edges, "b").lock("shop", "bob", 0, print):
        found = state.read("shop").holder
    assert found
    assert found.name == "bob"


def test_what_each_gateway_restored_is_told_once(docker: FakeDocker, state: SwarmState, edges: Edges) -> None:
    for edge in edges.all:
        name = edge.node.name
        copies = routes(docker, name) / ".copy"
        copies.mkdir()
        (routes(docker, name) / ".next").mkdir()
        for application in ("shop", name):
            (copies / application).write_text(SHOP)
    assert sorted(state.heal()) == ["a.yml", "b.yml", "shop.yml"]


def test_without_an_edge_there_is_no_gateway(docker: FakeDocker) -> None:
    docker.answers("node", "ls", stdout="")
    with pytest.raises(GatewayDown):
        SwarmState(Edges(DockerCli(), "edge")).read("shop")
