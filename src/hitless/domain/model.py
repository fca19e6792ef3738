"""The nouns of hitless, as values. What each word means stands in docs/vocabulary.md."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeAlias

Json: TypeAlias = Mapping[str, Any]
"""A decoded JSON or YAML mapping: foreign data that is passed on, not interpreted."""


class Colour(StrEnum):
    """The slot that a release occupies."""

    BLUE = "blue"
    GREEN = "green"

    @property
    def other(self) -> Colour:
        """Blue's other is green, and green's is blue."""
        return Colour.GREEN if self is Colour.BLUE else Colour.BLUE


class Role(StrEnum):
    """The part that a service plays: routed, at work for the release, run once, or run to its end."""

    WEB = "web"
    WORKER = "worker"
    SHARED = "shared"
    JOB = "job"


class Protocol(StrEnum):
    """What a route carries: HTTP requests, or whole TCP connections."""

    HTTP = "http"
    TCP = "tcp"


class When(StrEnum):
    """The points of a deployment at which hooks run."""

    BEFORE_START = "before-start"
    BEFORE_CUTOVER = "before-cutover"
    AFTER_CUTOVER = "after-cutover"
    AFTER_RETIRE = "after-retire"
    ON_FAILURE = "on-failure"


@dataclass(frozen=True)
class Finding:
    """Something in the input that breaks the promise (an error) or weakens it (a warning).

    `path` is where, e.g. `services.app.ports`; `hint` is what to do about it.
    """

    path: str
    message: str
    hint: str = ""
    is_error: bool = True


@dataclass(frozen=True)
class Settings:
    """What `x-hitless` sets for an application; times in seconds."""

    timeout: float = 60.0
    drain_timeout: float = 30.0
    successes: int = 2
    keep: int = 3
    bake: float = 0.0
    ask_routes: bool = True


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
        """The scheme and the mode of its health check; the gate itself speaks ("http", "http") alone."""
        return self.health_check.get("scheme", self.scheme), self.health_check.get("mode", "http")


@dataclass(frozen=True)
class Router:
    """A route: what matches `rule` goes to the backend. `settings` are Traefik's further fields."""

    name: str
    service: str
    rule: str
    backend: str
    entry_points: tuple[str, ...] = ()
    middlewares: tuple[str, ...] = ()
    settings: Json = field(default_factory=dict)
    protocol: Protocol = Protocol.HTTP


@dataclass(frozen=True)
class Routes:
    """All that an application's labels say about routing."""

    routers: tuple[Router, ...] = ()
    backends: tuple[Backend, ...] = ()
    middlewares: Mapping[str, Json] = field(default_factory=dict)

    def backends_of(self, service: str) -> tuple[Backend, ...]:
        """The backends whose servers are replicas of this Compose service."""
        return tuple(backend for backend in self.backends if backend.service == service)


@dataclass(frozen=True)
class Hook:
    """A command that runs at a point of a deployment, `timeout` seconds at the longest.

    In a container made like the `service`'s own, of the new release; None: on the operator's machine.
    """

    when: When
    number: int
    service: str | None
    command: tuple[str, ...]
    timeout: float

    @property
    def name(self) -> str:
        """`before-cutover-1`: unique within the application."""
        return f"{self.when}-{self.number}"


@dataclass(frozen=True)
class Service:
    """A service of the Compose file. `healthcheck` is None where the image decides.

    `reason` says why it has its `role`, `doubt` why it may have another; an `exclusive` one must never run
    twice at a time.
    """

    name: str
    image: str | None
    builds: bool
    replicas: int
    healthcheck: bool | None
    pull_policy: str
    settings: Settings
    role: Role
    reason: str
    exclusive: bool = False
    doubt: str = ""


@dataclass(frozen=True)
class Application:
    """A Compose application as hitless understands it. `model` is what `docker compose config` resolved."""

    name: str
    services: tuple[Service, ...]
    routes: Routes
    settings: Settings
    model: Json
    hooks: tuple[Hook, ...] = ()

    def is_web(self, service: str) -> bool:
        """Whether the gateway routes to this service."""
        return bool(self.routes.backends_of(service))

    def having(self, *roles: Role) -> tuple[Service, ...]:
        """The services with one of these roles, in the file's order."""
        return tuple(service for service in self.services if service.role in roles)

    @property
    def released(self) -> tuple[Service, ...]:
        """The services that belong to a release, and so have a copy in each colour."""
        return self.having(Role.WEB, Role.WORKER, Role.JOB)


@dataclass(frozen=True)
class Image:
    """An image on the Docker host: `id` with its digest, exposed TCP ports, whether it has a HEALTHCHECK.

    `volumes` are the paths that it declares as volumes: anonymous ones, where the file mounts nothing there.
    """

    id: str
    ports: tuple[int, ...]
    healthcheck: bool
    volumes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Release:
    """One deployed state of an application, kept so that it can be brought back.

    `created` is an ISO time in UTC, `revision` the source revision or "", `images` maps service -> image,
    `model` is the resolved Compose model (it holds environment values: never print it). `promoted` is 0
    for a release that never was live, else the number of its latest cutover among the application's: what
    was live before what.
    """

    number: int
    created: str
    revision: str
    images: Mapping[str, Image]
    model: Json
    promoted: int = 0


def image_reference(application: str, number: int, service: str) -> str:
    """The local tag that keeps a release's image: `hitless:<application>.r<number>.<service>`.

    Everything is in the tag, because it takes any application or service name as it is; a repository name
    would not (upper case, double separators).
    """
    return f"hitless:{application}.r{number}.{service}"


def colour_project(application: str, colour: Colour) -> str:
    """The Compose project name of a colour."""
    return f"{application}-{colour}"
