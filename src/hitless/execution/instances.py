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
# What waits for an answer over HTTP/3 may have sent nothing for a while; see `switch` in instances.sh
_QUIET = 20.0


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
        case CloseInstance():
            return _drain(ports, step, progress)
        case EndInstance():
            _end(ports, step)
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


def _drain(ports: Ports, step: CloseInstance, progress: Callable[[str], None]) -> str:
    """An idle connection ends with its next request. Without one, it is open until the deadline."""
    number, timeout = step.number, step.timeout
    cut = _divert(ports, step, progress) if step.http3 else 0
    ports.instances.close_instance(number, ports.state.read(None).routings.values())
    began = ports.clock.now()
    first = left = ports.instances.instance_connections(number)
    while left and ports.clock.now() < began + timeout:
        progress(f"{left} connections")
        ports.clock.pause(_PAUSE)
        left = ports.instances.instance_connections(number)
    ended = f"{first - left} of {first} connections ended" + (f", {left} after {timeout:g} s" if left else "")
    return ended + (f", {cut} over HTTP/3 cut" if cut else "")


def _divert(ports: Ports, step: CloseInstance, progress: Callable[[str], None]) -> int:
    """How many connections over HTTP/3 are in use at the deadline; one that is idle is not seen at first.

    A client keeps its idle connection, and would use it again if the live instance told it to use HTTP/3.
    """
    routings = ports.state.read(None).routings.values()
    for number in (step.number, ports.instances.instances().live):
        ports.instances.divert(number, routings)
    began = ports.clock.now()
    while True:
        waited = ports.clock.now() - began
        left = ports.instances.quic_connections(step.number)
        if waited >= step.timeout or (not left and waited >= _QUIET):
            return left
        progress(f"{left} connections over HTTP/3")
        ports.clock.pause(_PAUSE)


def _end(ports: Ports, step: EndInstance) -> None:
    """End it, and only then lower the memory limit: two need more than one."""
    number = step.number
    for is_killed, patience in ((False, _GRACE), (True, _KILL)):
        if number in ports.instances.instances().there:
            ports.instances.end_instance(number, is_killed)
        deadline = ports.clock.now() + patience
        while number in ports.instances.instances().there and ports.clock.now() < deadline:
            ports.clock.pause(_PAUSE)
    if step.http3:
        # it has told its clients over HTTP/3 that it ends: none of them goes back to it
        live = ports.instances.instances().live
        ports.instances.divert(live, ports.state.read(None).routings.values(), is_over=True)
    if number in ports.instances.instances().there:
        raise TimedOut(f"Traefik did not end within {_GRACE + _KILL:.0f} s", "see `hitless gateway logs`")
    ports.instances.fit_memory()
