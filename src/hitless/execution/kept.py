"""Deploy a kept release. `rollback`, `resume` and `prove` share this."""

from __future__ import annotations

from hitless.domain.checks.application import check
from hitless.domain.common.errors import HitlessError
from hitless.domain.gateway.model import Gateway
from hitless.domain.host.world import KeptRelease, LiveRelease, World
from hitless.domain.plan.deploy import plan_deploy
from hitless.domain.plan.model import Plan
from hitless.domain.release.prepared import AS_WRITTEN, Timeouts, with_timeouts
from hitless.execution.session import Session


def live_release(world: World, application: str) -> LiveRelease:
    """The live release. Raises `HitlessError` if there is none, or if its record is damaged or gone."""
    found = world.live_release(application)
    if found:
        return found
    if live := world.live(application):
        raise HitlessError(
            f"the record of release {live[1]} of {application}, which is live, is damaged or gone",
            "run: hitless deploy",
        )
    raise HitlessError(f"{application} has no live release", "run: hitless deploy")


def plan_of_kept(
    session: Session,
    kept: KeptRelease,
    world: World,
    gateway: Gateway,
    timeouts: Timeouts = AS_WRITTEN,
    warn: bool = True,
) -> Plan:
    """The plan that deploys a kept release, live or earlier. Raises `Refused` with the reasons."""
    prepared = with_timeouts(kept.application, timeouts)
    session.refuse((*kept.findings, *check(prepared, world, kept.release.images)), warn)
    return plan_deploy(prepared, kept.release, world, gateway)


def bring_back(
    session: Session, kept: KeptRelease, world: World, gateway: Gateway, timeouts: Timeouts = AS_WRITTEN
) -> None:
    """Deploy a kept release."""
    plan = plan_of_kept(session, kept, world, gateway, timeouts)
    session.begin(kept.release.number, kept.release.revision)
    session.perform(plan)
