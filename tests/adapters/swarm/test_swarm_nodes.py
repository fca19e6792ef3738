from __future__ import annotations

import json
from typing import Any

import pytest

from hitless.adapters.docker.cli import DockerCli
from hitless.adapters.swarm.nodes import SwarmNodes
from hitless.domain.common.errors import HitlessError
from tests.adapters.fake_docker import FakeDocker


def node(name: str, **labels: str) -> dict[str, Any]:
    return {
        "ID": f"id-{name}",
        "Spec": {"Role": "worker", "Availability": "active", "Labels": labels},
        "Description": {"Hostname": name},
        "Status": {"State": "ready", "Addr": "10.0.0.2"},
    }


@pytest.fixture
def nodes(docker: FakeDocker) -> SwarmNodes:
    """Those of a Swarm of two nodes; every context reaches the first of them."""
    docker.answers("info", "--format", "{{.Swarm.ControlAvailable}}", stdout="true\n")
    docker.answers("info", "--format", "{{.Swarm.NodeID}}", stdout="id-a\n")
    docker.answers("node", "ls", stdout="id-b\nid-a\n")
    there = [node("b"), node("a", **{"hitless.context": "old", "hitless.edge": "1", "more": "x"})]
    docker.answers("node", "inspect", stdout=json.dumps(there))
    docker.answers("node", "inspect", "--format", stdout=json.dumps(there[1]["Spec"]["Labels"]))
    return SwarmNodes(DockerCli())


def updates(docker: FakeDocker) -> list[list[str]]:
    return [list(call.argv[2:]) for call in docker.calls if call.argv[:2] == ("node", "update")]


def test_nodes_are_told_by_name_with_what_is_noted_about_them(nodes: SwarmNodes) -> None:
    assert [(one.name, one.context, one.is_edge) for one in nodes.nodes()] == [
        ("a", "old", True),
        ("b", "", False),
    ]


@pytest.mark.parametrize("is_edge", [True, None])
def test_an_edge_stays_one_unless_somebody_says_no(
    docker: FakeDocker, nodes: SwarmNodes, is_edge: bool | None
) -> None:
    nodes.add("a", "new", is_edge)
    assert updates(docker) == [
        ["--label-add", "hitless.context=new", "--label-add", "hitless.edge=1", "id-a"]
    ]


def test_an_edge_that_is_one_no_more(docker: FakeDocker, nodes: SwarmNodes) -> None:
    nodes.add("a", "new", False)
    assert updates(docker) == [["--label-add", "hitless.context=new", "--label-rm", "hitless.edge", "id-a"]]


def test_a_node_that_is_removed_keeps_the_labels_of_others(docker: FakeDocker, nodes: SwarmNodes) -> None:
    nodes.remove("a")
    assert updates(docker) == [["--label-rm", "hitless.context", "--label-rm", "hitless.edge", "id-a"]]


def test_a_node_without_our_labels_has_nothing_to_remove(docker: FakeDocker, nodes: SwarmNodes) -> None:
    docker.answers("node", "inspect", "--format", stdout="null\n")
    nodes.remove("b")
    assert updates(docker) == []


def test_a_node_that_the_swarm_lacks(docker: FakeDocker, nodes: SwarmNodes) -> None:
    with pytest.raises(HitlessError, match="has no node c") as refused:
        nodes.add("c", "new", None)
    assert "it has a, b" in refused.value.hint
    assert updates(docker) == []


def test_a_context_that_reaches_another_node(docker: FakeDocker, nodes: SwarmNodes) -> None:
    with pytest.raises(HitlessError, match="the context new reaches the node a, not the node b"):
        nodes.add("b", "new", True)
    assert updates(docker) == []


def test_a_context_that_reaches_an_engine_elsewhere(docker: FakeDocker, nodes: SwarmNodes) -> None:
    docker.answers("info", "--format", "{{.Swarm.NodeID}}", stdout="\n")
    with pytest.raises(HitlessError, match="an engine that is not in this Swarm, not the node b"):
        nodes.add("b", "new", True)


def test_an_engine_that_is_no_manager(docker: FakeDocker, nodes: SwarmNodes) -> None:
    docker.answers("info", "--format", "{{.Swarm.ControlAvailable}}", stdout="false\n")
    for action in (nodes.nodes, lambda: nodes.add("a", "new", None), lambda: nodes.remove("a")):
        with pytest.raises(HitlessError, match="is no manager of a Swarm"):
            action()
