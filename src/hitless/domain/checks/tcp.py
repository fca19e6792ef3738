"""Findings about TCP routes of labels: what Traefik can't tell apart, or would wait for. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from hitless.domain.application.model import Application
from hitless.domain.common.findings import Finding
from hitless.domain.routing import rules
from hitless.domain.routing.entry_points import WEB, WEBSECURE
from hitless.domain.routing.model import Router
from hitless.domain.routing.split import Routing

_MATCHERS = ("hostsni", "hostsniregexp", "clientip", "alpn")  # Traefik 3.7, routing/routers/#rule_1


def of_route(router: Router) -> Iterator[Finding]:
    """What keeps a TCP route from working."""
    hosts = rules.hosts(router.rule)
    if unknown := sorted(rules.matchers(router.rule) - {*_MATCHERS}):
        yield Finding(f"{router.path}.rule", f"{unknown[0]} is no matcher of TCP", "write HostSNI(`…`)")
    if _is_raw(router) and hosts:
        # before the TLS handshake a connection names nobody
        yield Finding(
            f"{router.path}.tls",
            f"without TLS a connection does not say that it is for {hosts[0]}",
            "add the label tls=true, or tls.passthrough=true if the service itself speaks TLS; "
            "or write HostSNI(`*`)",
        )
    if not router.entry_points:
        yield Finding(
            f"{router.path}.entrypoints",
            "a TCP route has to name its entry points",
            "port-5432, say, once the gateway publishes that port: hitless gateway up --publish 5432",
        )
    if WEB in router.entry_points:
        yield Finding(f"{router.path}.entrypoints", f"{WEB} is the gateway's entry point for HTTP", _OTHER)
    if WEBSECURE in router.entry_points and _is_raw(router):
        yield Finding(f"{router.path}.entrypoints", f"{WEBSECURE} is for TLS alone", _OTHER)
    if _is_raw(router) and (of_tls := sorted(rules.matchers(router.rule) & {"hostsniregexp", "alpn"})):
        said = f"without TLS a connection says nothing that {of_tls[0]} could match"
        yield Finding(f"{router.path}.tls", said, "add the label tls=true; or write HostSNI(`*`)")


def beside(application: Application, router: Router) -> Iterator[Finding]:
    """An earlier route of the application that can't be on an entry point together with this one."""
    for other in application.routes.routers:
        if other == router:
            return
        shared = [name for name in router.entry_points if name in other.entry_points]
        if not shared or not (router.is_tcp or other.is_tcp) or (router.is_port and other.is_port):
            continue
        if _is_raw(router) or _is_raw(other):
            said = f"{other.path} is on {shared[0]}, too: connections without TLS need it for themselves"
            yield Finding(router.path, said, _OTHER)
        elif collide(router, other) and (router.protocol != other.protocol or router.rule == other.rule):
            yield Finding(router.path, f"{other.path} takes the same connections on {shared[0]}", _OTHER)


def as_before(router: Router, live: Routing) -> Iterator[Finding]:
    """Whether an entry point of the live release changes between connections without TLS and anything else.

    As soon as one route there has TLS, Traefik waits for the client's first bytes, also for the live release.
    And a route of HTTP beside one of raw TCP gets nothing, so no request can prove it.
    """
    for other in live.rules:
        shared = [name for name in router.entry_points if name in other.entry_points]
        if shared and _is_raw(router) != _is_raw(other):
            now, then = (("raw TCP" if _is_raw(one) else _kind(one)) for one in (other, router))
            yield Finding(
                router.path,
                f"{shared[0]} is {now} for the live release, and would be {then}: it can't be both at once",
                "choose another port; or run hitless down first",
            )
            return


def collide(one: Router, two: Router) -> bool:
    """Whether one of two routes on an entry point would take the other's connections; at least one is TCP."""
    if _is_raw(one) or _is_raw(two) or "tls" not in one.settings or "tls" not in two.settings:
        return True
    ours, theirs = rules.hosts(one.rule), rules.hosts(two.rule)
    if ours and theirs:
        return any(rules.meet(host, other) for host in ours for other in theirs)
    return not (ours or theirs) or _takes(one, two) or _takes(two, one)


def _takes(wide: Router, named: Router) -> bool:
    """Whether a route that names no host gets connections for a host of another one, or loses them to it.

    HTTPS for a host comes first, then TCP for one, then HTTPS for none (`ServeTCP` of Traefik 3.7).
    """
    if not rules.hosts(named.rule) or (wide.is_tcp and not named.is_tcp):
        return False
    if wide.is_tcp and _priority(wide) < _priority(named):
        return False
    return any(rules.takes_name(wide.rule, host, wide.is_tcp) for host in rules.hosts(named.rule))


def _kind(router: Router) -> str:
    return "TLS" if "tls" in router.settings else "HTTP"


def _priority(router: Router) -> int:
    is_last = "".join(router.rule.split()) in ("HostSNI(`*`)", 'HostSNI("*")')  # as Traefik has it
    return router.priority or (-1 if is_last else len(router.rule))


def _is_raw(router: Router) -> bool:
    return router.is_tcp and "tls" not in router.settings


_OTHER = "choose an entry point of its own: hitless gateway up --publish PORT, and port-PORT in the label"
