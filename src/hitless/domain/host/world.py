"""What was observed on the Docker host: the other half of what a plan is computed from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from hitless.domain.common.findings import Finding
from hitless.domain.common.names import Colour
from hitless.domain.gateway.certificates import Certificate
from hitless.domain.gateway.model import Gateway
from hitless.domain.host.journal import Holder, Run
from hitless.domain.release.model import Release
from hitless.domain.release.prepared import Prepared, prepare_kept
from hitless.domain.routing.gateway_config import Config
from hitless.domain.routing.split import Routing


@dataclass(frozen=True)
class Replica:
    """A container of a colour, running or not, as the engine has it.

    `number` tells it from others of its service, as Compose wrote it down.
    """

    id: str
    name: str
    service: str
    number: int


@dataclass(frozen=True)
class Container:
    """A container of an application.

    `health` is "" without a health check; `addresses` are all that it has, IPv4 and IPv6; `depends_on` are
    the services that it waited for, as Compose recorded them; `number` is as in `Replica`.
    """

    id: str
    name: str
    gateway: str
    application: str
    service: str
    colour: Colour
    release: int
    state: str
    health: str = ""
    restarts: int = 0
    exit_code: int = 0
    addresses: tuple[str, ...] = ()
    ran_out_of_memory: bool = False
    depends_on: tuple[str, ...] = ()
    number: int = 0

    @property
    def is_running(self) -> bool:
        """Running and not about to be restarted by the engine."""
        return self.state == "running"


@dataclass(frozen=True)
class ComposeContainer:
    """A container in one of the application's Compose projects that belongs to no release.

    In the base project it is a shared service's, or plain `docker compose up` made it. `health` is "" without
    a health check; `digest` is Compose's digest of the configuration that it was created from; `is_ours`:
    hitless started it; `depends_on` is as in `Container`; `networks` are the names of its networks.
    """

    project: str
    service: str
    name: str
    state: str
    health: str = ""
    exit_code: int = 0
    digest: str = ""
    image: str = ""
    is_ours: bool = False
    id: str = ""
    depends_on: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()

    @property
    def is_ready(self) -> bool:
        """Whether it runs, and is healthy if it has a health check."""
        return self.state == "running" and self.health in ("", "healthy")

    @property
    def has_ended_well(self) -> bool:
        """Whether it has ended with exit code 0."""
        return self.state == "exited" and self.exit_code == 0


@dataclass(frozen=True)
class Port:
    """A port of the host that a container publishes: its address ("" for all), and the port inside."""

    host: int
    inside: int
    address: str = ""


@dataclass(frozen=True)
class Neighbour:
    """A container of the host, whoever created it; `project` and `service` are Compose's, or "".

    `addresses` maps network -> its addresses there, IPv4 and IPv6. `is_labelled`: Traefik finds routes in its
    labels; `is_ours`: it belongs to a release or to a gateway of hitless. `rules` are those of its labels.
    """

    name: str
    project: str
    service: str
    image: str
    ports: tuple[Port, ...]
    addresses: Mapping[str, tuple[str, ...]]
    is_labelled: bool
    is_ours: bool
    id: str = ""
    is_running: bool = True
    rules: tuple[str, ...] = ()


@dataclass(frozen=True)
class KeptRelease:
    """A release that is kept, and the application that its Compose model describes.

    `findings` are those of reading the model.
    """

    release: Release
    application: Prepared
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class LiveRelease:
    """The kept release that is live, and its colour."""

    colour: Colour
    kept: KeptRelease

    @property
    def release(self) -> Release:
        """What is recorded of it."""
        return self.kept.release

    @property
    def application(self) -> Prepared:
        """Its application."""
        return self.kept.application


def read_kept(releases: Iterable[Release], gateway: Gateway) -> tuple[KeptRelease, ...]:
    """Read the Compose models of kept releases, for this gateway."""
    return tuple(KeptRelease(release, *prepare_kept(release, gateway)) for release in releases)


@dataclass(frozen=True)
class World:
    """The Docker host as one application's deployment sees it.

    `routings` are those of all applications on the gateway. Of files in the routing directory, `broken` maps
    the path of each that hitless can't read to what is wrong with it, and `restored` the path of each whose
    second copy it has read to what is wrong with the first. `kept` are the kept releases, the oldest first;
    `damaged` are the numbers of those whose record can't be read: nothing can bring them back, and the next
    deployment forgets them. `networked` are the colours that have networks; `has_way`: there is
    a network between the gateway and the application; `tagged` are the application's
    releases that have image tags; `foreign` are names of containers that lie in a colour's Compose project
    and that hitless did not make; `base` are those of the base project. `runs` are the latest of its journal,
    `holder` has its lock just now, `quiet` is the seconds since the last line of the journal; `free` is the
    bytes left on Docker's disk, if known. `certificates` are the gateway's, `now` is an ISO time in UTC.
    `failures` are orders for certificates that failed in the last hour: host name -> the seconds since each.
    `configs` are the gateway's own middlewares. `others` are other gateways that run, if this one does not.
    `networks` are the names of all networks of the engine, None if nobody has looked.
    """

    gateway: Gateway | None = None
    routings: Mapping[str, Routing] = field(default_factory=dict)
    broken: Mapping[str, str] = field(default_factory=dict)
    restored: Mapping[str, str] = field(default_factory=dict)
    containers: tuple[Container, ...] = ()
    kept: tuple[KeptRelease, ...] = ()
    damaged: frozenset[int] = frozenset()
    networked: frozenset[Colour] = frozenset()
    has_way: bool = False
    tagged: frozenset[int] = frozenset()
    foreign: tuple[str, ...] = ()
    base: tuple[ComposeContainer, ...] = ()
    runs: tuple[Run, ...] = ()
    holder: Holder | None = None
    quiet: float = 0.0
    free: int | None = None
    certificates: tuple[Certificate, ...] = ()
    failures: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    now: str = ""
    configs: tuple[Config, ...] = ()
    others: tuple[str, ...] = ()
    networks: frozenset[str] | None = None

    @property
    def left(self) -> Run | None:
        """The last run, if it was not finished; also that of a command that is at work now."""
        return self.runs[-1] if self.runs and self.runs[-1].is_left else None

    def of(self, colour: Colour) -> tuple[Container, ...]:
        """The containers of one colour, of each service in their order."""
        found = (container for container in self.containers if container.colour is colour)
        return tuple(sorted(found, key=lambda one: (one.service, one.number, one.name)))

    @property
    def releases(self) -> tuple[Release, ...]:
        """The kept releases as they are recorded."""
        return tuple(kept.release for kept in self.kept)

    def kept_release(self, number: int) -> KeptRelease | None:
        """The kept release of this number; None also where its record is damaged."""
        return next((kept for kept in self.kept if kept.release.number == number), None)

    def live(self, application: str) -> tuple[Colour, int] | None:
        """The live colour of an application and the number of its release, by its routing file."""
        routing = self.routings.get(application)
        if routing is None or routing.live is None:
            return None
        return routing.live, routing.colours[routing.live].release

    def live_release(self, application: str) -> LiveRelease | None:
        """The kept release that is live; None also where its record is damaged, or gone."""
        live = self.live(application)
        kept = self.kept_release(live[1]) if live else None
        return LiveRelease(live[0], kept) if live and kept else None
