"""Remove an application from its gateway."""

from __future__ import annotations

from contextlib import suppress

from hitless.domain.common.errors import HitlessError
from hitless.domain.plan.down import plan_down
from hitless.domain.plan.recover import settings_of_live
from hitless.execution.session import Session


def down(session: Session, drain_timeout: float | None, volumes: bool) -> tuple[str, ...]:
    """Remove the application, and with `volumes` also the volumes that were created for it.

    `drain_timeout` is in seconds; None: the live release's. Returns the names of the volumes that are left.
    """
    _, world = session.open()
    application = session.application
    if drain_timeout is None:
        drain_timeout = settings_of_live(application, world).drain_timeout
    plan = plan_down(application, world, drain_timeout, volumes)
    if not plan.steps:
        raise HitlessError(
            f"there is no application {application} on this gateway",
            "`hitless status --all` lists the applications",
        )
    session.begin(plan.release)
    session.perform(plan)
    with suppress(HitlessError):  # all is done, and this is only to be told
        return session.ports.projects.volumes_of(application)
    return ()
