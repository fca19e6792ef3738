"""Finish or undo what an interrupted command left. `resume` and `abort` share this."""

from __future__ import annotations

from hitless.domain.common.errors import HitlessError
from hitless.domain.host.journal import Run
from hitless.domain.plan.model import Plan
from hitless.execution.session import Session


def finish(session: Session, plan: Plan, run: Run | None) -> None:
    """Perform the plan that finishes or undoes `run`, the interrupted command.

    An empty plan is performed, too, if there is such a command: then the journal shows that it has an end.
    """
    if not plan.steps and run is None:
        raise HitlessError(
            f"there is nothing to {session.operation}: no command on {plan.application} was interrupted",
            "see hitless status",
        )
    session.begin(run.release if run else plan.release)
    session.perform(plan)
