"""The steps that plans are made of. Each is data with an id; execution performs it. Pure.

Where a step names services of a colour it means their containers: those that the plan's `Create` has created
there, or else all that exist. The engine says which these are when it has created them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from hitless.domain.application.model import When
from hitless.domain.common.events import StepId, StepKind
from hitless.domain.common.foreign import Json
from hitless.domain.common.names import Colour
from hitless.domain.plan.instance_steps import InstanceStep
from hitless.domain.plan.routing_steps import RoutingStep
from hitless.domain.release.model import Release
from hitless.domain.release.networks import Network
from hitless.domain.release.requirements import Readiness


@dataclass(frozen=True)
class StartShared:
    """Start the shared services that do not run, in the base project, and wait until they are healthy.

    `model` is the base project's, `services` those that are asked for; `volumes` maps the keys of the
    application's own volumes to their definitions, `networks` are created where they are missing; `ends` are
    those that run to their end, `may_end` those that may or may not; `timeout` is in
    seconds. With `recreate` those that were created from another configuration are replaced.
    """

    application: str
    services: tuple[str, ...]
    model: Json
    volumes: Json
    networks: tuple[Network, ...]
    ends: tuple[str, ...]
    timeout: float
    recreate: bool = False
    may_end: tuple[str, ...] = ()

    @property
    def id(self) -> StepId:
        """What it does, and to what."""
        kind = StepKind.RECREATE_SHARED if self.recreate else StepKind.START_SHARED
        return StepId(kind, subjects=self.services)


@dataclass(frozen=True)
class Connect:
    """Connect shared services that are there to networks that they need and are not on.

    `networks` are created where they are missing; `members` maps network -> container (id) -> the names by
    which it is found there.
    """

    application: str
    services: tuple[str, ...]
    networks: tuple[Network, ...]
    members: Mapping[str, Mapping[str, tuple[str, ...]]]

    @property
    def id(self) -> StepId:
        """What it does, and to what."""
        networks = tuple(network.name for network in self.networks)
        return StepId(StepKind.CONNECT_SHARED, subjects=self.services, to=networks)


@dataclass(frozen=True)
class Create:
    """Create a colour's containers and networks, stopped, and connect them to the networks beyond their own.

    `model` is the colour's Compose model; `volumes` maps the keys of the application's own volumes to their
    definitions, created where they are missing, as `networks` are; `connect` maps network -> services: the
    way to the gateway, the networks of the shared services, and those of others. `beside` are containers
    (ids) of the colour that stay as they are, and the others come to them; None: there are none.
    """

    application: str
    colour: Colour
    release: int
    model: Json
    volumes: Json
    networks: tuple[Network, ...]
    connect: Mapping[str, tuple[str, ...]]
    beside: tuple[str, ...] | None = None

    @property
    def id(self) -> StepId:
        """What it does, and to what."""
        more = () if self.beside is None else tuple(self.model["services"])
        return StepId(StepKind.CREATE, self.colour, self.release, more)


@dataclass(frozen=True)
class Start:
    """Start the containers of a colour's `services`, in no order: `depends_on` has one.

    `timeout` is in seconds, and counts where one waits for another.
    """

    application: str
    colour: Colour
    model: Json
    services: tuple[str, ...]
    timeout: float

    @property
    def id(self) -> StepId:
        """What it does, and to what."""
        return StepId(StepKind.START, self.colour)


@dataclass(frozen=True)
class RunOnce:
    """Start the one container of a colour's `service`, and wait for its end: a job, or a hook (`when`).

    `timeout` is in seconds.
    """

    application: str
    colour: Colour
    model: Json
    service: str
    timeout: float
    when: When | None = None

    @property
    def id(self) -> StepId:
        """What it does, and to what."""
        kind = StepKind.RUN_HOOK if self.when else StepKind.RUN_JOB
        return StepId(kind, self.colour, subjects=(self.service,))


@dataclass(frozen=True)
class RunHere:
    """Run a hook on the operator's machine, `timeout` seconds at the longest."""

    when: When
    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    timeout: float

    @property
    def id(self) -> StepId:
        """What it does, and to what."""
        return StepId(StepKind.RUN_LOCAL_HOOK, subjects=(self.name,))


@dataclass(frozen=True)
class HandOver:
    """Stop what must not run twice (`leaving`: services of the other colour), then start it in this one.

    The others are as in `Start`; `restart` maps service -> restart policy.
    """

    application: str
    colour: Colour
    leaving: tuple[str, ...]
    model: Json
    services: tuple[str, ...]
    readiness: tuple[Readiness, ...]
    restart: Mapping[str, str]
    timeout: float

    @property
    def id(self) -> StepId:
        """What it does, and to what."""
        return StepId(StepKind.HAND_OVER, self.colour, subjects=self.services)


@dataclass(frozen=True)
class Attach:
    """Have shared services find a colour's services by their plain names, from this instant on.

    `network` is created for it; `services` are the shared ones, `names` what they call: service -> names.
    """

    application: str
    colour: Colour
    network: Network
    services: tuple[str, ...]
    names: Mapping[str, tuple[str, ...]]

    @property
    def id(self) -> StepId:
        """What it does, and to what."""
        return StepId(StepKind.ATTACH, self.colour, subjects=self.services)


@dataclass(frozen=True)
class Detach:
    """Have shared services find a colour's services no more, but those of the other one."""

    application: str
    colour: Colour
    services: tuple[str, ...]

    @property
    def id(self) -> StepId:
        """What it does, and to what."""
        return StepId(StepKind.DETACH, self.colour, subjects=self.services)


@dataclass(frozen=True)
class Record:
    """Write a release down on the host: as a candidate, or as promoted, which can be brought back later."""

    application: str
    release: Release

    @property
    def id(self) -> StepId:
        """What it does, and to what."""
        kind = StepKind.PROMOTE if self.release.promoted else StepKind.RECORD
        return StepId(kind, release=self.release.number)


@dataclass(frozen=True)
class Drain:
    """Wait until the gateway holds no connection to a colour any more, `timeout` seconds at the longest.

    Its containers do not come back with the engine any more. `containers` (names) are those of it that are
    meant, or `beside` (ids) those that are not; without either it is all of them.
    """

    application: str
    colour: Colour
    timeout: float
    containers: tuple[str, ...] = ()
    beside: tuple[str, ...] | None = None

    @property
    def id(self) -> StepId:
        """What it does, and to what."""
        return StepId(StepKind.DRAIN, self.colour, subjects=self.containers)


@dataclass(frozen=True)
class DrainBase:
    """The same for containers of plain `docker compose up`, which the gateway reaches at these addresses."""

    application: str
    containers: tuple[str, ...]
    addresses: tuple[str, ...]
    timeout: float

    @property
    def id(self) -> StepId:
        """What it does, and to what."""
        return StepId(StepKind.DRAIN, subjects=self.containers)


@dataclass(frozen=True)
class Remove:
    """Stop a colour's containers with their own grace period and remove them with their networks.

    `containers` and `beside` are as in `Drain`; with either of them the networks stay.
    """

    application: str
    colour: Colour
    containers: tuple[str, ...] = ()
    beside: tuple[str, ...] | None = None

    @property
    def id(self) -> StepId:
        """What it does, and to what."""
        return StepId(StepKind.RETIRE, self.colour, subjects=self.containers)


@dataclass(frozen=True)
class Forget:
    """Delete releases that are not kept any more: their records and their image tags."""

    application: str
    releases: tuple[int, ...]

    @property
    def id(self) -> StepId:
        """What it does, and to what."""
        return StepId(StepKind.FORGET, subjects=tuple(map(str, self.releases)))


@dataclass(frozen=True)
class RemoveVolumes:
    """Remove the volumes that were created for the application, and all that is in them."""

    application: str

    @property
    def id(self) -> StepId:
        """What it does, and to what."""
        return StepId(StepKind.REMOVE_VOLUMES)


@dataclass(frozen=True)
class RemoveBase:
    """Stop and remove containers of the base project, and its networks if nobody is left."""

    application: str
    containers: tuple[str, ...]

    @property
    def id(self) -> StepId:
        """What it does, and to what."""
        return StepId(StepKind.REMOVE, subjects=self.containers)


Step: TypeAlias = (
    StartShared
    | Connect
    | Create
    | RunOnce
    | RunHere
    | Start
    | Attach
    | Detach
    | Record
    | HandOver
    | Drain
    | DrainBase
    | Remove
    | RemoveBase
    | Forget
    | RemoveVolumes
    | RoutingStep
    | InstanceStep
)
