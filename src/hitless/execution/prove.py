"""Deploy the live release repeatedly under load, and tell what was lost: `hitless prove`."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from hitless.domain.application.model import Application
from hitless.domain.common.errors import DockerFailed, HitlessError
from hitless.domain.common.events import Event, StepBegan, StepDone, StepId, StepKind
from hitless.domain.gateway.model import Gateway
from hitless.domain.host.world import Container
from hitless.domain.proof import observations
from hitless.domain.proof.observations import Ending, Observed, Target, Timeline, Visit
from hitless.domain.proof.observations import Session as Visitor
from hitless.domain.proof.verdict import Proof, judge, refused
from hitless.domain.release.prepared import Prepared
from hitless.execution.kept import live_release, plan_of_kept
from hitless.execution.session import Session
from hitless.ports import Ports
from hitless.ports.load import Load

_AFTER = 3.0  # seconds of load after each deployment
_SESSIONS = 5  # check the cookies of this many paths at most
_LOOKS = 2
_TRIES = 5  # requests to a path; one of them must succeed


@dataclass(frozen=True)
class Wanted:
    """What the user wants proved: the number of deployments, and the requests a second (`rate`).

    `paths` get the requests; empty: an example of each route. `baseline` is how many seconds the load runs
    before the first deployment.
    """

    deployments: int
    rate: float
    paths: tuple[str, ...]
    baseline: float


@dataclass
class _Watched:
    """What the proof has seen so far. It is kept if a deployment fails."""

    timelines: list[Timeline]
    sessions: list[Visitor]
    problem: HitlessError | None = None


def prove(session: Session, load: Load, wanted: Wanted) -> tuple[Proof, HitlessError | None]:
    """Deploy the live release repeatedly under load.

    Returns what was lost and why, and the error that ended the proof early. Holds one lock from the first
    look to the last. Raises `HitlessError` if the proof can't begin.
    """
    gateway, world = session.open()
    live = live_release(world, session.application)
    prepared = live.application
    targets = observations.targets(prepared, wanted.paths)
    # Refuse a deployment before the first request, not after it
    plan_of_kept(session, live.kept, world, gateway)
    _refuse_unfit(load, targets)
    idle = _idle(session.ports, prepared, world.of(live.colour))
    watched = _Watched([], [])
    session.begin(live.release.number, live.release.revision)
    with load.sending(targets, wanted.rate) as sending:
        _pause(session, wanted.baseline)
        while len(watched.timelines) < wanted.deployments and not sending.is_over:
            _deploy_again(session, gateway, load, targets, prepared, watched)
            if watched.problem:
                break
            _pause(session, _AFTER)
    observed = Observed(
        application=session.application,
        release=live.release.number,
        targets=targets,
        rate=wanted.rate,
        wanted=wanted.deployments,
        samples=tuple(sending.samples),
        timelines=tuple(watched.timelines),
        sessions=tuple(watched.sessions),
        idle=idle,
        grace=observations.grace_periods(prepared),
        drain_timeout=prepared.settings.drain_timeout,
        lag=sending.lag,
        is_over=sending.is_over,
    )
    return judge(observed), watched.problem


def _refuse_unfit(load: Load, targets: Sequence[Target]) -> None:
    """Raise `HitlessError` if the requests to a target already fail: they would show nothing of a deployment.

    A target that fails only sometimes is allowed: the baseline shows how often.
    """
    for target in targets:
        visit = load.visit(target, {})
        for _ in range(_TRIES - 1):
            if refused(visit.status, visit.is_gateways):
                visit = load.visit(target, {})
        if visit.status == 0:
            raise HitlessError(
                f"GET {target.url} got no answer from the gateway: {visit.problem}",
                "hitless prove sends requests from this machine: can it reach the gateway's published port?",
            )
        if refused(visit.status, visit.is_gateways):
            raise HitlessError(
                f"GET {target.url} answers {visit.status} without a deployment",
                "correct that first, or prove with paths that answer: --path /",
            )


def _pause(session: Session, seconds: float) -> None:
    step = StepId(StepKind.LOAD, seconds=seconds)
    session.tell(StepBegan(step))
    session.ports.clock.pause(seconds)
    session.tell(StepDone(step, seconds))


def _idle(ports: Ports, application: Prepared, live: Sequence[Container]) -> dict[str, float]:
    """The services that close idle connections before the gateway does it: service -> seconds."""
    probes = observations.idle_probes(application, live)
    found = {service: ports.balancer.closes_idle(probe) for service, probe in probes.items()}
    return {service: seconds for service, seconds in found.items() if seconds is not None}


def _deploy_again(
    session: Session,
    gateway: Gateway,
    load: Load,
    targets: Sequence[Target],
    application: Prepared,
    watched: _Watched,
) -> None:
    """Deploy the live release once, and note what is seen. Keeps an error and does not raise it."""
    clock, timed = session.ports.clock, list[tuple[float, Event]]()
    known = [(target, *_known(load, target, application)) for target in targets[:_SESSIONS]]
    began = clock.now()
    try:
        world = session.look(gateway)
        kept = live_release(world, session.application).kept
        plan = plan_of_kept(session, kept, world, gateway, warn=False)
        session.perform(plan, began, lambda event: timed.append((clock.now(), event)))
        session.leave_nothing()  # the same release is live; the next deployment is separate work
    except HitlessError as error:
        watched.problem = session.settle(error)
    watched.timelines.append(_timeline(session, timed, began, watched.problem))
    if watched.problem is None:
        watched.sessions += [
            Visitor(target, jar, before, load.visit(target, jar)) for target, jar, before in known if jar
        ]


def _timeline(
    session: Session,
    timed: Sequence[tuple[float, Event]],
    began: float,
    problem: HitlessError | None,
) -> Timeline:
    now = session.ports.clock.now()
    endings: tuple[Ending, ...] = ()
    with suppress(DockerFailed):  # endings only explain a loss; without them it is still told
        endings = session.ports.containers.endings(session.application, now - began, now)
    if not timed:
        return Timeline(began, now, endings=endings, problem=problem.message if problem else "")
    return observations.timeline(timed, endings, problem.message if problem else "")


def _known(load: Load, target: Target, application: Application) -> tuple[dict[str, str], tuple[Visit, ...]]:
    """The cookies that the live release sets, and its answers to requests with them."""
    jar = observations.without_sticky(application, load.visit(target, {}).cookies)
    return jar, tuple(load.visit(target, jar) for _ in range(_LOOKS if jar else 0))
