"""Everything that a deployment would do. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from hitless.domain.common.events import StepId
from hitless.domain.host.journal import Waited
from hitless.domain.plan.images import ImagesPlan
from hitless.domain.plan.model import Plan
from hitless.domain.plan.routing_steps import LetWait


@dataclass(frozen=True)
class Preview:
    """Both plans of a deployment: the one for its images, and the one that follows when they are there.

    `waited` is how long requests waited at the last changeover, if they will wait and that is known.
    """

    images: ImagesPlan
    deployment: Plan
    waited: Waited | None = None

    @property
    def steps(self) -> tuple[StepId, ...]:
        """All steps of both plans, in order."""
        return tuple(step.id for step in (*self.images.steps, *self.deployment.steps))

    @property
    def lets_wait(self) -> bool:
        """Whether requests will wait."""
        return lets_wait(self.deployment)


def lets_wait(plan: Plan) -> bool:
    """Whether requests wait in a plan."""
    return any(isinstance(step, LetWait) for step in plan.steps)
