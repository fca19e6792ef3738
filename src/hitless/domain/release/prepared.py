"""An application whose images, ports and timeouts are known. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from hitless.domain.application.model import Application
from hitless.domain.common.findings import Finding
from hitless.domain.gateway.model import Gateway
from hitless.domain.release.model import Image
from hitless.domain.routing.entry_points import WEB, entry_point
from hitless.domain.routing.model import Backend


def behind(application: Application, gateway: Gateway) -> Application:
    """The application with its entry points as this gateway calls them: its own HTTP port is `web`."""
    own = entry_point(gateway.http_port)
    routers = tuple(
        replace(router, entry_points=tuple(WEB if name == own else name for name in router.entry_points))
        for router in application.routes.routers
    )
    return replace(application, routes=replace(application.routes, routers=routers))


def with_images(
    application: Application, images: Mapping[str, Image]
) -> tuple[Application, tuple[Finding, ...]]:
    """The application with every backend's port known: from label, `expose`, or the image's EXPOSE.

    Traefik takes the lowest exposed port where the label is missing; so does this.
    """
    findings: list[Finding] = []
    backends = []
    for backend in application.routes.backends:
        ports = exposed_ports(application, backend.service)
        if not ports and backend.service in images:
            ports = images[backend.service].ports
        port = backend.port or (min(ports) if ports else None)
        if port is None:
            findings.append(_no_port(backend))
        backends.append(replace(backend, port=port))
    routes = replace(application.routes, backends=tuple(backends))
    return replace(application, routes=routes), tuple(findings)


def with_timeouts(
    application: Application, timeout: float | None, drain_timeout: float | None
) -> Application:
    """The application with the timeouts of gate and drain (seconds) that the command line names."""
    if drain_timeout is not None:
        settings = replace(application.settings, drain_timeout=drain_timeout)
        application = replace(application, settings=settings)
    if timeout is not None:
        services = tuple(
            replace(service, settings=replace(service.settings, timeout=timeout))
            for service in application.services
        )
        application = replace(application, services=services)
    return application


def exposed_ports(application: Application, service: str) -> tuple[int, ...]:
    """The container ports that the Compose file itself names for a service."""
    model = application.model["services"][service]
    named = [str(port).partition("/") for port in model.get("expose") or ()]
    named += [(str(port.get("target", "")), "/", port.get("protocol")) for port in model.get("ports") or ()]
    return tuple(
        int(port) for port, _, protocol in named if port.isdecimal() and protocol in ("tcp", "", None)
    )


def _no_port(backend: Backend) -> Finding:
    return Finding(
        f"services.{backend.service}.labels.traefik.http.services.{backend.name}.loadbalancer.server.port",
        "which port the service listens on is said nowhere: no label, no `expose`, no EXPOSE in its image",
        "add this label with the port",
    )
