"""Perform a plan step by step; undo it where it fails before the cutover."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from hitless.domain.errors import GateFailed, HitlessError, NotConfirmed
from hitless.domain.events import Drained, Live, StepBegan, StepDone, StepFailed, StepProgress
from hitless.domain.routing import Routing, render
from hitless.domain.steps import CutOver, Drain, Forget, Gate, Plan, Record, Remove, Route, Start, Step
from hitless.domain.world import Gateway
from hitless.execution import waits
from hitless.ports import Ports


def perform(plan: Plan, ports: Ports, gateway: Gateway, began: float) -> None:
    """Perform every step. `began` is when the command began, by the clock.

    What fails (or is interrupted) before the cutover is confirmed is undone, then raised again; later there
    is nothing to undo: the new release is live, and the next command finishes what is left.
    """
    is_live = False
    try:
        for step in plan.steps:
            announced(ports, step.describe(), partial(_perform, step, ports, gateway))
            if isinstance(step, CutOver):
                is_live = True
                seconds = ports.clock.now() - began
                ports.emit(Live(plan.release, str(plan.colour), seconds))
    except BaseException:
        if not is_live:
            undo(plan, ports, gateway)
        raise


def undo(plan: Plan, ports: Ports, gateway: Gateway) -> None:
    """Perform the plan's undo steps, every one of them, whatever becomes of the others."""
    for step in plan.undo:
        try:
            announced(ports, step.describe(), partial(_perform, step, ports, gateway))
        except HitlessError:
            continue  # said by its own event; the next command sees what is left, and takes it away


def announced(ports: Ports, name: str, action: Callable[[], str | None]) -> None:
    """Run an action with the events of a step around it; a text that it returns is said of it."""
    began = ports.clock.now()
    ports.emit(StepBegan(name))
    try:
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
            ports.engine.start(step.model, step.containers)
            return ""
        case Route(application, before, routing):
            return _route(ports, application, before, routing)
        case CutOver(before, routing):
            return _route(ports, routing.application, before, routing)
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


def _route(ports: Ports, application: str, before: Routing | None, routing: Routing | None) -> str:
    ports.balancer.deliver(application, render(routing) if routing else None)
    try:
        waits.until_in_force(ports, application, routing)
    except NotConfirmed:
        ports.balancer.deliver(application, render(before) if before else None)
        raise
    return f"generation {routing.generation}" if routing else ""


def _drain(ports: Ports, step: Drain, progress: Callable[[str], None]) -> str:
    began = ports.clock.now()
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
