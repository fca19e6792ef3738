"""The steps that let shared services call a release. Pure."""

from __future__ import annotations

from hitless.domain.application.model import Application
from hitless.domain.common.names import Colour
from hitless.domain.gateway.model import Gateway
from hitless.domain.host.world import World
from hitless.domain.plan.releases import promotion
from hitless.domain.plan.steps import Attach, Detach
from hitless.domain.release import live_network


def attach(application: Application, colour: Colour, promoted: int, gateway: Gateway) -> tuple[Attach, ...]:
    """The step that lets the shared services find the release in this colour; none if none call it."""
    callers = tuple(sorted(live_network.callers(application)))
    names = live_network.live_names(application)
    network = live_network.live_network(application, colour, promoted, gateway)
    return (Attach(application.name, colour, network, callers, names),) if names else ()


def detach(application: Application, colour: Colour) -> tuple[Detach, ...]:
    """The step after which the shared services find the release in the other colour."""
    callers = tuple(sorted(live_network.callers(application)))
    return (Detach(application.name, colour, callers),) if callers else ()


def attach_again(application: str, world: World) -> tuple[Attach, ...]:
    """The step of `attach` for the live release.

    An interrupted command may not have performed it, and a new shared service does not have it yet.
    """
    live = world.live_release(application)
    if live is None or world.gateway is None:
        return ()
    return attach(live.application, live.colour, promotion(live.release, world), world.gateway)
