"""The steps of plans. Each is data with an id; execution performs it. Pure.

A step that names services of a colour means their containers: those that the plan's `Create` has created
there, or, without a `Create`, all that exist. The engine says which ones it has created.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
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
    """Start shared services in the base project, and wait until they are healthy.

    `model` is the base project's. `services` are those to start. `volumes` maps the keys of the application's
    own volumes to their definitions. `networks` are created if they are missing. `ends` are the services that
    must run to their end, `may_end` those that may. `timeout` is in seconds. With `recreate`, containers from
    another configuration are replaced.
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
    """Connect existing shared services to networks that they need and are not on.

    `networks` are created if they are missing. `members` maps network -> container (id) -> its names on that
    network.
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
    """Create a colour's networks and its containers (not started), and connect the containers.

    `model` is the colour's Compose model. `volumes` maps the keys of the application's own volumes to their
    definitions. These volumes, and `networks`, are created if they are missing. `connect` maps network ->
    services, for networks that are not the colour's own: the one to the gateway, those of the shared
    services, and those of others. `beside` are containers (ids) of the colour that stay as they are, and get
    more containers beside them; None: there are none.
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
    """Start the containers of a colour's `services`, in the order that `depends_on` asks for.

    `timeout` is in seconds. It limits how long one service waits for another.
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
    """Start the one container of a colour's `service`, and wait for its end.

    It is a hook if `when` says so, or else a job. `timeout` is in seconds.
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
    """Run a hook on the local machine, for at most `timeout` seconds."""

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
class Stop:
    """Stop these services of a colour. After a restart of the engine they stay stopped."""

    application: str
    colour: Colour
    services: tuple[str, ...]

    @property
    def id(self) -> StepId:
        """What it does, and to what."""
        return StepId(StepKind.STOP_EXCLUSIVE, self.colour, subjects=self.services)


class Needs(StrEnum):
    """What the services that a step starts must be for the plan to continue.

    What comes back for requests that wait must only run: it has answered before, and nobody else is there.
    What another release is about to replace need not even do that.
    """

    READY = "ready"
    RUNNING = "running"
    NOTHING = "nothing"


@dataclass(frozen=True)
class HandOver:
    """Stop exclusive services of the other colour (`leaving`), then start those of this one (`services`).

    The other fields are as in `Start`. `readiness` is what the started containers must show. `restart` maps
    service -> restart policy.
    """

    application: str
    colour: Colour
    leaving: tuple[str, ...]
    model: Json
    services: tuple[str, ...]
    readiness: tuple[Readiness, ...]
    restart: Mapping[str, str]
    timeout: float
    needs: Needs = Needs.READY

    @property
    def id(self) -> StepId:
        """What it does, and to what."""
        return StepId(StepKind.HAND_OVER, self.colour, subjects=self.services)


@dataclass(frozen=True)
class Attach:
    """From this instant on, shared services find a colour's services by their plain names.

    `network` is created for that. `services` are the shared services. `names` is what they call: service ->
    names.
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
    """From this instant on, shared services find the other colour's services, not this colour's."""

    application: str
    colour: Colour
    services: tuple[str, ...]

    @property
    def id(self) -> StepId:
        """What it does, and to what."""
        return StepId(StepKind.DETACH, self.colour, subjects=self.services)


@dataclass(frozen=True)
class Record:
    """Write a release's record on the host: as a candidate, or as promoted (a rollback can bring it back)."""

    application: str
    release: Release

    @property
    def id(self) -> StepId:
        """What it does, and to what."""
        kind = StepKind.PROMOTE if self.release.promoted else StepKind.RECORD
        return StepId(kind, release=self.release.number)


@dataclass(frozen=True)
class Drain:
    """Wait until the gateway has no connection to a colour any more, for at most `timeout` seconds.

    From now on, its containers do not come back after a restart of the engine. The step is for all containers
    of the colour; with `containers` (names), for these alone; with `beside` (ids), for all except these.
    `waited` are addresses by which the gateway has connections to the colour, too: those of requests that
    waited for it.
    """

    application: str
    colour: Colour
    timeout: float
    containers: tuple[str, ...] = ()
    beside: tuple[str, ...] | None = None
    waited: tuple[str, ...] = ()

    @property
    def id(self) -> StepId:
        """What it does, and to what."""
        return StepId(StepKind.DRAIN, self.colour, subjects=self.containers)


@dataclass(frozen=True)
class DrainBase:
    """Like `Drain`, for containers of plain `docker compose up`. The gateway reaches them at `addresses`."""

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
    """Stop a colour's containers with their own grace period, and remove them and their networks.

    `containers` and `beside` are as in `Drain`. With one of them, the networks stay.
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
    """Remove the volumes that were created for the application, with all their data."""

    application: str

    @property
    def id(self) -> StepId:
        """What it does, and to what."""
        return StepId(StepKind.REMOVE_VOLUMES)


@dataclass(frozen=True)
class RemoveBase:
    """Stop and remove containers of the base project, and its networks if no container is left on them."""

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
    | Stop
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
