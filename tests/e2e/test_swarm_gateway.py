"""The gateway on the edges of a Swarm: it comes, stays and goes as that of one host."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from hitless.adapters.gateway.programs import gateway_image
from hitless.domain.gateway.model import edge_network
from tests.e2e.conftest import wait_for
from tests.e2e.swarm import EDGES, MANAGER, Swarm

pytestmark = pytest.mark.more
SERVICE = "traefik_traefik"


@pytest.fixture
def edges(swarm: Swarm) -> Iterator[Swarm]:
    """The Swarm with two edges, which are none afterwards; no gateway before and after."""
    try:
        for edge in EDGES:
            swarm.cli.run("nodes", "add", edge, "--context", edge, "--edge")
        yield swarm
    finally:
        if swarm.cli.json("gateway", "status")["gateway"]["settings"]:
            swarm.cli.run("gateway", "down", "--volumes", "--force")
        for edge in EDGES:
            swarm.cli.run("nodes", "remove", edge)


def tasks(swarm: Swarm) -> set[str]:
    """The ids of the gateway's tasks that should run."""
    return set(
        swarm.docker(MANAGER, "service", "ps", "-q", "--filter", "desired-state=running", SERVICE).split()
    )


def in_gateway(swarm: Swarm, edge: str, *command: str) -> str:
    """What a command writes in the gateway's container of a node, as hitless runs one there."""
    mark = f"label=com.docker.swarm.service.name={SERVICE}"
    container = swarm.docker(edge, "ps", "-q", "--filter", mark)
    return swarm.docker(edge, "exec", "-u", "0:65532", container, *command)


def test_without_an_edge_it_says_how_a_node_becomes_one(swarm: Swarm) -> None:
    assert "hitless nodes add" in swarm.cli.run("gateway", "up", code=1)


def test_a_context_of_another_node_is_no_way_to_a_node(swarm: Swarm) -> None:
    said = swarm.cli.run("nodes", "add", "n2", "--context", "n3", code=1)
    assert "reaches the node n3, not the node n2" in said
    assert "has no node n9" in swarm.cli.run("nodes", "add", "n9", "--context", "n3", code=1)
    there = swarm.cli.json("nodes", "list")["nodes"]
    assert [(one["name"], one["context"], one["is_edge"]) for one in there] == [
        (name, "", False) for name in ("n1", "n2", "n3")
    ]


@pytest.mark.long
def test_it_answers_on_every_edge_and_nothing_is_left_of_it(edges: Swarm) -> None:
    swarm = edges
    # hitless brings what the gateway runs: neither edge has it
    assert not any(swarm.docker(edge, "image", "ls", "-q", gateway_image()) for edge in EDGES)
    assert "is up: http://" in swarm.cli.run("gateway", "up")
    assert [swarm.status(edge) for edge in EDGES] == [404, 404]

    before = tasks(swarm)
    assert len(before) == len(EDGES)
    assert "nothing changed" in swarm.cli.run("gateway", "up")
    assert tasks(swarm) == before

    shown = swarm.cli.run("gateway", "status")
    assert all(f"on {edge}" in shown for edge in EDGES)
    found = swarm.cli.json("gateway", "status")["gateway"]["edges"]
    assert [(one["node"], one["answers"]) for one in found] == [(edge, True) for edge in EDGES]

    swarm.cli.run("gateway", "down", "--volumes")
    assert [swarm.status(edge) for edge in EDGES] == [0, 0]
    assert swarm.docker(MANAGER, "service", "ls", "-q") == ""
    assert edge_network("traefik") not in swarm.docker(MANAGER, "network", "ls", "--format", "{{.Name}}")
    for edge in EDGES:
        assert swarm.docker(edge, "ps", "-aq") == ""
        assert swarm.docker(edge, "volume", "ls", "-q").split() in ([], ["hitless-traefik"])


@pytest.mark.long
def test_hitless_can_do_on_an_edge_what_it_does_on_one_host(edges: Swarm) -> None:
    swarm = edges
    swarm.cli.run("gateway", "up", "--https-port", "443")
    for edge in EDGES:
        # the files on the disk, those in memory, the kernel's rules, and the certificate of its own
        in_gateway(swarm, edge, "sh", "-c", "touch /etc/hitless/routes/.try && rm /etc/hitless/routes/.try")
        move = "cd /run/hitless && touch next/x && mv next/x routes/x && rm routes/x"
        in_gateway(swarm, edge, "sh", "-c", move)
        in_gateway(swarm, edge, "nft", "list", "ruleset")
        chain = "chain c { type nat hook prerouting priority dstnat; tcp dport 1 redirect to :2; }"
        rule = f"echo 'table inet try {{ {chain}; }}' | nft -f - && nft delete table inet try"
        in_gateway(swarm, edge, "sh", "-c", rule)
        assert ".certificate.yml" in in_gateway(swarm, edge, "ls", "-A", "/etc/hitless/routes")


@pytest.mark.long
def test_a_gateway_that_ends_comes_back_and_another_port_is_a_restart(edges: Swarm) -> None:
    swarm = edges
    swarm.cli.run("gateway", "up")
    first = EDGES[0]
    mark = f"label=com.docker.swarm.service.name={SERVICE}"
    swarm.docker(first, "kill", swarm.docker(first, "ps", "-q", "--filter", mark))
    wait_for(lambda: swarm.status(first) == 404)

    swarm.cli.run("gateway", "up", "--https-port", "443", code=1)
    # a second Traefik beside the first one would be on one edge alone
    assert "replaced whole" in swarm.cli.run("gateway", "up", "--access-log", code=1)
    swarm.cli.run("gateway", "up", "--https-port", "443", "--replace")
    assert [swarm.status(edge) for edge in EDGES] == [404, 404]
    label = swarm.docker(MANAGER, "service", "inspect", "-f", "{{json .Spec.Labels}}", SERVICE)
    assert json.loads(json.loads(label)["hitless.gateway.settings"])["https_port"] == 443


@pytest.mark.long
def test_a_further_edge_has_what_the_others_have_before_visitors_reach_it(edges: Swarm) -> None:
    swarm, (first, last) = edges, EDGES
    swarm.cli.run("nodes", "remove", last)
    swarm.cli.run("gateway", "up", "--https-port", "443")
    assert [swarm.status(edge) for edge in EDGES] == [404, 0]
    kept = ("sh", "-c", "cd / && find etc/hitless/routes var/lib/hitless -type f | sort | xargs md5sum")

    in_gateway(
        swarm, first, "sh", "-c", "mkdir -p /var/lib/hitless/shop && echo 1 > /var/lib/hitless/shop/try"
    )
    swarm.cli.run("nodes", "add", last, "--context", last, "--edge")
    wait_for(lambda: swarm.status(last) == 404)
    assert in_gateway(swarm, last, *kept) == in_gateway(swarm, first, *kept) != ""
    assert "nothing changed" in swarm.cli.run("gateway", "up", "--https-port", "443")


def test_what_a_swarm_can_t_have_is_refused_before_anything_is_made(edges: Swarm) -> None:
    said = edges.cli.run("gateway", "up", "--bind", "127.0.0.1", code=1)
    assert "on one address alone (127.0.0.1)" in said
    assert edges.docker(MANAGER, "service", "ls", "-q") == ""
