"""Findings about the Docker host and the gateway. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from hitless.domain.application.model import Application
from hitless.domain.common.errors import GatewayDown
from hitless.domain.common.findings import Finding
from hitless.domain.gateway.compose_model import model as gateway_model
from hitless.domain.gateway.model import Gateway, Software
from hitless.domain.gateway.settings import GatewaySettings
from hitless.domain.host.world import World
from hitless.domain.release.compose_models import volume_names

_LITTLE = 1_000_000_000  # bytes
_TOO_LITTLE = 100_000_000


def of_host(application: str, world: World) -> Iterator[Finding]:
    """Whether there is a gateway, and whether it reads every routing file."""
    if world.gateway is None:
        yield Finding("gateway", "is not up on this Docker host", GatewayDown(world.others).hint)
    for path, problem in world.broken.items():
        is_own = path == f"{application}.yml"
        yield Finding(
            f"gateway:{path}",
            problem if is_own else f"{problem}; hitless can't compare its routes with yours",
            f"hitless -p {path.rpartition('.')[0]} down removes it; then deploy that application again",
            is_error=is_own,
        )
    for path, problem in world.restored.items():
        yield Finding(f"gateway:{path}", problem, "hitless gateway up puts it back", is_error=False)


def of_disk(free: int | None) -> Iterator[Finding]:
    """Whether Docker's disk has room; `free` is in bytes, None if unknown."""
    if free is not None and free < _LITTLE:
        yield Finding(
            "host",
            f"only {free / 1_000_000:.0f} MB are left on Docker's disk",
            "docker system df shows what uses the space",
            is_error=free < _TOO_LITTLE,
        )


def of_gateways_volumes(application: Application, gateway: Gateway | None) -> Iterator[Finding]:
    """Volumes of the gateway in the file: who mounts them can read all releases and change all routes."""
    if gateway is None:
        return
    kept = set(volume_names(gateway_model(gateway.project, GatewaySettings(), Software("", ""))).values())
    for key, name in volume_names(application.model).items():
        if name in kept:
            yield Finding(
                f"volumes.{key}",
                f"{name} belongs to the gateway, which keeps the routes of all applications in it",
                "name another volume, or rename the application",
            )


def elsewhere(application: Application, world: World) -> Iterator[Finding]:
    """Whether the application runs behind another gateway: its containers would have the same names here."""
    here = world.gateway.project if world.gateway else None
    if here == application.name:
        yield Finding(
            "name",
            f"the gateway is called {here}, too: both would be one Compose project",
            "use another name with -p",
        )
    for other in sorted({container.gateway for container in world.containers} - {here}):
        if here is not None:
            yield Finding(
                "name",
                f"an application {application.name} runs behind the gateway {other} of this host",
                f"use --gateway {other}, or another name with -p",
            )


def compose_projects(world: World) -> Iterator[Finding]:
    """Whether the Compose projects of the colours have containers that hitless did not create."""
    for name in world.foreign:
        yield Finding(
            "name",
            f"the container {name} is in the Compose project of a colour, but hitless did not create it",
            "remove it, or choose another name with -p",
        )
