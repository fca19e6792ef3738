"""The steps that change the routing, or judge a release before and after. Each is data with an id. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from hitless.domain.common.events import StepId, StepKind
from hitless.domain.common.names import Colour
from hitless.domain.release.requirements import Probe, Readiness
from hitless.domain.routing.model import Router
from hitless.domain.routing.split import Routing


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


RoutingStep: TypeAlias = Show | Restore | Withdraw | Gate | CutOver | AddReplicas | Bake
