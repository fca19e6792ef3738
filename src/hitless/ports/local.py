"""The machine on which hitless runs, and its clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol


class LocalMachine(Protocol):
    """The machine on which hitless runs."""

    def run(self, command: Sequence[str], environment: Mapping[str, str], timeout: float) -> str:
        """Run a command to its end; what it wrote. Raises `CommandFailed`, also after `timeout` seconds."""
        ...


class Clock(Protocol):
    """Time, so that tests need none."""

    def now(self) -> float:
        """Seconds on a clock that never jumps."""
        ...

    def utc(self) -> str:
        """The time of day as ISO text in UTC."""
        ...

    def pause(self, seconds: float) -> None:
        """Let this time pass between two looks at a fact."""
        ...
