"""The steps that remove a colour. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hitless.domain.common.names import Colour
from hitless.domain.host.world import Container, World
from hitless.domain.plan.routing_steps import Withdraw
from hitless.domain.plan.steps import Drain, HandOver, Remove, Step
from hitless.domain.routing.split import Routing


def has_remains(world: World, routing: Routing, colour: Colour) -> bool:
    """Whether a colour has anything on the host: containers, networks, or routes."""
    # networks are created before containers, and a kill may come between
    return bool(world.of(colour)) or colour in routing.colours or colour in world.networked


def way_left(application: str, world: World) -> tuple[Remove, ...]:
    """The step that removes the network to the gateway, if it is all that is left of the releases.

    A kill may come before that network, which goes last. A shared service with a route may still need it.
    """
    if not world.has_way or world.gateway is None or world.containers or world.networked:
        return ()
    way = world.gateway.network_of(application)
    if any(way in one.networks for one in world.base):
        return ()
    return (Remove(application, Colour.BLUE),)  # of either colour: it has nothing else


def leave(
    routing: Routing,
    colour: Colour,
    timeout: float,
    drain_first: bool = False,
    waited: tuple[str, ...] = (),
) -> tuple[list[Step], Routing]:
    """The steps that remove a colour that is not live, and the routing after them.

    `drain_first`: the colour was live until the last generation. New requests go to the other colour already,
    and its servers stay in the routing file until its last request is answered. `waited` is as in `Drain`.
    """
    remaining = {key: part for key, part in routing.colours.items() if key is not colour}
    after = routing.next(routing.split, remaining)
    drain = Drain(routing.application, colour, timeout, waited=waited)
    withdraw = Withdraw(routing.application, routing, after if remaining else None, colour)
    remove = Remove(routing.application, colour)
    if colour not in routing.colours:
        return [drain, remove], routing
    return ([drain, withdraw, remove] if drain_first else [withdraw, drain, remove]), after


def left_by(steps: Sequence[Step], containers: Sequence[Container]) -> tuple[Container, ...]:
    """The containers that these steps do not remove. Those of services that they hand over run."""
    removals = [step for step in steps if isinstance(step, Remove)]
    started = {(step.colour, name) for step in steps if isinstance(step, HandOver) for name in step.services}
    return tuple(
        replace(one, state="running") if (one.colour, one.service) in started else one
        for one in containers
        if not any(
            step.colour is one.colour and (not step.containers or one.name in step.containers)
            for step in removals
        )
    )
