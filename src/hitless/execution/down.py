"""Take an application away."""

from __future__ import annotations

from hitless.domain.common.errors import HitlessError
from hitless.domain.plan.down import plan_down
from hitless.domain.plan.recover import settings_of_live
from hitless.execution.session import Session


def down(session: Session, drain_timeout: float | None, volumes: bool) -> None:
    """Take the application away, and the volumes that were created for it if asked for.

    `drain_timeout` is in seconds; None: as the live release has it.
    """
    _, world = session.open()
    application = session.application
    if drain_timeout is None:
        drain_timeout = settings_of_live(application, world).drain_timeout
    plan = plan_down(application, world, drain_timeout, volumes)
    if not plan.steps:
        raise HitlessError(
            f"there is no application {application} on this gateway",
            "`hitless status --all` lists what there is",
        )
    session.begin(plan.release)
    session.perform(plan)
