"""The plan that removes an application. Pure."""

from __future__ import annotations

from dataclasses import replace

from hitless.domain.common.names import Colour
from hitless.domain.host.world import World
from hitless.domain.plan.model import Plan, in_phase
from hitless.domain.plan.phases import Phase
from hitless.domain.plan.releases import known_releases
from hitless.domain.plan.retire import has_remains, way_left
from hitless.domain.plan.routing_steps import Withdraw
from hitless.domain.plan.steps import Drain, Forget, Remove, RemoveBase, RemoveVolumes, Step
from hitless.domain.routing.split import NOBODY, Routing


def plan_down(application: str, world: World, drain_timeout: float, volumes: bool = False) -> Plan:
    """Remove an application: its routes, both its colours, its kept releases; with `volumes`, its volumes."""
    steps: list[Step] = []
    routing = world.routings.get(application)
    if routing or f"{application}.yml" in world.broken:
        steps.append(Withdraw(application, routing, None))
    known = routing or Routing(application, 0, NOBODY, {})
    present = [colour for colour in Colour if has_remains(world, known, colour)]
    steps += [Drain(application, colour, drain_timeout) for colour in present]
    steps += [Remove(application, colour) for colour in present]
    if shared := tuple(sorted(container.name for container in world.base if container.is_ours)):
        steps.append(RemoveBase(application, shared))
    if not present:
        # its own shared services are gone by now
        staying = tuple(container for container in world.base if not container.is_ours)
        steps += way_left(application, replace(world, base=staying))
    if releases := known_releases(world):
        steps.append(Forget(application, releases))
    if volumes:
        steps.append(RemoveVolumes(application))
    return Plan(application, 0, None, in_phase(Phase.FINISH, steps))
