"""Undo what an interrupted command left."""

from __future__ import annotations

from hitless.domain.plan import recover
from hitless.execution.interrupted import finish
from hitless.execution.session import Session


def abort(session: Session) -> None:
    """Undo what an interrupted command left. After its cutover, the previous release must still run."""
    _, world = session.open()
    finish(session, recover.abort(session.application, world), recover.interrupted(world))
