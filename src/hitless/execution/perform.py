"""Perform a plan step by step; undo it where it fails before the cutover."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial

from hitless.domain.errors import DockerFailed, GateFailed, HitlessError, NotConfirmed, TimedOut
from hitless.domain.events import (
    Drained,
    Live,
    Planned,
    StepBegan,
    StepDone,
    StepFailed,
    StepProgress,
    Undone,
)
from hitless.domain.routing import Routing, render
from hitless.domain.steps import Bake, CutOver, Drain, Forget, Gate, Plan, Record, Remove, Route, Start, Step
from hitless.domain.world import Gateway
from hitless.execution import waits
from hitless.ports import Ports


def perform(plan: Plan, ports: Ports, gateway: Gateway, began: float) -> None:
    """Perform every step. `began` is when the command began, by the clock.

    What fails (or is interrupted) before the cutover is confirmed is undone, what fails in the bake is
    reverted, then the error is raised again. Later there is nothing to undo: the new release is live, and
    the next command finishes what is left.
    """
    done: list[Step] = []
    ports.emit(Planned(tuple(step.describe() for step in plan.steps)))
    try:
        for step in plan.steps:
            perform_one(step, ports, gateway)
            done.append(step)
            if isinstance(step, CutOver):
                seconds = ports.clock.now() - began
                ports.emit(Live(plan.release, str(plan.colour), seconds))
    except BaseException as error:
        has_cut_over = any(isinstance(step, CutOver) for step in done)
        if not has_cut_over and plan.undo:
            undo(plan.undo, ports, gateway)
        elif has_cut_over and isinstance(error, GateFailed):  # nothing but a bake fails so that late
            undo(plan.revert, ports, gateway)
        raise


def undo(steps: Sequence[Step], ports: Ports, gateway: Gateway) -> None:
    """Perform the steps of an undo, up to the first that fails.

    Each is safe only after the one before it: what could not be un-routed must not be stopped. What is left
    is there for the next command to take away.
    """
    with suppress(HitlessError):  # said by its own event; the error that led here is the one to raise
        for step in steps:
            perform_one(step, ports, gateway)
        ports.emit(Undone())


def perform_one(step: Step, ports: Ports, gateway: Gateway) -> None:
    """Perform one step, with its events."""
    announced(ports, step.describe(), partial(_perform, step, ports, gateway))


def announced(ports: Ports, name: str, action: Callable[[], str | None]) -> None:
    """Run an action with the events of a step around it; a text that it returns is said of it."""
    began = ports.clock.now()
    try:
        ports.emit(StepBegan(name))
        detail = action()
    except HitlessError as error:
        logs = error.logs if isinstance(error, GateFailed) else {}
        seconds = ports.clock.now() - began
        ports.emit(StepFailed(name, seconds, error.message, error.hint, logs))
        raise
    ports.emit(StepDone(name, ports.clock.now() - began, detail or ""))


def _perform(step: Step, ports: Ports, gateway: Gateway) -> str:
    def progress(detail: str) -> None:
        ports.emit(StepProgress(step.describe(), detail))

    match step:
        case Start():
            ports.engine.create(step.model, step.volumes)
            ports.engine.connect(gateway.network, step.connect)
            _start(ports, step)
            return ""
        case Route(application, before, routing) if before == routing:
            return _restore(ports, step)
        case Route(application, before, routing):
            return _route(ports, application, before, routing, is_cutover=False)
        case CutOver(before, routing):
            _last_look(ports, step)
            return _route(ports, routing.application, before, routing, is_cutover=True)
        case Bake():
            waits.until_baked(ports, step, progress)
            return ""
        case Record(application, release):
            ports.store.record(application, release)
            return ""
        case Gate():
            waits.until_ready(ports, step, progress)
            return ""
        case Drain():
            return _drain(ports, step, progress)
        case Remove(application, colour):
            ports.engine.remove(application, colour)
            return ""
        case Forget():
            return _forget(ports, step)


def _start(ports: Ports, step: Start) -> None:
    """Start the containers; where one that others wait for does not get ready, show its log."""
    try:
        ports.engine.start(step.model, step.containers, step.timeout)
    except (DockerFailed, TimedOut) as error:
        logs = {
            container.name: ports.engine.logs(container.name, waits.LOG_LINES)
            for container in ports.engine.containers(step.application)
            if container.colour is step.colour
            and (not container.is_running or container.health == "unhealthy")
        }
        raise GateFailed(
            error.message, error.hint, {name: text for name, text in logs.items() if text}
        ) from error


def _last_look(ports: Ports, step: CutOver) -> None:
    """See that all is still as the gate left it, and have it come back with the engine from now on."""
    colour = step.routing.live
    assert colour
    with ThreadPoolExecutor(max_workers=1) as pool:
        updated = pool.submit(ports.engine.restart, step.restart) if step.restart else None
        waits.refuse_unready(ports, step.routing.application, colour, step.readiness)
        if updated:
            updated.result()


def _restore(ports: Ports, step: Route) -> str:
    """Deliver a routing that may be there still: then nothing is written, which a full disk would not let."""
    application, routing = step.application, step.routing
    there = ports.store.read(application).routing_files.get(f"{application}.yml")
    if there == (render(routing) if routing else None) and ports.balancer.in_force(application, routing):
        return "they are as they were"
    try:
        return _route(ports, application, routing, routing, is_cutover=False)
    except DockerFailed as error:
        if step.harmless and ports.balancer.in_force(application, step.harmless):
            return f"as they were shown, which gives it no request: {error.output}"
        raise


def _route(
    ports: Ports, application: str, before: Routing | None, routing: Routing | None, is_cutover: bool
) -> str:
    ports.balancer.deliver(application, render(routing) if routing else None)
    try:
        waits.until_in_force(ports, application, routing)
        # A cutover that is in force stays so: what it routes by was found good when it was shown
        if routing and not is_cutover:
            waits.refuse_complaints(ports, application, routing)
    except NotConfirmed:
        ports.balancer.deliver(application, render(before) if before else None)
        raise
    return f"generation {routing.generation}" if routing else ""


def _drain(ports: Ports, step: Drain, progress: Callable[[str], None]) -> str:
    began = ports.clock.now()
    leaving = [
        container.name
        for container in ports.engine.containers(step.application)
        if container.colour is step.colour
    ]
    if leaving:
        with suppress(DockerFailed):  # gone meanwhile, or about to be removed all the same
            ports.engine.restart(dict.fromkeys(leaving, "no"))
    found = waits.until_drained(ports, step, progress)
    seconds = ports.clock.now() - began
    ports.emit(Drained(str(step.colour), found.in_flight, found.cut, seconds))
    if found.cut:
        return f"{found.cut} still open after {step.timeout:.0f} s, cut"
    return f"{found.in_flight} in flight answered" if found.in_flight else "nothing in flight"


def _forget(ports: Ports, step: Forget) -> str:
    ports.engine.untag(step.application, step.releases)
    ports.store.forget(step.application, step.releases)
    return ""
