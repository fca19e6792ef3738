"""What differs between releases, or between what is live and the file."""

from __future__ import annotations

from hitless.domain.application.model import Application
from hitless.domain.common.errors import HitlessError
from hitless.domain.host.world import World
from hitless.domain.plan.images import named_images
from hitless.domain.release.difference import Difference, State, differences
from hitless.execution import observe
from hitless.ports import Ports


def of_file(ports: Ports, application: Application) -> tuple[str, tuple[Difference, ...]]:
    """What a deployment of the file would change in the live release: that one's name, and what changes."""
    world = _world(ports, application.name)
    number = _live(world, application.name)
    present = ports.images.present(named_images(application))  # what is built has no image yet
    return f"release {number}", differences(_state(world, number), State(application.model, present))


def of_releases(
    ports: Ports, application: str, before: int, after: int | None
) -> tuple[str, tuple[Difference, ...]]:
    """What has changed from one kept release to another (None: the live one): that one's name, and what."""
    world = _world(ports, application)
    last = _live(world, application) if after is None else after
    return f"release {last}", differences(_state(world, before), _state(world, last))


def _world(ports: Ports, application: str) -> World:
    world = observe.world(ports, application)
    if world.gateway is None:
        raise observe.not_here(ports, application)
    observe.refuse_elsewhere(ports, application, world.containers)
    return world


def _live(world: World, application: str) -> int:
    live = world.live(application)
    if live is None:
        raise HitlessError(f"nothing of {application} is live", "give the numbers of two kept releases")
    return live[1]


def _state(world: World, number: int) -> State:
    kept = world.kept_release(number)
    if kept is None:
        numbers = ", ".join(str(one.number) for one in world.releases) or "none"
        raise HitlessError(f"release {number} is not kept", f"those that are: {numbers}")
    return State(kept.release.model, kept.release.images)
