"""What `hitless prove` sees: requests, deployments, sessions, and what follows from each alone. Pure.

Moments are seconds on one clock that never jumps: the load and the events use the same one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from hitless.domain.application.model import Application
from hitless.domain.common.durations import seconds
from hitless.domain.common.errors import HitlessError
from hitless.domain.common.events import Drained, Event, Live, StepBegan, StepDone, StepId, StepKind
from hitless.domain.common.names import Colour
from hitless.domain.host.world import Container
from hitless.domain.release import requirements
from hitless.domain.release.prepared import Prepared
from hitless.domain.release.requirements import Probe
from hitless.domain.routing import entry_points, rules
from hitless.domain.routing.entry_points import WEB
from hitless.domain.routing.model import Protocol, Router

# The name that Traefik gives a sticky cookie if the label names none
_STICKY = re.compile(r"_[0-9a-f]{5}")
_GRACE = 10.0  # Docker's own


class Period(StrEnum):
    """Where in a deployment a request was answered, or lost."""

    BASELINE = "before any deployment"
    STARTING = "the new release starts"
    CUTOVER = "the cutover"
    DRAINING = "the old release drains"
    STOPPING = "the old release stops"
    AFTER = "afterwards"


class Failure(StrEnum):
    """Why a request got no whole answer."""

    REFUSED = "connection refused"
    RESET = "connection closed without an answer"
    CUT = "answer cut off"
    TIMEOUT = "no answer in time"
    GARBLED = "no HTTP answer"
    UNSENT = "not sent, too many were waiting"


@dataclass(frozen=True)
class Target:
    """What a proof requests: a path, the Host header that selects the route, and the entry point."""

    host: str
    path: str
    entry_point: str = WEB

    @property
    def url(self) -> str:
        """As a user of the application sees it."""
        port = entry_points.port_of(self.entry_point)
        return f"http://{self.host}{f':{port}' if port else ''}{self.path}"


@dataclass(frozen=True, slots=True)
class Sample:
    """One request. `status` is 0 and `failure` says why if no whole answer came.

    `is_gateways`: the gateway gave the answer by itself, and not the application.
    """

    target: Target
    began: float
    ended: float
    status: int
    failure: Failure | None = None
    is_gateways: bool = False

    @property
    def what(self) -> str:
        """`502 by the gateway`, `500`, `connection refused`."""
        return self.failure or f"{self.status}{' by the gateway' if self.is_gateways else ''}"


@dataclass(frozen=True)
class Visit:
    """One request as a browser makes it: what it got, and the cookies that it was told to keep.

    `problem` says why there was no answer, `location` where it was redirected to.
    """

    status: int
    cookies: Mapping[str, str] = field(default_factory=dict)
    location: str = ""
    problem: str = ""
    is_gateways: bool = False


@dataclass(frozen=True)
class Session:
    """The cookies `jar` that a release gave at `target`, and how it, and then the next one, answered them."""

    target: Target
    jar: Mapping[str, str]
    before: tuple[Visit, ...]
    after: Visit

    @property
    def is_lost(self) -> bool:
        """Whether the next release does not know what the former one knew at every look."""
        return not any(map(self._is_unknown, self.before)) and self._is_unknown(self.after)

    def _is_unknown(self, visit: Visit) -> bool:
        is_new = any(visit.cookies.get(name, value) != value for name, value in self.jar.items())
        usual = self.before[0]
        is_other = (visit.status, visit.location) != (usual.status, usual.location)
        # a request without an answer says nothing about a session: the load counts it
        is_sent_away = visit.status in (401, 403) or 300 <= visit.status < 400
        return is_new or (is_other and is_sent_away)


@dataclass(frozen=True)
class Ending:
    """A container of the application that ended.

    `is_asked`: it got a signal first, and then `seconds` is how long it took to end.
    """

    container: str
    service: str
    colour: Colour
    exit_code: int
    is_asked: bool
    seconds: float
    at: float


@dataclass(frozen=True)
class Timeline:
    """One deployment on the clock. A moment that it did not reach is None.

    `cutting` to `live` is the cutover, `stopping` to `stopped` the end of the old release. `gate` is how many
    seconds the new one took from its start until it was ready. `cut` counts the connections that were still
    open at the drain deadline. `problem` says why it failed, or is "".
    """

    began: float
    ended: float
    cutting: float | None = None
    live: float | None = None
    stopping: float | None = None
    stopped: float | None = None
    gate: float = 0.0
    in_flight: int = 0
    cut: int = 0
    endings: tuple[Ending, ...] = ()
    problem: str = ""

    def period(self, moment: float) -> Period:
        """The period at a moment that is not before its beginning."""
        marks = (
            (self.ended, Period.AFTER),
            (self.stopped, Period.AFTER),
            (self.stopping, Period.STOPPING),
            (self.live, Period.DRAINING),
            (self.cutting, Period.CUTOVER),
        )
        passed = (period for mark, period in marks if mark is not None and moment >= mark)
        return next(passed, Period.STARTING)


@dataclass(frozen=True)
class Observed:
    """All that one proof saw.

    `rate` is in requests a second; `wanted` deployments were asked for. `idle` maps service -> the seconds
    after which it closed an idle connection, if that is sooner than the gateway does; `grace` maps service
    -> the seconds that its containers get to stop. `lag` is the longest time by which a request was sent too
    late: if it is more than a tenth of a second, this machine was busy. `is_over`: the load had to end first.
    """

    application: str
    release: int
    targets: tuple[Target, ...]
    rate: float
    wanted: int
    samples: tuple[Sample, ...]
    timelines: tuple[Timeline, ...]
    sessions: tuple[Session, ...] = ()
    idle: Mapping[str, float] = field(default_factory=dict)
    grace: Mapping[str, float] = field(default_factory=dict)
    drain_timeout: float = 30.0
    lag: float = 0.0
    is_over: bool = False


def targets(application: Application, paths: Sequence[str]) -> tuple[Target, ...]:
    """What to request: these paths on every host that has them, or else an example of each route.

    Raises `HitlessError` if a path belongs to no route, or if no route says what to request.
    """
    name = application.name
    http = [router for router in application.routes.routers if router.protocol is Protocol.HTTP]
    routed = [
        (router.rule, _entry_point(router))
        for router in http
        # over TLS the gateway's plain port does not answer
        if "tls" not in router.settings and not router.is_redirect
    ]
    if application.routes.routers and not http:
        raise HitlessError(
            f"all routes of {name} are of TCP or UDP, and hitless prove asks over HTTP alone",
            "prove it with a route of HTTP, too",
        )
    if not routed and http:
        raise HitlessError(
            f"all routes of {name} are over HTTPS, and hitless prove asks over HTTP alone",
            "prove it with a route on `web`, too",
        )
    if not paths:
        examples = [(rules.example(rule), entry_point) for rule, entry_point in routed]
        found = [Target(one[0] or "localhost", one[1], entry_point) for one, entry_point in examples if one]
        if not found:
            raise HitlessError(f"no route of {name} says by itself what to ask for", "name it: --path /")
        return tuple(dict.fromkeys(found))
    chosen: list[Target] = []
    for path in paths:
        taking = [
            Target(host, path, entry_point)
            for rule, entry_point in routed
            for host in rules.hosts(rule) or ("localhost",)
            if "*" not in host and _is_taken(path, host, entry_point, routed)
        ]
        if not taking:
            known = ", ".join(rule for rule, _ in routed) or "none"
            raise HitlessError(f"no route of {name} takes {path}", f"its routes are: {known}")
        chosen += taking
    return tuple(dict.fromkeys(chosen))


def _entry_point(router: Router) -> str:
    """Where to request it: on the gateway's own port, if the route is there."""
    return WEB if WEB in (router.entry_points or (WEB,)) else router.entry_points[0]


def _is_taken(path: str, host: str, entry_point: str, routed: Sequence[tuple[str, str]]) -> bool:
    plain = path.partition("?")[0]
    return any(at == entry_point and rules.matches(rule, host, plain) for rule, at in routed)


def idle_probes(application: Prepared, live: Sequence[Container]) -> dict[str, Probe]:
    """One request to one live container of each service with a route: service -> probe."""
    containers = {one.service: one.name for one in live if one.is_running}
    return {
        backend.service: Probe(
            container=containers[backend.service],
            port=backend.port or 0,
            path=backend.health_check.get("path") or "/",
            host=backend.health_check.get("hostname")
            or requirements.host_of(application, backend)
            or "localhost",
        )
        for backend in application.routes.backends
        if backend.scheme == "http" and backend.service in containers
    }


def without_sticky(application: Application, cookies: Mapping[str, str]) -> dict[str, str]:
    """The cookies without those by which the gateway finds a replica again: those are the gateway's."""
    sticky = (backend.load_balancer.get("sticky") or {} for backend in application.routes.backends)
    names = {(one.get("cookie") or {}).get("name") for one in sticky}
    return {
        name: value for name, value in cookies.items() if name not in names and not _STICKY.fullmatch(name)
    }


def grace_periods(application: Application) -> dict[str, float]:
    """How many seconds each released service's containers get to stop; Docker's default is 10."""
    asked = {
        service.name: application.model["services"][service.name].get("stop_grace_period")
        for service in application.released
    }
    return {name: seconds(period) if period else _GRACE for name, period in asked.items()}


def timeline(
    timed: Sequence[tuple[float, Event]],
    endings: Sequence[Ending] = (),
    problem: str = "",
) -> Timeline:
    """One deployment from its events, each with its moment; there is at least one."""
    first: dict[str, float] = {}
    gate, in_flight, cut = 0.0, 0, 0
    for moment, event in timed:
        match event:
            case StepBegan(StepId(StepKind.CUT_OVER)):
                first.setdefault("cutting", moment)
            case StepBegan(StepId(StepKind.RETIRE)) if "live" in first:
                first.setdefault("stopping", moment)
            case StepDone(StepId(StepKind.RETIRE)) if "live" in first:
                first.setdefault("stopped", moment)
            case StepDone(StepId(StepKind.START | StepKind.GATE), took) if "cutting" not in first:
                gate += took
            case Live():
                first["live"] = moment
            case Drained() if "live" in first:
                in_flight, cut = in_flight + event.in_flight, cut + event.cut
            case _:
                pass
    return Timeline(
        began=timed[0][0],
        ended=timed[-1][0],
        cutting=first.get("cutting"),
        live=first.get("live"),
        stopping=first.get("stopping"),
        stopped=first.get("stopped"),
        gate=gate,
        in_flight=in_flight,
        cut=cut,
        endings=tuple(endings),
        problem=problem,
    )
