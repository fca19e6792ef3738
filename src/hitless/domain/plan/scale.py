"""The plan that changes how many containers are live. Pure."""

from __future__ import annotations

from dataclasses import replace

from hitless.domain.gateway.model import Gateway
from hitless.domain.host.world import World
from hitless.domain.plan import replicas as replica_steps
from hitless.domain.plan.model import Plan, in_phase
from hitless.domain.plan.phases import Phase
from hitless.domain.plan.recover import tidying
from hitless.domain.plan.retire import left_by
from hitless.domain.plan.steps import Record
from hitless.domain.release.model import Release
from hitless.domain.release.prepared import Prepared


def plan_scale(application: Prepared, release: Release, world: World, gateway: Gateway) -> Plan:
    """Bring the live colour to the numbers of containers that the application has now.

    `release` is the live one with the model that has these numbers.
    """
    name, timeout = application.name, application.settings.drain_timeout
    steps, routing = tidying(name, world, timeout)
    world = replace(world, containers=left_by(steps, world.containers))
    growing, routing = replica_steps.grow(application, release, routing, world, gateway)
    shrinking, _ = replica_steps.shrink(application, routing, world, timeout)
    # between the two: what is more than is written down goes, whenever this is cut short
    record = [Record(name, release)] if growing or shrinking else []
    actions = (
        *in_phase(Phase.TIDY, steps),
        *growing,
        *in_phase(Phase.PROMOTE, record),
        *in_phase(Phase.RETIRE, shrinking),
    )
    return Plan(name, release.number, routing.live, actions)
