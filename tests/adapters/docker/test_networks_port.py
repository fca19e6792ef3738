"""The applications' networks on Docker's command line, and who is on them."""

from __future__ import annotations

import json

import pytest

from hitless.adapters.docker.networks import DockerNetworks
from hitless.domain.common.errors import DockerFailed
from hitless.domain.common.names import Colour
from hitless.domain.release.networks import Network, Networked
from tests.adapters.fake_docker import FakeDocker

LIVE = Network(
    "shop_live-7",
    {"com.docker.compose.project": "shop-blue", "hitless.application": "shop"},
    2,
    "10.213.0.0/16",
    {"internal": True},
)


def test_containers_are_connected_without_an_alias(docker: FakeDocker, networks: DockerNetworks) -> None:
    networks.connect("traefik_webgateway", ("shop-green-web-1", "shop-green-web-2"))

    assert sorted(docker.argvs) == [
        ("network", "connect", "traefik_webgateway", "shop-green-web-1"),
        ("network", "connect", "traefik_webgateway", "shop-green-web-2"),
    ]


def test_one_container_that_cannot_be_connected_fails_the_verb(
    docker: FakeDocker, networks: DockerNetworks
) -> None:
    docker.answers("network", "connect", "n", "b", stderr="No such container: b", exit_code=1)

    with pytest.raises(DockerFailed, match="No such container: b"):
        networks.connect("n", ("a", "b", "c"))


def test_shared_services_come_to_the_network_on_which_they_call_a_colour(
    docker: FakeDocker, networks: DockerNetworks
) -> None:
    rows = (
        "shop|proxy|d|||False|-||p1|shop-proxy-1|running|Up 1 second|nginx|",
        "shop|db|d|||False|-||d1|shop-db-1|running|Up 1 second|postgres|",
    )
    docker.answers("ps", stdout="".join(f"{row}\n" for row in rows).replace("|", "\t"))

    networks.attach("shop", LIVE, ("proxy",), {"w1": ("web", "api")})

    assert docker.argvs[-3:] == [
        (
            *("network", "create", "--label", "com.docker.compose.project=shop-blue"),
            *("--label", "hitless.application=shop", "--internal"),
            *("--subnet", "10.213.237.128/26", "shop_live-7"),
        ),
        ("network", "connect", "shop_live-7", "p1"),
        # last: from the instant in which it has a name there, it is called
        ("network", "connect", "--alias", "web", "--alias", "api", "shop_live-7", "w1"),
    ]


def test_what_is_connected_already_stays_connected(docker: FakeDocker, networks: DockerNetworks) -> None:
    row = "shop|proxy|d|||False|-||p1|shop-proxy-1|running|Up 1 second|nginx|\n"
    docker.answers("ps", stdout=row.replace("|", "\t"))
    docker.answers("network", "ls", stdout="shop_live-7\tshop\tshop-blue\n")
    said = "Error response from daemon: endpoint with name shop-proxy-1 already exists in network n2\n"
    docker.answers("network", "connect", stderr=said, exit_code=1)

    networks.attach("shop", LIVE, ("proxy",), {"shop-blue-web-1": ("web",)})

    assert [argv[:2] for argv in docker.argvs[-3:]] == [
        ("network", "ls"),
        ("network", "connect"),
        ("network", "connect"),
    ]


def test_a_shared_service_that_can_not_be_connected_is_said(
    docker: FakeDocker, networks: DockerNetworks
) -> None:
    row = "shop|proxy|d|||False|-||p1|shop-proxy-1|running|Up 1 second|nginx|\n"
    docker.answers("ps", stdout=row.replace("|", "\t"))
    docker.answers("network", "ls", stdout="n2\t\t\n")
    docker.answers("network", "connect", stderr="no room\n", exit_code=1)

    with pytest.raises(DockerFailed, match="no room"):
        networks.attach("shop", LIVE, ("proxy",), {})


def test_detached_are_all_but_the_colours_own(docker: FakeDocker, networks: DockerNetworks) -> None:
    docker.answers("network", "ls", stdout="n2\n")
    containers = {"a": {"Name": "shop-blue-web-1"}, "b": {"Name": "shop-proxy-1"}}
    docker.answers("network", "inspect", stdout=json.dumps([{"Id": "n2", "Containers": containers}]))

    networks.detach("shop", Colour.BLUE)

    assert [argv for argv in docker.argvs if argv[1] == "disconnect"] == [
        ("network", "disconnect", "--force", "n2", "b")
    ]


def test_the_colours_that_have_networks(docker: FakeDocker, networks: DockerNetworks) -> None:
    """The application's own network and the one to the gateway belong to no colour."""
    listed = "shop_default\tshop\tshop\nshop-green_default\tshop-green\tshop\nshop-blue_x\tshop-blue\t\n"
    docker.answers("network", "ls", stdout=listed)
    names = frozenset({"shop_default", "shop-green_default", "shop-blue_x"})
    assert networks.networked("shop") == Networked(frozenset({Colour.GREEN}), has_way=False, names=names)
    docker.answers("network", "ls", stdout=f"{listed}adapters-rec_webgateway.shop\t\tshop\n")
    assert networks.networked("shop").has_way
    docker.answers("network", "ls", stdout=f"{listed}edge_webgateway.shop\t\tshop\n")
    assert not networks.networked("shop").has_way
