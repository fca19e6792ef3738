"""Findings about middlewares: those that nobody has, and those that hide waiting requests. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from difflib import get_close_matches

from hitless.domain.application.model import Application
from hitless.domain.common.findings import Finding
from hitless.domain.common.foreign import Json
from hitless.domain.host.world import World
from hitless.domain.routing import forward_auth, gateway_config
from hitless.domain.routing.model import Routes, label_of

_WAITING = ("buffering", "forwardAuth")


def of_middlewares(routes: Routes, world: World) -> Iterator[Finding]:
    """What is wrong with the application's own middlewares, and with its references to the gateway's."""
    for name, middleware in routes.middlewares.items():
        yield from _waits(label_of("middlewares", name), middleware)
    known = gateway_config.known_in(world.configs)
    chained = (
        (f"{label_of('middlewares', name)}.chain.middlewares", reference)
        for name, reference in gateway_config.referred_by_chains(routes.middlewares)
    )
    for path, name in (*gateway_config.referred(routes.routers, routes.middlewares), *chained):
        if (shared := gateway_config.shared_name(name)) in known:
            yield from _waits(path, tuple(gateway_config.kinds(shared, known)))
        elif world.gateway is None:
            yield Finding(
                path,
                f"no middleware {name!r} in this application, and no gateway that could have one",
                f"when the gateway is up: {_how(shared, ())}",
                is_error=False,
            )
        else:
            yield Finding(
                path, f"no middleware {name!r} in this application, nor in the gateway", _how(shared, known)
            )


def of_addresses(application: Application) -> Iterator[Finding]:
    """Middlewares that ask a service by its Compose name, which no route leads to at this port."""
    services = {service.name for service in application.services}
    asks = forward_auth.asks(application.routes)
    for name, middleware in application.routes.middlewares.items():
        asked = forward_auth.address(middleware)
        if asked and asked.hostname in services and name not in asks:
            yield Finding(
                f"{label_of('middlewares', name)}.forwardAuth.address",
                f"the gateway finds {asked.hostname} by this name only at a port of a route, over HTTP "
                "and without a password in the address",
                f"give {asked.hostname} a route, or a Traefik service, with the port "
                f"{forward_auth.port(asked)} (docs/labels.md); or write the address at which people reach it",
            )


def kinds_of(name: str, own: Mapping[str, Json], world: World) -> frozenset[str]:
    """The kinds of a router's middleware, whether it is the application's own or the gateway's."""
    known = own if gateway_config.is_own(name, own) else gateway_config.known_in(world.configs)
    return frozenset(gateway_config.kinds(gateway_config.shared_name(name), known))


def _how(name: str, known: Collection[str]) -> str:
    define = (
        "define it with labels in this Compose file, or for all applications: hitless gateway config add FILE"
    )
    near = get_close_matches(name, list(known), n=3)
    return f"did you mean {' or '.join(f'{one}@file' for one in near)}? Or {define}" if near else define


def _waits(path: str, kinds: Collection[str]) -> Iterator[Finding]:
    """Kinds that hide waiting requests from the drain."""
    for kind in _WAITING:
        if kind in kinds:
            yield Finding(
                f"{path}.{kind}",
                "a request that waits in it at the cutover has no connection yet: the drain can't count it",
                "a longer stop does not help: such a request may be lost, and the client must send it again",
                is_error=False,
            )
