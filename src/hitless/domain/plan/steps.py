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
from hitless.domain.release.model import Release
from hitless.domain.release.networks import Network
from hitless.domain.release.requirements import Probe, Readiness
from hitless.domain.routing.model import Router
from hitless.domain.routing.split import Routing


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
class Show:
    """Deliver a generation that shows a candidate's routes to the gateway alone, and confirm it.

    `before` is delivered again if it is not confirmed. `claims` are routes that no other application may
    have: they are looked at again once this generation is there for all to see.
    """

    application: str
    colour: Colour
    before: Routing | None
    routing: Routing
    claims: tuple[Router, ...]

    @property
    def id(self) -> StepId:
        """What it does, and to what."""
        return StepId(StepKind.SHOW_ROUTES, self.colour)


@dataclass(frozen=True)
class Restore:
    """Have this generation (None: none) in force, and confirm it. Where it is, nothing is written.

    `harmless` is another generation that does no harm: where it is in force and nothing can be written
    (a full disk), it may stay. With `is_check` it should be in force already.
    """

    application: str
    routing: Routing | None
    harmless: Routing | None = None
    is_check: bool = False

    @property
    def id(self) -> StepId:
        """What it does, and to what."""
        return StepId(StepKind.CONFIRM_ROUTES if self.is_check else StepKind.RESTORE_ROUTES)


@dataclass(frozen=True)
class Withdraw:
    """Deliver a generation without these routes (None: without any), and confirm it.

    `before` is delivered again if it is not confirmed. The routes are a colour's, those of some of its
    containers, or all of them.
    """

    application: str
    before: Routing | None
    routing: Routing | None
    colour: Colour | None = None
    containers: tuple[str, ...] = ()

    @property
    def id(self) -> StepId:
        """What it does, and to what."""
        return StepId(StepKind.WITHDRAW_ROUTES, self.colour, subjects=self.containers)


@dataclass(frozen=True)
class Gate:
    """Wait until every container of the candidate has proved that it is ready.

    `routes` ask the candidate through the gateway, by the routes that only the gateway itself can take yet.
    """

    application: str
    colour: Colour
    readiness: tuple[Readiness, ...]
    routes: tuple[Probe, ...] = ()

    @property
    def id(self) -> StepId:
        """What it does, and to what."""
        return StepId(StepKind.GATE, self.colour)


@dataclass(frozen=True)
class CutOver:
    """The one instant: from this generation on, every new request goes to its live colour.

    Only if every container of it is still as `readiness` wants it, probes aside. `restart` maps service ->
    restart policy: what is live comes back with the engine, what is not yet or no longer live does not.
    """

    before: Routing
    routing: Routing
    readiness: tuple[Readiness, ...]
    restart: Mapping[str, str]

    @property
    def id(self) -> StepId:
        """What it does, and to what."""
        return StepId(StepKind.CUT_OVER, self.routing.live)


@dataclass(frozen=True)
class AddReplicas:
    """From this generation on, more containers of these services of the live colour get requests.

    `readiness` and `restart` are as in `CutOver`, of the containers that are new.
    """

    before: Routing
    routing: Routing
    readiness: tuple[Readiness, ...]
    restart: Mapping[str, str]
    services: tuple[str, ...]

    @property
    def id(self) -> StepId:
        """What it does, and to what."""
        return StepId(StepKind.ADD_REPLICAS, self.routing.live, subjects=self.services)


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
class Bake:
    """Watch the new live colour for `seconds` while the former one is still warm; look once at least.

    `routes` are asked through the gateway, as visitors come.
    """

    application: str
    colour: Colour
    readiness: tuple[Readiness, ...]
    seconds: float
    routes: tuple[Probe, ...] = ()

    @property
    def id(self) -> StepId:
        """What it does, and to what."""
        return StepId(StepKind.BAKE, self.colour, seconds=self.seconds)


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
    | Show
    | Restore
    | Withdraw
    | Gate
    | CutOver
    | AddReplicas
    | Attach
    | Detach
    | Bake
    | Record
    | HandOver
    | Drain
    | DrainBase
    | Remove
    | RemoveBase
    | Forget
    | RemoveVolumes
    | InstanceStep
)
