"""The gateway's tasks on the edge nodes of a Swarm."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hitless.adapters.docker.cli import DockerCli
from hitless.adapters.swarm.edges import Edges
from hitless.domain.common.errors import HitlessError
from tests.adapters.fake_docker import FakeDocker

TIME = "2026-11-28T10:00:00Z"


def node(name: str, *, is_edge: bool = True, state: str = "ready", context: str | None = None) -> Any:
    labels = {"hitless.context": name if context is None else context, "hitless.edge": "1" if is_edge else ""}
    return {
        "ID": f"id-{name}",
        "Spec": {"Role": "worker", "Availability": "active", "Labels": labels},
        "Description": {"Hostname": name},
        "Status": {"State": state, "Addr": "10.0.0.2"},
    }


def task(name: str, container: str, state: str = "running") -> Any:
    return {
        "ID": f"task-{container}",
        "ServiceID": "g1",
        "NodeID": f"id-{name}",
        "Status": {"State": state, "Timestamp": TIME, "ContainerStatus": {"ContainerID": container}},
    }


def swarm(docker: FakeDocker, nodes: list[Any], tasks: list[Any]) -> None:
    labels = {"hitless.gateway": "edge", "hitless.gateway.settings": "{}"}
    docker.answers("node", "ls", stdout="".join(f"{one['ID']}\n" for one in nodes))
    docker.answers("node", "inspect", stdout=json.dumps(nodes))
    docker.answers("service", "ls", stdout="g1\n")
    service = {"ID": "g1", "Spec": {"Name": "edge_traefik", "Labels": labels}}
    docker.answers("inspect", "--type", "service", stdout=json.dumps([service]))
    docker.answers("service", "ps", stdout="".join(f"{one['ID']}\n" for one in tasks))
    docker.answers("inspect", "--type", "task", stdout=json.dumps(tasks))


@pytest.fixture
def edges(docker: FakeDocker) -> Edges:
    """Two edges, and a node that is none."""
    nodes = [node("b"), node("a"), node("m", is_edge=False)]
    swarm(docker, nodes, [task("b", "c2"), task("a", "c1")])
    return Edges(DockerCli(), "edge")


def test_each_edge_has_the_container_that_runs_on_it_in_the_order_of_names(edges: Edges) -> None:
    found = [(one.node.name, one.container, one.since, one.shell.cli.context) for one in edges.look()]
    assert found == [("a", "c1", TIME, "a"), ("b", "c2", TIME, "b")]


def test_an_edge_whose_task_does_not_run_is_named(docker: FakeDocker, edges: Edges) -> None:
    swarm(docker, [node("a"), node("b")], [task("a", "c1"), task("b", "c2", "preparing")])
    with pytest.raises(HitlessError, match=r"edge does not run on b$") as raised:
        edges.look()
    assert "docker service ps edge_traefik" in raised.value.hint


def test_an_edge_that_is_down_is_named_though_its_task_seems_to_run(docker: FakeDocker, edges: Edges) -> None:
    swarm(docker, [node("a", state="down"), node("b")], [task("a", "c1"), task("b", "c2")])
    with pytest.raises(HitlessError, match=r"edge does not run on a$"):
        edges.look()


def test_where_there_is_no_gateway_every_edge_is_named(docker: FakeDocker, edges: Edges) -> None:
    docker.answers("service", "ls", stdout="")
    with pytest.raises(HitlessError, match=r"edge does not run on a, b$"):
        edges.look()
    assert edges.service() is None


def test_an_edge_without_a_context_is_named(docker: FakeDocker, edges: Edges) -> None:
    swarm(docker, [node("a"), node("b", context="")], [task("a", "c1"), task("b", "c2")])
    with pytest.raises(HitlessError, match="b has no context") as raised:
        edges.look()
    assert raised.value.hint == "run: hitless nodes add b --context NAME"


def test_a_swarm_without_edges_has_none(docker: FakeDocker, edges: Edges) -> None:
    swarm(docker, [node("m", is_edge=False)], [])
    assert edges.look() == ()


def test_locks_are_still_known_after_a_second_look(edges: Edges) -> None:
    first, second = edges.look()
    first.shell.claims["shop"] = "12.34"
    again, _ = edges.look()
    assert again.shell is first.shell
    assert edges.all[0].shell.claims == {"shop": "12.34"}
    assert edges.all[1].shell is second.shell


def test_after_a_restart_the_shells_lead_to_the_container_that_runs_now(
    docker: FakeDocker, edges: Edges
) -> None:
    docker.answers("exec", way="shell")
    (docker.root / "etc/hitless/routes").mkdir(parents=True)
    docker.answers("--context", "a", "ps", stdout="c1\n")
    first, _ = edges.look()
    first.shell.run("look", "-", "1")
    first.shell.close()

    docker.answers("--context", "a", "ps", stdout="c9\n")
    swarm(docker, [node("a"), node("b")], [task("a", "c9"), task("b", "c2")])
    after, _ = edges.look()
    after.shell.run("look", "-", "1")
    after.shell.close()

    assert after.shell is first.shell
    assert after.container == "c9"
    assert [argv[6] for argv in docker.argvs if "exec" in argv] == ["c1", "c9"]


def test_a_look_that_fails_leaves_the_edges_that_were_known(docker: FakeDocker, edges: Edges) -> None:
    known = edges.look()
    swarm(docker, [node("a"), node("b")], [task("a", "c1")])
    with pytest.raises(HitlessError, match="b"):
        edges.look()
    assert edges.all == known
