"""The plan for the images of a new release: which to build, which to pull, which tags keep them. Pure.

It comes before the plan of the deployment: only an image on the host shows which ports it exposes.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from hitless.domain.application.model import Application, Service
from hitless.domain.common.events import StepId, StepKind
from hitless.domain.common.foreign import Json
from hitless.domain.common.names import image_reference
from hitless.domain.release import compose_models


@dataclass(frozen=True)
class Build:
    """Build the images of these services. Each gets the name that keeps it for the release.

    `model` is a Compose model of these services alone.
    """

    application: str
    release: int
    model: Json
    services: tuple[str, ...]

    @property
    def id(self) -> StepId:
        """What it does, and to what."""
        return StepId(StepKind.BUILD, subjects=self.services)


@dataclass(frozen=True)
class Pull:
    """Pull an image; `platform` is the one that the Compose file names for it, or None."""

    image: str
    platform: str | None

    @property
    def id(self) -> StepId:
        """What it does, and to what."""
        return StepId(StepKind.PULL, subjects=(self.image,))


@dataclass(frozen=True)
class Tag:
    """Give images the names that keep them for the release: new name -> present name."""

    release: int
    references: Mapping[str, str]

    @property
    def id(self) -> StepId:
        """What it does, and to what."""
        return StepId(StepKind.TAG, release=self.release)


ImageStep: TypeAlias = Build | Pull | Tag


@dataclass(frozen=True)
class ImagesPlan:
    """How a release gets its images. `references` are the names that they get: service -> name."""

    application: str
    release: int
    steps: tuple[ImageStep, ...]
    references: Mapping[str, str]

    def missing(self, found: Collection[str]) -> tuple[str, ...]:
        """The services that still lack an image, if the services in `found` have one."""
        return tuple(sorted(set(self.references) - set(found)))


def named_images(application: Application) -> dict[str, str]:
    """The images of the services that are not built: service -> the name in the Compose file."""
    return {service.name: service.image or "" for service in application.released if not service.builds}


def plan_images(
    application: Application, release: int, present: Collection[str], pull: str | None
) -> ImagesPlan:
    """The plan that gets the images for a new release.

    `present` are the services whose named image is on the host. `pull` is `always`, `missing` or `never`;
    None: each service's own policy. Shared services are not part of a release. A release that is brought back
    needs no such plan: it has its images.
    """
    built = tuple(service.name for service in application.released if service.builds)
    references = {
        service.name: image_reference(application.name, release, service.name)
        for service in application.released
    }
    steps: list[ImageStep] = []
    if built:
        model = compose_models.build_model(application, references)
        steps.append(Build(application.name, release, model, built))
    pulls: dict[Pull, None] = {}
    sources: dict[str, str] = {}
    for service in application.released:
        if service.builds:
            continue
        image = service.image or ""
        # no registry has an image that another service of the file builds
        another = compose_models.builder(application, service.name)
        if another is None and _is_pulled(service, present, pull):
            platform = application.model["services"][service.name].get("platform")
            pulls[Pull(image, platform)] = None
        sources[references[service.name]] = references[another] if another else image
    steps += pulls
    if sources:
        steps.append(Tag(release, sources))
    return ImagesPlan(application.name, release, tuple(steps), references)


def _is_pulled(service: Service, present: Collection[str], pull: str | None) -> bool:
    match pull or service.pull_policy:
        case "always":
            return True
        case "never":
            return False
        case _:
            return service.name not in present
