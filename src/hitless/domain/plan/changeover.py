"""The steps by which requests wait while services that must not run twice change over. Pure.

All new requests wait in the gateway. The exclusive services of the live colour answer what they have, and
stop. Those of the other colour start, and show that they are ready. Then they get all new requests, and those
that wait.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from hitless.domain.application.model import When
from hitless.domain.common.errors import HitlessError
from hitless.domain.common.names import Colour
from hitless.domain.gateway.model import Gateway
from hitless.domain.host.world import KeptRelease, LiveRelease, World
from hitless.domain.plan import exclusive
from hitless.domain.plan.routing_steps import Answer, CutOver, LetWait
from hitless.domain.plan.steps import Drain, Needs, RunOnce, Step, Stop
from hitless.domain.release import replicas, restart
from hitless.domain.release.model import Release
from hitless.domain.release.prepared import Prepared
from hitless.domain.routing.split import Routing, Waiting, all_to, waiting_for


def before_it(application: Prepared, live: Colour | None, world: World) -> LiveRelease | None:
    """The release that must stop before this one starts, while requests wait; None if none must.

    Raises `HitlessError` if hitless could not bring it back.
    """
    if live is None or not replicas.makes_wait(application):
        return None
    found = world.live_release(application.name)
    if found is None:
        raise HitlessError(
            f"the record of the live release of {application.name} is not there or can't be read: it would "
            "stop before the new one starts, and could not be brought back",
            f"hitless down -p {application.name}, then deploy: its volumes stay",
        )
    return found


def leaving(application: Prepared, live: LiveRelease, world: World) -> tuple[str, ...]:
    """The services of the live colour that stop: exclusive ones, by what it or the new release says.

    Also one that the new release has no more, and that writes to what its exclusive ones write to.
    """
    there = [one.service for one in world.of(live.colour)]
    only = replicas.exclusive(application)
    data = replicas.written(application, only)
    gone = {*replicas.services(live.application)} - {*replicas.services(application)}
    writers = {name for name in gone if data & replicas.written(live.application, (name,))}
    new = (name for name in there if name in only or name in writers)
    return tuple(dict.fromkeys((*exclusive.exclusive_there(world, live.colour), *new)))


def restoring(application: Prepared, release: Release, hooks: Sequence[Step]) -> tuple[Step, ...]:
    """Those of its `on-failure` hooks that run before the former release starts again.

    A release that is brought back has no `before-start` hooks. Where the file has some, its services have
    nothing to put back: what is there was copied at another time.
    """
    copies = any(hook.when is When.BEFORE_START for hook in application.hooks)
    return tuple(step for step in hooks if not (release.promoted and copies and isinstance(step, RunOnce)))


@dataclass(frozen=True)
class Held:
    """A generation in which the requests for the live `colour` wait."""

    routing: Routing
    colour: Colour
    waiting: Waiting


def held(routing: Routing, live: Colour, application: Prepared, gateway: Gateway) -> Held:
    """The next generation, in which all requests for an application wait; `live` is the live colour."""
    settings = application.settings
    address = gateway.address_for(application.name)
    parts = routing.colours.values()
    waiting = waiting_for(parts, address, settings.wait_timeout, settings.wait_limit)
    return Held(routing.held(waiting), live, waiting)


def go(application: Prepared, before: Routing, to: Held, services: Sequence[str]) -> tuple[Step, ...]:
    """The steps after which every request waits, and these services of the live colour have stopped."""
    name = application.name
    # those that have waited for this colour have their connections by that address
    drain = Drain(name, to.colour, application.settings.drain_timeout, waited=(to.waiting.address,))
    stop = (Stop(name, to.colour, tuple(services)),) if services else ()
    return LetWait(before, to.routing, application.settings.wait_page), drain, *stop


def come_back(
    kept: KeptRelease,
    there: Held,
    colour: Colour,
    services: Collection[str],
    world: World,
    needs: Needs = Needs.RUNNING,
) -> tuple[Step, ...]:
    """The steps that start a kept release in this colour again, and have it answer the requests that wait.

    `services` start again, with those that are exclusive in that release. What runs gets them, ready or not:
    it has answered before, and without it requests would wait for nobody.
    """
    back = there.routing.next(all_to(colour), there.routing.colours)
    early = replicas.early(kept.application)
    return (
        *exclusive.hand_over_again(kept, colour, (), world, services, needs),
        # no readiness: what answered before is better than a wait without an end
        CutOver(there.routing, back, (), restart.restart_policies(kept.application, early)),
        Answer(there.waiting, back),
    )


def unanswered(application: str, world: World) -> tuple[Step, ...]:
    """The step of a killed command that had cut over, and had not had those answered that waited."""
    live, routing = world.live_release(application), world.routings.get(application)
    if not (live and routing and world.gateway) or routing.waiting or len(routing.colours) == 1:
        return ()
    releases = (world.kept_release(part.release) for part in routing.colours.values())
    if not any(replicas.makes_wait(kept.application) for kept in releases if kept):
        return ()
    waiting = held(routing, live.colour, live.application, world.gateway).waiting
    return (Answer(waiting, routing),) if waiting.address else ()
