"""Clients of a host in memory, and what they see while ports change hands."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from hitless.ports.outside import Gaps, Watched


@dataclass
class FakeOutside:
    """`gaps` maps port -> the seconds without an answer; a port that is not there can't be measured."""

    gaps: dict[int, float] = field(default_factory=dict)
    watched: list[Watched] = field(default_factory=list)

    @contextmanager
    def watching(self, ports: Sequence[Watched]) -> Iterator[Callable[[], Gaps]]:
        self.watched += ports
        yield lambda: {one.port: self.gaps.get(one.port) for one in ports}
