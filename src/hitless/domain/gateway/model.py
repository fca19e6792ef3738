"""The running gateway, and the names of its container and network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hitless.domain.gateway.acme import Challenge
from hitless.domain.routing.entry_points import ALIASES

SERVICE = "traefik"


def network_name(project: str) -> str:
    """The gateway's own network; it shares another one with each application (`Gateway.network_of`)."""
    return f"{project}_webgateway"


def edge_network(project: str) -> str:
    """The network of a Swarm that all gateways of this name share with all applications.

    The engine looks a name up network by network in alphabetical order, so this one comes after the networks
    of applications: a service's own name means its own colour's. Swarm takes no dot in it.
    """
    return f"zzz-{project}-edge"


def container_name(project: str) -> str:
    """The name that Compose gives the gateway's container."""
    return f"{project}-{SERVICE}-1"


@dataclass(frozen=True)
class Software:
    """What the gateway's container runs: its own image, and the name of Traefik's program on the host."""

    image: str
    program: str


@dataclass(frozen=True)
class GatewayContainer:
    """The gateway's container, running or not, in the engine's words.

    `is_current`: this hitless would make the same one, except for Traefik's image and settings.
    """

    state: str
    is_current: bool


@dataclass(frozen=True)
class EdgeStatus:
    """A node of a Swarm on which the gateway should run; `answers`: its Traefik there says that it is up."""

    node: str
    address: str
    answers: bool


@dataclass(frozen=True)
class Gateway:
    """The running gateway. `entry_points` maps name -> the port it listens on inside its container.

    `http_port` is the host's port of the entry point `web`, `bound` maps entry point -> the host's address,
    "" for all; `pool` is the range (CIDR) that the networks of applications take their addresses from, "" for
    hitless's own first one; `id` is its container's, which runs `since` then, as Docker writes a time;
    `networks` are those that it is on, each with its address (IPv4) there. `https_port` is the host's port of
    the entry point `websecure`, 0 without one; `aliases` are other names of its entry points, which labels
    may use. `challenge` is how the CA proves host names, None if the gateway gets no certificates by itself;
    `ca` is the CA's ACME address. `held` are ports of the host that others have still. `http3`: it answers
    HTTP/3 on the port for HTTPS. `shared_network` is the one network for all applications, on a Swarm alone.
    """

    project: str
    container: str
    network: str
    entry_points: Mapping[str, int]
    http_port: int = 80
    bound: Mapping[str, str] = field(default_factory=dict)
    pool: str = ""
    id: str = ""
    since: str = ""
    networks: Mapping[str, str] = field(default_factory=dict)
    https_port: int = 0
    aliases: Mapping[str, str] = field(default_factory=lambda: ALIASES)
    challenge: Challenge | None = None
    ca: str = ""
    held: tuple[int, ...] = ()
    http3: bool = False
    shared_network: str = ""

    def address_for(self, application: str) -> str:
        """Its own address on that network; "" if it is not there yet."""
        return self.networks.get(self.network_of(application), "")

    def network_of(self, application: str) -> str:
        """The network that the gateway shares with this application; on one host with nobody else."""
        # it sorts after the gateway's own, and Compose makes no name with a dot
        return self.shared_network or f"{self.network}.{application}"
