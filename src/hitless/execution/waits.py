"""Wait for the gateway, for shared services and for jobs.

Each wait is for a fact. It has a deadline and reports what it waits for.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass

from hitless.domain.common.errors import DockerFailed, GateFailed, HitlessError, NotConfirmed
from hitless.domain.host.world import Container
from hitless.domain.plan.steps import RunOnce, StartShared
from hitless.domain.routing.split import Routing
from hitless.execution.progress import Progress
from hitless.ports import Ports

# Traefik reads a new file after its throttle of 0.1 s: 150 ms in all, measured. A loaded host needs more.
CONFIRM_TIMEOUT = 15.0
# Between two looks. A look itself takes about 80 ms (docker exec), so it keeps no host busy.
PAUSE = 0.05
LONGEST_PAUSE = 1.0
LOG_LINES = 20
_SILENT = 4.0  # seconds; Traefik ends a session in which nothing has come or gone for 3 s
_AT_ONCE = 4  # applications that are asked for their routing: each question waits for a process
KILLED = 137  # the exit code that SIGKILL makes
_MEMORY_EVENT = 1.0  # seconds to wait for the event


def until_in_force(ports: Ports, application: str, routing: Routing | None, said: str = "") -> None:
    """Wait until this generation, and no other, answers requests. Raises `NotConfirmed`.

    `said` is what it is in an error, if it is no application's.
    """
    deadline = ports.clock.now() + CONFIRM_TIMEOUT
    while not ports.balancer.in_force(application, routing):
        if ports.clock.now() > deadline:
            raise NotConfirmed(
                f"the gateway did not take {said or f'the routing of {application}'} within "
                f"{CONFIRM_TIMEOUT:.0f} s{refused(ports)}",
                "see `hitless gateway logs`; one file that Traefik can't read stops every reload",
            )
        ports.clock.pause(PAUSE)


def until_all_answer(
    ports: Ports, routings: Mapping[str, Routing], entry_points: Collection[str]
) -> dict[str, Routing]:
    """Wait until every routing answers on these entry points. Returns those silent at the deadline."""
    deadline = ports.clock.now() + CONFIRM_TIMEOUT
    silent = dict(routings)
    while True:
        heard = answering(ports, silent, entry_points)
        silent = {name: routing for name, routing in silent.items() if name not in heard}
        if not silent or ports.clock.now() > deadline:
            return silent
        ports.clock.pause(PAUSE)


def answering(ports: Ports, routings: Mapping[str, Routing], entry_points: Collection[str]) -> frozenset[str]:
    """The applications whose routing is in force on these entry points. Several are asked at a time."""
    pool = ThreadPoolExecutor(max_workers=_AT_ONCE)
    try:
        found = pool.map(
            lambda name: ports.balancer.in_force(name, routings[name], entry_points), list(routings)
        )
        return frozenset(name for name, is_heard in zip(routings, found, strict=True) if is_heard)
    finally:
        # after an interrupt hundreds of them would still be asked
        pool.shutdown(cancel_futures=True)


def refused(ports: Ports) -> str:
    """The file that Traefik refuses, as the end of a sentence; "" if Traefik names none."""
    try:
        said = ports.balancer.refused()
    except HitlessError:
        return ""
    return f"; Traefik refuses {said}" if said else ""


def refuse_complaints(ports: Ports, application: str, routing: Routing) -> None:
    """Raise `NotConfirmed` if Traefik reports an error in a routing that is in force."""
    complaints = ports.balancer.complaints(routing)
    if complaints:
        raise NotConfirmed(
            f"Traefik refuses the routing of {application}: {'; '.join(complaints)}",
            "correct the label that it names; the release that was live is routed as before",
        )


@dataclass(frozen=True)
class Drainage:
    """How a drain ended: the connections at the first look, and those still open at the deadline."""

    in_flight: int
    cut: int


def until_drained(ports: Ports, addresses: Sequence[str], timeout: float, progress: Progress) -> Drainage:
    """Wait until two looks in a row find no connection to these addresses, or until the deadline."""
    if not addresses:
        return Drainage(0, 0)
    deadline = ports.clock.now() + timeout
    first = None
    zeros = 0
    while True:
        connections = ports.balancer.connections(addresses)
        first = connections if first is None else first
        zeros = zeros + 1 if connections == 0 else 0
        if zeros == 2:
            return Drainage(first, 0)
        if ports.clock.now() > deadline:
            return Drainage(first, connections)
        if connections:
            progress(f"{connections} in flight")
        ports.clock.pause(PAUSE)


def until_sessions_end(ports: Ports, application: str, addresses: Sequence[str]) -> None:
    """Wait until no session of UDP to these addresses is left, or Traefik has ended those that are silent.

    A session whose server is gone would lose all that its client sends, until the kernel notices: up to a
    minute. So it is where the kernel takes no rule that refuses packets.
    """
    deadline = ports.clock.now() + _SILENT
    with suppress(DockerFailed):
        while ports.balancer.end_sessions(application, addresses) and ports.clock.now() < deadline:
            ports.clock.pause(PAUSE)


def until_shared_ready(ports: Ports, step: StartShared, progress: Progress) -> None:
    """Wait until the shared services run and are healthy. Raises `GateFailed` with logs."""
    began = ports.clock.now()
    while True:
        found = [
            container
            for container in ports.containers.composed(step.application)
            if container.project == step.application and container.service in step.services
        ]
        lacking = [
            container
            for container in found
            if not (container.is_ready and container.service not in step.ends)
            and not (container.has_ended_well and container.service in (*step.ends, *step.may_end))
        ]
        missing = sorted(set(step.services) - {container.service for container in found})
        if not lacking and not missing:
            return
        said = ", ".join([*(f"{one.name} is {one.health or one.state}" for one in lacking), *missing])
        waited = ports.clock.now() - began
        bad = [one for one in lacking if one.state in ("exited", "dead") or one.health == "unhealthy"]
        if bad or waited > step.timeout:
            logs = {one.name: ports.containers.logs(one.name, LOG_LINES) for one in bad or lacking}
            raise GateFailed(
                f"the shared services are not ready after {waited:.0f} s: {said}",
                "see its log above, and docker compose ps and logs: hitless has not stopped it",
                logs,
            )
        progress(said)
        progress.hear([one.name for one in lacking])
        ports.clock.pause(min(max(PAUSE, waited / 10), LONGEST_PAUSE))


def until_ended(ports: Ports, step: RunOnce, container: str, progress: Progress) -> None:
    """Wait until a job or a hook has ended with exit code 0. Raises `GateFailed` with its last lines.

    `container` is the name of its container.
    """
    began = ports.clock.now()
    while True:
        found = next(iter(ports.containers.named((container,))), None)
        state = found.state if found else "gone"
        if found and state == "exited" and found.exit_code == 0:
            return
        waited = ports.clock.now() - began
        if found is None or state in ("exited", "dead") or waited > step.timeout:
            how = f"ended with exit code {found.exit_code}" if found and state == "exited" else f"is {state}"
            late = f" after {step.timeout:.0f} s" if waited > step.timeout else ""
            killed = why_killed(ports, found) if found else ""
            raise GateFailed(
                f"{step.service} {how}{late}",
                killed or "see its log above",
                {container: ports.containers.logs(container, LOG_LINES)},
            )
        progress(f"{step.service} is {state}")
        progress.hear((container,))
        ports.clock.pause(min(max(PAUSE, waited / 10), LONGEST_PAUSE))


def why_killed(ports: Ports, container: Container) -> str:
    """The hint for a container that was killed; "" for one that ended by itself.

    The engine reports out-of-memory in a separate event. This may come after the event of the end, or not
    at all (both seen with 26.1 on a busy host).
    """
    if container.exit_code != KILLED:
        return ""
    until = ports.clock.now() + _MEMORY_EVENT
    while not container.ran_out_of_memory and ports.clock.now() < until:
        ports.clock.pause(PAUSE)
        container = next(iter(ports.containers.named((container.name,))), container)
    if container.ran_out_of_memory:
        return "it ran out of memory: raise its limit"
    return "somebody killed it, or it ran out of memory: is its limit high enough?"
