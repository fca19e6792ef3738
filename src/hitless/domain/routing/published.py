"""Ports that the gateway publishes in a service's place (`x-hitless: {publish: gateway}`). Pure.

A published port is an entry point of the gateway. With HTTP, the service gets every request that no other
route on it takes; with raw TCP, it gets every connection.
"""

from __future__ import annotations

from hitless.domain.common.findings import Finding
from hitless.domain.common.foreign import Json
from hitless.domain.routing.entry_points import HIGHEST, entry_point
from hitless.domain.routing.model import Backend, Protocol, Router, Routes

_EVERYTHING = {Protocol.HTTP: "PathPrefix(`/`)", Protocol.TCP: "HostSNI(`*`)"}


def read(
    service: str, model: Json, is_published: bool, protocol: Protocol | None, own: Routes
) -> tuple[Routes, tuple[Finding, ...]]:
    """The routes of the ports that a service lets the gateway publish.

    `protocol` is the one that the file names, `own` are the routes of the service's labels.
    """
    if not is_published:
        wrong = Finding(
            f"services.{service}.x-hitless.protocol", "says nothing without `publish: gateway` beside it"
        )
        return Routes(), (wrong,) if protocol is not None else ()
    protocol = protocol or Protocol.HTTP
    path = f"services.{service}.ports"
    found = Routes()
    findings: list[Finding] = []
    for port in published_ports(model):
        number = str(port["published"])
        if port.get("protocol", "tcp") != "tcp":
            findings.append(Finding(path, f"{number}: the gateway publishes no {port['protocol']} port"))
        elif not number.isdecimal() or not 0 < int(number) <= HIGHEST:
            findings.append(Finding(path, f"{number}: the gateway publishes one port from 1 to {HIGHEST}"))
        elif any(router.name == _name(service, int(number)) for router in found.routers):
            # the second would be lost silently: an entry point has one address and one target
            findings.append(
                Finding(path, f"{number} is published twice", "publish it once, without an address for all")
            )
        else:
            found = _merged(found, _route(service, int(number), int(port["target"]), protocol, own))
    if not found.routers and not findings:
        findings.append(Finding(path, "there is no published port that the gateway could have", "8080:80"))
    return found, tuple(findings)


def address_of(model: Json, port: int) -> str:
    """The address on which a service publishes this port of the host; "" if it names none."""
    found = (
        str(one.get("host_ip") or "") for one in published_ports(model) if str(one["published"]) == str(port)
    )
    return next(found, "")


def published_ports(model: Json) -> list[Json]:
    """The ports that a service of a Compose model publishes on the host."""
    return [port for port in model.get("ports") or () if port.get("published")]


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
    # a label's name can't have a dot: Traefik takes it for the end of the name
    return f"{service}.{port}"


def _merged(one: Routes, two: Routes) -> Routes:
    return Routes(one.routers + two.routers, one.backends + two.backends)
