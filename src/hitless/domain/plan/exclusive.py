"""The steps that hand over exclusive services: those that must not run twice. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from hitless.domain.common.foreign import Json
from hitless.domain.common.names import Colour
from hitless.domain.host.world import KeptRelease, World
from hitless.domain.plan.steps import HandOver, Needs
from hitless.domain.release import compose_models, replicas, requirements, restart
from hitless.domain.release.model import Release
from hitless.domain.release.prepared import Prepared
from hitless.domain.release.requirements import longest_timeout


def hand_over(
    application: Prepared,
    release: Release,
    colour: Colour,
    leaving: tuple[str, ...],
    model: Json,
    more: Collection[str] = (),
) -> tuple[HandOver, ...]:
    """The step after which the exclusive services run in this colour; none if there are no such services.

    `leaving` are the services of the other colour that must stop first. `more` start, too, if they are of
    this release.
    """
    wanted = {*replicas.late(application), *more}
    services = tuple(name for name in replicas.services(application) if name in wanted)
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
    """The exclusive services that have containers in a colour, in the order of the containers."""
    return tuple(
        dict.fromkeys(
            container.service
            for container in world.of(colour)
            if container.service in _exclusive_of(world, container.release)
        )
    )


def stopped_there(world: World, colour: Colour, application: Prepared) -> tuple[str, ...]:
    """The services of this release that keep running, and have a container in a colour that does not run."""
    stay = replicas.services(application)
    stopped = (one.service for one in world.of(colour) if not one.is_running and one.service in stay)
    return tuple(dict.fromkeys(stopped))


def unneeded(world: World, colour: Colour) -> tuple[str, ...]:
    """Those of the same that may stop while the colour still answers requests."""
    routing = world.routings.get(next((one.application for one in world.of(colour)), ""))
    part = routing.colours.get(colour) if routing else None
    serving = {server.host for server in part.servers} if part else set()
    answering = {one.service for one in world.of(colour) if one.name in serving}
    return tuple(name for name in exclusive_there(world, colour) if name not in answering)


def _exclusive_of(world: World, number: int) -> tuple[str, ...]:
    """The exclusive services of a kept release."""
    kept = world.kept_release(number)
    return replicas.exclusive(kept.application) if kept else ()


def hand_over_again(
    kept: KeptRelease,
    colour: Colour,
    leaving: tuple[str, ...],
    world: World,
    more: Collection[str] = (),
    needs: Needs = Needs.READY,
) -> tuple[HandOver, ...]:
    """The step of `hand_over` for a kept release whose containers exist: Compose has had its model before."""
    if world.gateway is None:
        return ()
    model = compose_models.colour_model(
        kept.application, kept.release, colour, world.gateway, is_brought_back=True
    )
    found = hand_over(kept.application, kept.release, colour, leaving, model, more)
    return tuple(replace(step, needs=needs) for step in found)


def unfinished_hand_over(application: str, world: World, needs: Needs) -> tuple[HandOver, ...]:
    """The step of `hand_over` that a killed command did not perform after its cutover."""
    live = world.live_release(application)
    if live is None:
        return ()
    wanted = _exclusive_of(world, live.release.number)
    waiting = [one for one in world.of(live.colour) if one.service in wanted and not one.is_running]
    # a container that somebody stopped stays stopped, unless there is a command to finish
    if not any(one.state == "created" or world.of(live.colour.other) for one in waiting):
        return ()
    leaving = exclusive_there(world, live.colour.other)
    return hand_over_again(live.kept, live.colour, leaving, world, needs=needs)
