"""The steps that hand over what must not run twice. Pure."""

from __future__ import annotations

from hitless.domain.common.foreign import Json
from hitless.domain.common.names import Colour
from hitless.domain.host.world import KeptRelease, World
from hitless.domain.plan.steps import HandOver
from hitless.domain.release import compose_models, requirements, restart
from hitless.domain.release import replicas as replica_names
from hitless.domain.release.model import Release
from hitless.domain.release.prepared import Prepared
from hitless.domain.release.requirements import longest_timeout
from hitless.domain.release.restart import only


def hand_over(
    application: Prepared, release: Release, colour: Colour, leaving: tuple[str, ...], model: Json
) -> tuple[HandOver, ...]:
    """The step after which what must not run twice runs for this colour; none where nothing is such.

    `leaving` are the containers that it must not run beside.
    """
    containers = replica_names.exclusive(application, colour)
    if not containers and not leaving:
        return ()
    return (
        HandOver(
            application=application.name,
            colour=colour,
            leaving=leaving,
            model=model,
            containers=containers,
            readiness=requirements.of_containers(application, release.images, containers),
            restart=only(restart.restart_policies(application, colour), containers),
            timeout=longest_timeout(application),
        ),
    )


def exclusive_there(world: World, colour: Colour) -> tuple[str, ...]:
    """The containers of a colour, as it was found, that must not run twice."""
    return tuple(
        container.name
        for container in world.of(colour)
        if container.name in _exclusive_of(world, container.release, colour)
    )


def _exclusive_of(world: World, number: int, colour: Colour) -> set[str]:
    """The names of a kept release's containers that must not run twice."""
    kept = world.kept_release(number)
    if kept is None:
        return set()
    found = replica_names.exclusive(kept.application, colour)
    return {name for names in found.values() for name in names}


def hand_over_again(
    kept: KeptRelease, colour: Colour, leaving: tuple[str, ...], world: World
) -> tuple[HandOver, ...]:
    """The same for a release whose containers are there: its model was handed to Compose before."""
    if world.gateway is None:
        return ()
    model = compose_models.colour_model(
        kept.application, kept.release, colour, world.gateway, is_brought_back=True
    )
    return hand_over(kept.application, kept.release, colour, leaving, model)


def unfinished_hand_over(application: str, world: World) -> tuple[HandOver, ...]:
    """A command that was killed after its cutover has left some that must not run twice, and do not run."""
    live = world.live_release(application)
    if live is None:
        return ()
    wanted = _exclusive_of(world, live.release.number, live.colour)
    waiting = [one for one in world.of(live.colour) if one.name in wanted and not one.is_running]
    # one that was stopped by hand stays so, where no other command is to be finished
    if not any(one.state == "created" or world.of(live.colour.other) for one in waiting):
        return ()
    return hand_over_again(live.kept, live.colour, exclusive_there(world, live.colour.other), world)
