"""Finish what an interrupted command left."""

from __future__ import annotations

from hitless.domain.common.errors import HitlessError
from hitless.domain.common.events import Operation
from hitless.domain.plan.down import plan_down
from hitless.execution.abort import undo_interrupted
from hitless.execution.interrupted import finish, settings, tidy_plan
from hitless.execution.kept import bring_back
from hitless.execution.session import Session


def resume(session: Session) -> None:
    """Finish what an interrupted command left: a deployment, a rollback, a `down`, an abort."""
    gateway, world = session.open()
    application = session.application
    run = world.left
    live = world.live(application)
    if run and run.operation == Operation.ADOPT:
        raise HitlessError(
            f"what was interrupted is the adoption of {application}", "hitless adopt goes on with it"
        )
    if run and run.operation == Operation.ABORT:
        undo_interrupted(session, world)
    elif run and run.operation == Operation.DOWN:
        finish(session, plan_down(application, world, settings(world, application).drain_timeout), run)
    elif run and run.release and (not live or live[1] != run.release):
        kept = world.kept_release(run.release)
        if kept is None:
            raise HitlessError(
                f"release {run.release} was interrupted before it was written down",
                "run hitless deploy again, or hitless abort to take away what is left of it",
            )
        bring_back(session, kept, world, gateway)
    else:
        plan = tidy_plan(world, application)
        if run is None and plan.steps:
            # to take it away would be to undo, and nobody has asked for that
            raise HitlessError(
                f"the journal of {application} knows of no interrupted command, and more is there than "
                "what is live",
                "hitless abort, or the next hitless deploy, takes away what is not live",
            )
        finish(session, plan, run)
