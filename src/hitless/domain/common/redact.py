"""Hide secrets in what is shown and written down: logs and error texts may hold environment values."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, TypeVar

from hitless.domain.common.foreign import is_foreign
from hitless.domain.common.secret_values import Secrets, is_secret, secrets

__all__ = ["CUT_OFF", "MARK", "redact", "secrets"]


MARK = "[redacted]"
CUT_OFF = "…"  # at the end of a text that was cut off
# What comes before a secret: `password=`, `"token": "`, `--password `
_NAMED = re.compile(r"""(?:^|[^\w.-])(?:([\w.-]+)["']?\s*[:=]\s*["']?|--?([\w-]+)\s+["']?)$""")
_BEFORE = 80  # the characters before a secret in which its name may be
T = TypeVar("T")


def redact(value: T, hidden: Secrets) -> T:
    """The same value with every secret replaced: in a text, or in the texts of an event that are no names."""
    if not hidden.values:
        return value
    found: T = _Redaction(hidden).of(value)
    return found


@dataclass(frozen=True)
class _Redaction:
    hidden: Secrets

    def of(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._of_text(value)
        if isinstance(value, dict):
            return {key: self.of(one) for key, one in value.items()}
        if isinstance(value, tuple):
            return tuple(self.of(one) for one in value)
        if is_dataclass(value) and not isinstance(value, type):
            names = [one.name for one in fields(value) if is_foreign(one)]
            return replace(value, **{name: self.of(getattr(value, name)) for name in names})
        return value

    def _of_text(self, text: str) -> str:
        # in this order: what the first leaves of a text are then words for the second
        text = _replaced(self.hidden.anywhere, text, lambda _: MARK)
        text = _replaced(self.hidden.alone, text, lambda _: MARK, alone=True)
        text = _replaced(self.hidden.placed, text, _shown, alone=True)
        return self._without_beginning(text)

    def _without_beginning(self, text: str) -> str:
        """Without the beginning of a secret at the end of a text that was cut off."""
        if not text.endswith(CUT_OFF):
            return text
        rest = text.removesuffix(CUT_OFF)
        for word in sorted(self.hidden.anywhere | self.hidden.alone, key=len, reverse=True):
            for length in range(min(len(word) - 1, len(rest)), 2, -1):
                if rest.endswith(word[:length]):
                    return rest[: len(rest) - length] + MARK + CUT_OFF
        return text


def _replaced(
    values: frozenset[str], text: str, shown: Callable[[re.Match[str]], str], alone: bool = False
) -> str:
    """The text without these, the longest first; `alone`: where no letter or digit is next to it."""
    # a search for each is a hundred times as quick as a pattern that has all of them: logs are long
    there = sorted((one for one in values if one in text), key=len, reverse=True)
    if not there:
        return text
    words = "|".join(map(re.escape, there))
    return re.sub(rf"(?<![^\W_])(?:{words})(?![^\W_])" if alone else words, shown, text)


def _shown(found: re.Match[str]) -> str:
    return MARK if _is_due(found) else found[0]


def _is_due(found: re.Match[str]) -> bool:
    """Whether a secret is expected here: after a name that says it is one, or in an address."""
    before = found.string[max(0, found.start() - _BEFORE) : found.start()]
    if before.endswith(":") and found.string[found.end() : found.end() + 1] == "@":
        return True
    named = _NAMED.search(before)
    return named is not None and is_secret(named[1] or named[2])
