"""Findings about routes: those that the gateway can't serve, or that another application has. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from hitless.domain.application.model import Application
from hitless.domain.application.tls_options import DEFAULT, options_name
from hitless.domain.checks import certificates, middlewares, tcp, udp
from hitless.domain.checks import port as port_checks
from hitless.domain.common.findings import Finding
from hitless.domain.gateway.model import Gateway
from hitless.domain.host.world import World
from hitless.domain.routing import rules
from hitless.domain.routing.entry_points import WEB, WEBSECURE, port_of
from hitless.domain.routing.model import Protocol, Router
from hitless.domain.routing.reserved import MARKER_PRIORITY
from hitless.domain.routing.split import Routing

_OF_AN_ADDRESS = re.compile(r"[/@?#\s]")  # what an address has beside its host


def of_router(application: Application, router: Router, world: World) -> Iterator[Finding]:
    """What the gateway can't do for a route, and whether another application has it."""
    path = router.path
    if world.gateway and router.is_port:
        yield from port_checks.check(router, application.model["services"][router.service], world.gateway)
    if router.is_udp:
        yield from udp.of_route(application, router, world.gateway)
        yield from udp.taken(application.name, router, world.routings)
        return
    if world.gateway and router.is_port:
        yield from _shared_port(application, router)
    elif world.gateway:
        yield from udp.of_others(router)
        yield from _entry_points(router, world.gateway)
    priority = router.settings.get("priority", 1)
    if priority >= MARKER_PRIORITY:
        yield Finding(f"{path}.priority", f"must be below {MARKER_PRIORITY}")
    if priority < 1:
        yield Finding(
            f"{path}.priority",
            "must be at least 1: for Traefik, 0 means the length of the rule",
            "if you want the length of the rule, remove the label",
        )
    if router.settings.get("ruleSyntax", "v3") != "v3":
        yield Finding(f"{path}.rulesyntax", "only rules of v3 can be guarded", "write the rule for Traefik 3")
    if world.gateway and world.gateway.https_port:
        yield from certificates.of_route(path, application, router, world)
    if router.protocol is Protocol.TCP and not router.is_port:
        yield from tcp.of_route(router)
    yield from tcp.beside(application, router)
    if live := world.routings.get(application.name):
        yield from tcp.as_before(router, live)
    yield from _odd_hosts(router)
    try:
        rules.parse(router.rule)
    except rules.UnreadableRule as error:
        example = "Host(`…`) && …" if router.protocol is Protocol.HTTP else "HostSNI(`…`)"
        yield Finding(f"{path}.rule", f"can't be read: {error}", f"write it for Traefik 3: {example}")
    for strange in rules.strange(router.rule, router.protocol is Protocol.TCP):
        yield Finding(f"{path}.rule", strange, "write the rule for Traefik 3")
    yield from _twins(application, router, world)
    yield from taken(application.name, (router,), world.routings)
    yield from _other_options(application, router, world.routings)
    yield from _without_host(application.name, router, world.routings)


def _odd_hosts(router: Router) -> Iterator[Finding]:
    """Hosts that no request has for Traefik: with a port, or with more. No CA takes them, either."""
    matcher = "HostSNI" if router.is_tcp else "Host"
    for host in rules.hosts(router.rule):
        name, _, port = host.partition(":")
        if port.isdecimal():
            yield Finding(
                f"{router.path}.rule",
                f"{host} is a host with a port, and Traefik compares hosts without: nobody would reach it",
                f"write {matcher}(`{name}`): which port it is, the entry points say",
            )
        elif _OF_AN_ADDRESS.search(host):
            yield Finding(
                f"{router.path}.rule",
                f"{host} is no host name: nobody would reach it",
                f"write the name alone, as in {matcher}(`app.example.org`); a path has a matcher of its own",
            )


def _entry_points(router: Router, gateway: Gateway) -> Iterator[Finding]:
    """Those that the gateway does not have."""
    path = f"{router.path}.entrypoints"
    tls = router.settings.get("tls")
    if not gateway.https_port and (WEBSECURE in router.entry_points or (tls and tls.get("certResolver"))):
        yield Finding(
            path,
            "this route is over HTTPS, and the gateway has no port for that",
            "run: hitless gateway up --https-port 443 --replace (for a second or two it answers nobody)",
        )
    elif not gateway.https_port and router.is_terminated:
        yield Finding(
            f"{router.path}.tls",
            "this route answers TLS connections only, with the gateway's self-signed certificate",
            "run: hitless gateway up --https-port 443 --replace, for one of yours",
            is_error=False,
        )
    for name in router.entry_points:
        if name in gateway.entry_points or name == WEBSECURE:
            continue
        hint = f"it has: {', '.join(gateway.entry_points)}; if it is one of these by another name, run: "
        hint += f"hitless gateway up --entry-point-alias {name}=…"
        if router.is_tcp:
            port = port_of(name) or "PORT"
            alias = "" if port_of(name) else f" --entry-point-alias {name}=PORT"
            hint = (
                f"run: hitless gateway up --publish {port}{alias} (with --replace if it runs already: for a "
                "second or two it answers nobody)"
            )
        yield Finding(path, f"the gateway has no entry point {name!r}", hint)


def _twins(application: Application, router: Router, world: World) -> Iterator[Finding]:
    """An earlier route of the application for the same requests: Traefik takes one of the two."""
    for other in application.routes.routers:
        if other == router:
            return
        if not _are_http(router, other) or router.is_port or other.is_port:
            continue
        shared = set(router.entry_points or (WEB,)) & set(other.entry_points or (WEB,))
        is_same = "".join(router.rule.split()) == "".join(other.rule.split())
        if shared and is_same and router.priority == other.priority:
            # one that redirects to HTTPS would send visitors where nobody answers, or back
            is_error = _redirects(application, router, world) != _redirects(application, other, world)
            where = ", ".join(sorted(shared))
            yield Finding(
                f"{router.path}.rule",
                f"{other.path} asks for the same requests on {where}, and Traefik takes one of the two"
                + (": one of them redirects" if is_error else ""),
                "give each its own entry points, rule or priority",
                is_error=is_error,
            )


def _redirects(application: Application, router: Router, world: World) -> bool:
    own = application.routes.middlewares
    return any("redirectScheme" in middlewares.kinds_of(name, own, world) for name in router.middlewares)


def _other_options(
    application: Application, router: Router, routings: Mapping[str, Routing]
) -> Iterator[Finding]:
    """Routes of the same host with other TLS options: Traefik would drop both, and take its default ones.

    So a client would need no certificate where one of the two wants it.
    """
    if WEBSECURE not in router.entry_points or router.is_tcp:  # those of TCP have their own
        return
    hosts, mine = set(rules.hosts(router.rule)), (application.name, options_name(router))
    if mine[1] != DEFAULT and not rules.has_hosts(router.rule):
        # Traefik looks them up by the host that a client asks for (traefik#7530)
        yield Finding(
            f"{router.path}.tls.options",
            "the rule takes requests without Host(`…`): for these, Traefik uses its default TLS options",
            "name every host with Host(`…`)",
        )
    for name, other in _secure_routers(application, routings):
        shared = sorted(hosts & set(rules.hosts(other.rule)))
        theirs = (name, options_name(other))
        if shared and theirs != mine and {theirs[1], mine[1]} != {DEFAULT}:
            whose = f"the application {name}" if name != application.name else f"the route {other.name}"
            yield Finding(
                f"{router.path}.tls.options",
                f"{whose} has other TLS options for {', '.join(shared)}: {theirs[1]}",
                "give all routes of a host the same ones, in one application",
            )
            return


def _secure_routers(
    application: Application, routings: Mapping[str, Routing]
) -> Iterator[tuple[str, Router]]:
    """The routes over HTTPS of this application, and those of others that are live: with whose they are."""
    for router in application.routes.routers:
        if WEBSECURE in router.entry_points and not router.is_tcp:
            yield application.name, router
    for name, routing in routings.items():
        if name != application.name:
            secure = (one for one in routing.rules if WEBSECURE in one.entry_points and not one.is_tcp)
            yield from ((name, one) for one in secure)


def taken(application: str, routers: Sequence[Router], routings: Mapping[str, Routing]) -> Iterator[Finding]:
    """Routes that another application has already, or is about to get: both its colours count."""
    for router in routers:
        if router.is_udp:
            yield from udp.taken(application, router, routings)
            continue
        for name, routing in routings.items():
            others = [other for part in routing.colours.values() for other in part.routers]
            rule = next((other.rule for other in others if _collide(router, other)), None)
            if name != application and rule is not None:
                if router.is_port:
                    yield Finding(
                        _ports(router),
                        f"the application {name} already has the port {router.name.rpartition('.')[2]}",
                        f"choose another port, or take {name} down first",
                    )
                else:
                    yield Finding(
                        f"{router.path}.rule",
                        f"the application {name} already has the route {rule}",
                        f"choose another rule or priority, or take {name} down first",
                    )


def _without_host(application: str, router: Router, routings: Mapping[str, Routing]) -> Iterator[Finding]:
    """Requests that a route without a host takes from another application's route, or loses to one."""
    for name, routing in routings.items():
        others = [other for part in routing.colours.values() for other in part.routers]
        if name == application or any(_collide(router, other) for other in others):
            continue
        loses = dict.fromkeys(host for other in others for host in _takes_from(router, other))
        if loses:
            yield Finding(
                f"{router.path}.rule",
                f"names no host, so it takes requests for {', '.join(loses)} from the application {name}",
                "add Host(`…`) to the rule",
                is_error=False,
            )
        for other in {other.rule: other for other in others}.values():
            if hosts := _takes_from(other, router):
                yield Finding(
                    f"{router.path}.rule",
                    f"the route {other.rule} of the application {name} names no host, so it takes "
                    f"requests for {', '.join(hosts)}",
                    f"add Host(`…`) to the rule of {name}, or give this one a higher priority",
                    is_error=False,
                )


def _takes_from(one: Router, two: Router) -> tuple[str, ...]:
    if not _share_an_entry_point(one, two) or not _are_http(one, two):
        return ()
    return rules.takes_from(one.rule, two.rule, one.priority, two.priority)


def _shared_port(application: Application, router: Router) -> Iterator[Finding]:
    """Whether an earlier service publishes the same port: each would get requests for the other one."""
    for other in application.routes.routers:
        if other == router:
            return
        if other.is_port and set(other.entry_points) & set(router.entry_points):
            number = router.name.rpartition(".")[2]
            yield Finding(
                _ports(router),
                f"{number} is published by {other.service}, too",
                "give each a port of its own",
            )


def _collide(one: Router, two: Router) -> bool:
    if not _share_an_entry_point(one, two) or two.is_udp:
        return False
    if Protocol.TCP in (one.protocol, two.protocol):
        return tcp.collide(one, two)
    return rules.collide(one.rule, two.rule, one.priority, two.priority)


def _are_http(one: Router, two: Router) -> bool:
    return one.protocol is two.protocol is Protocol.HTTP


def _share_an_entry_point(one: Router, two: Router) -> bool:
    return bool(set(one.entry_points or (WEB,)) & set(two.entry_points or (WEB,)))


def _ports(router: Router) -> str:
    return f"services.{router.service}.ports"
