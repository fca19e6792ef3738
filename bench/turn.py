"""One deployment under load as figures, and the sums of several of them. Pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from statistics import median
from typing import Any, Final, Self

from bench.report import NO_FRAME, Latency, Report, Sample

BIN: Final = 0.5
"""Seconds of one point of a timeline."""


@dataclass(frozen=True)
class Bin:
    """The requests begun within ``BIN`` seconds from ``at``: answered by the old or new release, or lost."""

    at: float
    old: int
    new: int
    lost: int


@dataclass(frozen=True)
class Turn:
    """One deployment by one tool. Seconds; moments count from the start of its command.

    ``outage`` is from the first request that was lost to the last one. ``first_new`` is the first answer
    of the new release, ``last_old`` the end of the old one's last, ``took`` the command's own end,
    ``last_lost`` the start of the last request that was lost. ``mixed_seconds`` is how long both releases
    answered new requests. ``lost_by`` is (kind, cause, count). ``load_average`` is the machine's before
    the turn, ``max_lag`` how late the load was at most. ``failed`` says why there are no figures, if the
    tool could not deploy at all.
    """

    tool: str
    round: int
    held: int = 0
    sent: int = 0
    lost: int = 0
    lost_by: tuple[tuple[str, str, int], ...] = ()
    cut_at_deadline: tuple[tuple[str, int], ...] = ()
    mixed: int = 0
    mixed_seconds: float = 0.0
    first_new: float | None = None
    last_old: float | None = None
    last_lost: float | None = None
    took: float = 0.0
    before: Latency | None = None
    during: Latency | None = None
    after: Latency | None = None
    max_lag: float = 0.0
    load_average: float = 0.0
    failed: str = ""
    timeline: tuple[Bin, ...] = ()
    outage: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """Plain data, seconds rounded to the millisecond; a timeline as rows."""
        plain: dict[str, Any] = _rounded(asdict(self))
        return {**plain, "timeline": [list(point.values()) for point in plain["timeline"]]}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Read what :meth:`to_json` wrote."""
        # older figures have no outage
        value = {field.name: data[field.name] for field in fields(cls) if field.name in data}
        for name in ("before", "during", "after"):
            value[name] = Latency(**value[name]) if value[name] else None
        for name in ("lost_by", "cut_at_deadline"):
            value[name] = tuple(tuple(row) for row in value[name])
        value["timeline"] = tuple(Bin(*row) for row in value["timeline"])
        return cls(**value)


def turn_of(
    report: Report, turn: Turn, began: float, ended: float, releases: tuple[str, str], deadline: float | None
) -> Turn:
    """Return the figures of a deployment whose command ran from ``began`` to ``ended``.

    ``releases`` are the old and the new one. ``deadline`` is how long after the first new answer a held
    WebSocket must be kept; None if the tool promises nothing: then one that is cut is counted separately.
    """
    old, new = releases
    first_new = report.first_answer(new)
    if deadline is None:
        report = report.with_deadline(old, began)
    elif first_new is not None:
        report = report.with_deadline(old, first_new + deadline)
    last_old = report.last_answer(old)
    lost = [sample.started for sample in report.samples if sample.lost]
    return replace(
        turn,
        sent=report.sent,
        lost=report.lost,
        lost_by=tuple((kind, cause, count) for (kind, cause), count in report.lost_by.items()),
        cut_at_deadline=tuple(report.cut_at_deadline.items()),
        mixed=report.mixed(),
        mixed_seconds=report.mixed_seconds(),
        first_new=None if first_new is None else first_new - began,
        last_old=None if last_old is None else last_old - began,
        last_lost=max(lost) - began if lost else None,
        outage=max(lost) - min(lost) if lost else 0.0,
        took=ended - began,
        before=report.between(0.0, began).latency(),
        during=report.between(began, ended).latency(),
        after=report.between(ended).latency(),
        max_lag=report.max_lag,
        timeline=_timeline(report.samples, began, old),
    )


@dataclass(frozen=True)
class Summary:
    """The results of one tool's turns: sums of requests, medians of seconds."""

    tool: str
    deployments: int
    sent: int
    lost: int
    lost_by: dict[str, dict[str, int]]
    framed: int
    unframed: int
    mixed_seconds: float
    first_new: float | None
    last_old: float | None
    took: float
    p99: tuple[float | None, float | None, float | None]
    longest: float | None
    load_average: float | None
    failed: str


def summary(turns: Sequence[Turn]) -> Summary:
    """Sum up the turns of one tool.

    Those with held WebSockets count for what was lost and cut, not for times: to wait for a WebSocket is
    another task than to wait for requests.
    """
    good = [turn for turn in turns if not turn.failed]
    timed = [turn for turn in good if not turn.held] or good
    lost_by: dict[str, Counter[str]] = {}
    held: Counter[str] = Counter()
    for turn in good:
        for kind, cause, count in turn.lost_by:
            lost_by.setdefault(kind, Counter())[cause] += count
        for how, count in turn.cut_at_deadline:
            held[how] += count
    framed = sum(count for how, count in held.items() if NO_FRAME not in how)
    return Summary(
        tool=turns[0].tool,
        deployments=len(good),
        sent=sum(turn.sent for turn in good),
        lost=sum(turn.lost for turn in good),
        lost_by={kind: dict(causes.most_common()) for kind, causes in sorted(lost_by.items())},
        framed=framed,
        unframed=sum(held.values()) - framed,
        mixed_seconds=_median([turn.mixed_seconds for turn in timed]) or 0.0,
        first_new=_median([turn.first_new for turn in timed]),
        last_old=_median([turn.last_old for turn in timed]),
        took=_median([turn.took for turn in timed]) or 0.0,
        p99=(
            _median([turn.before.p99 if turn.before else None for turn in timed]),
            _median([turn.during.p99 if turn.during else None for turn in timed]),
            _median([turn.after.p99 if turn.after else None for turn in timed]),
        ),
        longest=max((turn.during.max for turn in timed if turn.during), default=None),
        load_average=_median([turn.load_average for turn in good]),
        failed=next((turn.failed for turn in turns if turn.failed), ""),
    )


def _timeline(samples: Sequence[Sample], began: float, old: str) -> tuple[Bin, ...]:
    counts: Counter[tuple[int, str]] = Counter()
    for sample in samples:
        whose = "lost" if sample.lost else "old" if sample.release == old else "new"
        counts[math.floor((sample.started - began) / BIN), whose] += 1
    places = [place for place, _ in counts]
    if not places:
        return ()
    return tuple(
        Bin(place * BIN, counts[place, "old"], counts[place, "new"], counts[place, "lost"])
        for place in range(min(places), max(places) + 1)
    )


def _median(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None


def _rounded(value: Any) -> Any:
    match value:
        case float():
            return round(value, 4)
        case dict():
            return {key: _rounded(item) for key, item in value.items()}
        case list() | tuple():
            return [_rounded(item) for item in value]
        case _:
            return value
