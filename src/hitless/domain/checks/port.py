"""Findings about ports that the gateway publishes for an application. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from hitless.domain.application.model import Application
from hitless.domain.common.findings import Finding
from hitless.domain.common.foreign import Json
from hitless.domain.gateway.model import Gateway
from hitless.domain.routing.entry_points import WEB, is_udp, port_of, written
from hitless.domain.routing.model import Protocol, Router
from hitless.domain.routing.published import address_of, transport_of

_ADOPTED = "; hitless adopt does this if the application itself has the port now"


def unpublished(application: Application, gateway: Gateway) -> tuple[tuple[int, str, bool], ...]:
    """The ports of an application that the gateway does not publish yet.

    Each is its number, its address, "" for all, and whether it is of UDP.
    """
    return tuple(
        (
            port,
            address_of(application.model["services"][router.service], port, transport_of(router)),
            router.is_udp,
        )
        for router in application.routes.routers
        if router.is_port
        for name in router.entry_points
        if name not in gateway.entry_points and (port := port_of(name))
    )


def check(router: Router, model: Json, gateway: Gateway) -> Iterator[Finding]:
    """Whether the gateway publishes the port of a router, on the address that the file names."""
    path = f"services.{router.service}.ports"
    for name in router.entry_points:
        port = port_of(name) or gateway.http_port
        over_udp = is_udp(name)
        address = address_of(model, port, transport_of(router))
        wanted = written(address, port, over_udp)
        is_https = bool(gateway.https_port) and port == gateway.https_port
        if is_https and (gateway.http3 or not over_udp):
            what = f"{port}/udp is the gateway's own port for HTTP/3"
            if not over_udp:
                what = f"{port} is the gateway's own port for HTTPS"
            yield Finding(path, what, "choose another port")
        elif name not in gateway.entry_points:
            yield Finding(
                path,
                f"the gateway does not publish the port {port}" + ("/udp" if over_udp else ""),
                f"run: hitless gateway up --publish {wanted} (with --replace if it runs already: for a "
                "second or two it answers nobody)"
                + (_ADOPTED if not over_udp else "")
                + ". If nobody needs the port: `x-hitless: {publish: none}` on the service",
            )
        elif (address or gateway.bound[name]) != gateway.bound[name]:
            # on more addresses than the file names, people could reach it whom nobody wanted to let in
            yield Finding(
                path,
                f"{port} is for {address} alone, but the gateway publishes it on "
                + (gateway.bound[name] or "every address"),
                f"run: hitless gateway up --publish {wanted} --replace"
                if name != WEB
                else f"run: hitless gateway up --bind {address} --replace, or choose another port",
            )
        if name == WEB and router.protocol is Protocol.TCP:
            yield Finding(path, f"{port} is the gateway's own port for HTTP", "choose another port for TCP")
