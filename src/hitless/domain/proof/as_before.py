"""Which wrong answers of a proof the application also gave before any deployment. Pure.

An answer is as before if it has the same target and the same status (or failure), and comes about as often
as before the first deployment. The last condition keeps a real loss from hiding behind an application that
fails now and then: one answer of 500 in a hundred before a cutover does not explain 40 of them within it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence

from hitless.domain.proof.observations import Period, Sample, Target

_DEVIATIONS = 3.0  # standard deviations: chance is blamed on about one application in some hundreds


def as_before(
    wrong: Sequence[Sample], samples: Sequence[Sample], period: Callable[[Sample], Period]
) -> set[int]:
    """The `id` of each wrong sample that is as before. `samples` are all; `period` says when one ended."""
    asked = Counter((period(sample), sample.target) for sample in samples)
    same_kind: dict[tuple[Target, str], dict[Period, list[Sample]]] = {}
    for sample in wrong:
        same_kind.setdefault((sample.target, sample.what), {}).setdefault(period(sample), []).append(sample)
    known: set[int] = set()
    for (target, _), periods in same_kind.items():
        before = periods.get(Period.BASELINE, [])
        for when, these in periods.items():
            bound = at_most(len(before), asked[Period.BASELINE, target], asked[when, target])
            if when is Period.BASELINE or len(these) <= bound:
                known.update(map(id, these))
    return known


def at_most(seen: int, of: int, requests: int) -> float:
    """How many of `requests` fail by chance alone, at most, if `seen` of `of` others failed; 0 if none did.

    It takes the highest likely share (Wilson's bound), and then the highest likely number at that share.
    """
    if not seen:
        return 0.0
    z = _DEVIATIONS
    middle = (seen + z * z / 2) / (of + z * z)
    share = middle + z / (of + z * z) * math.sqrt(seen * (of - seen) / of + z * z / 4)
    return min(requests, requests * share + z * math.sqrt(requests * share * (1 - share)))
