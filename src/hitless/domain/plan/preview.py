"""What a deployment would do, all of it. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from hitless.domain.common.events import StepId
from hitless.domain.plan.images import ImagesPlan
from hitless.domain.plan.model import Plan


@dataclass(frozen=True)
class Preview:
    """Both plans of a deployment: that of the images, and the one that comes once they are there."""

    images: ImagesPlan
    deployment: Plan

    @property
    def steps(self) -> tuple[StepId, ...]:
        """All that it does, in order."""
        return tuple(step.id for step in (*self.images.steps, *self.deployment.steps))
