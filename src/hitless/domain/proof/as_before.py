"""Which wrong answers of a proof are such as the application gave before any deployment. Pure.

As before is what has the same aim, the same status (or failure), and comes about as often as before the first
deployment. The last keeps a real loss from hiding behind an application that fails now and then: one answer
of 500 in a hundred before a cutover does not explain 40 of them within it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence

from hitless.domain.proof.observations import Aim, Phase, Sample

_DEVIATIONS = 3.0  # standard deviations: one application in some hundreds is blamed for chance


def as_before(
    wrong: Sequence[Sample], samples: Sequence[Sample], phase: Callable[[Sample], Phase]
) -> set[int]:
    """The `id` of each wrong sample that is as before; `samples` are all, `phase` says when one ended."""
    asked = Counter((phase(sample), sample.aim) for sample in samples)
    alike: dict[tuple[Aim, str], dict[Phase, list[Sample]]] = {}
    for sample in wrong:
        alike.setdefault((sample.aim, sample.what), {}).setdefault(phase(sample), []).append(sample)
    known: set[int] = set()
    for (aim, _), phases in alike.items():
        before = phases.get(Phase.BASELINE, [])
        for when, these in phases.items():
            bound = at_most(len(before), asked[Phase.BASELINE, aim], asked[when, aim])
            if when is Phase.BASELINE or len(these) <= bound:
                known.update(map(id, these))
    return known


def at_most(seen: int, of: int, requests: int) -> float:
    """How many of `requests` fail by chance alone, at most, where `seen` of `of` others did; 0 if none did.

    The share is taken as high as it may be (Wilson's bound), and then the number as high as that allows.
    """
    if not seen:
        return 0.0
    z = _DEVIATIONS
    middle = (seen + z * z / 2) / (of + z * z)
    share = middle + z / (of + z * z) * math.sqrt(seen * (of - seen) / of + z * z / 4)
    return min(requests, requests * share + z * math.sqrt(requests * share * (1 - share)))
