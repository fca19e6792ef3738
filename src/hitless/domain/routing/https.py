"""Routes over HTTPS: TLS on the entry point for it, and a redirect to that on the other one. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from hitless.domain.common.foreign import Json
from hitless.domain.routing import rules
from hitless.domain.routing.entry_points import WEB, WEBSECURE
from hitless.domain.routing.model import REDIRECT, Protocol, Router, Routes

_PORT = 443  # which a browser does not show


def named(router: Router, aliases: Mapping[str, str]) -> Router:
    """The router with its entry points as the gateway calls them, each once."""
    names = (aliases.get(name, name) for name in router.entry_points)
    return replace(router, entry_points=tuple(dict.fromkeys(names)))


def secured(routes: Routes, port: int, redirects: bool) -> Routes:
    """The routes with those over HTTPS on `websecure` alone, each with TLS.

    A router is over HTTPS if it names that entry point, or has `tls`. One that names both entry points and
    has no `tls` is two: Traefik gives one router TLS everywhere or nowhere. With `redirects`, what no route
    takes on `web` is redirected there to `port`, the host's port for HTTPS.
    """
    routers = [part for router in routes.routers for part in _parts(router)]
    added = list(_redirects(routers)) if redirects else []
    middlewares = {**routes.middlewares, **({REDIRECT: _redirect(port)} if added else {})}
    return replace(routes, routers=(*routers, *added), middlewares=middlewares)


def needs_certificate(router: Router) -> bool:
    """Whether the gateway speaks TLS for a router on an entry point where clients expect one."""
    return router.is_terminated if router.is_tcp else WEBSECURE in router.entry_points


def certificate_names(router: Router) -> tuple[tuple[str, ...], ...]:
    """The names of each certificate that a router needs; none if it is not over TLS.

    They are as its label `tls.domains` groups them. Without that there is one for each host name of its rule:
    one name that the CA refuses is then no reason to be without the others.
    """
    if not needs_certificate(router):
        return ()
    domains = router.settings.get("tls", {}).get("domains") or ()
    if domains:
        return tuple((one["main"], *one.get("sans", ())) for one in domains if one.get("main"))
    return tuple((host,) for host in rules.hosts(router.rule))


def _parts(router: Router) -> Iterator[Router]:
    others = tuple(name for name in router.entry_points if name not in (WEB, WEBSECURE))
    has_tls = "tls" in router.settings
    if router.protocol is not Protocol.HTTP or router.is_port:
        yield router
    elif has_tls and (others or not router.entry_points or WEB in router.entry_points):
        # on `web` nothing answers TLS: a redirect is there in its place
        is_own = WEBSECURE in router.entry_points or not others
        yield replace(router, entry_points=((WEBSECURE,) if is_own else ()) + others)
    elif WEBSECURE not in router.entry_points or has_tls:
        yield router
    else:
        yield replace(router, entry_points=(WEBSECURE,), settings={**router.settings, "tls": {}})
        if plain := tuple(name for name in router.entry_points if name != WEBSECURE):
            yield replace(router, name=f"{router.name}.plain", entry_points=plain)


def _redirects(routers: Sequence[Router]) -> Iterator[Router]:
    plain = [one for one in routers if not one.is_udp and WEB in (one.entry_points or (WEB,))]
    for router in routers:
        if router.protocol is not Protocol.HTTP:
            continue
        if WEBSECURE in router.entry_points and not any(_meet(router, one) for one in plain):
            yield Router(
                name=f"{router.name}.redirect",
                service=router.service,
                rule=router.rule,
                backend=router.backend,
                entry_points=(WEB,),
                middlewares=(REDIRECT,),
                settings={key: value for key, value in router.settings.items() if key == "priority"},
            )


def _meet(one: Router, two: Router) -> bool:
    return rules.collide(one.rule, two.rule, one.priority, two.priority)


def _redirect(port: int) -> Json:
    # not for ever: a browser would keep it, and after a rollback to a release without HTTPS find nothing
    return {"redirectScheme": {"scheme": "https", **({"port": str(port)} if port != _PORT else {})}}
