"""What an interrupted command left: what resume, abort and down share."""

from __future__ import annotations

from hitless.domain.application.model import Settings
from hitless.domain.common.errors import HitlessError
from hitless.domain.host.journal import Run
from hitless.domain.host.world import World
from hitless.domain.plan import recover
from hitless.domain.plan.steps import Plan
from hitless.execution.session import Session


def finish(session: Session, plan: Plan, run: Run | None) -> None:
    """Perform the plan that finishes or undoes `run`, the interrupted command.

    That may have been interrupted when nothing was left to do: then the journal has the end of this one.
    """
    if not plan.steps and run is None:
        raise HitlessError(
            f"there is nothing to {session.operation}: no command on {plan.application} was interrupted",
            "see hitless status",
        )
    session.begin(run.release if run else plan.release)
    session.perform(plan)


def settings(world: World, application: str) -> Settings:
    """Those of the live release, as far as it is known."""
    live = world.live_release(application)
    return live.application.settings if live else Settings()


def tidy_plan(world: World, application: str) -> Plan:
    """The plan after which nothing is there but what is live. Raises `HitlessError` where that is unknown."""
    if problem := world.broken.get(f"{application}.yml"):
        raise HitlessError(
            f"which colour of {application} is live can't be told: {problem}",
            "put the file back as it was, or take the application away with hitless down",
        )
    known = settings(world, application)
    return recover.plan_tidy(application, world, known.drain_timeout, known.keep)
