"""An application's routing as a value: what each colour brings to it, and who gets new requests. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from hitless.domain.common.foreign import Json
from hitless.domain.common.names import Colour
from hitless.domain.routing.entry_points import WEB
from hitless.domain.routing.model import Protocol, Router


@dataclass(frozen=True)
class Server:
    """A replica as the gateway reaches it: `url` by container name, further fields in Traefik's names."""

    url: str
    fields: Json = field(default_factory=dict)

    @property
    def host(self) -> str:
        """The container's name."""
        return self.url.partition("://")[2].rpartition(":")[0]


@dataclass(frozen=True)
class BackendRouting:
    """The replicas of one backend in one colour."""

    servers: tuple[Server, ...]
    load_balancer: Json = field(default_factory=dict)


@dataclass(frozen=True)
class ColourRouting:
    """All that one colour brings to the routing: its own rules, middlewares and servers."""

    release: int
    routers: tuple[Router, ...]
    middlewares: Mapping[str, Json]
    backends: Mapping[str, BackendRouting]

    @property
    def servers(self) -> tuple[Server, ...]:
        """Every replica of every backend."""
        return tuple(server for backend in self.backends.values() for server in backend.servers)


@dataclass(frozen=True)
class Routing:
    """An application's routing: the live colour gets every new request; None: nobody does yet."""

    application: str
    generation: int
    live: Colour | None
    colours: Mapping[Colour, ColourRouting]

    def next(self, live: Colour | None, colours: Mapping[Colour, ColourRouting]) -> Routing:
        """The next generation."""
        return replace(self, generation=self.generation + 1, live=live, colours=colours)

    @property
    def rules(self) -> tuple[Router, ...]:
        """The routers that get requests now."""
        return self.colours[self.live].routers if self.live else ()

    @property
    def entry_points(self) -> tuple[str, ...]:
        """Where its marker stands: every entry point at which it has routes of HTTP, and `web` at least."""
        found = (
            name
            for part in self.colours.values()
            for router in part.routers
            if router.protocol is Protocol.HTTP
            for name in router.entry_points
        )
        return tuple(sorted({WEB, *found}))


def without(part: ColourRouting, containers: Collection[str]) -> ColourRouting:
    """The same without these containers."""
    backends = {}
    for name, backend in part.backends.items():
        servers = tuple(server for server in backend.servers if server.host not in containers)
        backends[name] = BackendRouting(servers, backend.load_balancer)
    return replace(part, backends=backends)
