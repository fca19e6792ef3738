"""Spans of time: as a Compose file writes them, and as people read them. Pure."""

from __future__ import annotations

import re
from typing import Any

_DURATION_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h)")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_LONGEST = 7 * 24 * 3600.0  # seconds


def seconds(value: Any) -> float:
    """A duration as Compose writes it (`1m30s`, or a number of seconds). Raises `ValueError`."""
    found = span(value)
    if found > _LONGEST:
        raise ValueError(f"{value!r} is longer than a week")
    return found


def span(value: Any) -> float:
    """The same, however long it is."""
    text = str(value).strip()
    if isinstance(value, bool) or not text:
        raise ValueError(f"{value!r} is no duration")
    if re.fullmatch(r"[0-9]+(\.[0-9]+)?", text):
        text += "s"
    if not re.fullmatch(rf"({_DURATION_PART.pattern})+", text):
        raise ValueError(f"{value!r} is no duration; write 90s or 1m30s")
    return sum(float(number) * _UNITS[unit] for number, unit in _DURATION_PART.findall(text))


def duration(seconds: float) -> str:
    """A time span for people: `4 s`, `3 min`, `2 h`, `5 days`; a clock that was set back makes it `0 s`."""
    seconds = max(seconds, 0)
    for limit, unit, noun in ((90, 1, "s"), (90 * 60, 60, "min"), (36 * 3600, 3600, "h")):
        if seconds < limit:
            return f"{seconds / unit:.0f} {noun}"
    return f"{seconds / 86400:.0f} days"


def ago(seconds: float) -> str:
    """`3 min ago`."""
    return f"{duration(seconds)} ago"
