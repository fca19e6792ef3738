"""Deploy what is live again and again under load, and tell what was lost: `hitless prove`."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from hitless.domain.application.model import Application
from hitless.domain.common.errors import DockerFailed, HitlessError
from hitless.domain.common.events import Event, Operation, StepBegan, StepDone, StepId, StepKind
from hitless.domain.common.names import Colour
from hitless.domain.proof import observations
from hitless.domain.proof.observations import Aim, Ending, Passage, Seen, Session, Visit
from hitless.domain.proof.verdict import Proof, judge, refused
from hitless.execution import observe
from hitless.execution.journal import discreet
from hitless.execution.operations import Command, Request, commanding, live_release, plan_of_kept
from hitless.ports import Ports
from hitless.ports.load import Load

_AFTER = 3.0  # seconds of load after each deployment
_SESSIONS = 5  # paths at most whose cookies are looked at
_LOOKS = 2
_TRIES = 5  # requests to a path, of which one must be answered well


@dataclass(frozen=True)
class Wanted:
    """What is to be proved: so many deployments, so many requests a second, on these paths (none: routes').

    `baseline` is how many seconds the load runs before the first deployment.
    """

    deployments: int
    rate: float
    paths: tuple[str, ...]
    baseline: float


@dataclass
class _Watched:
    """What is seen while it goes on; it is of use, too, where a deployment fails in the middle."""

    passages: list[Passage]
    sessions: list[Session]
    problem: HitlessError | None = None


def prove(
    ports: Ports, load: Load, application: str, request: Request, wanted: Wanted
) -> tuple[Proof, HitlessError | None]:
    """Deploy the live release again under load; what was lost and why, and the error that ended it early.

    One lock is held from the first look to the last. Raises `HitlessError` where it can't begin.
    """
    told = ports  # what is no part of a deployment is not for the journal
    with commanding(ports, Operation.PROVE, application, request) as command:
        live = live_release(command.world, application)
        prepared = live.application
        aims = observations.aims(prepared, wanted.paths)
        # all that speaks against a deployment is said before the first request
        plan_of_kept(command, live.kept)
        _refuse_unfit(load, aims)
        idle = _idle(command.ports, prepared, live.colour)
        watched = _Watched([], [])
        with load.sending(aims, wanted.rate) as sending:
            _pause(told, wanted.baseline)
            while len(watched.passages) < wanted.deployments and not sending.is_over:
                _deploy_again(command, load, aims, prepared, watched)
                if watched.problem:
                    break
                _pause(told, _AFTER)
        seen = Seen(
            application=application,
            release=live.release.number,
            aims=aims,
            rate=wanted.rate,
            wanted=wanted.deployments,
            samples=tuple(sending.samples),
            passages=tuple(watched.passages),
            sessions=tuple(watched.sessions),
            idle=idle,
            grace=observations.grace_periods(prepared),
            drain_timeout=prepared.settings.drain_timeout,
            lag=sending.lag,
            is_over=sending.is_over,
        )
    return judge(seen), watched.problem


def _refuse_unfit(load: Load, aims: Sequence[Aim]) -> None:
    """Raise `HitlessError` where a request fails already: nothing could be told of a deployment by it.

    One that fails now and then may be asked: how often it does is seen before the first deployment.
    """
    for aim in aims:
        visit = load.visit(aim, {})
        for _ in range(_TRIES - 1):
            if refused(visit.status, visit.is_gateways):
                visit = load.visit(aim, {})
        if visit.status == 0:
            raise HitlessError(
                f"GET {aim.url} got no answer from the gateway: {visit.problem}",
                "hitless prove asks from this machine: does the gateway's published port lead here?",
            )
        if refused(visit.status, visit.is_gateways):
            raise HitlessError(
                f"GET {aim.url} answers {visit.status} without a deployment",
                "correct that first, or prove with paths that answer: --path /",
            )


def _pause(ports: Ports, seconds: float) -> None:
    step = StepId(StepKind.LOAD, seconds=seconds)
    ports.emit(StepBegan(step))
    ports.clock.pause(seconds)
    ports.emit(StepDone(step, seconds))


def _idle(ports: Ports, application: Application, live: Colour) -> dict[str, float]:
    """The services that close idle connections before the gateway does: service -> seconds."""
    probes = observations.idle_probes(application, live)
    found = {service: ports.balancer.closes_idle(probe) for service, probe in probes.items()}
    return {service: seconds for service, seconds in found.items() if seconds is not None}


def _deploy_again(
    command: Command, load: Load, aims: Sequence[Aim], application: Application, watched: _Watched
) -> None:
    """One deployment of what is live, and what was seen of it. An error is kept, not raised."""
    clock, timed = command.ports.clock, list[tuple[float, Event]]()

    def emit(event: Event) -> None:
        timed.append((clock.now(), event))
        command.ports.emit(event)

    known = [(aim, *_known(load, aim, application)) for aim in aims[:_SESSIONS]]
    began = clock.now()
    try:
        world = observe.world(command.ports, command.application, command.gateway)
        kept = live_release(world, command.application).kept
        # an error that is kept and told later shows no secret either
        with discreet(replace(command.ports, emit=emit), kept.release.model) as ports:
            again = replace(command, world=world, began=began, ports=ports)
            plan = plan_of_kept(again, kept, warn=False)
            again.perform(plan, revision=kept.release.revision)
    except HitlessError as error:
        watched.problem = error
    watched.passages.append(_passage(command, timed, began, watched.problem))
    if watched.problem is None:
        watched.sessions += [
            Session(aim, jar, before, load.visit(aim, jar)) for aim, jar, before in known if jar
        ]


def _passage(
    command: Command,
    timed: Sequence[tuple[float, Event]],
    began: float,
    problem: HitlessError | None,
) -> Passage:
    now = command.ports.clock.now()
    endings: tuple[Ending, ...] = ()
    with suppress(DockerFailed):  # it explains what was lost; without it that is told all the same
        endings = command.ports.engine.endings(command.application, now - began, now)
    if not timed:
        return Passage(began, now, endings=endings, problem=problem.message if problem else "")
    return observations.passage(timed, endings, problem.message if problem else "")


def _known(load: Load, aim: Aim, application: Application) -> tuple[dict[str, str], tuple[Visit, ...]]:
    """The cookies that the live release gives, and what it makes of them."""
    jar = observations.without_sticky(application, load.visit(aim, {}).cookies)
    return jar, tuple(load.visit(aim, jar) for _ in range(_LOOKS if jar else 0))
