"""Finish what an interrupted command left."""

from __future__ import annotations

from hitless.domain.host.world import KeptRelease
from hitless.domain.plan import recover
from hitless.execution.interrupted import finish
from hitless.execution.kept import bring_back
from hitless.execution.session import Session


def resume(session: Session) -> None:
    """Finish what an interrupted command left: a deployment, a rollback, a `down` or an abort."""
    gateway, world = session.open()
    found = recover.resume(session.application, world)
    if isinstance(found, KeptRelease):
        bring_back(session, found, world, gateway)
    else:
        finish(session, found, world.left)
