"""Traefik router rules, as far as hitless must understand them: what they ask for, and whether two collide.

A rule is read as Traefik reads it: matchers with texts in backquotes or double quotes, names in any case,
joined by `&&`, `||`, `!` and parentheses (doc.traefik.io/traefik/routing/routers/#rule).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import chain, product
from math import prod
from typing import TypeAlias

from hitless.domain.routing import patterns

# what is blank to Go's scanner, and nothing else
_TOKEN = re.compile(
    r"""[ \t\r\n]*"""
    r"""(?:(?P<sign>&&|\|\||[!(),])|(?P<name>[A-Za-z]+)|(?P<text>`[^`]*`|'[^']*'|"(?:[^"\\]|\\.)*"))"""
)
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")
# Nobody writes a rule with more of them, and joins of alternatives multiply
_MOST = 1000
_DEEPEST = 50


_TEXT = re.compile(r"""(?:`[^`]*`|"(?:[^"\\]|\\.)*")""")
# A matcher whose text stands there without quotes, once the texts are taken out
_BARE = re.compile(r"""\b([A-Za-z]+)\(\s*([^\s`"'()!|&,][^`"'()]*?)\s*\)""")
# How many texts each takes: `httpFuncs` and `tcpFuncs` of Traefik 3 (pkg/muxer/http, pkg/muxer/tcp)
_OF_HTTP = {
    **dict.fromkeys(("ClientIP", "Method", "Host", "HostRegexp", "Path", "PathRegexp", "PathPrefix"), (1,)),
    **dict.fromkeys(("Header", "HeaderRegexp"), (2,)),
    **dict.fromkeys(("Query", "QueryRegexp"), (1, 2)),
}
_OF_TCP = dict.fromkeys(("ALPN", "ClientIP", "HostSNI", "HostSNIRegexp"), (1,))
# In Traefik 2 these take several texts, and one has to match; in Traefik 3 they take one each
_OF_SEVERAL = re.compile(
    rf"{_TEXT.pattern}|\b(Host|HostSNI|Path|PathPrefix|Method|ClientIP)\(\s*({_TEXT.pattern}(?:\s*,\s*{_TEXT.pattern})+)\s*\)",
    re.IGNORECASE,
)


def of_today(rule: str) -> str:
    """The rule as Traefik 3 takes it: ``Host(`a`, `b`)`` is ``(Host(`a`) || Host(`b`))``.

    The source is Traefik's guide for the way from 2 to 3 ("Router Rule Matchers").
    """

    def each(found: re.Match[str]) -> str:
        if not found[1]:  # a text in another matcher
            return found[0]
        texts = _TEXT.findall(found[2])
        return f"({' || '.join(f'{found[1]}({text})' for text in texts)})"

    return _OF_SEVERAL.sub(each, rule)


class UnreadableRule(ValueError):
    """A rule that Traefik would refuse, or read in another way than hitless."""


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
    if bare := _BARE.search(_TEXT.sub("``", rule)):
        name, text = bare.groups()
        raise UnreadableRule(f"{name}({text}) needs back-quotes around its text: {name}(`{text}`)")
    reader = _Reader(rule)
    found = reader.alternatives(is_negated=False)
    if reader.kind:
        raise UnreadableRule(f"it goes on after its end, with {reader.text!r}")
    return found


def strange(rule: str, is_tcp: bool) -> tuple[str, ...]:
    """What is wrong with the matchers of a rule that can be read, for Traefik 3."""
    known = _OF_TCP if is_tcp else _OF_HTTP
    numbers = {name.lower(): numbers for name, numbers in known.items()}
    found = []
    for one in chain.from_iterable(_parsed(rule)):
        if one.name not in numbers:
            found.append(f"Traefik has no matcher {one.name} here, only {', '.join(known)}")
        elif len(one.arguments) not in numbers[one.name]:
            wanted = " or ".join(map(str, numbers[one.name]))
            found.append(f"{one.name} takes {wanted} texts, and has {len(one.arguments)}")
        elif one.name in ("path", "pathprefix") and not one.arguments[0].startswith("/"):
            found.append(f"the path of {one.name} begins with /, not as `{one.arguments[0]}` does")
    return tuple(dict.fromkeys(found))


def hosts(rule: str) -> tuple[str, ...]:
    """Every host name that the rule asks for, in order, lower case; none if unreadable.

    By `Host(...)`; in a rule for TCP by `HostSNI(...)`, except for `*`, which is any.
    """
    found = [
        host
        for alternative in _parsed(rule)
        for host in (
            *_named(alternative, "host"),
            *(name for name in _named(alternative, "hostsni") if name != "*"),
        )
    ]
    return tuple(dict.fromkeys(found))


def matchers(rule: str) -> frozenset[str]:
    """The names of all its matchers, in lower case; none if unreadable."""
    return frozenset(one.name for alternative in _parsed(rule) for one in alternative)


def takes_name(rule: str, host: str, without_pattern: bool) -> bool:
    """Whether a rule that names no host may take connections for this one.

    It does by a regular expression that fits; if it has none, `without_pattern` says so.
    """
    for alternative in _parsed(rule):
        found = [*_named(alternative, "hostsniregexp"), *_named(alternative, "hostregexp")]
        if any(patterns.fits(pattern, host, re.I) for pattern in found) or (not found and without_pattern):
            return True
    return False


def has_hosts(rule: str) -> bool:
    """Whether everything that the rule takes is for a host that it names by `Host(...)`."""
    return all(_named(alternative, "host") for alternative in _parsed(rule))


def example(rule: str) -> tuple[str, str] | None:
    """A host ("" for any) and a path that the rule matches; None if it asks for more than the two."""
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
    """Whether one of two rules would take the other's requests. Priority 0: the rule's length.

    A rule may be an exception to another: its own paths, a header, one host of many. That is no collision if
    the exception has the greater priority. A condition that narrows a rule a little, or by an unknown amount
    (a negation, a regular expression, a method), makes it no exception. Two regular expressions are assumed
    to match the same. One name or path is an exception to a regular expression only if a try shows that the
    expression also matches another one.
    """
    first, second = effective_priority(one, priority_of_one), effective_priority(two, priority_of_two)
    ours, theirs = _parsed(one), _parsed(two)
    if not ours or not theirs:
        return one.split() == two.split()
    return any(
        (first >= second and _covers(mine, other)) or (second >= first and _covers(other, mine))
        for mine, other in product(ours, theirs)
    )


def effective_priority(rule: str, own: int) -> int:
    """The priority of a route whose label says `own`; without one (0) it is the rule's length."""
    return own if own > 0 else len(rule)


def takes_from(one: str, two: str, priority_of_one: int = 0, priority_of_two: int = 0) -> tuple[str, ...]:
    """The hosts of `two` whose requests `one` takes without asking for a host; () if it asks for one.

    A host that `two` has by a regular expression is given as that expression.
    """
    first, second = effective_priority(one, priority_of_one), effective_priority(two, priority_of_two)
    if first < second:
        return ()
    hostless = [mine for mine in _parsed(one) if not _named(mine, "host") and not _named(mine, "hostregexp")]
    found = [
        host
        for other in _parsed(two)
        if any(_paths_meet(mine, other) for mine in hostless)
        for host in (*_named(other, "host"), *_named(other, "hostregexp"))
    ]
    return tuple(dict.fromkeys(found))


def _named(alternative: Alternative, name: str) -> list[str]:
    """What the alternative asks for by this matcher."""
    return [
        argument
        for one in alternative
        if one.name == name and not one.is_negated
        for argument in one.arguments
    ]


def _paths_meet(one: Alternative, two: Alternative) -> bool:
    """Whether a path may satisfy both, as far as they name paths."""
    for mine, other in ((one, two), (two, one)):
        for prefix in _named(mine, "pathprefix"):
            if any(not path.startswith(prefix) for path in _named(other, "path")):
                return False
            if not all(
                prefix.startswith(begun) or begun.startswith(prefix) for begun in _named(other, "pathprefix")
            ):
                return False
    paths = {frozenset(_named(each, "path")) for each in (one, two)} - {frozenset()}
    return len(paths) < 2


def _covers(wide: Alternative, narrow: Alternative) -> bool:
    """Whether what `narrow` asks for satisfies `wide`, or almost all of it does."""
    return all(_holds(matcher, narrow) for matcher in wide)


def _holds(matcher: Matcher, among: Alternative) -> bool:
    """Whether a matcher holds for requests that satisfy all of these."""
    known = _named(among, "host")
    match matcher.name, matcher.is_negated:
        case "host", False:
            if known:
                return any(meet(host, other) for host in matcher.arguments for other in known)
            return _is_all_of(among, "hostregexp", matcher.arguments, re.I)
        case "host", True:
            return not known or bool(set(known) - set(matcher.arguments))
        case "hostregexp", False:
            if known:
                return any(
                    patterns.fits(pattern, host, re.I) for pattern in matcher.arguments for host in known
                )
            # unequal ones may mean the same
            return bool(_named(among, "hostregexp")) or any(map(patterns.fits_any_name, matcher.arguments))
        case "path", False:
            if paths := _named(among, "path"):
                return bool({*paths} & {*matcher.arguments})
            return not _named(among, "pathprefix") and _is_all_of(among, "pathregexp", matcher.arguments)
        case "pathprefix", False:
            begun = [*_named(among, "path"), *_named(among, "pathprefix")]
            if begun or "/" in matcher.arguments:
                return "/" in matcher.arguments or any(one.startswith(matcher.arguments) for one in begun)
            return _is_all_of(among, "pathregexp", matcher.arguments, is_prefix=True)
        case (("header" | "query"), False):
            return matcher in among or _has_value(matcher, among)
        case _:
            return True


def _has_value(matcher: Matcher, among: Alternative) -> bool:
    """Whether these ask for the header or parameter of a matcher with what may be its value."""
    key, *values = matcher.arguments
    asked = [one for one in among if not one.is_negated and one.arguments[0] == key]
    if not values:  # a parameter, whatever its value
        return any(one.name in ("query", "queryregexp") for one in asked)
    found = [
        one.arguments[1] for one in asked if one.name == f"{matcher.name}regexp" and len(one.arguments) > 1
    ]
    return bool(found) and not patterns.are_wide(found, values[0])


def _is_all_of(
    among: Alternative, name: str, texts: Iterable[str], flags: int = 0, is_prefix: bool = False
) -> bool:
    """Whether one of the texts may be all that these ask for by a regular expression."""
    found = _named(among, name)
    return bool(found) and not all(patterns.are_wide(found, text, flags, is_prefix) for text in texts)


def meet(host: str, other: str) -> bool:
    """Whether two hosts of `Host(...)` meet; a first label may be `*` or `**` in newer Traefiks."""
    for wide, narrow in ((host, other), (other, host)):
        label, _, rest = wide.partition(".")
        if label == "**" and narrow.endswith(f".{rest}"):
            return True
        if label == "*" and narrow.partition(".")[2] == rest:
            return True
    return host == other


def _parsed(rule: str) -> tuple[Alternative, ...]:
    try:
        return parse(rule)
    except UnreadableRule:
        return ()


class _Reader:
    """Reads a rule from left to right; `kind` and `text` are the token that comes next, "" at the end."""

    def __init__(self, rule: str) -> None:
        self._rule = rule.strip()
        self._position = 0
        self._matchers = 0
        self._depth = 0
        self.kind = self.text = ""
        self._advance()

    def alternatives(self, is_negated: bool) -> tuple[Alternative, ...]:
        """Read what is joined by `||`, multiplied out; if it is negated, its opposite."""
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
                raise UnreadableRule("its parentheses are nested too deep")
            found = self.alternatives(is_negated)
            self._expect(")")
            self._depth -= 1
            return found
        return ((replace(self._matcher(), is_negated=is_negated),),)

    def _matcher(self) -> Matcher:
        self._matchers += 1
        if self._matchers > _MOST:
            raise UnreadableRule(f"it has more than {_MOST} matchers")
        name = self._expect("name").lower()
        self._expect("(")
        arguments = [self._argument()]
        while self._took(","):
            arguments.append(self._argument())
        self._expect(")")
        if name in ("host", "hostsni"):
            # as Traefik compares them: `a.` is `a`
            arguments = [argument.lower().removesuffix(".") for argument in arguments]
        if name in ("header", "headerregexp"):
            arguments[0] = arguments[0].lower()
        return Matcher(name, tuple(arguments))

    def _argument(self) -> str:
        text = self._expect("text")
        argument = text[1:-1]
        if text.startswith('"'):
            try:
                argument = str(json.loads(text, strict=False))
            except ValueError:
                raise UnreadableRule(f"{text} can't be read; write it between backquotes") from None
        if _CONTROL.search(argument):
            # Go drops a carriage return between backquotes: the text would be another one to Traefik
            raise UnreadableRule(f"there is a control character in {argument!r}")
        return argument

    def _took(self, sign: str) -> bool:
        if (self.kind, self.text) != ("sign", sign):
            return False
        self._advance()
        return True

    def _expect(self, wanted: str) -> str:
        """Take the next token, which must be this sign or of this kind."""
        text = self.text
        if wanted not in (self.kind, text):
            raise UnreadableRule(f"it has {text!r} in place of {wanted!r}" if text else "it is cut off")
        self._advance()
        return text

    def _advance(self) -> None:
        match = _TOKEN.match(self._rule, self._position)
        if match is None and self._position < len(self._rule):
            raise UnreadableRule(f"{self._rule[self._position :].split()[0]!r} has no meaning in a rule")
        self.kind = match.lastgroup or "" if match else ""
        self.text = match[match.lastgroup] if match and match.lastgroup else ""
        self._position = match.end() if match else len(self._rule)


def _either(parts: list[tuple[Alternative, ...]]) -> tuple[Alternative, ...]:
    _refuse_many(sum(map(len, parts)))
    return tuple(one for part in parts for one in part)


def _both(parts: list[tuple[Alternative, ...]]) -> tuple[Alternative, ...]:
    _refuse_many(prod(map(len, parts)))
    return tuple(tuple(chain.from_iterable(one)) for one in product(*parts))


def _refuse_many(alternatives: int) -> None:
    if alternatives > _MOST:
        raise UnreadableRule(f"it has more than {_MOST} alternatives")
