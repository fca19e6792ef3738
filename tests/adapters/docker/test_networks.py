"""Networks on Docker's command line."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from hitless.adapters.docker.cli import DockerCli
from hitless.adapters.docker.networks import DockerNetworks
from hitless.domain.common.errors import DockerFailed, HitlessError
from hitless.domain.release import networks
from hitless.domain.release.networks import Network
from tests.adapters.fake_docker import FakeDocker

WAY = Network(
    "traefik_webgateway.shop",
    {"hitless.application": "shop", "hitless.gateway": "traefik"},
    2,
    "10.213.0.0/16",
    {"internal": True, "driver_opts": {"com.docker.network.driver.mtu": "1400", "x": "a$$b"}},
    joined="traefik-traefik-1",
)
OVERLAP = "Error response from daemon: Pool overlaps with other one on this address space\n"


@pytest.fixture
def own() -> DockerNetworks:
    return DockerNetworks(DockerCli(), "traefik")


def test_a_missing_network_gets_addresses_and_its_members(docker: FakeDocker, own: DockerNetworks) -> None:
    docker.answers("network", "ls", stdout="bridge\t\t\nothers\tother\tother-blue\n")
    own.create((WAY,))
    _, creation, connection = docker.argvs
    assert creation == (
        *("network", "create", "--label", "hitless.application=shop", "--label", "hitless.gateway=traefik"),
        *("--opt", "com.docker.network.driver.mtu=1400", "--opt", "x=a$b", "--internal"),
        *("--subnet", str(networks.first_choice(WAY)), "traefik_webgateway.shop"),
    )
    assert connection == ("network", "connect", "traefik_webgateway.shop", "traefik-traefik-1")


def test_a_network_that_is_there_stays_and_the_gateway_comes_to_it(
    docker: FakeDocker, own: DockerNetworks
) -> None:
    docker.answers("network", "ls", stdout="traefik_webgateway.shop\tshop\t\n")
    said = "Error response from daemon: endpoint with name traefik-traefik-1 already exists in network x\n"
    docker.answers("network", "connect", stderr=said, exit_code=1)
    own.create((WAY,))
    assert [argv[:2] for argv in docker.argvs] == [("network", "ls"), ("network", "connect")]


def test_a_gateway_that_has_been_seen_on_its_network_is_not_connected_again(
    docker: FakeDocker, own: DockerNetworks
) -> None:
    docker.answers("network", "ls", stdout="traefik_webgateway.shop\tshop\t\n")
    own.create((replace(WAY, is_joined=True),))
    assert [argv[:2] for argv in docker.argvs] == [("network", "ls")]


def test_one_that_was_seen_on_a_network_which_has_gone_since_is_connected_again(
    docker: FakeDocker, own: DockerNetworks
) -> None:
    """A plan first removes what a killed command has left, and the network may go with it."""
    own.create((replace(WAY, is_joined=True),))
    assert [argv[:2] for argv in docker.argvs[1:]] == [("network", "create"), ("network", "connect")]


def test_a_network_of_the_same_name_that_is_not_the_applications_is_left_alone(
    docker: FakeDocker, own: DockerNetworks
) -> None:
    docker.answers("network", "ls", stdout="traefik_webgateway.shop\t\t\n")
    with pytest.raises(HitlessError, match="did not make for shop"):
        own.create((WAY,))
    assert len(docker.argvs) == 1


@pytest.mark.parametrize(
    ("labels", "owner"), [("other\tother-blue", "other"), ("\tplain", "plain"), ("\t", ""), ("\tshop", "")]
)
def test_a_network_of_a_fixed_name_is_not_taken_from_another_application(
    docker: FakeDocker, own: DockerNetworks, labels: str, owner: str
) -> None:
    """It may be nobody's: whoever has created it by hand wants it to be used."""
    docker.answers("network", "ls", stdout=f"common\t{labels}\n")
    fixed = replace(WAY, name="common", joined="")
    if owner:
        with pytest.raises(HitlessError, match=f"the network common belongs to the application {owner}"):
            own.create((fixed,))
    else:
        own.create((fixed,))
    assert len(docker.argvs) == 1


def test_where_another_network_has_the_addresses_free_ones_are_taken(
    docker: FakeDocker, own: DockerNetworks
) -> None:
    first = networks.first_choice(WAY)
    there = [
        {"Name": "bridge", "IPAM": {"Config": [{"Subnet": "172.17.0.0/16"}]}},
        {"Name": "none", "IPAM": {"Config": None}},
        {"Name": "taken", "IPAM": {"Config": [{"Subnet": str(first)}]}},
    ]
    docker.answers("network", "inspect", stdout=json.dumps(there))
    docker.answers("network", "ls", "--quiet", stdout="1 2 3\n")
    docker.answers("network", "create", stderr=OVERLAP, exit_code=1)
    with pytest.raises(HitlessError, match=r"the pool 10\.213\.0\.0/16 has no addresses left"):
        own.create((WAY,))
    tried = [argv[argv.index("--subnet") + 1] for argv in docker.argvs if argv[:2] == ("network", "create")]
    assert tried[0] == str(first)
    # each time the one that the engine's list leaves free: another command may have taken it since
    assert set(tried[1:]) == {str(networks.free(WAY, [str(first)]))}


def test_any_other_refusal_is_told_at_once(docker: FakeDocker, own: DockerNetworks) -> None:
    docker.answers("network", "create", stderr="no such driver\n", exit_code=1)
    with pytest.raises(DockerFailed, match="no such driver"):
        own.create((replace(WAY, joined=""),))
    assert len(docker.argvs) == 2


def test_a_gateway_that_was_created_again_comes_back_to_every_application(
    docker: FakeDocker, own: DockerNetworks
) -> None:
    docker.answers("network", "ls", stdout="traefik_webgateway.a\ntraefik_webgateway.b\n")
    docker.answers("container", "inspect", stdout="traefik_webgateway traefik_webgateway.b \n")
    own.connect_gateway()
    assert "label=hitless.gateway=traefik" in docker.argvs[0]
    assert docker.argvs[2:] == [("network", "connect", "traefik_webgateway.a", "traefik-traefik-1")]


def test_the_way_to_the_gateway_goes_with_the_gateway_and_shared_services_off_it_first(
    docker: FakeDocker, own: DockerNetworks
) -> None:
    docker.answers("network", "ls", stdout="n7\n")
    docker.answers("ps", stdout="c1\n")
    own.remove_way("shop")
    listing, on_it, *rest = docker.argvs
    assert {"label=hitless.application=shop", "label=hitless.gateway=traefik"} <= set(listing)
    # those of somebody else stay, and the engine refuses to remove the network
    assert {"network=n7", "label=com.docker.compose.project=shop"} <= set(on_it)
    assert rest == [
        ("network", "disconnect", "--force", "n7", "traefik-traefik-1"),
        ("network", "disconnect", "--force", "n7", "c1"),
        ("network", "rm", "n7"),
    ]


def test_a_way_that_somebody_else_is_on_is_told(docker: FakeDocker, own: DockerNetworks) -> None:
    docker.answers("network", "ls", stdout="n7\n")
    docker.answers("network", "rm", stderr="network has active endpoints\n", exit_code=1)
    with pytest.raises(HitlessError, match=r"traefik_webgateway\.shop can't be removed") as caught:
        own.remove_way("shop")
    assert "docker network inspect traefik_webgateway.shop" in caught.value.hint


def test_a_network_that_goes_while_they_are_looked_at_is_left_out(
    docker: FakeDocker, own: DockerNetworks
) -> None:
    docker.answers("network", "ls", "--quiet", stdout="1 2\n")
    docker.answers(
        "network", "inspect", stderr="Error response from daemon: network 2 not found\n", exit_code=1
    )
    with pytest.raises(HitlessError, match="change all the time"):
        own.ranges()
    assert [argv[:2] for argv in docker.argvs[:4]] == [("network", "ls"), ("network", "inspect")] * 2
