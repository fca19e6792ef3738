"""Time as it passes."""

from __future__ import annotations

import time
from datetime import UTC, datetime


class SystemClock:
    """The machine's clocks."""

    def now(self) -> float:
        """Seconds on the monotonic clock."""
        return time.monotonic()

    def utc(self) -> str:
        """The time of day, ISO, in UTC, to the millisecond."""
        return datetime.now(UTC).isoformat(timespec="milliseconds")

    def pause(self, seconds: float) -> None:
        """Sleep."""
        time.sleep(seconds)
