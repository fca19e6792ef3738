"""What the networks port promises."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest

from hitless.domain.common.errors import DockerFailed
from hitless.domain.common.names import LIVE_NETWORK, Colour
from tests.contracts.conftest import Site


def test_a_colour_has_networks_from_its_creation_to_its_removal(site: Site) -> None:
    networks = site.ports.networks
    assert networks.networked(site.application).colours == frozenset()
    blue = tuple(site.created(Colour.BLUE).values())
    site.created(Colour.GREEN)
    assert networks.networked(site.application).colours == {Colour.BLUE, Colour.GREEN}
    site.ports.projects.remove(site.application, Colour.BLUE, blue, with_networks=True)
    assert networks.networked(site.application).colours == {Colour.GREEN}


def test_a_created_network_has_a_range_out_of_the_pool(site: Site) -> None:
    network = site.network()
    assert network.name not in site.ports.networks.ranges()
    site.created()
    [found] = site.ports.networks.ranges()[network.name]
    assert network.whole.supernet_of(ip_network(found))  # type: ignore[arg-type]  # IPv4, as the pool is


def test_a_container_has_an_address_on_a_network_that_it_was_connected_to(site: Site) -> None:
    way = site.network(Colour.GREEN)
    site.created(Colour.GREEN)
    ids = tuple(site.started().values())
    site.ports.networks.connect(way.name, ids)
    [found] = site.ports.containers.named(tuple(site.ids()))
    [within] = site.ports.networks.ranges()[way.name]
    assert any(ip_address(one) in ip_network(within) for one in found.addresses)


def test_a_container_that_has_gone_can_not_be_connected(site: Site) -> None:
    site.created()
    with pytest.raises(DockerFailed):
        site.ports.networks.connect(site.network().name, ("hitless-there-is-none",))


def test_a_shared_service_comes_to_a_network_once(site: Site) -> None:
    db, network = site.shared(), site.network(Colour.GREEN, "back")
    for _ in range(2):
        site.ports.networks.connect_shared((network,), {network.name: {db.id: ("db",)}})
        assert site.db().networks.count(network.name) == 1
    assert network.name in site.ports.networks.ranges()


def test_a_shared_service_finds_a_colour_until_it_is_detached(site: Site) -> None:
    live, before = site.network(Colour.BLUE, LIVE_NETWORK), site.shared()
    ids = tuple(site.started().values())
    for _ in range(2):  # a command that comes again finds it done
        site.ports.networks.attach(site.application, live, ("db",), {ids[0]: ("web",)})
        assert site.db().networks.count(live.name) == 1
    site.ports.networks.detach(site.application, Colour.GREEN)
    assert live.name in site.db().networks
    for _ in range(2):
        site.ports.networks.detach(site.application, Colour.BLUE)
        assert set(site.db().networks) == set(before.networks)
    assert site.db().id == before.id
