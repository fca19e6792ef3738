"""Wait until a release is ready (the gate), and check that it stays ready (the cutover, the bake)."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from hitless.domain.common.errors import GateFailed, TimedOut
from hitless.domain.common.names import Colour
from hitless.domain.common.redact import CUT_OFF
from hitless.domain.host.world import Container
from hitless.domain.plan.routing_steps import Bake, Gate
from hitless.domain.release.requirements import Probe, Readiness
from hitless.execution import causes
from hitless.execution.progress import Progress
from hitless.execution.waits import LOG_LINES, LONGEST_PAUSE, PAUSE, why_killed
from hitless.ports import Ports
from hitless.ports.balancer import Answer

_BODY = 200
_BAKE_PAUSE = 1.0
# A health check that hitless runs itself takes a fifth of the time, at most, and has an end.
_SHARE = 4
_REST = 0.25  # seconds
_LONGEST_CHECK = 5.0
_AT_ONCE = 4
_BAD = 3  # failures in a row of a live release: a busy host may cause a single one
_NOBODY = (502, 503, 504)  # what Traefik answers where no server does
_SEE_LOG = "see its log above"


def until_ready(
    ports: Ports, step: Gate, readiness: Sequence[Readiness], passed: set[str], progress: Progress
) -> None:
    """Wait until every container of the candidate is ready. Raises `GateFailed` with logs.

    `readiness` is the step's, with one entry for each container. `passed` gets the ids of those whose health
    check passed when hitless ran it; the engine may not know that yet.
    """
    began = ports.clock.now()
    asking = _Asking(ports, passed)
    streaks = dict.fromkeys((wanted.container for wanted in readiness), 0)
    unheard = set(step.routes)
    while True:
        at = ports.clock.now()
        # Request a route only when its servers listen: Traefik stops using one that refuses connections
        is_up = all(streaks[wanted.container] for wanted in readiness)
        looked = _look(ports, step.application, step.colour, readiness, unheard if is_up else ())
        asking.ask(readiness, looked)
        # Look at all of them each time: one that was ready may have ended while hitless waited for another
        lacking = _lacking(ports, readiness, looked, passed)
        for wanted in readiness:
            streaks[wanted.container] += 1
        for wanted, missing in lacking:
            streaks[wanted.container] = 0
            progress(missing)
            if ports.clock.now() - began > wanted.timeout:
                raise _too_late(ports, wanted, missing, looked.answers)
        unheard = {probe for probe in unheard if not _passes(probe, looked.answers)}
        if all(streaks[wanted.container] >= _enough(wanted) for wanted in readiness) and not unheard:
            return
        for probe in unheard & set(looked.answers):
            progress(f"{_asked(probe)} {_said(looked.answers[probe])}")
            if ports.clock.now() - began > max(wanted.timeout for wanted in readiness):
                raise _bad_route(ports, step.colour, readiness, probe, looked.answers[probe])
        if lacking or (is_up and unheard):
            # Where a look is dear, and at a release that starts slowly, look less often
            now = ports.clock.now()
            progress.hear([wanted.container for wanted, _ in lacking] or [*streaks])
            ports.clock.pause(min(max(PAUSE, now - at, (now - began) / 40), LONGEST_PAUSE))


class _Asking:
    """Runs the containers' own health checks: the engine may do so only every 30 s.

    What passes is healthy, as for the engine. What does not is the engine's to judge: it counts the retries
    and knows the start period.
    """

    def __init__(self, ports: Ports, passed: set[str]) -> None:
        self._ports = ports
        self._passed = passed
        self._next: dict[str, float] = {}

    def ask(self, readiness: Sequence[Readiness], looked: _Looked) -> None:
        """Run those that are due, all at once."""
        due = [
            container.id
            for wanted in readiness
            if wanted.healthcheck
            and (container := looked.containers.get(wanted.container))
            and container.is_running
            and container.health == "starting"
            and container.id not in self._passed
            and self._ports.clock.now() >= self._next.get(container.id, 0.0)
            # while it does not answer at all, its check need not be run
            and all(_passes(probe, looked.answers) for probe in wanted.probes)
        ]
        if due:
            with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
                list(pool.map(self._ask, due))

    def _ask(self, container: str) -> None:
        began = self._ports.clock.now()
        try:
            if self._ports.containers.passes_check(container, _LONGEST_CHECK):
                self._passed.add(container)
        except TimedOut:
            self._next[container] = math.inf  # it is too dear: the engine runs it as often as the file says
        else:
            now = self._ports.clock.now()
            self._next[container] = now + max(_REST, _SHARE * (now - began))


def refuse_unready(
    ports: Ports,
    application: str,
    colour: Colour,
    readiness: Sequence[Readiness],
    passed: Collection[str],
) -> None:
    """Raise `GateFailed` unless every container runs as it did at the gate. Sends no request.

    `passed` are the ids of those whose health check passed there when hitless ran it.
    """
    unasked = [replace(wanted, probes=()) for wanted in readiness]
    looked = _look(ports, application, colour, unasked, ())
    for wanted, missing in _lacking(ports, unasked, looked, passed):
        raise _failed(ports, wanted, missing, _SEE_LOG)


def until_baked(
    ports: Ports, step: Bake, readiness: Sequence[Readiness], passed: Collection[str], progress: Progress
) -> None:
    """Watch the live release until the bake is over. Raises `GateFailed` with logs.

    `readiness` is the step's, with one entry for each container; `passed` is as for `refuse_unready`.
    A container that ends or becomes unhealthy fails the bake at once. A probe fails it the third time in a
    row. A route through the gateway counts as a probe: visitors may not reach a container that is well.
    """
    until = ports.clock.now() + step.seconds
    failures = 0
    refuse_unready(ports, step.application, step.colour, readiness, passed)
    while (left := until - ports.clock.now()) > 0:
        ports.clock.pause(min(left, _BAKE_PAUSE))
        looked = _look(ports, step.application, step.colour, readiness, step.routes)
        lacking = _lacking(ports, readiness, looked, passed)
        failing = [probe for probe in step.routes if not _passes(probe, looked.answers)]
        failures = failures + 1 if lacking or failing else 0
        for wanted, missing in lacking:
            progress(missing)
            if failures >= _BAD:
                raise _failed(ports, wanted, f"{missing}, {failures} times in a row", _SEE_LOG)
        for probe in failing:
            progress(f"{_asked(probe)} {_said(looked.answers[probe])}")
            if failures >= _BAD:
                raise _bad_route(ports, step.colour, readiness, probe, looked.answers[probe], failures)
        if not lacking and not failing:
            progress(f"{max(left, 0):.0f} s to go")


@dataclass(frozen=True)
class _Looked:
    """A colour at one moment: its containers by name, and what the probes got."""

    containers: Mapping[str, Container]
    answers: Mapping[Probe, Answer]


def _look(
    ports: Ports,
    application: str,
    colour: Colour,
    readiness: Sequence[Readiness],
    routes: Collection[Probe],
) -> _Looked:
    probes = [*(probe for wanted in readiness for probe in wanted.probes), *routes]
    with ThreadPoolExecutor(max_workers=1) as pool:
        found = pool.submit(ports.containers.named, [wanted.container for wanted in readiness])
        answers = dict(zip(probes, ports.balancer.ask(probes), strict=True)) if probes else {}
    containers = {
        one.name: one for one in found.result() if (one.application, one.colour) == (application, colour)
    }
    return _Looked(containers, answers)


def _lacking(
    ports: Ports, readiness: Sequence[Readiness], looked: _Looked, passed: Collection[str]
) -> list[tuple[Readiness, str]]:
    """What is not ready yet, with what it lacks. Raises `GateFailed` if one can't become ready."""
    return [(wanted, missing) for wanted in readiness if (missing := _missing(ports, wanted, looked, passed))]


def _passes(probe: Probe, answers: Mapping[Probe, Answer]) -> bool:
    return probe in answers and probe.passes(answers[probe].status)


def _enough(wanted: Readiness) -> int:
    # Without a probe there is nothing to ask twice: Docker has counted its own retries
    return wanted.successes if wanted.probes else 1


def _missing(
    ports: Ports,
    wanted: Readiness,
    looked: _Looked,
    passed: Collection[str],
) -> str:
    """What this container still lacks; "" if it is ready. Raises `GateFailed` if it can't become ready."""
    container = looked.containers.get(wanted.container)
    if container is None:
        raise _failed(ports, wanted, f"{wanted.container} is gone", "did somebody remove it?")
    if container.state == "exited" and container.exit_code == 0 and wanted.may_end:
        return ""
    if container.restarts or container.state in ("exited", "dead", "restarting", "removing"):
        raise _failed(
            ports,
            wanted,
            f"{wanted.container} ended with exit code {container.exit_code}",
            why_killed(ports, container) or _SEE_LOG,
        )
    if container.health == "unhealthy":
        cause = causes.of_unhealthy(ports, wanted.container)
        raise _failed(
            ports,
            wanted,
            f"{wanted.container} is unhealthy"
            + (f": {cause.said}" if cause else " by its own Docker health check"),
            cause.hint if cause else _SEE_LOG,
        )
    if not container.is_running:
        return f"{wanted.container} is {container.state}"
    has_passed = container.health == "healthy" or (container.health and container.id in passed)
    if wanted.healthcheck and not has_passed:
        return f"{wanted.container} is {container.health or 'without health yet'}"
    for probe in wanted.probes:
        if not probe.passes(looked.answers[probe].status):
            return f"{wanted.container} {_said(looked.answers[probe])}"
    return ""


def _said(answer: Answer) -> str:
    return f"answers {answer.status}" if answer.status else f"does not answer: {answer.body}"


def _too_late(ports: Ports, wanted: Readiness, missing: str, answers: Mapping[Probe, Answer]) -> GateFailed:
    late = f"{wanted.container} was not ready within {wanted.timeout:.0f} s: "
    for probe in wanted.probes:
        answer = answers.get(probe)
        if answer is None or probe.passes(answer.status):
            continue
        silent = None if answer.status else causes.of_silence(ports, (wanted.container,), probe.port)
        if silent:
            return _failed(ports, wanted, late + silent.said, silent.hint)
        return _failed(ports, wanted, f"{late}{_asked(probe)} {_got(answer)}", _hint(answer.status))
    cause = causes.of_unhealthy(ports, wanted.container) if wanted.healthcheck else None
    return _failed(
        ports,
        wanted,
        late + missing + (f"; {cause.said}" if cause else ""),
        cause.hint if cause else "see its log above, or pass a longer --timeout",
    )


def _bad_route(
    ports: Ports,
    colour: Colour,
    readiness: Sequence[Readiness],
    probe: Probe,
    answer: Answer,
    times: int = 1,
) -> GateFailed:
    logs = {
        wanted.container: ports.containers.logs(wanted.container, LOG_LINES)
        for wanted in readiness
        if not wanted.may_end
    }
    said = (
        f"the containers of {colour} are ready, but their route is not: through the gateway "
        f"{_asked(probe)} {_got(answer)}" + (f", {times} times in a row" if times > 1 else "")
    )
    behind = [wanted.container for wanted in readiness if wanted.service == probe.service]
    cause = causes.of_silence(ports, behind, probe.behind) if answer.status in _NOBODY and behind else None
    if cause:
        return GateFailed(f"{said}: {cause.said}", cause.hint, logs)
    hint = "see its log above; if this answer is right, set `x-hitless: {ask_routes: false}`"
    return GateFailed(said, hint, logs)


def _asked(probe: Probe) -> str:
    if probe.tcp:
        return f"a connection to {probe.container}:{probe.port}"
    return f"{probe.method} http://{probe.container}:{probe.port}{probe.path} (Host: {probe.host})"


def _got(answer: Answer) -> str:
    text = answer.body.strip()
    text = text if len(text) <= _BODY else text[:_BODY] + CUT_OFF
    body = f": {text}" if answer.status and text else ""
    return f"{_said(answer).removeprefix('answers ')}{body}"


def _hint(status: int) -> str:
    match status:
        case 0:
            return "does it listen on 0.0.0.0, and on the port that the file names?"
        case 400 | 421:
            return "does the application accept this Host header (allowed hosts)?"
        case 401 | 403:
            return "the health check path must be reachable without credentials"
        case 404:
            return "is the path of the health check right?"
        case _:
            return _SEE_LOG


def _failed(ports: Ports, wanted: Readiness, message: str, hint: str) -> GateFailed:
    logs = ports.containers.logs(wanted.container, LOG_LINES)
    return GateFailed(message, hint, {wanted.container: logs})
