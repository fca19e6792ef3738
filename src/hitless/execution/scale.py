"""Change the number of containers of the live release."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from hitless.domain.application.model import Role
from hitless.domain.application.scaled import scaled
from hitless.domain.checks.application import check
from hitless.domain.common.errors import HitlessError
from hitless.domain.plan.scale import plan_scale
from hitless.domain.release import replicas
from hitless.domain.release.prepared import prepare_kept
from hitless.execution.kept import live_release
from hitless.execution.session import Session


def scale(session: Session, wanted: Mapping[str, int]) -> bool:
    """Run this many containers of each service (service -> number) in the live colour, without a new release.

    Returns whether there was anything to do.
    """
    gateway, world = session.open()
    live = live_release(world, session.application)
    alone = replicas.exclusive(live.application)
    if wrong := [name for name, number in wanted.items() if name in alone and number != 1]:
        raise HitlessError(
            f"{', '.join(wrong)} runs one container: it is exclusive, and two of it must never run at a time",
            "hitless plan says why; hitless down ends the application",
        )
    release = replace(live.release, model=scaled(live.release.model, wanted))
    session.hide(release.model)
    prepared, findings = prepare_kept(release, gateway)
    once = [service.name for service in prepared.having(Role.SHARED, Role.JOB) if service.name in wanted]
    if once:
        raise HitlessError(f"{', '.join(once)} runs once", "hitless plan says which role a service has")
    session.refuse((*findings, *check(prepared, world, release.images)), warn=False)
    plan = plan_scale(prepared, release, world, gateway)
    if plan.steps:
        session.begin(plan.release)
        session.perform(plan)
    return bool(plan.steps)
