"""What a proof lost, why, whose fault it was, and the remedy, from what the proof saw. Pure.

hitless asks nothing special of the application, and both releases are the same. So it can't see which of them
answered: it concludes from the moments of the deployment, and from what the engine and the gateway know.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from hitless.domain.proof.as_before import as_before
from hitless.domain.proof.observations import Ending, Failure, Observed, Period, Sample, Target, Timeline
from hitless.domain.routing.reserved import IDLE_TIMEOUT

EARLY = 10.0
"""Seconds after its cutover in which an error of the new release means that it was not ready yet."""


_CRASH = 5.0  # seconds after a crash in which a loss is explained by it
_SLOW = 5.0  # seconds of start that are worth a note, if they are most of the deployment
_AT_ONCE = 1.0  # seconds in which a program ends if it does nothing else on SIGTERM
_LATE = 0.25  # seconds by which a request may be late before the figures show this machine's own delays
_KILLED = 137
_ENDED_BY_SIGNAL = (143, 130)  # 128 + SIGTERM, SIGINT: what a program without a handler ends with


class Side(StrEnum):
    """Whose fault it is."""

    APPLICATION = "the application"
    HITLESS = "hitless or its gateway"
    HERE = "this machine"


class Cause(StrEnum):
    """Why requests or sessions were lost, or what is worth a note although nothing was lost."""

    OWN = "own-errors"
    CRASHED = "crashed"
    CUT_IN_FLIGHT = "cut-in-flight"
    STOPPED_IN_FLIGHT = "stopped-in-flight"
    TOO_EARLY = "ready-too-early"
    IDLE_CLOSED = "closes-idle-connections"
    HANGS = "hangs"
    GATEWAY = "gateway"
    TWO_AT_ONCE = "two-at-once"
    SELDOM = "errors-at-no-moment"
    SESSIONS = "sessions-in-memory"
    SLOW_START = "slow-start"
    DIES_AT_ONCE = "dies-on-sigterm"
    IGNORES_SIGTERM = "ignores-sigterm"
    LOAD_LATE = "load-late"
    LOAD_ENDED = "load-ended"


@dataclass(frozen=True)
class Fault:
    """One cause: whose fault, how many requests it cost (0: it is a note), what was seen, what to do.

    `is_loss`: it counts against the proof. `detail` says what was lost of what, and when.
    """

    cause: Cause
    side: Side
    lost: int
    message: str
    remedy: str
    is_loss: bool
    detail: str = ""


@dataclass(frozen=True)
class Latency:
    """Seconds from the beginning of a request to the end of its right answer."""

    p50: float
    p99: float
    max: float


@dataclass(frozen=True)
class Row:
    """The requests that ended in one period; `latency` is None if none was answered.

    `lost` and `as_before` map what came instead of a right answer -> how often. `as_before` is what the
    application also answers without a deployment.
    """

    period: Period
    requests: int
    lost: Mapping[str, int]
    latency: Latency | None
    as_before: Mapping[str, int]


@dataclass(frozen=True)
class Proof:
    """What was proved: the periods that had requests, and the faults, losses first."""

    observed: Observed
    rows: tuple[Row, ...]
    faults: tuple[Fault, ...]

    @property
    def requests(self) -> int:
        """How many were sent."""
        return len(self.observed.samples)

    @property
    def lost(self) -> int:
        """How many got no right answer, without those that are as before any deployment."""
        return sum(sum(row.lost.values()) for row in self.rows)

    @property
    def as_before(self) -> int:
        """How many got a wrong answer that the application also gave before any deployment."""
        return sum(sum(row.as_before.values()) for row in self.rows)

    @property
    def is_lossless(self) -> bool:
        """Whether deployments lost neither a request nor a session."""
        return not any(fault.is_loss for fault in self.faults)


def judge(observed: Observed) -> Proof:
    """What was lost, why and by whom."""
    usual = _usual(observed)
    wrong = [sample for sample in observed.samples if _is_wrong(sample, usual)]
    own = as_before(wrong, observed.samples, lambda sample: _place(sample, observed)[0])
    by_cause: dict[Cause, list[Sample]] = {}
    for sample in wrong:
        by_cause.setdefault(_cause(sample, observed, own), []).append(sample)
    lost = [_loss(cause, found, observed) for cause, found in by_cause.items()]
    lost.sort(key=lambda fault: (not fault.is_loss, -fault.lost))
    faults = [*lost, *_sessions(observed), *_remarks(observed, by_cause)]
    faults.sort(key=lambda fault: not fault.is_loss)
    return Proof(observed, _rows(observed, wrong, own), tuple(faults))


def refused(status: int, is_gateways: bool) -> bool:
    """Whether an answer shows that nothing can be proved with this request: it fails without a deployment."""
    return status >= 500 or (status == 404 and is_gateways)


def _usual(observed: Observed) -> dict[Target, set[int]]:
    """The statuses below 500 that each target has without a deployment: a login page's 401 is right."""
    usual: dict[Target, set[int]] = {target: set() for target in observed.targets}
    for sample in observed.samples:
        if sample.failure is None and sample.status < 500 and _place(sample, observed)[0] is Period.BASELINE:
            usual.setdefault(sample.target, set()).add(sample.status)
    return usual


def _is_wrong(sample: Sample, usual: Mapping[Target, set[int]]) -> bool:
    if sample.failure is not None or sample.status >= 500:
        return True
    return sample.status >= 400 and sample.status not in usual.get(sample.target, ())


def _place(sample: Sample, observed: Observed) -> tuple[Period, Timeline | None]:
    """The period in which a request ended, and the deployment that it was in or after."""
    passed = [timeline for timeline in observed.timelines if timeline.began <= sample.ended]
    return (passed[-1].period(sample.ended), passed[-1]) if passed else (Period.BASELINE, None)


def _cause(sample: Sample, observed: Observed, own: set[int]) -> Cause:
    period, timeline = _place(sample, observed)
    by_application = sample.status >= 400 and not sample.is_gateways
    if id(sample) in own:
        return Cause.OWN
    if timeline and any(_explains(ending, sample) for ending in timeline.endings):
        return Cause.CRASHED
    if timeline and timeline.live is not None and timeline.stopping is not None:
        was_in_flight = sample.began < timeline.live and sample.ended >= timeline.stopping
        if was_in_flight:
            return Cause.CUT_IN_FLIGHT if timeline.cut else Cause.STOPPED_IN_FLIGHT
    if _is_early(sample, observed) and (by_application or _is_servers(sample)):
        return Cause.TOO_EARLY
    if sample.is_gateways and sample.status == 502 and observed.idle:
        return Cause.IDLE_CLOSED
    if sample.failure in (Failure.TIMEOUT, Failure.UNSENT):
        return Cause.HANGS
    if not by_application:
        return Cause.GATEWAY
    return Cause.SELDOM if period is Period.AFTER else Cause.TWO_AT_ONCE


def _since_cutover(sample: Sample, observed: Observed) -> float | None:
    """Seconds from the latest confirmed cutover that had begun before the request did."""
    cut = [one for one in observed.timelines if one.cutting is not None and one.cutting <= sample.began]
    return sample.began - cut[-1].live if cut and cut[-1].live is not None else None


def _is_early(sample: Sample, observed: Observed) -> bool:
    since = _since_cutover(sample, observed)
    return since is not None and since <= EARLY


def _is_servers(sample: Sample) -> bool:
    """Whether the gateway had a route, but the server behind it did not answer well."""
    if sample.failure is not None:
        return sample.failure in (Failure.CUT, Failure.TIMEOUT, Failure.UNSENT)
    return sample.status >= 500


def _explains(ending: Ending, sample: Sample) -> bool:
    is_near = sample.began <= ending.at + _CRASH and sample.ended >= ending.at - _AT_ONCE
    is_of_servers = _is_servers(sample) or sample.failure is Failure.RESET
    return not ending.is_asked and is_near and is_of_servers


def _loss(cause: Cause, lost: Sequence[Sample], observed: Observed) -> Fault:
    side, message, remedy = _ABOUT[cause]
    what = ", ".join(f"{count} x {what}" for what, count in Counter(one.what for one in lost).most_common())
    at = ", ".join(dict.fromkeys(_place(sample, observed)[0] for sample in lost))
    drawn = {"timeout": f"{observed.drain_timeout:.0f} s", "early": f"{_early(lost, observed):.1f} s"}
    # names only a few paths: the report has all of them
    paths = list(dict.fromkeys(sample.target.url for sample in lost))
    of = f" of {', '.join(paths)}" if len(paths) < len(observed.targets) and len(paths) <= 3 else ""
    said, todo = message.format(**drawn), remedy.format(**drawn)
    return Fault(cause, side, len(lost), said, todo, cause is not Cause.OWN, f"{what}{of}; {at}")


def _early(lost: Sequence[Sample], observed: Observed) -> float:
    """How long after its cutover a release still made errors."""
    return max(_since_cutover(sample, observed) or 0.0 for sample in lost)


def _sessions(observed: Observed) -> list[Fault]:
    lost = [session for session in observed.sessions if session.is_lost]
    if not lost:
        return []
    names = ", ".join(dict.fromkeys(name for session in lost for name in session.jar))
    paths = ", ".join(dict.fromkeys(session.target.url for session in lost))
    message = (
        f"sessions end with the release: the new one did not know {len(lost)} of "
        f"{len(observed.sessions)} that the old one knew"
    )
    remedy = (
        "keep sessions where both releases find them (a database, Redis), or in a signed cookie whose key "
        "comes from the environment and is not made at the start"
    )
    detail = f"cookie {names} of {paths}"
    return [Fault(Cause.SESSIONS, Side.APPLICATION, 0, message, remedy, True, detail)]


def _remarks(observed: Observed, by_cause: Mapping[Cause, object]) -> list[Fault]:
    """What is worth a note although it cost nothing this time."""
    found = [*_endings(observed, Cause.CUT_IN_FLIGHT in by_cause), *_slow_start(observed)]
    if observed.idle and Cause.IDLE_CLOSED not in by_cause:
        services = ", ".join(f"{name} after {after:.1f} s" for name, after in observed.idle.items())
        _, _, remedy = _ABOUT[Cause.IDLE_CLOSED]
        message = (
            f"{services} closes idle connections; the gateway would do it after {IDLE_TIMEOUT:g} s: "
            "a request that meets the close is lost if it can't be sent again (a POST)"
        )
        found.append(_remark(Cause.IDLE_CLOSED, Side.APPLICATION, message, remedy))
    if observed.lag > _LATE:
        message = (
            f"requests were sent up to {observed.lag:.1f} s late: the latencies are in part this machine's"
        )
        found.append(_remark(Cause.LOAD_LATE, Side.HERE, message, "a lower --rate, or a less busy moment"))
    if observed.is_over:
        message = (
            f"the load reached its bounds after {len(observed.timelines)} of {observed.wanted} deployments"
        )
        found.append(_remark(Cause.LOAD_ENDED, Side.HERE, message, "a lower --rate, or fewer --deployments"))
    return found


def _endings(observed: Observed, is_told: bool) -> list[Fault]:
    """How the old release's containers ended after they were told to."""
    asked = [ending for timeline in observed.timelines for ending in timeline.endings if ending.is_asked]
    ignoring = {
        one.service: one.seconds
        for one in asked
        if one.exit_code == _KILLED and one.seconds >= 0.9 * observed.grace.get(one.service, math.inf)
    }
    dying = [one for one in asked if one.exit_code in _ENDED_BY_SIGNAL and one.seconds < _AT_ONCE]
    found = []
    for service, took in ignoring.items():
        message = f"{service} did not end when it was told to, and was killed after {took:.0f} s each time"
        remedy = (
            "have it end on SIGTERM; the first process of a container ignores signals that it has no handler "
            "for: `init: true` in the Compose file, or `exec` before the command in a start script"
        )
        found.append(_remark(Cause.IGNORES_SIGTERM, Side.APPLICATION, message, remedy))
    if dying and not is_told:
        services = ", ".join(dict.fromkeys(one.service for one in dying))
        message = (
            f"{services} ends at once on SIGTERM (exit code {dying[0].exit_code}) and finishes no request: "
            "no loss here, because hitless stops a release only when none is in flight"
        )
        remedy = (
            f"have it finish its requests on SIGTERM: one that takes longer than drain_timeout "
            f"({observed.drain_timeout:.0f} s) would be cut, and every one if the host is shut down"
        )
        found.append(_remark(Cause.DIES_AT_ONCE, Side.APPLICATION, message, remedy))
    return found


def _slow_start(observed: Observed) -> list[Fault]:
    done = [timeline for timeline in observed.timelines if timeline.live is not None]
    slow = [one for one in done if one.gate > _SLOW and one.gate > (one.ended - one.began) / 2]
    if not slow:
        return []
    longest = max(one.gate for one in slow)
    message = f"most of the time of a deployment is the application's own start, up to {longest:.1f} s"
    remedy = "have it start faster; its health check's `interval` is not what takes the time"
    return [_remark(Cause.SLOW_START, Side.APPLICATION, message, remedy)]


def _remark(cause: Cause, side: Side, message: str, remedy: str) -> Fault:
    return Fault(cause, side, 0, message, remedy, is_loss=False)


def _rows(observed: Observed, wrong: Sequence[Sample], own: set[int]) -> tuple[Row, ...]:
    ended: dict[Period, list[Sample]] = {period: [] for period in Period}
    for sample in observed.samples:
        ended[_place(sample, observed)[0]].append(sample)
    lost = set(map(id, wrong)) - own
    return tuple(
        Row(
            period,
            len(found),
            dict(Counter(one.what for one in found if id(one) in lost).most_common()),
            _latency([one.ended - one.began for one in found if id(one) not in lost | own]),
            dict(Counter(one.what for one in found if id(one) in own).most_common()),
        )
        for period, found in ended.items()
        if found
    )


def _latency(took: list[float]) -> Latency | None:
    if not took:
        return None
    took.sort()
    return Latency(_rank(took, 0.50), _rank(took, 0.99), took[-1])


def _rank(ordered: Sequence[float], share: float) -> float:
    """The nearest-rank percentile of values in ascending order."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


_ABOUT: dict[Cause, tuple[Side, str, str]] = {
    Cause.OWN: (
        Side.APPLICATION,
        "it also answers this without a deployment, and as often",
        "look at its log; a proof with other paths (--path) or a lower --rate tells more",
    ),
    Cause.CRASHED: (
        Side.APPLICATION,
        "a container ended although nobody had told it to",
        "look at its last lines with docker logs, and at its memory limit",
    ),
    Cause.CUT_IN_FLIGHT: (
        Side.APPLICATION,
        "requests took longer than drain_timeout ({timeout}), and the old release did not finish them when "
        "it was told to end",
        "set drain_timeout in x-hitless above the longest request, or have the application finish what is in "
        "flight on SIGTERM, with a stop_grace_period that is long enough",
    ),
    Cause.STOPPED_IN_FLIGHT: (
        Side.HITLESS,
        "the old release was stopped while a request to it was under way that the drain did not see",
        "a `buffering` or `forwardAuth` middleware hides requests from the drain (see hitless plan); without "
        "one this is a bug in hitless: please report it with the output of --json",
    ),
    Cause.TOO_EARLY: (
        Side.APPLICATION,
        "it said that it was ready too early: errors up to {early} after the cutover",
        "have the health check answer 200 only once the first request can be served (connections made, "
        "caches warm); `successes` in x-hitless asks more often, `bake` goes back by itself",
    ),
    Cause.IDLE_CLOSED: (
        Side.APPLICATION,
        "it closes idle connections before the gateway does, and a request met the close",
        f"set its keep-alive timeout above {IDLE_TIMEOUT:g} s; 5 s is safe",
    ),
    Cause.HANGS: (
        Side.APPLICATION,
        "requests were not answered in time",
        "does it have enough workers for this --rate while two releases share the host?",
    ),
    Cause.GATEWAY: (
        Side.HITLESS,
        "the gateway did not pass the request on",
        "see hitless gateway logs; this must not happen: please report it with the output of --json",
    ),
    Cause.TWO_AT_ONCE: (
        Side.APPLICATION,
        "its own errors while two releases run",
        "they share something that is not enough for two, or that only one may have: connections of the "
        "database, a lock, a file, memory",
    ),
    Cause.SELDOM: (
        Side.APPLICATION,
        "its own errors, at no moment of a deployment",
        "look at its log; a longer --baseline shows whether it makes them without a deployment, too",
    ),
}
