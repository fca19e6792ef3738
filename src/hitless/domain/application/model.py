"""A Compose application as hitless understands it. docs/vocabulary.md explains each word."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from hitless.domain.common.foreign import Json
from hitless.domain.routing.model import Routes


class Role(StrEnum):
    """What a service does: it has a route, works for a release, runs once for all, or runs to its end.

    The gateway does the work of those with the role `gateway`: they are left out.
    """

    WEB = "web"
    WORKER = "worker"
    SHARED = "shared"
    JOB = "job"
    GATEWAY = "gateway"


class When(StrEnum):
    """The points of a deployment at which hooks run."""

    BEFORE_START = "before-start"
    BEFORE_CUTOVER = "before-cutover"
    AFTER_CUTOVER = "after-cutover"
    AFTER_RETIRE = "after-retire"
    ON_FAILURE = "on-failure"


@dataclass(frozen=True)
class Settings:
    """What `x-hitless` sets for an application; times in seconds.

    `certificates` is `now` if its host names must have one before the cutover, else `later`. While exclusive
    services change over, each request waits for at most `wait_timeout`, and at most `wait_limit` for each
    host; `wait_page` is the text of the page (HTML) that others get, "" for hitless's own.
    """

    timeout: float = 60.0
    drain_timeout: float = 30.0
    successes: int = 2
    keep: int = 3
    bake: float = 0.0
    ask_routes: bool = True
    https_redirect: bool = True
    certificates: str = "now"
    wait_timeout: float = 60.0
    wait_limit: int = 1000
    wait_page: str = ""


@dataclass(frozen=True)
class Hook:
    """A command that runs at a point of a deployment, for at most `timeout` seconds.

    It runs in a container of the new release that is made like those of `service`. None: it runs on the local
    machine.
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
    """A service of the Compose file. `healthcheck` is None if the image decides.

    `reason` says why it has its `role`, `doubt` why it may have another one. `exclusive`: two copies must
    never run at the same time; None: the file says nothing about it. With `concurrent_writes`, the file says
    that two copies may write to its volumes at the same time; with `publish`, its containers publish no
    port: the gateway does, or nobody. `depends_on` maps service that it waits for -> condition. `ends`:
    Docker does not restart it forever. `product` is the database, or a similar product, in its image; ""
    for other images.
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
    exclusive: bool | None = None
    doubt: str = ""
    concurrent_writes: bool = False
    publish: bool = False
    depends_on: Mapping[str, str] = field(default_factory=dict)
    ends: bool = True
    product: str = ""


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
        """Whether the gateway routes to this service, be it of a release or shared."""
        return bool(self.routes.backends_of(service))

    def having(self, *roles: Role) -> tuple[Service, ...]:
        """The services with one of these roles, in the file's order."""
        return tuple(service for service in self.services if service.role in roles)

    @property
    def shared_with_route(self) -> tuple[Service, ...]:
        """The services that run once, and that the gateway sends requests to."""
        return tuple(one for one in self.having(Role.SHARED) if self.is_web(one.name))

    @property
    def released(self) -> tuple[Service, ...]:
        """The services that belong to a release: each colour has its own copy of them."""
        return self.having(Role.WEB, Role.WORKER, Role.JOB)
