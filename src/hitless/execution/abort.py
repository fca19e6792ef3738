"""Undo what an interrupted command left."""

from __future__ import annotations

from hitless.domain.common.errors import HitlessError
from hitless.domain.common.events import Operation
from hitless.domain.host.world import World
from hitless.domain.plan import recover
from hitless.domain.plan.steps import Plan
from hitless.execution.interrupted import finish, settings, tidy_plan
from hitless.execution.session import Session

# what does not make another release live: there is nothing to go back to, only to tidy up
_SAME_RELEASE = (Operation.SCALE, Operation.PROVE, Operation.ADOPT)


def abort(session: Session) -> None:
    """Undo what an interrupted command left, also after its cutover while what was live is still warm."""
    _, world = session.open()
    undo_interrupted(session, world)


def undo_interrupted(session: Session, world: World) -> None:
    """The same once the host was looked at."""
    application = session.application
    # an abort may have been interrupted, too: what is to be undone is what came before it
    run = next((run for run in reversed(world.runs) if run.operation != Operation.ABORT), None)
    run = run if world.left and run and run.is_left else None
    live = world.live(application)
    if run and run.operation == Operation.DOWN:
        raise HitlessError(
            "a `down` was interrupted; what it took away can't be brought back",
            "hitless resume finishes it, hitless deploy starts the application again",
        )
    plan: Plan | None = tidy_plan(world, application)
    # what is live was deployed again (a proof, a rollback to it): the other colour is the same release, and
    # may not be ready
    is_twice = live is not None and any(one.release == live[1] for one in world.of(live[0].other))
    is_switch = run is not None and run.operation not in _SAME_RELEASE and not is_twice
    if run and is_switch and live and live[1] == run.release:
        # a release that was brought back is kept as it was before
        forgotten = (run.release,) if run.operation == Operation.DEPLOY else ()
        drain_timeout = settings(world, application).drain_timeout
        plan = recover.plan_abort(application, world, drain_timeout, forgotten)
        if plan is None:
            raise HitlessError(
                f"release {run.release} is live, and the one before it has gone already",
                "hitless resume finishes it; then hitless rollback brings a former release back",
            )
    assert plan
    finish(session, plan, run)
