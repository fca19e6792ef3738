"""Findings about TCP routes of labels: what Traefik can't tell apart, or would wait for. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from hitless.domain.application.model import Application
from hitless.domain.common.findings import Finding
from hitless.domain.routing import rules
from hitless.domain.routing.entry_points import WEB, WEBSECURE
from hitless.domain.routing.model import Router

_MATCHERS = ("hostsni", "hostsniregexp", "clientip", "alpn")  # Traefik 3.7, routing/routers/#rule_1


def of_route(application: Application, router: Router) -> Iterator[Finding]:
    """What keeps a TCP route from working, and the application's other routes beside it."""
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
    for other in application.routes.routers:
        if other == router:
            break
        shared = [name for name in router.entry_points if name in other.entry_points]
        if shared and (_is_raw(router) or (other.is_tcp and _is_raw(other))):
            said = (
                f"{other.path} is on {shared[0]}, too: there, connections without TLS can have no other route"
            )
            yield Finding(f"{router.path}.entrypoints", said, _OTHER)


def collide(one: Router, two: Router) -> bool:
    """Whether one of two routes on an entry point would take the other's connections; at least one is TCP."""
    if "tls" not in one.settings or "tls" not in two.settings:
        return True
    ours, theirs = set(rules.hosts(one.rule)), set(rules.hosts(two.rule))
    if ours and theirs:
        return bool(ours & theirs)
    return not (ours or theirs) or _takes(one, two) or _takes(two, one)


def _takes(wide: Router, named: Router) -> bool:
    """Whether a TCP route that names no host gets connections for a host of another one.

    HTTPS for a host comes first, whatever the priorities are (`ServeTCP` of Traefik 3.7).
    """
    if not (wide.is_tcp and named.is_tcp) or _priority(wide) < _priority(named):
        return False
    return any(rules.takes_name(wide.rule, host) for host in rules.hosts(named.rule))


def _priority(router: Router) -> int:
    is_last = "".join(router.rule.split()) in ("HostSNI(`*`)", 'HostSNI("*")')  # as Traefik has it
    return router.priority or (-1 if is_last else len(router.rule))


def _is_raw(router: Router) -> bool:
    return "tls" not in router.settings


_OTHER = "choose an entry point of its own: hitless gateway up --publish PORT, and port-PORT in the label"
