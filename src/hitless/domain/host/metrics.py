"""What the gateway has counted, and what follows from two looks: rates, and how long requests take. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from hitless.domain.common.names import Colour

_STEP = 60.0  # seconds by which a step of a clock may move the moment at which a Traefik began

Side: TypeAlias = tuple[str, Colour]
"""A colour of an application: one of the two whose requests are counted apart."""


@dataclass(frozen=True)
class Counted:
    """Requests that were answered, those of them with a 5xx, and how long they took.

    `within` maps seconds -> how many took at most so long; `math.inf` is among the bounds if there are any.
    """

    requests: float = 0.0
    errors: float = 0.0
    within: Mapping[float, float] = field(default_factory=dict)

    def plus(self, other: Counted) -> Counted:
        """Both together."""
        bounds = {*self.within, *other.within}
        return Counted(
            self.requests + other.requests,
            self.errors + other.errors,
            {bound: self.within.get(bound, 0) + other.within.get(bound, 0) for bound in sorted(bounds)},
        )

    def since(self, before: Counted) -> Counted:
        """What came after `before`. A count that is lower now began again at 0 between the two."""
        began_again = (
            self.requests < before.requests
            or self.errors < before.errors
            or any(count < before.within.get(bound, 0) for bound, count in self.within.items())
        )
        if began_again:
            return self
        return Counted(
            self.requests - before.requests,
            self.errors - before.errors,
            {bound: count - before.within.get(bound, 0) for bound, count in self.within.items()},
        )

    def took(self, share: float) -> float | None:
        """How many seconds this share of the requests took at most (0.95: the p95); None without requests.

        Within a bucket the requests are taken to be spread evenly, as Prometheus does it. What took longer
        than the highest bound counts as that.
        """
        bounds = sorted(self.within)
        if not bounds or self.within[bounds[-1]] <= 0:
            return None
        wanted = share * self.within[bounds[-1]]
        low = below = 0.0
        for bound in bounds:
            count = self.within[bound]
            if count >= wanted and count > below:
                return low if math.isinf(bound) else low + (bound - low) * (wanted - below) / (count - below)
            low, below = bound, max(below, count)
        return low


@dataclass(frozen=True)
class Look:
    """All that a Traefik has counted since it began: `origin` is the Unix time of that, `at` of the look."""

    at: float
    origin: float
    counted: Mapping[Side, Counted] = field(default_factory=dict)


@dataclass(frozen=True)
class Sample:
    """What was counted in the `seconds` before the Unix time `at`; a side without requests is not there."""

    at: float
    seconds: float
    counted: Mapping[Side, Counted] = field(default_factory=dict)


@dataclass(frozen=True)
class Point:
    """A moment of a chart: requests and 5xx per second, and the p95 in seconds (None without requests).

    `at` is a Unix time, the end of what it tells; `seconds` is how much of the time before was sampled.
    """

    at: float
    requests: float
    errors: float
    p95: float | None
    seconds: float


def sample(before: Look, after: Look) -> Sample:
    """What was counted between two looks. Another Traefik has begun at 0.

    A step of the host's clock moves the moment at which a Traefik began, too (procfs works it out again each
    time); another one began when somebody had looked at the one before, or later.
    """
    is_another = after.origin != before.origin and after.origin > before.at - _STEP
    known = {} if is_another else before.counted
    found = {side: one.since(known.get(side, Counted())) for side, one in after.counted.items()}
    return Sample(
        after.at, after.at - before.at, {side: one for side, one in found.items() if one.requests > 0}
    )


def joined(samples: Sequence[Sample]) -> Sample:
    """Samples that follow one another, as one. There is at least one."""
    counted: dict[Side, Counted] = {}
    for one in samples:
        for side, found in one.counted.items():
            counted[side] = counted[side].plus(found) if side in counted else found
    return Sample(max(one.at for one in samples), sum(one.seconds for one in samples), counted)


def thinned(samples: Iterable[Sample], width: float) -> tuple[Sample, ...]:
    """One sample for each `width` seconds of the clock in which there are some; the oldest first."""
    groups: dict[int, list[Sample]] = {}
    for one in samples:
        groups.setdefault(math.ceil(one.at / width), []).append(one)
    return tuple(joined(group) for _, group in sorted(groups.items()))


def rates(samples: Sequence[Sample], application: str, colour: Colour | None = None) -> Point | None:
    """The rates of an application, or of one of its colours, over these samples; None without any."""
    if not samples:
        return None
    whole = joined(samples)
    if whole.seconds <= 0:
        return None
    total = Counted()
    for (name, side), found in whole.counted.items():
        if name == application and colour in (None, side):
            total = total.plus(found)
    return Point(
        whole.at,
        total.requests / whole.seconds,
        total.errors / whole.seconds,
        total.took(0.95),
        whole.seconds,
    )


def series(samples: Iterable[Sample], application: str, width: float) -> dict[Colour, tuple[Point, ...]]:
    """A chart of each colour, a point for each `width` seconds. Without samples there is no point."""
    thin = thinned(samples, width)
    return {
        colour: tuple(point for one in thin if (point := rates((one,), application, colour)) is not None)
        for colour in Colour
    }
