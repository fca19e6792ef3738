"""How old Docker's own programs may be for hitless. Pure."""

from __future__ import annotations

import re

_ENGINE = (26, 0)
_COMPOSE = (2, 20)


def too_old(engine: str, compose: str) -> str:
    """Which of these versions is too old for hitless, and why; "" for none. A version may be ""."""
    for what, found, wanted in (("Docker Engine", engine, _ENGINE), ("Compose", compose, _COMPOSE)):
        numbers = tuple(map(int, re.findall(r"\d+", found)[:2]))
        if numbers and numbers < wanted:
            return f"{what} {found} is too old: hitless needs {wanted[0]}.{wanted[1]} or newer"
    return ""
