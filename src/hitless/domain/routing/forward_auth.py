"""Middlewares that ask a service of the application who a client is. Pure.

Their address names a Compose service, and the gateway is on none of the file's networks: so they ask a
backend, as requests do.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import SplitResult, urlsplit

from hitless.domain.common.foreign import Json
from hitless.domain.routing.model import Backend, Protocol, Router, Routes, local_name

_PORTS = {"http": 80, "https": 443}


def address(middleware: Json) -> SplitResult | None:
    """The address that a `forwardAuth` middleware asks; None for another one, or without a host."""
    try:
        found = urlsplit(str((middleware.get("forwardAuth") or {}).get("address") or ""))
        return found if found.hostname and port(found) else None
    except ValueError:  # such a port
        return None


def port(asked: SplitResult) -> int | None:
    """The port of an address."""
    return asked.port or _PORTS.get(asked.scheme)


def asks(routes: Routes) -> dict[str, str]:
    """The middlewares that ask a backend, by their names -> its name."""
    found = {name: _backend(routes, middleware) for name, middleware in routes.middlewares.items()}
    return {name: backend.name for name, backend in found.items() if backend}


def services_of(routes: Routes, router: Router) -> frozenset[str]:
    """The services that a router's middlewares ask."""
    asked, services = asks(routes), {backend.name: backend.service for backend in routes.backends}
    left, found = [*router.middlewares], set[str]()
    while left:
        name = local_name(left.pop())
        if name not in found:
            found.add(name)
            chain = routes.middlewares.get(name, {}).get("chain") or {}
            left += chain.get("middlewares") or ()
    return frozenset(services[asked[name]] for name in found if name in asked)


def _backend(routes: Routes, middleware: Json) -> Backend | None:
    asked = address(middleware)
    if asked is None or asked.scheme != "http" or asked.username is not None:
        return None
    others = {router.backend for router in routes.routers if router.protocol is not Protocol.HTTP}
    there = [one for one in routes.backends if one.service == asked.hostname and one.name not in others]
    # a port that is not known yet is that of the image
    by_port: Mapping[int | None, Backend] = {one.port: one for one in reversed(there) if one.scheme == "http"}
    return by_port.get(port(asked), by_port.get(None))
