"""An application's routing as a value: what each colour adds to it, and who gets new requests. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from hitless.domain.common.foreign import Json
from hitless.domain.common.names import SHARED, Colour
from hitless.domain.routing.entry_points import WEB
from hitless.domain.routing.model import Protocol, Router


@dataclass(frozen=True)
class Server:
    """A replica as the gateway reaches it: `url` by container name, other fields in Traefik's names."""

    url: str
    fields: Json = field(default_factory=dict)

    @property
    def host(self) -> str:
        """The container's name; of a shared service, `names.shared_host`."""
        return self.url.partition("://")[2].rpartition(":")[0]


@dataclass(frozen=True)
class ServerOf:
    """How the gateway reaches each replica of a service; `fields` are further ones, in Traefik's names."""

    service: str
    scheme: str
    port: int | None
    fields: Json = field(default_factory=dict)

    def server(self, container: str) -> Server:
        """The replica in the container of this name."""
        return Server(f"{self.scheme}://{container}:{self.port}", self.fields)


@dataclass(frozen=True)
class BackendRouting:
    """The replicas of one backend in one colour.

    In a plan a backend `awaits` replicas that the engine is yet to create: only it knows their names. What is
    delivered awaits none.
    """

    servers: tuple[Server, ...]
    load_balancer: Json = field(default_factory=dict)
    awaits: ServerOf | None = None

    def met(self, containers: Mapping[str, Sequence[str]]) -> BackendRouting:
        """The same with the servers that it awaits: service -> names of its containers."""
        if self.awaits is None:
            return self
        found = map(self.awaits.server, containers[self.awaits.service])
        new = tuple(server for server in found if server not in self.servers)
        return replace(self, servers=(*self.servers, *new), awaits=None)


@dataclass(frozen=True)
class ColourRouting:
    """All that one colour adds to the routing: its own rules, middlewares and servers.

    `asks`: the `forwardAuth` middlewares that ask one of its backends, in place of the host of their address.
    """

    release: int
    routers: tuple[Router, ...]
    middlewares: Mapping[str, Json]
    backends: Mapping[str, BackendRouting]
    asks: Mapping[str, str] = field(default_factory=dict)

    @property
    def servers(self) -> tuple[Server, ...]:
        """Every replica of every backend."""
        return tuple(server for backend in self.backends.values() for server in backend.servers)

    @property
    def awaited(self) -> tuple[str, ...]:
        """The services whose replicas are awaited."""
        found = (backend.awaits.service for backend in self.backends.values() if backend.awaits)
        return tuple(dict.fromkeys(found))

    def answering(self, waited: Waiting) -> dict[int, str]:
        """Who answers the requests that wait: port -> host:port of a server of the same backend.

        Without one of that name it is the only one of a release; if there are more, nobody does.
        """
        own = {name: one.servers[0] for name, one in self.backends.items() if one.servers}
        released = [server for server in own.values() if not server.host.endswith(SHARED)]
        only = released[0] if len(released) == 1 else None
        found = {port: own.get(name, only) for name, port in waited.ports.items()}
        return {port: server.url.partition("://")[2] for port, server in found.items() if server}

    def met(self, containers: Mapping[str, Sequence[str]]) -> ColourRouting:
        """The same with the servers that it awaits: service -> names of its containers."""
        met = {name: backend.met(containers) for name, backend in self.backends.items()}
        return replace(self, backends=met)


@dataclass(frozen=True)
class Waiting:
    """How requests wait: those for each backend dial a port of `address`, the gateway's own, again and again.

    Nobody listens there, so nothing is sent, and a request with a body can wait, too. `ports` maps backend ->
    port. A request waits for at most `timeout` seconds, and at most `most` wait for each host.
    """

    address: str
    ports: Mapping[str, int]
    timeout: float
    most: int


def waiting_for(parts: Iterable[ColourRouting], address: str, timeout: float, most: int) -> Waiting:
    """How requests wait for these colours, each backend's at the same port whichever of them is live.

    Those for shared services do not wait: there is one for both colours.
    """
    names = {
        name
        for part in parts
        for name, backend in part.backends.items()
        if not (backend.servers and all(server.host.endswith(SHARED) for server in backend.servers))
    }
    ports = {name: port for port, name in enumerate(sorted(names), _FIRST_PORT)}
    return Waiting(address, ports, timeout, most)


Split: TypeAlias = Mapping[Colour, int]
"""Which colour gets how many percent of the new requests: 100 together, or no colour at all."""

# Above all ports of entry points, and those that the kernel takes for connections: nobody listens there.
_FIRST_PORT = 65_001
ALL = 100  # percent
NOBODY: Split = {}


def all_to(colour: Colour | None) -> Split:
    """The split in which this colour is live, and gets every new request; None: nothing gets any."""
    return {colour: ALL} if colour else NOBODY


@dataclass(frozen=True)
class Routing:
    """An application's routing: what each colour adds to it, and how new requests are split among them.

    `waiting`: the requests for the live colour wait until the next generation; None: they do not.
    `marks_tcp`: it has markers at raw TCP. Only one that an older hitless has delivered has none.
    """

    application: str
    generation: int
    split: Split
    colours: Mapping[Colour, ColourRouting]
    waiting: Waiting | None = None
    marks_tcp: bool = field(default=True, compare=False)

    def __post_init__(self) -> None:
        """Raise `ValueError` for what is no split, or names a colour that is not there."""
        if sum(self.split.values()) not in (0, ALL) or not set(self.split) <= set(self.colours):
            raise ValueError(
                f"{dict(self.split)} is no split among {', '.join(self.colours) or 'no colours'}"
            )

    @property
    def live(self) -> Colour | None:
        """The colour that gets every new request; None if none does."""
        return next((colour for colour, share in self.split.items() if share == ALL), None)

    def next(self, split: Split, colours: Mapping[Colour, ColourRouting]) -> Routing:
        """The next generation."""
        return Routing(self.application, self.generation + 1, split, colours)

    def held(self, waiting: Waiting) -> Routing:
        """The next generation, in which requests wait."""
        return replace(self.next(self.split, self.colours), waiting=waiting)

    @property
    def rules(self) -> tuple[Router, ...]:
        """The routers that get requests now."""
        return tuple(router for colour in self.split for router in self.colours[colour].routers)

    @property
    def entry_points(self) -> tuple[str, ...]:
        """Where it is proven: every entry point at which it has routes, and at least `web`."""
        return tuple(sorted({*self.over_http, *self.over_tls, *self.over_tcp, *self.over_udp}))

    @property
    def over_http(self) -> tuple[str, ...]:
        """Those of its entry points at which it has its marker in plain HTTP, `web` among them."""
        found = self._where(lambda router: router.protocol is Protocol.HTTP and "tls" not in router.settings)
        return tuple(sorted({WEB, *(found - {*self.over_tls})}))

    @property
    def over_tls(self) -> tuple[str, ...]:
        """Those of its entry points at which it has routes over TLS."""
        return tuple(sorted(self._where(lambda router: "tls" in router.settings)))

    @property
    def over_tcp(self) -> tuple[str, ...]:
        """Those of its entry points at which it has a marker in raw TCP."""
        found = self._where(lambda router: router.protocol is Protocol.TCP and "tls" not in router.settings)
        return tuple(sorted(found - {*self.over_tls})) if self.marks_tcp else ()

    @property
    def over_udp(self) -> tuple[str, ...]:
        """Those of its entry points at which it has routes of UDP."""
        return tuple(sorted(self._where(lambda router: router.is_udp)))

    def _where(self, is_meant: Callable[[Router], bool]) -> set[str]:
        routers = (router for part in self.colours.values() for router in part.routers)
        return {name for router in routers if is_meant(router) for name in router.entry_points}


def without(part: ColourRouting, containers: Collection[str]) -> ColourRouting:
    """The same without these containers."""
    backends = {}
    for name, backend in part.backends.items():
        servers = tuple(server for server in backend.servers if server.host not in containers)
        backends[name] = replace(backend, servers=servers)
    return replace(part, backends=backends)
