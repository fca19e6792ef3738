"""What `hitless init` needs to know of the host."""

from __future__ import annotations

from hitless.domain.application.model import Application
from hitless.domain.checks.port import unpublished
from hitless.domain.release import prepared
from hitless.execution import observe
from hitless.ports import Ports


def missing_ports(ports: Ports, application: Application) -> tuple[tuple[tuple[int, str, bool], ...], bool]:
    """The ports that the gateway is to publish and does not; and whether it serves nobody.

    A port is its number, its address, and whether it is of UDP. An application that runs under plain
    `docker compose up` has its port itself: then it counts as served.
    """
    world = observe.world(ports, application.name)
    if world.gateway is None:
        return (), False
    missing = unpublished(prepared.behind(application, world.gateway), world.gateway)
    return missing, not (world.routings or world.containers or world.base or world.broken)
