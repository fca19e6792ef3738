"""Perform the steps of a plan that replace the live instance of Traefik."""

from __future__ import annotations

from collections.abc import Callable

from hitless.domain.common.errors import HitlessError, TimedOut
from hitless.domain.plan.instance_steps import (
    CloseInstance,
    EndInstance,
    InstanceStep,
    ProveInstance,
    Settle,
    StartInstance,
    SwitchTo,
)
from hitless.execution import waits
from hitless.ports import Ports

_START_TIMEOUT = 30.0  # seconds, as all of these
_GRACE = 20.0  # Traefik gives its requests 10
_KILL = 5.0
_PAUSE = 0.1


def perform_instance(ports: Ports, step: InstanceStep, progress: Callable[[str], None]) -> str:
    """Perform one step. Returns the text for the event of its end."""
    match step:
        case StartInstance(number, settings, forgotten):
            ports.instances.begin_instance(number, settings, forgotten)
            return ""
        case ProveInstance():
            return _prove(ports, step)
        case SwitchTo(number):
            ports.instances.switch_to(number)
            return ""
        case Settle(settings):
            ports.instances.settle(settings)
            return ""
        case CloseInstance(number, timeout):
            return _drain(ports, number, timeout, progress)
        case EndInstance(number):
            _end(ports, number)
            return ""


def _prove(ports: Ports, step: ProveInstance) -> str:
    deadline = ports.clock.now() + _START_TIMEOUT
    while not ports.instances.instance_answers(step.number, step.certificates):
        if ports.clock.now() > deadline:
            raise TimedOut(
                f"the new Traefik did not answer within {_START_TIMEOUT:.0f} s of its start",
                "see `hitless gateway logs`; the present one is still serving",
            )
        ports.clock.pause(_PAUSE)
    routings = ports.state.read(None).routings
    silent = waits.until_all_answer(ports, routings, step.entry_points)
    if lost := sorted(step.answering & set(silent)):
        raise HitlessError(
            f"{', '.join(lost)} does not answer behind the new Traefik{waits.refused(ports)}",
            "see `hitless gateway logs`; the present one is still serving",
        )
    return f"{len(routings) - len(silent)} applications"


def _drain(ports: Ports, number: int, timeout: float, progress: Callable[[str], None]) -> str:
    """An idle connection ends with its next request. Without one, it is open until the deadline."""
    ports.instances.close_instance(number, ports.state.read(None).routings.values())
    began = ports.clock.now()
    first = left = ports.instances.instance_connections(number)
    while left and ports.clock.now() < began + timeout:
        progress(f"{left} connections")
        ports.clock.pause(_PAUSE)
        left = ports.instances.instance_connections(number)
    return f"{first - left} of {first} connections ended" + (f", {left} after {timeout:g} s" if left else "")


def _end(ports: Ports, number: int) -> None:
    """End it, and only then lower the memory limit: two need more than one."""
    for is_killed, patience in ((False, _GRACE), (True, _KILL)):
        if number in ports.instances.instances().there:
            ports.instances.end_instance(number, is_killed)
        deadline = ports.clock.now() + patience
        while number in ports.instances.instances().there and ports.clock.now() < deadline:
            ports.clock.pause(_PAUSE)
    if number in ports.instances.instances().there:
        raise TimedOut(f"Traefik did not end within {_GRACE + _KILL:.0f} s", "see `hitless gateway logs`")
    ports.instances.fit_memory()
