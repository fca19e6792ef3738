"""Ports that the gateway publishes in a service's place (`x-hitless: {publish: gateway}`). Pure.

A published port is an entry point of the gateway: of HTTP, where every request that no other route on it
takes gets to the service, or of raw TCP, where every connection does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from hitless.domain.extension import Extension
from hitless.domain.model import Application, Backend, Finding, Json, Protocol, Router, Routes
from hitless.domain.routing import WEB
from hitless.domain.world import Gateway

HIGHEST = 60_000  # above it are the ports inside the gateway that can't be as outside
_PREFIX = "port-"
# What the gateway's container has for itself: its HTTP port, and Traefik's API
_MOVED = {80: 60_080, 8080: 60_081}
_EVERYTHING = {Protocol.HTTP: "PathPrefix(`/`)", Protocol.TCP: "HostSNI(`*`)"}


def entry_point(port: int) -> str:
    """The name of the entry point for a port of the host."""
    return f"{_PREFIX}{port}"


def port_of(entry_point: str) -> int | None:
    """The port of the host that an entry point is for; None for `web`."""
    number = entry_point.removeprefix(_PREFIX)
    return int(number) if number != entry_point and number.isdecimal() else None


def inner_port(entry_point: str) -> int:
    """The port on which an entry point listens inside the gateway's container."""
    port = port_of(entry_point)
    return 80 if port is None else _MOVED.get(port, port)


def read(service: str, model: Json, said: Extension, own: Routes) -> tuple[Routes, tuple[Finding, ...]]:
    """The routes of the ports that a service lets the gateway publish; `own` are those of its labels."""
    if not said.publish:
        wrong = Finding(
            f"services.{service}.x-hitless.protocol", "says nothing without `publish: gateway` beside it"
        )
        return Routes(), (wrong,) if said.protocol is not None else ()
    protocol = said.protocol or Protocol.HTTP
    path = f"services.{service}.ports"
    found = Routes()
    findings: list[Finding] = []
    for port in _published(model):
        number = str(port["published"])
        if port.get("protocol", "tcp") != "tcp":
            findings.append(Finding(path, f"{number}: the gateway publishes no {port['protocol']} port"))
        elif not number.isdecimal() or not 0 < int(number) <= HIGHEST:
            findings.append(Finding(path, f"{number}: the gateway publishes one port from 1 to {HIGHEST}"))
        elif any(router.name == _name(service, int(number)) for router in found.routers):
            # the second would be lost without a word: an entry point has one address and one target
            findings.append(
                Finding(path, f"{number} is published twice", "publish it once, without an address for all")
            )
        else:
            found = _merged(found, _route(service, int(number), int(port["target"]), protocol, own))
    if not found.routers and not findings:
        findings.append(Finding(path, "there is no published port that the gateway could have", "8080:80"))
    return found, tuple(findings)


def behind(application: Application, gateway: Gateway) -> Application:
    """The application with its entry points as this gateway calls them: its own HTTP port is `web`."""
    own = entry_point(gateway.http_port)
    routers = tuple(
        replace(router, entry_points=tuple(WEB if name == own else name for name in router.entry_points))
        for router in application.routes.routers
    )
    return replace(application, routes=replace(application.routes, routers=routers))


def is_port(router: Router) -> bool:
    """Whether a router is one of a published port, and of no label."""
    service, _, port = router.name.rpartition(".")
    return service == router.service and port.isdecimal()


def check(router: Router, model: Json, gateway: Gateway) -> Iterator[Finding]:
    """Whether the gateway publishes what a router of a published port needs, and as the file has it."""
    path = f"services.{router.service}.ports"
    for name in router.entry_points:
        port = port_of(name) or gateway.http_port
        address = address_of(model, port)
        wanted = _written(address, port)
        if name not in gateway.entry_points:
            yield Finding(
                path,
                f"the gateway does not publish the port {port}",
                f"run: hitless gateway up --publish {wanted} (with --replace where it runs already: for a "
                "second or two it answers nobody); hitless adopt does it where the port is the application's "
                "own now",
            )
        elif (address or gateway.bound[name]) != gateway.bound[name]:
            # wider than the file has it would be a door that nobody meant to open
            yield Finding(
                path,
                f"{port} is for {address} alone, and the gateway publishes it on "
                + (gateway.bound[name] or "every address"),
                f"run: hitless gateway up --publish {wanted} --replace"
                if name != WEB
                else f"run: hitless gateway up --bind {address} --replace, or choose another port",
            )
        if name == WEB and router.protocol is Protocol.TCP:
            yield Finding(path, f"{port} is the gateway's own port for HTTP", "choose another port for TCP")


def address_of(model: Json, port: int) -> str:
    """The address that a service publishes this port of the host on; "" where it names none."""
    found = (str(one.get("host_ip") or "") for one in _published(model) if str(one["published"]) == str(port))
    return next(found, "")


def shown(address: str, port: int) -> str:
    """A port of the host for people: `*:80` on every address."""
    return _written(address or "*", port)


def _published(model: Json) -> list[Json]:
    return [port for port in model.get("ports") or () if port.get("published")]


def _written(address: str, port: int) -> str:
    """As `--publish` takes it."""
    if not address:
        return str(port)
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _route(service: str, port: int, target: int, protocol: Protocol, own: Routes) -> Routes:
    name = _name(service, port)
    same = (one.name for one in own.backends if one.port == target and protocol is Protocol.HTTP)
    backend = next(same, name)
    scheme = "http" if protocol is Protocol.HTTP else "tcp"
    router = Router(
        name=name,
        service=service,
        rule=_EVERYTHING[protocol],
        backend=backend,
        entry_points=(entry_point(port),),
        protocol=protocol,
    )
    return Routes((router,), (Backend(name, service, target, scheme),) if backend == name else ())


def _name(service: str, port: int) -> str:
    # no name of a label can have a dot: Traefik takes it for the end of the name
    return f"{service}.{port}"


def _merged(one: Routes, two: Routes) -> Routes:
    return Routes(one.routers + two.routers, one.backends + two.backends)
