"""An application without a route, and the services that most likely are to have one. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from hitless.domain.application.model import Application, Role
from hitless.domain.common.findings import Finding
from hitless.domain.common.foreign import Json
from hitless.domain.routing.published import published_ports


def likely_webs(application: Application) -> tuple[str, ...]:
    """The services that people may want to reach, the likeliest first: they are built, or publish a port."""
    services: Mapping[str, Json] = application.model.get("services") or {}

    def likelihood(name: str) -> tuple[bool, bool, bool, bool]:
        is_built, ports = "build" in services[name], published_ports(services[name])
        is_open = any(not port.get("host_ip") for port in ports)
        return is_built and bool(ports), is_open, bool(ports), is_built

    own = [one.name for one in application.services if not one.product and one.role is not Role.GATEWAY]
    return tuple(sorted((name for name in own if any(likelihood(name))), key=likelihood, reverse=True))


def no_route(application: Application) -> Finding:
    """Say how to make a route, at the service that most likely is to have it."""
    meant = next(iter(likely_webs(application)), None)
    rule = "traefik.http.routers.web.rule=Host(`…`)"
    services: Mapping[str, Json] = application.model.get("services") or {}
    ports = [str(port["published"]) for port in published_ports(services.get(meant or "", {}))]
    if meant is None:
        hint = f"give the web service a label: {rule}"
    elif ports:
        hint = (
            f"run hitless init: it asks which service people reach, and writes it down. Is it {meant}? Then "
            f"it is `x-hitless: {{publish: gateway}}` at services.{meant}, and the gateway publishes "
            f"{', '.join(ports)} for it; or, for a host name, the label {rule}"
        )
    else:
        hint = f"is it {meant}? Write at services.{meant}: labels: [{rule}]"
    return Finding(
        "services", "no service has a route: the gateway would send no requests to this application", hint
    )
