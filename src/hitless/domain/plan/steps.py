"""The steps that plans are made of. Each is data with one line for people; execution performs it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from hitless.domain.application.model import When
from hitless.domain.common.foreign import Json
from hitless.domain.common.names import Colour
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
    those that run to their end, `may_end` those of which nobody knows whether they do; `timeout` is in
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

    def describe(self) -> str:
        """One line for people."""
        return f"{'recreate' if self.recreate else 'start'} the shared {', '.join(self.services)}"


@dataclass(frozen=True)
class Connect:
    """Connect shared services that are there to networks that they are to be on, and are not.

    `networks` are created where they are missing; `members` maps network -> container (id) -> the names by
    which it is found there.
    """

    application: str
    services: tuple[str, ...]
    networks: tuple[Network, ...]
    members: Mapping[str, Mapping[str, tuple[str, ...]]]

    def describe(self) -> str:
        """One line for people."""
        names = ", ".join(network.name for network in self.networks)
        return f"connect the shared {', '.join(self.services)} to {names}"


@dataclass(frozen=True)
class Create:
    """Create a colour's containers and networks, stopped, and connect them to the networks beyond their own.

    `model` is the colour's Compose model; `volumes` maps the keys of the application's own volumes to their
    definitions, created where they are missing, as `networks` are; `connect` maps network -> containers: the
    way to the gateway, the networks of the shared services, and those of others. With `beside` the colour's
    containers that are there stay, and these come to them.
    """

    application: str
    colour: Colour
    release: int
    model: Json
    volumes: Json
    networks: tuple[Network, ...]
    connect: Mapping[str, tuple[str, ...]]
    beside: tuple[str, ...] = ()

    def describe(self) -> str:
        """One line for people."""
        return f"create {', '.join(self.beside) or self.colour} (release {self.release})"


@dataclass(frozen=True)
class Start:
    """Start a colour's containers. `containers` maps service -> names, in no order: `depends_on` has one.

    `timeout` is in seconds, and counts where one waits for another.
    """

    application: str
    colour: Colour
    model: Json
    containers: Mapping[str, tuple[str, ...]]
    timeout: float

    def describe(self) -> str:
        """One line for people."""
        return f"start {self.colour}"


@dataclass(frozen=True)
class RunOnce:
    """Start one container of a colour, and wait for its end: a job, or a hook (`when`).

    `timeout` is in seconds.
    """

    application: str
    colour: Colour
    model: Json
    service: str
    container: str
    timeout: float
    when: When | None = None

    def describe(self) -> str:
        """One line for people."""
        return f"run {self.service}"


@dataclass(frozen=True)
class RunHere:
    """Run a hook on the operator's machine, `timeout` seconds at the longest."""

    when: When
    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    timeout: float

    def describe(self) -> str:
        """One line for people."""
        return f"run hook-{self.name} here"


@dataclass(frozen=True)
class HandOver:
    """Stop the containers that must not run twice (`leaving`), then start those of the new live release.

    The others are as in `Start`; `restart` maps container -> restart policy.
    """

    application: str
    colour: Colour
    leaving: tuple[str, ...]
    model: Json
    containers: Mapping[str, tuple[str, ...]]
    readiness: tuple[Readiness, ...]
    restart: Mapping[str, str]
    timeout: float

    def describe(self) -> str:
        """One line for people."""
        return f"hand {', '.join(self.containers) or 'what is exclusive'} over to {self.colour}"


@dataclass(frozen=True)
class Route:
    """Deliver a generation of the routing file (None: none) and confirm it on the data plane.

    `before` is what is delivered again if this one is not confirmed. `harmless` is another generation that
    does no harm: where it is in force and nothing can be written (a full disk), it may stay. `claims` are
    routes that no other application may have, looked at again once this generation is there for all to see.
    """

    application: str
    before: Routing | None
    routing: Routing | None
    purpose: str
    harmless: Routing | None = None
    claims: tuple[Router, ...] = ()

    def describe(self) -> str:
        """One line for people."""
        return self.purpose


@dataclass(frozen=True)
class Gate:
    """Wait until every container of the candidate has proved that it is ready.

    `routes` ask the candidate through the gateway, by the routes that only the gateway itself can take yet.
    """

    application: str
    colour: Colour
    readiness: tuple[Readiness, ...]
    routes: tuple[Probe, ...] = ()

    def describe(self) -> str:
        """One line for people."""
        return f"wait until {self.colour} is ready"


@dataclass(frozen=True)
class CutOver:
    """The one instant: from this generation on, every new request goes to its live colour.

    Only if every container of it is still as `readiness` wants it, probes aside. `restart` maps container ->
    restart policy: what is live comes back with the engine, what is not yet or no longer live does not.
    Where the colour was live before, more or fewer of its containers get requests from here on.
    """

    before: Routing
    routing: Routing
    readiness: tuple[Readiness, ...]
    restart: Mapping[str, str]

    @property
    def is_switch(self) -> bool:
        """Whether another colour goes live."""
        return self.before.live is not self.routing.live

    def describe(self) -> str:
        """One line for people."""
        if self.is_switch:
            return f"cut over to {self.routing.live}"
        return f"have {', '.join(self.restart) or self.routing.live} serve, too"


@dataclass(frozen=True)
class Attach:
    """Have shared services find a colour's services by their plain names, from this instant on.

    `network` is created for it; `services` are the shared ones, `names` what they call: container -> names.
    """

    application: str
    colour: Colour
    network: Network
    services: tuple[str, ...]
    names: Mapping[str, tuple[str, ...]]

    def describe(self) -> str:
        """One line for people."""
        return f"have {', '.join(self.services)} call {self.colour}"


@dataclass(frozen=True)
class Detach:
    """Have shared services find a colour's services no more, but those of the other one."""

    application: str
    colour: Colour
    services: tuple[str, ...]

    def describe(self) -> str:
        """One line for people."""
        return f"have {', '.join(self.services)} call {self.colour.other} again"


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

    def describe(self) -> str:
        """One line for people."""
        return (
            f"bake {self.colour} for {self.seconds:g} s" if self.seconds else f"look at {self.colour} again"
        )


@dataclass(frozen=True)
class Record:
    """Write a release down on the host: as a candidate, or as promoted, which can be brought back later."""

    application: str
    release: Release

    def describe(self) -> str:
        """One line for people."""
        return f"{'promote' if self.release.promoted else 'record'} release {self.release.number}"


@dataclass(frozen=True)
class Drain:
    """Wait until the gateway holds no connection to a colour any more, `timeout` seconds at the longest.

    Its containers do not come back with the engine any more. `containers` are those of it that are meant;
    without any it is all of them.
    """

    application: str
    colour: Colour
    timeout: float
    containers: tuple[str, ...] = ()

    def describe(self) -> str:
        """One line for people."""
        return f"drain {', '.join(self.containers) or self.colour}"


@dataclass(frozen=True)
class DrainBase:
    """The same for containers of plain `docker compose up`, which the gateway reaches at these addresses."""

    application: str
    containers: tuple[str, ...]
    addresses: tuple[str, ...]
    timeout: float

    def describe(self) -> str:
        """One line for people."""
        return f"drain {', '.join(self.containers)}"


@dataclass(frozen=True)
class Remove:
    """Stop a colour's containers with their own grace period and remove them with their networks.

    `containers` are those of it that are meant, and the networks stay; without any it is all of them.
    """

    application: str
    colour: Colour
    containers: tuple[str, ...] = ()

    def describe(self) -> str:
        """One line for people."""
        return f"retire {', '.join(self.containers) or self.colour}"


@dataclass(frozen=True)
class Forget:
    """Delete releases that are not kept any more: their records and their image tags."""

    application: str
    releases: tuple[int, ...]

    def describe(self) -> str:
        """One line for people."""
        numbers = ", ".join(map(str, self.releases))
        return f"forget release {numbers}"


@dataclass(frozen=True)
class RemoveVolumes:
    """Remove the volumes that were created for the application, and all that is in them."""

    application: str

    def describe(self) -> str:
        """One line for people."""
        return "remove the volumes"


@dataclass(frozen=True)
class RemoveBase:
    """Stop and remove containers of the base project, and its networks if nobody is left."""

    application: str
    containers: tuple[str, ...]

    def describe(self) -> str:
        """One line for people."""
        return f"remove {', '.join(self.containers)}"


Step: TypeAlias = (
    StartShared
    | Connect
    | Create
    | RunOnce
    | RunHere
    | Start
    | Route
    | Gate
    | CutOver
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
)


@dataclass(frozen=True)
class Plan:
    """What will be done, in order.

    `undo` is what comes instead where a step up to the cutover fails, `revert` where the bake does.
    """

    application: str
    release: int
    colour: Colour | None
    steps: tuple[Step, ...]
    undo: tuple[Step, ...] = ()
    revert: tuple[Step, ...] = ()

    @property
    def networks(self) -> tuple[Network, ...]:
        """The networks that it creates where they are missing."""
        found: list[Network] = []
        for step in self.steps:
            match step:
                case Connect() | Create() | StartShared():
                    found += step.networks
                case Attach():
                    found.append(step.network)
                case _:
                    pass
        return tuple(found)

    def summary(self) -> dict[str, Any]:
        """For `--json`: the plan without the models, which hold environment values."""
        return {
            "application": self.application,
            "release": self.release,
            "colour": self.colour,
            "steps": [step.describe() for step in self.steps],
        }
