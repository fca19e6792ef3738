"""The steps that change the routing, or check a release before and after. Each is data with an id. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from hitless.domain.common.events import StepId, StepKind
from hitless.domain.common.names import Colour
from hitless.domain.gateway.acme import Names, host_of, names_of
from hitless.domain.release.requirements import Probe, Readiness
from hitless.domain.routing.model import Router
from hitless.domain.routing.split import Routing, Waiting


@dataclass(frozen=True)
class Show:
    """Deliver a generation that shows a candidate's routes to the gateway alone, and confirm it.

    Without a confirmation, `before` is delivered again. `claims` are routes that no other application may
    have: hitless checks that again when this generation is delivered, and other commands can see it.
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
    """Bring this generation (None: none) in force, and confirm it. If it is in force, nothing is written.

    `harmless` is another generation: it may stay if it is in force and hitless can't write a file (full
    disk). `is_check`: the generation should be in force already.
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

    Without a confirmation, `before` is delivered again. The routes are those of a `colour`, or of some of its
    `containers`; without both, they are all routes of the application.
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
class GetCertificates:
    """Have the gateway get each of these certificates from the CA, one after the other.

    `certificates` are the host names of each one; `ca` is the CA's ACME address.
    """

    application: str
    certificates: tuple[Names, ...]
    ca: str

    @property
    def id(self) -> StepId:
        """What it does, and to what."""
        return StepId(StepKind.GET_CERTIFICATES, subjects=names_of(self.certificates), to=(host_of(self.ca),))


@dataclass(frozen=True)
class Gate:
    """Wait until every container of the candidate is ready.

    `routes` are requests to the candidate through the gateway. Only the gateway itself can use these routes.
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
class LetWait:
    """From this generation on, every new request to the live colour waits. Nobody answers until `Answer`.

    `page` is for those that have waited too long, "" for hitless's own.
    """

    before: Routing
    routing: Routing
    page: str = ""

    @property
    def id(self) -> StepId:
        """What it does, and to what."""
        return StepId(StepKind.LET_WAIT)


@dataclass(frozen=True)
class Answer:
    """Have the live colour of a routing answer the requests that wait."""

    waiting: Waiting
    routing: Routing

    @property
    def id(self) -> StepId:
        """What it does, and to what."""
        return StepId(StepKind.ANSWER, self.routing.live)


@dataclass(frozen=True)
class CutOver:
    """The one instant: from this generation on, every new request goes to its live colour.

    The cutover happens only if every container of that colour is still as `readiness` asks, without its
    probes. `restart` maps service -> restart policy: after a restart of the engine, the live containers come
    back, and those of the other colour do not.
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

    `readiness` and `restart` are as in `CutOver`, for the new containers.
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
    """Watch the new live colour for `seconds` while the former one is still warm; check at least once.

    `routes` are requests through the gateway, on the way that visitors take.
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


RoutingStep: TypeAlias = (
    Show | Restore | Withdraw | GetCertificates | Gate | LetWait | CutOver | Answer | AddReplicas | Bake
)
