"""What has Traefik order a certificate, what it says about that, and what it keeps. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Collection

from hitless.domain.common.foreign import Json
from hitless.domain.gateway.acme import RESOLVER, Names
from hitless.domain.routing.reserved import INSIDE, MARKER_HOST

_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def router(order: str) -> str:
    """The name of the route by which Traefik orders."""
    return f"order-{order}"


def order_document(order: str, names: Names) -> str:
    """A routing file with one route, which only the gateway itself can reach, and on which nobody calls.

    Traefik orders the certificate as soon as it reads it. No route of an application names the resolver.
    """
    main, *others = names
    return json.dumps(
        {
            "http": {
                "routers": {
                    router(order): {
                        "rule": f"{INSIDE} && Host(`{MARKER_HOST}`)",
                        "entryPoints": ["traefik"],
                        "service": "noop@internal",
                        "tls": {
                            "certResolver": RESOLVER,
                            "domains": [{"main": main, **({"sans": others} if others else {})}],
                        },
                    }
                }
            }
        }
    )


def failure(log: str, order: str) -> str:
    """The error of an order in Traefik's log (its text form), "" if there is none."""
    for line in _COLOURS.sub("", log).splitlines():
        if f"routerName={router(order)}@file" in line and (found := _ERROR.search(line)):
            return _unquoted(found[1])
    return ""


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


_ERROR = re.compile(r' error=("(?:[^"\\]|\\.)*"|\S+)')


def _unquoted(text: str) -> str:
    if not text.startswith('"'):
        return text
    try:
        return str(json.loads(text))
    except ValueError:  # Go quotes some bytes as JSON does not
        return text.strip('"').replace("\\n", "\n")
