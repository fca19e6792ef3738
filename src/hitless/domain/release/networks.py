"""The networks that hitless creates for an application, and their addresses. Pure.

The engine's own address pools have room for about thirty networks (moby's defaults: 172.17.0.0/16 to
172.31.0.0/16, and 192.168.0.0/16 in blocks of /20). Each colour needs one. So hitless takes small blocks from
a pool of its own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, ip_network

from hitless.domain.application.replicas import replicas
from hitless.domain.common.foreign import Json
from hitless.domain.common.names import COMPOSE_NETWORK, COMPOSE_PROJECT, Colour

# The default is the first of these that overlaps with nothing on the host. Private ranges come first: many
# applications trust proxies with private addresses. The last one (for benchmarks, RFC 2544) has no routes.
POOLS = ("10.213.0.0/16", "10.87.0.0/16", "10.149.0.0/16", "198.18.0.0/16")


_SIZES = (26, 24, 22, 20)  # prefix lengths: 61, 253, 1,021 and 4,093 containers


_TIMES = 4  # a block has room for this many times the present number of containers


@dataclass(frozen=True)
class Network:
    """A network that hitless creates if it is missing.

    `containers` is how many containers it must have room for. `pool` is the range that its addresses come
    from (CIDR; "": the first of `POOLS`). `settings` are in Compose's words. `joined` is a container that is
    connected right after the creation, under its own name alone. `is_joined`: hitless has seen that container
    on the network.
    """

    name: str
    labels: Mapping[str, str]
    containers: int
    pool: str
    settings: Json = field(default_factory=dict)
    joined: str = ""
    is_joined: bool = False

    @property
    def whole(self) -> IPv4Network:
        """The range that its addresses come from."""
        return IPv4Network(self.pool or POOLS[0])


@dataclass(frozen=True)
class Networked:
    """The networks that an application has: colours that have any, and `has_way`: the one to the gateway.

    `names` are those of all networks of the engine, whoever made them.
    """

    colours: frozenset[Colour] = frozenset()
    has_way: bool = False
    names: frozenset[str] = frozenset()


def of_project(
    project: str,
    networks: Mapping[str, Json],
    services: Mapping[str, Json],
    labels: Mapping[str, str],
    pool: str,
) -> tuple[Network, ...]:
    """Those networks of a Compose project that its services use and hitless gives addresses to.

    `networks` are the project's own, by key. `services` are those of its model. The names are Compose's.
    """
    found = []
    for key, definition in networks.items():
        on_it = [service for service in services.values() if key in keys_of(service)]
        if on_it and leaves_addresses(definition):
            own = {
                **(definition.get("labels") or {}),
                COMPOSE_PROJECT: project,
                COMPOSE_NETWORK: key,
                **labels,
            }
            count = sum(map(replicas, on_it))
            name = str(definition.get("name") or f"{project}_{key}")
            found.append(Network(name, own, count, pool, definition))
    return tuple(found)


def keys_of(service: Json) -> tuple[str, ...]:
    """The keys of the networks that a service of a Compose model is on."""
    if service.get("network_mode"):
        return ()
    return tuple(service.get("networks") or ("default",))


def leaves_addresses(definition: Json) -> bool:
    """Whether a network of a Compose file leaves the choice of its addresses to hitless."""
    ipam = definition.get("ipam") or {}
    return (
        definition.get("driver") in (None, "", "default", "bridge")
        and not ipam.get("config")
        and ipam.get("driver") in (None, "", "default")
    )


def prefix(containers: int) -> int:
    """The prefix length of a block with room for this many containers, and for more (`_TIMES`)."""
    return next((size for size in _SIZES if 2 ** (32 - size) - 3 >= _TIMES * containers), _SIZES[-1])


def first_choice(network: Network) -> IPv4Network:
    """The block to try first. The network's name decides, so that a network gets the same block each time."""
    return _blocks(network)[0]


def free(network: Network, taken: Iterable[str]) -> IPv4Network | None:
    """A block of the network's pool that overlaps with none of these (CIDR); None if no block is free."""
    others = _ranges(taken)
    return next((one for one in _blocks(network) if not any(map(one.overlaps, others))), None)


def are_free(wanted: Sequence[Network], taken: Iterable[str]) -> bool:
    """Whether there is a block for each of these networks."""
    others = list(taken)
    for network in wanted:
        block = free(network, others)
        if block is None:
            return False
        others.append(str(block))
    return True


def pool(taken: Iterable[str]) -> str:
    """The first of the pools that overlaps with none of these ranges (CIDR); "" if all overlap."""
    others = _ranges(taken)
    return next((one for one in POOLS if not any(map(IPv4Network(one).overlaps, others))), "")


def routes(table: str) -> tuple[str, ...]:
    """The ranges (CIDR) that a host has routes to, from its /proc/net/route, without the default route.

    The kernel prints each address as a number, as a little-endian host reads it (net/ipv4/fib_trie.c).
    """
    rows = [line.split() for line in table.splitlines()[1:]]
    found = ((_little(row[1]), _little(row[7])) for row in rows if len(row) > 7)
    return tuple(str(IPv4Network(f"{address}/{mask}")) for address, mask in found if mask != IPv4Address(0))


def _little(digits: str) -> IPv4Address:
    return IPv4Address(bytes.fromhex(digits)[::-1])


def _blocks(network: Network) -> list[IPv4Network]:
    size = max(prefix(network.containers), network.whole.prefixlen)
    found = list(network.whole.subnets(new_prefix=size))
    first = int.from_bytes(hashlib.sha256(network.name.encode()).digest()[:4]) % len(found)
    return found[first:] + found[:first]


def _ranges(found: Iterable[str]) -> list[IPv4Network]:
    ranges = (ip_network(one, strict=False) for one in found)
    return [one for one in ranges if isinstance(one, IPv4Network)]
