"""Everything that a deployment would do. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from hitless.domain.common.events import StepId
from hitless.domain.plan.images import ImagesPlan
from hitless.domain.plan.model import Plan


@dataclass(frozen=True)
class Preview:
    """Both plans of a deployment: the one for its images, and the one that follows when they are there."""

    images: ImagesPlan
    deployment: Plan

    @property
    def steps(self) -> tuple[StepId, ...]:
        """All steps of both plans, in order."""
        return tuple(step.id for step in (*self.images.steps, *self.deployment.steps))
