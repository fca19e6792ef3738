"""Build, pull and tag the images of a new release."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from hitless.domain.common.errors import BuildFailed, DockerFailed, HitlessError
from hitless.domain.plan.images import Build, ImagesPlan, ImageStep, Pull, Tag
from hitless.domain.release.model import Image
from hitless.execution.perform import announced
from hitless.execution.progress import Progress
from hitless.ports import Ports


def get_images(plan: ImagesPlan, ports: Ports) -> dict[str, Image]:
    """Perform the plan: service -> image. Raises `HitlessError` if a service has no image after that."""
    for step in plan.steps:
        announced(ports, step.id, partial(_perform, step, ports, Progress(ports, step.id)))
    images = ports.images.present(plan.references)
    if missing := plan.missing(images):
        raise HitlessError(
            f"there is no image for {', '.join(missing)} after build and pull",
            "check the `image:` and `build:` of these services",
        )
    return images


def _perform(step: ImageStep, ports: Ports, progress: Progress) -> None:
    match step:
        case Build():
            _build(ports, step, progress)
        case Pull(image, platform):
            hint = f"is its name right, and may this host pull it? try: docker pull {image}"
            _hinted(partial(ports.images.pull, image, platform, progress), hint)
        case Tag():
            ports.images.tag(step.references)


def _build(ports: Ports, step: Build, progress: Progress) -> None:
    try:
        ports.projects.build(step.model, progress, progress.wrote)
    except DockerFailed as error:
        reason = error.output.strip().splitlines()[-1]
        raise BuildFailed(
            f"the build failed: {reason}",
            error.hint or f"docker compose build {' '.join(step.services)} repeats it alone",
            {"the build": error.printed or error.output},
        ) from error


def _hinted(action: Callable[[], None], hint: str) -> None:
    """Do it. A `DockerFailed` without a hint of its own gets this hint."""
    try:
        action()
    except DockerFailed as error:
        error.hint = error.hint or hint
        raise
