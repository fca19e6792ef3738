"""The steps that hand over what must not run twice. Pure."""

from __future__ import annotations

from hitless.domain.common.foreign import Json
from hitless.domain.common.names import Colour
from hitless.domain.host.world import KeptRelease, World
from hitless.domain.plan.steps import HandOver
from hitless.domain.release import compose_models, replicas, requirements, restart
from hitless.domain.release.model import Release
from hitless.domain.release.prepared import Prepared
from hitless.domain.release.requirements import longest_timeout


def hand_over(
    application: Prepared, release: Release, colour: Colour, leaving: tuple[str, ...], model: Json
) -> tuple[HandOver, ...]:
    """The step after which what must not run twice runs for this colour; none where nothing is such.

    `leaving` are the services of the other colour that it must not run beside.
    """
    services = replicas.exclusive(application)
    if not services and not leaving:
        return ()
    return (
        HandOver(
            application=application.name,
            colour=colour,
            leaving=leaving,
            model=model,
            services=services,
            readiness=requirements.of_services(application, release.images, services),
            restart=restart.restart_policies(application, services),
            timeout=longest_timeout(application),
        ),
    )


def exclusive_there(world: World, colour: Colour) -> tuple[str, ...]:
    """The services of a colour, as it was found, that must not run twice."""
    return tuple(
        dict.fromkeys(
            container.service
            for container in world.of(colour)
            if container.service in _exclusive_of(world, container.release)
        )
    )


def _exclusive_of(world: World, number: int) -> tuple[str, ...]:
    """The services of a kept release that must not run twice."""
    kept = world.kept_release(number)
    return replicas.exclusive(kept.application) if kept else ()


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
    wanted = _exclusive_of(world, live.release.number)
    waiting = [one for one in world.of(live.colour) if one.service in wanted and not one.is_running]
    # one that somebody stopped stays stopped, unless there is a command to finish
    if not any(one.state == "created" or world.of(live.colour.other) for one in waiting):
        return ()
    return hand_over_again(live.kept, live.colour, exclusive_there(world, live.colour.other), world)
