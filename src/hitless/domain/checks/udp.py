"""Findings about UDP routes of labels and ports: each needs a UDP entry point for itself. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from hitless.domain.application.model import Application
from hitless.domain.common.findings import Finding
from hitless.domain.gateway.model import Gateway
from hitless.domain.routing.entry_points import is_udp, port_of, udp_entry_point
from hitless.domain.routing.model import Router
from hitless.domain.routing.split import Routing


def of_route(application: Application, router: Router, gateway: Gateway | None) -> Iterator[Finding]:
    """What keeps a UDP route of a label from working, and an earlier route that has its entry point."""
    path = _path(router)
    if not router.entry_points:
        yield Finding(
            path,
            "a UDP route has to name its entry points",
            "port-53-udp, say, once the gateway publishes that port: hitless gateway up --publish 53/udp",
        )
    for name in router.entry_points if gateway and not router.is_port else ():
        if gateway and name not in gateway.entry_points:
            alias = "" if port_of(name) else f" --entry-point-alias {name}=PORT/udp"
            yield Finding(
                path,
                f"the gateway has no entry point {name!r}",
                f"run: hitless gateway up --publish {port_of(name) or 'PORT'}/udp{alias} (with --replace if "
                "it runs already: for a second or two it answers nobody)",
            )
        elif not is_udp(name):
            number = port_of(name)
            hint = f"publish {number}/udp, too, and write {udp_entry_point(number)}" if number else _OTHER
            yield Finding(path, f"{name} is an entry point of TCP", hint)
    for other in application.routes.routers:
        if other == router:
            return
        for name in set(router.entry_points) & set(other.entry_points) if other.is_udp else ():
            said = f"{other.path} is on {name}, too: a packet says nothing that could tell the two apart"
            yield Finding(path, said, _OTHER)


def of_others(router: Router) -> Iterator[Finding]:
    """UDP entry points that a route of another protocol names."""
    for name in filter(is_udp, router.entry_points):
        yield Finding(f"{router.path}.entrypoints", f"{name} is an entry point of UDP", "name another one")


def taken(application: str, router: Router, routings: Mapping[str, Routing]) -> Iterator[Finding]:
    """An entry point that another application has already, or is about to get: both its colours count."""
    for name, routing in routings.items():
        for shared in sorted({*router.entry_points} & {*routing.over_udp}) if name != application else ():
            yield Finding(
                _path(router),
                f"the application {name} already has {port_of(shared)}/udp",
                f"choose another port, or take {name} down first",
            )


def _path(router: Router) -> str:
    return router.path if router.is_port else f"{router.path}.entrypoints"


_OTHER = "choose another one: hitless gateway up --publish PORT/udp, and port-PORT-udp in the label"
