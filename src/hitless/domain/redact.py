"""Keep secrets out of what is shown and written down: logs and error texts may hold environment values."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

from hitless.domain.model import Json

MARK = "[redacted]"
CUT_OFF = "…"  # at the end of a text that goes on
# The fields of events that hold words of others; the rest are names of hitless's own: a step, a release
_FREE = ("message", "hint", "logs", "detail", "findings")
_SECRET = re.compile(
    r"pass|pwd|secret|token|credential|creds?$|private|authorization|basic_?auth|dsn|api_?key|access_?key|_key$",
    re.I,
)
_USERINFO = re.compile(r"://[^/\s:@]*:([^/\s@]+)@")
# What is shorter is a word of the language as often as a secret
_SHORTEST = 6

T = TypeVar("T")


def secrets(model: Json) -> frozenset[str]:
    """The values in a resolved Compose model that are secret by their name, or passwords in URLs."""
    found = set()
    for service in (model.get("services") or {}).values():
        if not isinstance(service, dict):
            continue
        build = service.get("build")
        for key, value in [*_pairs(service.get("environment")), *_pairs((build or {}).get("args"))]:
            text = str(value).replace("$$", "$")
            found.update(_USERINFO.findall(text))
            if _SECRET.search(key):
                # a log shows it line by line
                found.update({text, *text.splitlines()})
    return frozenset(one for one in found if len(one) >= _SHORTEST)


def redact(value: T, hidden: frozenset[str]) -> T:
    """The same value with every secret replaced: in a text, or in the texts of an event that are no names."""
    if not hidden:
        return value
    words = sorted(hidden, key=len, reverse=True)
    found: T = _redact(value, re.compile("|".join(map(re.escape, words))), words)
    return found


def _redact(value: Any, pattern: re.Pattern[str], words: Sequence[str]) -> Any:
    if isinstance(value, str):
        return _without_beginning(pattern.sub(MARK, value), words)
    if isinstance(value, dict):
        return {key: _redact(one, pattern, words) for key, one in value.items()}
    if isinstance(value, tuple):
        return tuple(_redact(one, pattern, words) for one in value)
    if is_dataclass(value) and not isinstance(value, type):
        names = {one.name for one in fields(value)} & set(_FREE)
        return replace(value, **{name: _redact(getattr(value, name), pattern, words) for name in names})
    return value


def _without_beginning(text: str, words: Sequence[str]) -> str:
    """Without the beginning of a secret where the text was cut off, which it says."""
    if not text.endswith(CUT_OFF):
        return text
    rest = text.removesuffix(CUT_OFF)
    for word in words:
        for length in range(min(len(word) - 1, len(rest)), 2, -1):
            if rest.endswith(word[:length]):
                return rest[: len(rest) - length] + MARK + CUT_OFF
    return text


def _pairs(environment: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(environment, dict):
        yield from ((str(key), value) for key, value in environment.items() if value is not None)
