"""Traefik router rules, as far as hitless must understand them: which hosts, and do two rules collide."""

from __future__ import annotations

import re

_HOST = re.compile(r"""\bHost\(\s*([^)]*)\)""")
_PATH = re.compile(r"""\bPath(?:Prefix)?\(\s*([^)]*)\)""")
_OPERATORS = str.maketrans("", "", "&|() \t\n")
_QUOTED = re.compile(r"""[`"']([^`"']+)[`"']""")


def hosts(rule: str) -> tuple[str, ...]:
    """Every host name that a `Host(...)` matcher of the rule names, in order, lower case."""
    found: dict[str, None] = {}
    for arguments in _HOST.findall(rule):
        for host in _QUOTED.findall(arguments):
            found[host.lower()] = None
    return tuple(found)


def example(rule: str) -> tuple[str, str] | None:
    """A host ("" for any) and a path that the rule matches; None where it asks for more than the two."""
    rest = _PATH.sub("", _HOST.sub("", rule))
    if rest.translate(_OPERATORS):
        return None
    paths = [path for arguments in _PATH.findall(rule) for path in _QUOTED.findall(arguments)]
    return (*hosts(rule), "")[0], (*paths, "/")[0]


def collide(one: str, two: str) -> bool:
    """Whether both rules claim the same requests.

    Exact for rules made of hosts alone (they share one) and for rules that are equal but for spacing and
    quotes; rules that are told apart by anything else (a path, a header) are taken as different.
    """
    if _only_hosts(one) and _only_hosts(two):
        return not set(hosts(one)).isdisjoint(hosts(two))
    return _normalised(one) == _normalised(two)


def _only_hosts(rule: str) -> bool:
    rest = _HOST.sub("", rule)
    return bool(hosts(rule)) and not rest.replace("||", "").strip(" ()")


def _normalised(rule: str) -> str:
    plain = _HOST.sub(lambda match: match[0].lower().replace("host(", "Host("), rule)
    return re.sub(r"\s+", "", plain).replace('"', "`").replace("'", "`")
