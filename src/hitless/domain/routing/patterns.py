"""What hitless can know of a regular expression in a rule, by trying texts.

Go's dialect has a little that Python's does not have; such a pattern may match anything.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from string import ascii_lowercase, digits

# nobody has such a name or path: a pattern that matches it matches anything
_NOBODY = "hitless-w7.qx9.invalid"
_LETTERS = f"{ascii_lowercase}{digits}-./"
_LONGEST = 200  # of a text that is varied; longer ones are taken to be the only ones


def fits(pattern: str, text: str, flags: int = 0) -> bool:
    """Whether the pattern matches somewhere in the text, or may."""
    try:
        return re.search(pattern, text, flags) is not None
    except (re.error, OverflowError, RecursionError):
        return True


def fits_any_name(pattern: str) -> bool:
    """Whether it matches a host name that nobody has, and so almost every one."""
    return fits(pattern, _NOBODY, re.I)


def are_wide(patterns: Collection[str], text: str, flags: int = 0, is_prefix: bool = False) -> bool:
    """Whether all patterns match one other text, as a try shows; `is_prefix`: that does not begin with this.

    It changes each letter of the text, leaves it out, or adds one after it, and exchanges each word of the
    text for each word of a pattern.
    """
    try:
        return any(
            other != text
            and not (is_prefix and other.startswith(text))
            and all(re.search(pattern, other, flags) for pattern in patterns)
            for other in _variants(patterns, text)
        )
    except (re.error, OverflowError, RecursionError):
        return False


def _variants(patterns: Collection[str], text: str) -> Iterator[str]:
    if len(text) > _LONGEST:
        return
    for pattern in patterns:
        yield from _exchanged(text, re.findall(r"[\w-]+", pattern))
    for at in range(len(text) + 1):
        before, after = text[:at], text[at:]
        yield before + after[1:]
        for letter in _LETTERS:
            yield before + letter + after
            yield before + letter + after[1:]


def _exchanged(text: str, words: Iterable[str]) -> Iterator[str]:
    known = dict.fromkeys(words)
    for word in known:
        if word in text:
            yield from (text.replace(word, other) for other in known)
