"""What has Traefik order a certificate, what it says about that, and what it keeps. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from dataclasses import dataclass

from hitless.domain.common.foreign import Json
from hitless.domain.gateway.acme import RESOLVER, Names
from hitless.domain.routing.entry_points import API
from hitless.domain.routing.reserved import INSIDE, MARKER_HOST

_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class Order:
    """A certificate that Traefik is to get.

    It `began` at this second of the gateway's clock and goes on for `timeout` seconds. It was placed so many
    `times`.
    """

    id: str
    names: Names
    began: str
    timeout: float
    times: int = 1


def order_document(order: Order) -> str:
    """A routing file with one route, which only the gateway itself can reach, and on which nobody calls.

    Traefik orders the certificate as soon as it reads it. No route of an application names the resolver.
    A file with the same content would be no news to Traefik: the priority differs each time.
    """
    main, *others = order.names
    return json.dumps(
        {
            "http": {
                "routers": {
                    f"order-{order.id}": {
                        "rule": f"{INSIDE} && Host(`{MARKER_HOST}`)",
                        "entryPoints": [API],
                        "service": "noop@internal",
                        "priority": order.times,
                        "tls": {
                            "certResolver": RESOLVER,
                            "domains": [{"main": main, **({"sans": others} if others else {})}],
                        },
                    }
                }
            }
        }
    )


def failures(log: str, names: Names) -> dict[str, str]:
    """The orders for one of these names that failed by Traefik's log (its text form): id -> error."""
    found = {}
    for line in _COLOURS.sub("", log).splitlines():
        if not (error := _ERROR.search(line)):
            continue
        order, domains = _ORDER.search(line, error.end()), _DOMAINS.search(line, error.end())
        if order and domains and set(json.loads(domains[1])) & set(names):
            found[order[1]] = _unquoted(error[1])
    return found


def without(storage: str, forgotten: Collection[Names]) -> str:
    """What Traefik keeps of the CA, without the certificates that have exactly these host names."""
    gone = {frozenset(names) for names in forgotten}
    found = json.loads(storage)
    for resolver in found.values():
        resolver["Certificates"] = [
            one for one in resolver.get("Certificates") or () if _names(one["domain"]) not in gone
        ]
    return json.dumps(found, indent=2)


def _names(domain: Json) -> frozenset[str]:
    return frozenset((domain["main"], *domain.get("sans", ())))


_ORDER = re.compile(r" routerName=order-(\w+)@file")
_DOMAINS = re.compile(r" domains=(\[[^]]*\])")
_ERROR = re.compile(r' error=("(?:[^"\\]|\\.)*"|\S+)')


def _unquoted(text: str) -> str:
    if not text.startswith('"'):
        return text
    try:
        return str(json.loads(text))
    except ValueError:  # Go quotes some bytes as JSON does not
        return text.strip('"').replace("\\n", "\n")
