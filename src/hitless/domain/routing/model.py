"""Routes, and what they lead to, as labels describe them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from hitless.domain.common.foreign import Json

# of hitless's own: a label's name can't have a dot, because Traefik takes it for the end of the name
REDIRECT = "https.redirect"
# Traefik's own service that answers 418: for a router whose middlewares answer, as one that redirects
NOOP = "noop@internal"


class Protocol(StrEnum):
    """What a route carries: HTTP requests, whole TCP connections, or UDP packets."""

    HTTP = "http"
    TCP = "tcp"
    UDP = "udp"


@dataclass(frozen=True)
class Backend:
    """What Traefik calls a service: the replicas of a Compose service behind one load balancer.

    `port` is None until the image's own EXPOSE is known. `server` holds further fields of each server,
    `load_balancer` the user's other settings, both in Traefik's names.
    """

    name: str
    service: str
    port: int | None
    scheme: str = "http"
    server: Json = field(default_factory=dict)
    load_balancer: Json = field(default_factory=dict)

    @property
    def health_check(self) -> Json:
        """The health check of the labels, in Traefik's names; empty without one."""
        check: Json = self.load_balancer.get("healthCheck", {})
        return check

    @property
    def asked_by(self) -> tuple[str, str]:
        """The scheme and the mode of its health check; the gate itself speaks only ("http", "http")."""
        return self.health_check.get("scheme", self.scheme), self.health_check.get("mode", "http")


@dataclass(frozen=True)
class Router:
    """A route: what matches `rule` goes to the backend. `settings` are Traefik's further fields.

    One of UDP has no rule, "": it takes all that comes to its entry points.
    """

    name: str
    service: str
    rule: str
    backend: str
    entry_points: tuple[str, ...] = ()
    middlewares: tuple[str, ...] = ()
    settings: Json = field(default_factory=dict)
    protocol: Protocol = Protocol.HTTP

    @property
    def priority(self) -> int:
        """The priority that its label gives it; 0 without one, for the length of its rule."""
        return int(self.settings.get("priority", 0))

    @property
    def is_redirect(self) -> bool:
        """Whether it is hitless's own redirect to HTTPS."""
        return self.middlewares == (REDIRECT,)

    @property
    def path(self) -> str:
        """Where it is in the Compose file, as findings name it: its label, or the ports of its service."""
        if self.is_port:
            return f"services.{self.service}.ports"
        return f"services.{self.service}.labels.{label_of('routers', self.name)}"

    @property
    def is_tcp(self) -> bool:
        """Whether it carries whole connections."""
        return self.protocol is Protocol.TCP

    @property
    def is_udp(self) -> bool:
        """Whether it carries packets of UDP."""
        return self.protocol is Protocol.UDP

    @property
    def is_terminated(self) -> bool:
        """Whether the gateway itself speaks TLS with its clients, and needs a certificate for that."""
        return "tls" in self.settings and not self.settings["tls"].get("passthrough")

    @property
    def is_port(self) -> bool:
        """Whether it is that of a published port, and not of a label."""
        service, _, port = label_name(self.name).rpartition(".")
        return service == self.service and port.isdecimal()


@dataclass(frozen=True)
class Routes:
    """All that an application's labels say about routing."""

    routers: tuple[Router, ...] = ()
    backends: tuple[Backend, ...] = ()
    middlewares: Mapping[str, Json] = field(default_factory=dict)

    def backends_of(self, service: str) -> tuple[Backend, ...]:
        """The backends whose servers are replicas of this Compose service."""
        return tuple(backend for backend in self.backends if backend.service == service)


def own_name(protocol: Protocol, name: str) -> str:
    """What a label's router, service or middleware is called here: Traefik's names are for each protocol.

    A label's name can't have a dot, so no two of these are the same.
    """
    return name if protocol is Protocol.HTTP else f"{name}.{protocol}"


def label_of(kind: str, name: str) -> str:
    """The label that an `own_name` comes from: `traefik.http.routers.web`, `traefik.tcp.routers.db`."""
    label = label_name(name)
    return f"traefik.{name.removeprefix(label).removeprefix('.') or Protocol.HTTP}.{kind}.{label}"


def label_name(name: str) -> str:
    """The user's own name for what `own_name` has named."""
    return name.removesuffix(f".{Protocol.TCP}").removesuffix(f".{Protocol.UDP}")


def local_name(name: str) -> str:
    """`auth@docker` is how a label refers to another label's definition; here it is `auth`."""
    return name.removesuffix("@docker")
