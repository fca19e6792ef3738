"""Traefik router rules, as far as hitless must understand them: what they ask for, and do two collide.

A rule is read as Traefik reads it: matchers with texts in backquotes or double quotes, names in any case,
joined by `&&`, `||`, `!` and parentheses (doc.traefik.io/traefik/routing/routers/#rule).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product
from typing import TypeAlias

_TOKEN = re.compile(
    r"""\s*(?:(?P<sign>&&|\|\||[!(),])|(?P<name>[A-Za-z]+)|(?P<text>`[^`]*`|'[^']*'|"(?:[^"\\]|\\.)*"))"""
)
# More of them is no rule that anybody wrote, and joins of alternatives multiply
_MOST = 1000
_DEEPEST = 50


class UnreadableRule(ValueError):
    """A rule that Traefik would refuse, or read otherwise than hitless does."""


@dataclass(frozen=True)
class Matcher:
    """`PathPrefix(`/a`)` is `pathprefix` with one argument; hosts are in lower case."""

    name: str
    arguments: tuple[str, ...]
    is_negated: bool = False


Alternative: TypeAlias = tuple[Matcher, ...]
"""All of these matchers at once: what is between two `||`, once the rule is multiplied out."""


@lru_cache(maxsize=1024)
def parse(rule: str) -> tuple[Alternative, ...]:
    """The alternatives that a rule consists of. Raises `UnreadableRule`."""
    reader = _Reader(rule)
    found = reader.alternatives(is_negated=False)
    if reader.kind:
        raise UnreadableRule(f"it goes on after its end, with {reader.text!r}")
    return found


def hosts(rule: str) -> tuple[str, ...]:
    """Every host name that the rule asks for by `Host(...)`, in order, lower case; none if unreadable."""
    found = [
        host
        for alternative in _parsed(rule)
        for matcher in alternative
        if matcher.name == "host" and not matcher.is_negated
        for host in matcher.arguments
    ]
    return tuple(dict.fromkeys(found))


def example(rule: str) -> tuple[str, str] | None:
    """A host ("" for any) and a path that the rule matches; None where it asks for more than the two."""
    for alternative in _parsed(rule):
        if all(one.name in ("host", "path", "pathprefix") and not one.is_negated for one in alternative):
            asked = {one.name[:4]: one.arguments[0] for one in alternative}
            if len(asked) == len(alternative) and "*" not in asked.get("host", ""):
                return asked.get("host", ""), asked.get("path", "/")
    return None


def matches(rule: str, host: str, path: str) -> bool:
    """Whether a plain request for this path of this host may satisfy the rule, as far as that is known."""
    asked = (Matcher("host", (host,)), Matcher("path", (path,)))
    return any(_covers(alternative, asked) for alternative in _parsed(rule))


def collide(one: str, two: str, priority_of_one: int = 0, priority_of_two: int = 0) -> bool:
    """Whether one of two rules would take requests that are the other's. Priority 0: the rule's length.

    A rule may be an exception to another: its own paths, a header, one host of many. That is no collision as
    long as the exception has the greater priority. What narrows a rule by little or by nobody knows what (a
    negation, a regular expression, a method) makes it no exception.
    """
    first, second = priority_of_one or len(one), priority_of_two or len(two)
    ours, theirs = _parsed(one), _parsed(two)
    if not ours or not theirs:
        return one.split() == two.split()
    return any(
        (first >= second and _covers(mine, other)) or (second >= first and _covers(other, mine))
        for mine, other in product(ours, theirs)
    )


def _covers(wide: Alternative, narrow: Alternative) -> bool:
    """Whether what `narrow` asks for, or about all of it, satisfies `wide`."""
    return all(_holds(matcher, narrow) for matcher in wide)


def _holds(matcher: Matcher, among: Alternative) -> bool:
    """Whether a matcher holds for requests that satisfy all of these."""
    positive = [one for one in among if not one.is_negated]
    known = [argument for one in positive if one.name == "host" for argument in one.arguments]
    match matcher.name, matcher.is_negated:
        case "host", False:
            return any(_meet(host, other) for host in matcher.arguments for other in known)
        case "host", True:
            return not known or bool(set(known) - set(matcher.arguments))
        case "hostregexp", False:
            return matcher in among or any(_fits(matcher.arguments, host) for host in known)
        case "path", False:
            paths = {argument for one in positive if one.name == "path" for argument in one.arguments}
            return bool(paths & set(matcher.arguments))
        case "pathprefix", False:
            begun = [one.arguments for one in positive if one.name in ("path", "pathprefix")]
            return "/" in matcher.arguments or any(
                argument.startswith(matcher.arguments) for arguments in begun for argument in arguments
            )
        case (("header" | "query"), False):
            return matcher in among
        case _:
            return True


def _meet(host: str, other: str) -> bool:
    """Whether two hosts of `Host(...)` meet; a first label may be `*` or `**` in Traefik's newer versions."""
    for wide, narrow in ((host, other), (other, host)):
        label, _, rest = wide.partition(".")
        if label == "**" and narrow.endswith(f".{rest}"):
            return True
        if label == "*" and narrow.partition(".")[2] == rest:
            return True
    return host == other


def _fits(patterns: Iterable[str], host: str) -> bool:
    try:
        return any(re.search(pattern, host, re.I) for pattern in patterns)
    except re.error:  # Go's dialect has a little that Python's has not
        return True


def _parsed(rule: str) -> tuple[Alternative, ...]:
    try:
        return parse(rule)
    except UnreadableRule:
        return ()


class _Reader:
    """Reads a rule from left to right; `kind` and `text` are the token that comes next, "" at the end."""

    def __init__(self, rule: str) -> None:
        self._rest = rule.strip()
        self._depth = 0
        self.kind = self.text = ""
        self._advance()

    def alternatives(self, is_negated: bool) -> tuple[Alternative, ...]:
        """Read what is joined by `||`, multiplied out; turned into its opposite if it is negated."""
        parts = [self._all_of(is_negated)]
        while self._took("||"):
            parts.append(self._all_of(is_negated))
        return _both(parts) if is_negated else _either(parts)

    def _all_of(self, is_negated: bool) -> tuple[Alternative, ...]:
        parts = [self._one(is_negated)]
        while self._took("&&"):
            parts.append(self._one(is_negated))
        return _either(parts) if is_negated else _both(parts)

    def _one(self, is_negated: bool) -> tuple[Alternative, ...]:
        while self._took("!"):
            is_negated = not is_negated
        if self._took("("):
            self._depth += 1
            if self._depth > _DEEPEST:
                raise UnreadableRule("its parentheses lie too deep in each other")
            found = self.alternatives(is_negated)
            self._expect(")")
            self._depth -= 1
            return found
        return ((replace(self._matcher(), is_negated=is_negated),),)

    def _matcher(self) -> Matcher:
        name = self._expect("name").lower()
        self._expect("(")
        arguments = [self._argument()]
        while self._took(","):
            arguments.append(self._argument())
        self._expect(")")
        if name == "host":
            # as Traefik compares them: `a.` is `a`
            arguments = [argument.lower().removesuffix(".") for argument in arguments]
        return Matcher(name, tuple(arguments))

    def _argument(self) -> str:
        text = self._expect("text")
        if not text.startswith('"'):
            return text[1:-1]
        try:
            return str(json.loads(text, strict=False))
        except ValueError:
            raise UnreadableRule(f"{text} can't be read; write it between backquotes") from None

    def _took(self, sign: str) -> bool:
        if (self.kind, self.text) != ("sign", sign):
            return False
        self._advance()
        return True

    def _expect(self, wanted: str) -> str:
        """Take the next token, which must be this sign or of this kind."""
        text = self.text
        if wanted not in (self.kind, text):
            raise UnreadableRule(f"{text!r} stands where {wanted!r} should" if text else "it is cut off")
        self._advance()
        return text

    def _advance(self) -> None:
        match = _TOKEN.match(self._rest)
        if self._rest.strip() and match is None:
            raise UnreadableRule(f"{self._rest.split()[0]!r} has no meaning in a rule")
        self.kind = match.lastgroup or "" if match else ""
        self.text = match[match.lastgroup] if match and match.lastgroup else ""
        self._rest = self._rest[match.end() :] if match else ""


def _either(parts: list[tuple[Alternative, ...]]) -> tuple[Alternative, ...]:
    return _limited([one for part in parts for one in part])


def _both(parts: list[tuple[Alternative, ...]]) -> tuple[Alternative, ...]:
    found: tuple[Alternative, ...] = ((),)
    for part in parts:
        found = _limited([(*one, *two) for one in found for two in part])
    return found


def _limited(found: list[Alternative]) -> tuple[Alternative, ...]:
    if len(found) > _MOST:
        raise UnreadableRule(f"it has more than {_MOST} alternatives")
    return tuple(found)
