"""What `hitless init` needs to know of the host."""

from __future__ import annotations

from collections.abc import Mapping

from hitless.domain.application.model import Application
from hitless.domain.checks.port import unpublished
from hitless.domain.release import prepared
from hitless.execution import observe
from hitless.ports import Ports


def missing_ports(ports: Ports, application: Application) -> tuple[Mapping[int, str], bool]:
    """The ports that the gateway is to publish and does not: port -> address; and whether it serves nobody.

    An application that runs under plain `docker compose up` has its port itself: then it counts as served.
    """
    world = observe.world(ports, application.name)
    if world.gateway is None:
        return {}, False
    missing = unpublished(prepared.behind(application, world.gateway), world.gateway)
    return missing, not (world.routings or world.containers or world.base or world.broken)
