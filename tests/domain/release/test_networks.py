"""Networks of hitless's own and the addresses that they get."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hitless.domain.common.names import Colour
from hitless.domain.release import compose_models, compose_networks, networks
from hitless.domain.release.networks import POOLS, Network
from tests.domain.builders import GATEWAY, SHOP, examples, prepared, release, web

ONE = Network("shop-blue_default", {}, 3, "10.213.0.0/16")


@pytest.mark.parametrize(
    ("containers", "prefix"), [(0, 26), (1, 26), (15, 26), (16, 24), (63, 24), (64, 22), (5000, 20)]
)
def test_a_block_has_room_for_four_times_as_many_containers(containers: int, prefix: int) -> None:
    assert networks.prefix(containers) == prefix


def test_a_network_asks_for_the_same_block_each_time() -> None:
    assert networks.first_choice(ONE) == networks.first_choice(replace(ONE, labels={"a": "b"}))
    assert networks.first_choice(ONE) != networks.first_choice(replace(ONE, name="shop-green_default"))


def test_without_a_pool_it_is_the_first_of_hitlesss_own() -> None:
    assert networks.first_choice(replace(ONE, pool="")).subnet_of(IPv4Network(POOLS[0]))


blocks = st.tuples(st.integers(0, 255), st.integers(0, 255), st.sampled_from([16, 20, 24, 26, 30])).map(
    lambda found: str(IPv4Network((f"10.{found[0] % 3 + 212}.{found[1]}.0", found[2]), strict=False))
)


@examples(50)
@given(taken=st.lists(blocks, max_size=40), size=st.integers(1, 900), name=st.text("ab", max_size=3))
def test_what_is_free_lies_in_the_pool_and_overlaps_with_nothing(
    taken: list[str], size: int, name: str
) -> None:
    wanted = replace(ONE, containers=size, name=name)
    found = networks.free(wanted, [*taken, "fd00::/64"])
    if found is None:
        # not one block of this size is left
        whole = IPv4Network(wanted.pool)
        for block in whole.subnets(new_prefix=networks.prefix(size)):
            assert any(block.overlaps(IPv4Network(one)) for one in taken)
        return
    assert found.subnet_of(IPv4Network(wanted.pool))
    assert not any(found.overlaps(IPv4Network(one)) for one in taken)
    assert found.prefixlen == networks.prefix(size)


def test_a_pool_that_is_full_has_nothing_free() -> None:
    tiny = replace(ONE, pool="10.213.0.0/25")
    assert networks.free(tiny, ["10.213.0.0/26"]) == IPv4Network("10.213.0.64/26")
    assert networks.free(tiny, ["10.213.0.0/26", "10.213.0.96/28"]) is None
    assert networks.are_free([tiny, replace(tiny, name="another")], ["192.168.0.0/20"])
    assert not networks.are_free([tiny, replace(tiny, name="another")], ["10.213.0.0/26"])


def test_the_pool_is_one_that_overlaps_with_no_route_and_no_network() -> None:
    assert networks.pool(["192.168.0.0/20"]) == POOLS[0]
    assert networks.pool(["10.213.9.0/24"]) == POOLS[1]
    assert networks.pool(["10.0.0.0/8"]) == "198.18.0.0/16"
    assert networks.pool(["0.0.0.0/1", "128.0.0.0/1"]) == ""


TABLE = """\
Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT
eth0\t00000000\t010111AC\t0003\t0\t0\t0\t00000000\t0\t0\t0
tun0\t0000D50A\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0
docker0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0
"""


def test_a_hosts_routes_are_read_from_the_kernels_table() -> None:
    assert networks.routes(TABLE) == ("10.213.0.0/16", "172.17.0.0/16")
    assert networks.pool(networks.routes(TABLE)) == POOLS[1]
    assert networks.routes("") == ()


def test_the_way_to_the_gateway_is_a_network_of_the_application_alone() -> None:
    shop = prepared({"app": web(deploy={"replicas": 2}), "worker": {"image": "shop:1"}})
    model = compose_models.colour_model(shop, release(1), Colour.BLUE, GATEWAY)
    own, between = compose_networks.colour_networks(model, shop, GATEWAY)
    assert own.name == "shop-blue_default"
    assert own.labels == {
        "com.docker.compose.project": "shop-blue",
        "com.docker.compose.network": "default",
        "hitless.application": SHOP,
    }
    assert (own.containers, own.joined) == (3, "")
    # it sorts after the gateway's own: the engine would move the gateway's default route to one before it
    assert between.name == "traefik_webgateway.shop" > GATEWAY.network
    assert between.labels == {
        "com.docker.compose.network": "hitless-gateway",
        "hitless.application": SHOP,
        "hitless.gateway": "traefik",
    }
    assert (between.containers, between.joined) == (4, GATEWAY.container)
    assert between.settings == {"internal": True}


@pytest.mark.parametrize(
    ("definition", "leaves"),
    [
        ({}, True),
        ({"driver": "bridge", "ipam": {}, "internal": True}, True),
        ({"driver": "overlay"}, False),
        ({"ipam": {"config": [{"subnet": "10.0.0.0/24"}]}}, False),
        ({"ipam": {"driver": "custom"}}, False),
    ],
)
def test_what_a_file_says_of_addresses_is_left_to_it(definition: dict[str, object], leaves: bool) -> None:
    assert networks.leaves_addresses(definition) is leaves
