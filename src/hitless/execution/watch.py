"""What the dashboard looks at, again and again: the host, and one application. It changes nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from hitless.domain.common.errors import GatewayDown
from hitless.domain.gateway.instances import Health, Instances
from hitless.domain.gateway.settings import GatewaySettings
from hitless.domain.host import journal
from hitless.domain.host.facts import Overview
from hitless.domain.host.journal import Run
from hitless.domain.host.metrics import Look
from hitless.domain.host.world import World
from hitless.execution import observe
from hitless.ports import Ports


@dataclass(frozen=True)
class HostSeen:
    """The world of all applications, the gateway, and what its state says of each application."""

    world: World
    settings: GatewaySettings | None
    instances: Instances
    health: Health | None
    overview: Overview


@dataclass(frozen=True)
class ApplicationSeen:
    """The world of an application, the gateway's settings, and every command of its journal."""

    world: World
    settings: GatewaySettings | None
    runs: tuple[Run, ...]


def host(ports: Ports, settings: GatewaySettings | None, overview: Overview | None = None) -> HostSeen:
    """The host. `overview` is one that is recent enough: to make it reads every journal."""
    world = observe.world(ports, None)
    if world.gateway and overview is None:
        overview = ports.state.overview()
    return HostSeen(
        world,
        settings,
        observe.instances(ports, world),
        observe.health(ports, world),
        overview or Overview(0.0),
    )


def application(ports: Ports, settings: GatewaySettings | None, name: str) -> ApplicationSeen:
    """One application."""
    world = observe.world(ports, name)
    text = ports.state.journal(name) if world.gateway else ""
    return ApplicationSeen(world, settings, journal.runs(text))


def created(ports: Ports, applications: Iterable[str]) -> dict[str, dict[int, str]]:
    """When each kept release of these was made: application -> release -> an ISO time in UTC."""
    return {
        name: {one.number: one.created for one in ports.state.read(name).releases} for name in applications
    }


def counted(ports: Ports, at: float) -> Look:
    """What the live Traefik has counted; `at` is the Unix time now. Raises `HitlessError` if it does not."""
    if ports.balancer.gateway() is None:
        raise GatewayDown(ports.balancer.other_gateways())
    ports.instances.instances()  # an upgrade may have put another one in its place
    return ports.instances.counted(at)
