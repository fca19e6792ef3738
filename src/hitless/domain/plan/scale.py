"""The plan that changes the number of live containers. Pure."""

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
    """Give the live colour as many containers of each service as the application asks for.

    `release` is the live one, with the model that has these numbers.
    """
    name, timeout = application.name, application.settings.drain_timeout
    steps, routing = tidying(name, world, timeout)
    world = replace(world, containers=left_by(steps, world.containers))
    growing, routing = replica_steps.grow(application, release, routing, world, gateway)
    shrinking, _ = replica_steps.shrink(application, routing, world, timeout)
    # the record comes between the two: after an interruption, containers beyond the record's number go
    record = [Record(name, release)] if growing or shrinking else []
    actions = (
        *in_phase(Phase.TIDY, steps),
        *growing,
        *in_phase(Phase.PROMOTE, record),
        *in_phase(Phase.RETIRE, shrinking),
    )
    return Plan(name, release.number, routing.live, actions)
