"""An application whose images, ports and timeouts are known: a plan needs that. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NewType

from hitless.domain.application import read as reading
from hitless.domain.application.model import Application
from hitless.domain.common.findings import Finding
from hitless.domain.gateway.model import Gateway
from hitless.domain.release.model import Image, Release
from hitless.domain.routing import https
from hitless.domain.routing.entry_points import WEB, entry_point
from hitless.domain.routing.model import Backend, Protocol, label_of

# It has every field of an application, and only `prepare` makes it: the type checker refuses a plan for any
# other application
Prepared = NewType("Prepared", Application)


@dataclass(frozen=True)
class Timeouts:
    """The timeouts of the command line, in seconds; None: as the Compose file says.

    `ready` is how long a release may take until it is ready. `drain` is how long open requests may take.
    """

    ready: float | None = None
    drain: float | None = None


AS_WRITTEN = Timeouts()


def prepare(
    application: Application, images: Mapping[str, Image], gateway: Gateway, timeouts: Timeouts = AS_WRITTEN
) -> tuple[Prepared, tuple[Finding, ...]]:
    """The application behind this gateway with these images (service -> image), and findings.

    A missing port is an error among the findings. Nobody knows an image's ports before it is built: an
    application that is prepared before that can only show a plan, not perform it.
    """
    found, findings = with_ports(behind(application, gateway), images)
    return with_timeouts(Prepared(found), timeouts), findings


def prepare_kept(release: Release, gateway: Gateway) -> tuple[Prepared, tuple[Finding, ...]]:
    """The application of a kept release, prepared, with the findings about its Compose model."""
    application, findings = reading.read(release.model)
    prepared, more = prepare(application, release.images, gateway)
    return prepared, (*findings, *more)


def behind(application: Application, gateway: Gateway) -> Application:
    """The application with its entry points as this gateway calls them, and its routes over HTTPS secured."""
    aliases = {**gateway.aliases, entry_point(gateway.http_port): WEB}
    routers = tuple(https.named(router, aliases) for router in application.routes.routers)
    routes = replace(application.routes, routers=routers)
    if gateway.https_port:
        routes = https.secured(routes, gateway.https_port, application.settings.https_redirect)
    return replace(application, routes=routes)


def with_ports(
    application: Application, images: Mapping[str, Image]
) -> tuple[Application, tuple[Finding, ...]]:
    """The application with the port of every backend: from its label, `expose`, or the image's EXPOSE.

    Without the label it is the lowest exposed port, as in Traefik.
    """
    findings: list[Finding] = []
    backends = []
    # nobody looks into the image of a shared service before the deployment starts it
    shared = {service.name for service in application.shared_with_route}
    for backend in application.routes.backends:
        over_udp = backend.scheme == Protocol.UDP
        ports = exposed_ports(application, backend.service, Protocol.UDP if over_udp else Protocol.TCP)
        if not ports and not over_udp and backend.service in images:
            ports = images[backend.service].ports
        port = backend.port or (min(ports) if ports else None)
        if port is None:
            findings.append(_no_port(backend, backend.service in shared))
        backends.append(replace(backend, port=port))
    routes = replace(application.routes, backends=tuple(backends))
    return replace(application, routes=routes), tuple(findings)


def with_timeouts(application: Prepared, timeouts: Timeouts) -> Prepared:
    """The application with the timeouts of the command line."""
    if timeouts.drain is not None:
        settings = replace(application.settings, drain_timeout=timeouts.drain)
        application = replace(application, settings=settings)
    if timeouts.ready is not None:
        services = tuple(
            replace(service, settings=replace(service.settings, timeout=timeouts.ready))
            for service in application.services
        )
        application = replace(application, services=services)
    return application


def exposed_ports(application: Application, service: str, protocol: str = Protocol.TCP) -> tuple[int, ...]:
    """The container's ports of a protocol that the Compose file itself names for a service."""
    model = application.model["services"][service]
    named = [str(port).partition("/") for port in model.get("expose") or ()]
    named += [(str(port.get("target", "")), "/", port.get("protocol")) for port in model.get("ports") or ()]
    return tuple(
        int(port) for port, _, said in named if port.isdecimal() and (said or Protocol.TCP) == protocol
    )


def _no_port(backend: Backend, is_shared: bool) -> Finding:
    return Finding(
        f"services.{backend.service}.labels.{label_of('services', backend.name)}.loadbalancer.server.port",
        "no port found: no label, no `expose`" + ("" if is_shared else ", no EXPOSE in its image"),
        "set this label, or `expose`" if is_shared else "set this label, `expose`, or EXPOSE in the image",
    )
