"""What the dashboard keeps of the gateway's counts, on the machine where it runs."""

from __future__ import annotations

from typing import Protocol

from hitless.domain.host.metrics import Look, Sample


class Samples(Protocol):
    """A day of samples of one gateway. Every verb raises `HitlessError` if the disk does not do its part."""

    def begin(self) -> bool:
        """Whether this process is the one that adds samples: another one may do that already."""
        ...

    def last(self) -> Look | None:
        """The look up to which there are samples; None before the first one."""
        ...

    def add(self, sample: Sample | None, look: Look) -> None:
        """Keep a sample, which ends with this look; None: keep the look alone. What is too old goes."""
        ...

    def of(self, application: str | None, since: float) -> tuple[Sample, ...]:
        """The samples after a Unix time, the oldest first, with what they have of one application, or all."""
        ...
