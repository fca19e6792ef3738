"""Every wait of hitless: each for a fact, with a deadline, saying what it waits for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from hitless.domain.errors import GateFailed, NotConfirmed
from hitless.domain.routing import Routing
from hitless.domain.steps import Drain, Gate, Probe, Readiness
from hitless.domain.world import Container
from hitless.ports import Answer, Ports

Progress = Callable[[str], None]

# Traefik takes a new file after its throttle of 0.1 s, 150 ms in all when measured; a loaded host needs more.
CONFIRM_TIMEOUT = 15.0
# Between two looks; a look itself costs about 80 ms (docker exec), so no host is kept busy by it.
_PAUSE = 0.05
LOG_LINES = 20
_BODY = 200


def until_in_force(ports: Ports, application: str, routing: Routing | None) -> None:
    """Until this generation, and no other, answers on the data plane. Raises `NotConfirmed`."""
    deadline = ports.clock.now() + CONFIRM_TIMEOUT
    while not ports.balancer.in_force(application, routing):
        if ports.clock.now() > deadline:
            raise NotConfirmed(
                f"the gateway did not take the routing of {application} within {CONFIRM_TIMEOUT:.0f} s",
                "see `hitless gateway logs`; one broken file in its routing directory stops every reload",
            )
        ports.clock.pause(_PAUSE)


def refuse_complaints(ports: Ports, application: str, routing: Routing) -> None:
    """Raise `NotConfirmed` where Traefik finds fault with a routing that is in force."""
    complaints = ports.balancer.complaints(routing)
    if complaints:
        raise NotConfirmed(
            f"Traefik refuses the routing of {application}: {'; '.join(complaints)}",
            "mend the label that it names; the release that was live is routed as before",
        )


@dataclass(frozen=True)
class Drainage:
    """How a drain ended: requests found in flight at first, and connections still open at the deadline."""

    in_flight: int
    cut: int


def until_drained(ports: Ports, step: Drain, progress: Progress) -> Drainage:
    """Until the gateway has held no connection to the colour at two looks in a row, or the deadline."""
    addresses = [
        container.address
        for container in ports.engine.containers(step.application)
        if container.colour is step.colour and container.is_running and container.address
    ]
    if not addresses:
        return Drainage(0, 0)
    deadline = ports.clock.now() + step.timeout
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
        ports.clock.pause(_PAUSE)


def until_ready(ports: Ports, step: Gate, progress: Progress) -> None:
    """Until every container of the candidate has proved ready. Raises `GateFailed` with logs."""
    began = ports.clock.now()
    streaks = dict.fromkeys((wanted.container for wanted in step.readiness), 0)
    probes = [probe for wanted in step.readiness for probe in wanted.probes]
    while True:
        with ThreadPoolExecutor(max_workers=1) as pool:
            found = pool.submit(ports.engine.containers, step.application)
            answers = dict(zip(probes, ports.balancer.ask(probes), strict=True))
        containers = {
            container.name: container for container in found.result() if container.colour is step.colour
        }
        # all of them at every look: one that was ready may have ended while another was waited for
        lacking = [
            (wanted, missing)
            for wanted in step.readiness
            if (missing := _missing(ports, wanted, containers.get(wanted.container), answers))
        ]
        for wanted in step.readiness:
            streaks[wanted.container] += 1
        for wanted, missing in lacking:
            streaks[wanted.container] = 0
            progress(missing)
            if ports.clock.now() - began > wanted.timeout:
                raise _too_late(ports, wanted, missing, answers)
        if all(streaks[wanted.container] >= _enough(wanted) for wanted in step.readiness):
            return
        if lacking:
            ports.clock.pause(_PAUSE)


def _enough(wanted: Readiness) -> int:
    # without a probe there is nothing to ask twice: Docker has counted its own retries
    return wanted.successes if wanted.probes else 1


def _missing(
    ports: Ports,
    wanted: Readiness,
    container: Container | None,
    answers: Mapping[Probe, Answer],
) -> str:
    """What this container still lacks, "" when ready. Raises `GateFailed` where it never will be."""
    if container is None:
        raise _failed(ports, wanted, f"{wanted.container} is gone", "was it removed by somebody?")
    if container.state == "exited" and container.exit_code == 0 and wanted.may_end:
        return ""
    if container.restarts or container.state in ("exited", "dead", "restarting", "removing"):
        raise _failed(
            ports,
            wanted,
            f"{wanted.container} ended with exit code {container.exit_code} while starting",
            "its last lines are above; the release that was live serves on",
        )
    if container.health == "unhealthy":
        raise _failed(
            ports,
            wanted,
            f"{wanted.container} is unhealthy by its own Docker health check",
            "its last lines are above; a longer start_period may be needed",
        )
    if not container.is_running:
        return f"{wanted.container} is {container.state}"
    if wanted.healthcheck and container.health != "healthy":
        return f"{wanted.container} is {container.health or 'without health yet'}"
    for probe in wanted.probes:
        if not is_ready(probe, answers[probe]):
            return f"{wanted.container} {_said(answers[probe])}"
    return ""


def is_ready(probe: Probe, answer: Answer) -> bool:
    """Whether this answer passes the probe."""
    if probe.status is not None:
        return answer.status == probe.status
    return 200 <= answer.status < (500 if probe.any_answer else 400)


def _said(answer: Answer) -> str:
    return f"answers {answer.status}" if answer.status else f"does not answer: {answer.body}"


def _too_late(ports: Ports, wanted: Readiness, missing: str, answers: Mapping[Probe, Answer]) -> GateFailed:
    for probe in wanted.probes:
        answer = answers.get(probe)
        if answer is None or is_ready(probe, answer):
            continue
        asked = f"{probe.method} http://{probe.container}:{probe.port}{probe.path} (Host: {probe.host})"
        body = f": {answer.body[:_BODY]}" if answer.status and answer.body else ""
        return _failed(
            ports,
            wanted,
            f"{wanted.container} was not ready within {wanted.timeout:.0f} s: {asked} "
            f"{_said(answer).removeprefix('answers ')}{body}",
            _hint(answer.status),
        )
    return _failed(
        ports,
        wanted,
        f"{wanted.container} was not ready within {wanted.timeout:.0f} s: {missing}",
        "a longer --timeout, or a look at its log above",
    )


def _hint(status: int) -> str:
    match status:
        case 0:
            return "does it listen on 0.0.0.0, and is the port in the label the one it listens on?"
        case 400 | 421:
            return "does the application accept this Host header (allowed hosts)?"
        case 401 | 403:
            return "the health check path must be reachable without credentials"
        case 404:
            return "is the path of the health check right?"
        case _:
            return "its last lines are above; the release that was live serves on"


def _failed(ports: Ports, wanted: Readiness, message: str, hint: str) -> GateFailed:
    logs = ports.engine.logs(wanted.container, LOG_LINES)
    return GateFailed(message, hint, {wanted.container: logs})
