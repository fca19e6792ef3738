"""Samples in memory."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from hitless.domain.common.errors import HitlessError
from hitless.domain.host.metrics import Look, Sample


@dataclass
class FakeSamples:
    """`is_ours`: no other dashboard adds samples; `broken` is why the disk does not do its part."""

    found: list[Sample] = field(default_factory=list)
    look: Look | None = None
    is_ours: bool = True
    broken: HitlessError | None = None

    def begin(self) -> bool:
        return self.is_ours

    def last(self) -> Look | None:
        return self.look

    def add(self, sample: Sample | None, look: Look) -> None:
        if self.broken:
            raise self.broken
        self.look = look
        self.found += [sample] if sample else []

    def of(self, application: str | None, since: float) -> tuple[Sample, ...]:
        def kept(one: Sample) -> Sample:
            counted = {side: n for side, n in one.counted.items() if application in (None, side[0])}
            return replace(one, counted=counted)

        return tuple(kept(one) for one in self.found if one.at > since)
