"""The instances of Traefik in the gateway's container: one, and a second one while it is replaced. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields

from hitless.domain.gateway.settings import API_PORT, DASHBOARD_PORT, GatewaySettings
from hitless.domain.routing.entry_points import WEBSECURE, is_udp

# What a new instance of Traefik takes; everything else takes a new container.
REPLACEABLE = frozenset(
    {
        *("image", "image_asked", "fast_proxy", "read_timeout", "trusted_proxies"),
        *("access_log", "metrics", "memory_limit", "aliases"),
        *("acme_email", "acme_server", "acme_dns", "acme_dns_resolvers", "acme_ca", "acme_env"),
    }
)
# Above the ports that the kernel gives to outgoing connections (32768 to 60999): one of those may be taken
# when a new instance is to listen. An instance has the ports that the gateway publishes, and two more.
_FIRST_PORT = {1: 61_000, 2: 63_000}


@dataclass(frozen=True)
class Instances:
    """Those that run, by their numbers, and the live one: it gets all new connections.

    0 is the one that the container starts with; those that replace it are 1 and 2 by turns.
    """

    live: int = 0
    there: tuple[int, ...] = (0,)

    @property
    def idle(self) -> tuple[int, ...]:
        """Those that get no new connections: a command that replaces the live one was killed."""
        return tuple(number for number in self.there if number != self.live)

    @property
    def next(self) -> int:
        """The number of the one that replaces the live one."""
        return 2 if self.live == 1 else 1


@dataclass(frozen=True)
class Health:
    """How the gateway's container is.

    `answers`: whether its live Traefik says that it is up. `memory` is how many bytes its processes have,
    -1 if that is not known. `started` is an ISO time in UTC, `restarts` is how often Docker has started it
    again since it was made, because it had ended.
    """

    answers: bool
    memory: int
    started: str
    restarts: int


def megabytes(size: int) -> str:
    """A number of bytes for people: `64 MB`."""
    return f"{size / 2**20:.0f} MB"


@dataclass(frozen=True)
class Listening:
    """The ports on which an instance listens within the container: of each entry point, and its own two."""

    entry_points: Mapping[str, int]
    api: int = API_PORT
    dashboard: int = DASHBOARD_PORT


def listening(entry_points: Mapping[str, int], number: int) -> Listening:
    """Where an instance listens; `entry_points` maps each name -> the port of the first instance."""
    if number == 0:
        return Listening(entry_points)
    first = _FIRST_PORT[number]
    return Listening(
        {name: first + 2 + place for place, name in enumerate(sorted(entry_points))}, first, first + 1
    )


def redirection(entry_points: Mapping[str, int], number: int) -> str:
    """The pairs of TCP ports `80 : 61002, …` that give an instance new connections, "" for the first one."""
    if number == 0:
        return ""
    there = listening(entry_points, number)
    of_tcp = [(name, port) for name, port in sorted(entry_points.items()) if not is_udp(name)]
    pairs = [(port, there.entry_points[name]) for name, port in of_tcp]
    return _pairs((*pairs, (DASHBOARD_PORT, there.dashboard)))


def udp_redirection(entry_points: Mapping[str, int], number: int) -> tuple[str, str]:
    """The pairs of UDP ports that give an instance every packet, and those for the answers of each instance.

    By a rule for the first packet alone, the kernel would leave a client that keeps sending with one instance
    for ever. Answers have the port that the client has asked, also those of the instance that leaves.
    """
    of_udp = [(name, port) for name, port in sorted(entry_points.items()) if is_udp(name)]
    there = listening(entry_points, number).entry_points
    back = [
        (listening(entry_points, other).entry_points[name], port)
        for other in _FIRST_PORT
        for name, port in of_udp
    ]
    return _pairs([(port, there[name]) for name, port in of_udp] if number else ()), _pairs(back)


def quic_redirection(entry_points: Mapping[str, int], number: int) -> tuple[str, str]:
    """The pair of UDP ports that gives an instance new QUIC connections, and the ports of all instances."""
    ports = quic_ports(entry_points)
    return _pairs([(ports[0], ports[number])] if number else ()), ", ".join(map(str, ports.values()))


def quic_ports(entry_points: Mapping[str, int]) -> dict[int, int]:
    """Where each instance answers HTTP/3 within the container: its number -> UDP port."""
    return {number: listening(entry_points, number).entry_points[WEBSECURE] for number in (0, *_FIRST_PORT)}


def _pairs(pairs: Iterable[tuple[int, int]]) -> str:
    return ", ".join(f"{port} : {to}" for port, to in pairs)


def differing(one: GatewaySettings, other: GatewaySettings) -> tuple[str, ...]:
    """The names of the settings in which two differ."""
    names = (setting.name for setting in fields(GatewaySettings))
    return tuple(name for name in names if getattr(one, name) != getattr(other, name))
