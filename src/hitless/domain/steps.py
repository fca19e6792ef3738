"""The steps that plans are made of. Each is data with one line for people; execution performs it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from hitless.domain.model import Colour, Json, Release
from hitless.domain.routing import Routing


@dataclass(frozen=True)
class Probe:
    """An HTTP request that the gate makes of one container, from inside the gateway's network.

    Ready is a status of 200 to 399, or exactly `status` where one is named. With `any_answer` it is every
    status below 500: nobody said what readiness is, so all that can be asked for is an answer.
    """

    container: str
    port: int
    path: str
    host: str
    method: str = "GET"
    status: int | None = None
    headers: tuple[tuple[str, str], ...] = ()
    any_answer: bool = False


@dataclass(frozen=True)
class Readiness:
    """What one container must show: Docker's `healthy` where `healthcheck`, and every probe passed.

    `successes` is how often in a row; `timeout` is in seconds; `may_end` where to have ended with 0 is to be
    ready, too: a job of the release.
    """

    container: str
    healthcheck: bool
    may_end: bool
    probes: tuple[Probe, ...]
    successes: int
    timeout: float


@dataclass(frozen=True)
class Start:
    """Create a colour's containers, connect those the gateway routes to, start them all.

    `model` is the colour's Compose model; `volumes` maps the keys of the application's own volumes to their
    definitions, created where they are missing; `containers` names all of them, `connect` those that the
    gateway must reach; `timeout` is in seconds, and counts where one waits for another (`depends_on`).
    """

    application: str
    colour: Colour
    release: int
    model: Json
    volumes: Json
    containers: tuple[str, ...]
    connect: tuple[str, ...]
    timeout: float

    def describe(self) -> str:
        """One line for people."""
        return f"start {self.colour} (release {self.release})"


@dataclass(frozen=True)
class Route:
    """Deliver a generation of the routing file (None: none) and confirm it on the data plane.

    `before` is what is delivered again if this one is not confirmed. `harmless` is another generation that
    does no harm: where it is in force and nothing can be written (a full disk), it may stay.
    """

    application: str
    before: Routing | None
    routing: Routing | None
    purpose: str
    harmless: Routing | None = None

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
    """

    before: Routing
    routing: Routing
    readiness: tuple[Readiness, ...]
    restart: Mapping[str, str]

    def describe(self) -> str:
        """One line for people."""
        return f"cut over to {self.routing.live}"


@dataclass(frozen=True)
class Bake:
    """Watch the new live colour for `seconds` while the former one is still warm; look once at least."""

    application: str
    colour: Colour
    readiness: tuple[Readiness, ...]
    seconds: float

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

    Its containers do not come back with the engine any more.
    """

    application: str
    colour: Colour
    timeout: float

    def describe(self) -> str:
        """One line for people."""
        return f"drain {self.colour}"


@dataclass(frozen=True)
class Remove:
    """Stop a colour's containers with their own grace period and remove them with their networks."""

    application: str
    colour: Colour

    def describe(self) -> str:
        """One line for people."""
        return f"retire {self.colour}"


@dataclass(frozen=True)
class Forget:
    """Delete releases that are not kept any more: their records and their image tags."""

    application: str
    releases: tuple[int, ...]

    def describe(self) -> str:
        """One line for people."""
        numbers = ", ".join(map(str, self.releases))
        return f"forget release {numbers}"


Step: TypeAlias = Start | Route | Gate | CutOver | Bake | Record | Drain | Remove | Forget


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

    def summary(self) -> dict[str, Any]:
        """For `--json`: the plan without the models, which hold environment values."""
        return {
            "application": self.application,
            "release": self.release,
            "colour": self.colour,
            "steps": [step.describe() for step in self.steps],
        }
