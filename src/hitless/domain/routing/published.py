"""Ports that the gateway publishes in a service's place. Pure.

Two copies can't both publish one. So the gateway does it for every service with a route, and for others that
ask for it (`x-hitless: {publish: gateway}`), but not against the file (`publish: none`). A published port is
an entry point of the gateway. With HTTP, the service gets every request that no other route on it takes; with
raw TCP, it gets every connection; with UDP, every packet.
"""

from __future__ import annotations

from hitless.domain.common.findings import Finding
from hitless.domain.common.foreign import Json
from hitless.domain.routing.entry_points import HIGHEST, entry_point, udp_entry_point
from hitless.domain.routing.model import Backend, Protocol, Router, Routes, own_name

_EVERYTHING = {Protocol.HTTP: "PathPrefix(`/`)", Protocol.TCP: "HostSNI(`*`)", Protocol.UDP: ""}


def read(
    service: str, model: Json, said: bool | None, protocol: Protocol | None, own: Routes
) -> tuple[Routes, tuple[Finding, ...]]:
    """The routes of the ports that the gateway publishes for a service.

    `said` is what the file says about that, None for nothing. `protocol` is the one that the file names,
    `own` are the routes of the service's labels.
    """
    path = f"services.{service}.ports"
    if not (said or (said is None and own.routers and published_ports(model))):
        wrong = Finding(
            f"services.{service}.x-hitless.protocol", "says nothing without `publish: gateway` beside it"
        )
        return Routes(), (wrong,) if protocol is not None else ()
    found = Routes()
    findings: list[Finding] = []
    for port in published_ports(model):
        number = str(port["published"])
        over_udp = port.get("protocol") == Protocol.UDP
        if port.get("protocol", "tcp") not in (Protocol.TCP, Protocol.UDP):
            findings.append(Finding(path, f"{number}: the gateway publishes no {port['protocol']} port"))
        elif not number.isdecimal() or not 0 < int(number) <= HIGHEST:
            findings.append(Finding(path, f"{number}: the gateway publishes one port from 1 to {HIGHEST}"))
        elif any(router.name == _name(service, int(number), over_udp) for router in found.routers):
            # the second would be lost silently: an entry point has one address and one target
            findings.append(
                Finding(path, f"{number} is published twice", "publish it once, without an address for all")
            )
        elif over_udp:
            found = _merged(found, _route(service, int(number), int(port["target"]), Protocol.UDP, own))
        else:
            spoken = protocol or (Protocol.HTTP if said else _protocol(int(port["target"]), model, own))
            if spoken is None:
                findings.append(_unsure(path, number, int(port["target"])))
            found = _merged(
                found, _route(service, int(number), int(port["target"]), spoken or Protocol.HTTP, own)
            )
    if not found.routers and not findings:
        findings.append(Finding(path, "there is no published port that the gateway could have", "8080:80"))
    return found, tuple(findings)


def _protocol(target: int, model: Json, own: Routes) -> Protocol | None:
    """What is spoken on a port of a container with routes; None if nothing tells."""
    tcp = [port for port in published_ports(model) if port.get("protocol", "tcp") == Protocol.TCP]
    for backend in own.backends:
        if backend.scheme == Protocol.UDP:
            continue
        if backend.port == target or (backend.port is None and len(tcp) == 1):
            return Protocol.TCP if backend.scheme == "tcp" else Protocol.HTTP
    return usual_protocol(target)


def unsure_ports(model: Json, own: Routes) -> tuple[str, ...]:
    """The published ports of a service with these routes, if nothing tells what is spoken there."""
    return tuple(
        str(port["published"])
        for port in published_ports(model)
        if port.get("protocol") != Protocol.UDP and _protocol(int(port["target"]), model, own) is None
    )


def usual_protocol(target: int) -> Protocol | None:
    """What most images speak on this port of a container; None if there is no such custom."""
    return Protocol.HTTP if target in _HTTP else Protocol.TCP if target in _TCP else None


def _unsure(path: str, number: str, target: int) -> Finding:
    return Finding(
        path,
        f"{number}: does {target} speak HTTP? The gateway is to publish it, as two copies can't",
        "`x-hitless: {protocol: http}` on the service, or `protocol: tcp` for another protocol; "
        "`publish: none` if nobody needs the port",
    )


# Ports that most images use for HTTP, and those of other protocols by IANA's list
_HTTP = frozenset({80, 3000, 4000, 4200, 5000, 5173, 8000, 8008, 8080, 8081, 8088, 8888, 9000})
_TCP = frozenset(
    {
        *(21, 22, 23, 25, 53, 110, 143, 389, 465, 587, 636, 993, 995, 1433, 1883, 3306, 5222, 5269),
        *(5432, 5672, 6379, 6667, 8883, 9042, 9092, 11211, 27017),
    }
)


def address_of(model: Json, port: int, protocol: str = Protocol.TCP) -> str:
    """The address on which a service publishes this port of the host; "" if it names none."""
    found = (
        str(one.get("host_ip") or "")
        for one in published_ports(model)
        if str(one["published"]) == str(port) and one.get("protocol", "tcp") == protocol
    )
    return next(found, "")


def transport_of(router: Router) -> Protocol:
    """What carries a route: TCP also carries HTTP."""
    return Protocol.UDP if router.is_udp else Protocol.TCP


def published_ports(model: Json) -> list[Json]:
    """The ports that a service of a Compose model publishes on the host."""
    return [port for port in model.get("ports") or () if port.get("published") and port.get("target")]


def _route(service: str, port: int, target: int, protocol: Protocol, own: Routes) -> Routes:
    over_udp = protocol is Protocol.UDP
    name = _name(service, port, over_udp)
    same = (one.name for one in own.backends if one.port == target and protocol is Protocol.HTTP)
    backend = next(same, name)
    router = Router(
        name=name,
        service=service,
        rule=_EVERYTHING[protocol],
        backend=backend,
        entry_points=(udp_entry_point(port) if over_udp else entry_point(port),),
        protocol=protocol,
    )
    return Routes((router,), (Backend(name, service, target, protocol),) if backend == name else ())


def _name(service: str, port: int, over_udp: bool = False) -> str:
    # a label's name can't have a dot: Traefik takes it for the end of the name
    return own_name(Protocol.UDP, f"{service}.{port}") if over_udp else f"{service}.{port}"


def _merged(one: Routes, two: Routes) -> Routes:
    return Routes(one.routers + two.routers, one.backends + two.backends)
