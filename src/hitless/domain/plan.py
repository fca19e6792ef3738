"""Plans, computed from what is wanted and what is there, and from nothing else. Pure: no I/O, no clock.

Every plan keeps to one order for a colour that goes: un-route it, have that confirmed, drain it, stop it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from hitless.domain import companions, project, readiness, scaling, spec
from hitless.domain.adoption import Adoption
from hitless.domain.model import (
    Application,
    Colour,
    Release,
    Role,
    When,
)
from hitless.domain.routing import Routing, colour_routing
from hitless.domain.steps import (
    Bake,
    Create,
    CutOver,
    Drain,
    DrainBase,
    Forget,
    Gate,
    Plan,
    Record,
    Remove,
    RemoveBase,
    RemoveVolumes,
    Route,
    Start,
    Step,
)
from hitless.domain.world import Gateway, World


def deploy(application: Application, release: Release, world: World, gateway: Gateway) -> Plan:
    """Bring a release up beside the live one, cut over, and retire what was live.

    Serves the first deployment, every later one, a rollback (the release is then a kept one), a proof (it is
    the live one itself), and what an interrupted command left behind: everything that is not live goes first.
    Ports must be known.
    """
    name = application.name
    found = world.live(name)
    live = found[0] if found else None
    candidate = live.other if live else Colour.BLUE
    drain_timeout = application.settings.drain_timeout
    is_again = found is not None and found[1] == release.number
    if is_again:  # it has been promoted, whatever is written down: a kill may have come before that
        release = replace(release, promoted=companions.promotion(release, world))

    steps, routing = _tidy(name, world, drain_timeout)
    promotions = sum(isinstance(step, Record) for step in steps)
    promoted = replace(release, promoted=_latest_promotion(world) + promotions + 1)
    before = routing if routing.colours else None

    containers = project.replicas(application, candidate)
    beside = colour_routing(application, release.number, containers)
    staged = routing.next(live, {**routing.colours, candidate: beside})
    switched = staged.next(candidate, staged.colours)
    early = companions.early(application, candidate)
    wanted = readiness.of_containers(application, release.images, early)
    routes = readiness.of_routes(application, candidate, gateway)
    policies = project.restart_policies(application, candidate)
    model = project.colour_model(application, promoted, candidate, gateway, live, bool(release.promoted))
    shared = [service.name for service in application.having(Role.SHARED)]
    starting = companions.start_shared(application, world, shared)
    hooks = companions.hooks(application, release, candidate, live, model)
    preparing = (*hooks[When.BEFORE_START], *companions.jobs(application, release, candidate, model))
    # What is live already is promoted ahead of its cutover: the shared services' network is named after the
    # promotion (project.live_network), and after a kill it is found by the number that is written down
    record = (Record(name, promoted),) if is_again else () if release.promoted else (Record(name, release),)
    steps += [
        *starting,
        *companions.connect_shared(application, world),
        *(companions.attach_again(name, world) if starting else ()),
        Create(
            application=name,
            colour=candidate,
            release=release.number,
            model=model,
            volumes=project.own_volumes(application.model),
            networks=project.colour_networks(model, application, gateway),
            connect=companions.connections(application, release, candidate, gateway),
        ),
        # what may take minutes may be interrupted, and only a release that is written down can be resumed
        *(record if preparing else ()),
        *preparing,
        Start(name, candidate, model, early, companions.longest_timeout(application)),
        # the two that follow cost nothing: meanwhile the application starts
        Route(
            name,
            before,
            staged,
            f"show the routes of {candidate} to the gateway",
            claims=application.routes.routers,
        ),
        *(() if preparing else record),
        Gate(name, candidate, wanted, routes),
        *hooks[When.BEFORE_CUTOVER],
        CutOver(staged, switched, wanted, companions.only(policies, early)),
        *companions.attach(application, candidate, promoted.promoted, gateway),
        Bake(name, candidate, wanted, application.settings.bake, routes),
        # without a live colour nothing is left by now to run beside
        *companions.hand_over(
            application, release, candidate, companions.exclusive_there(world, live) if live else (), model
        ),
        Record(name, promoted),
        *hooks[When.AFTER_CUTOVER],
    ]
    if live:
        leaving, _ = _leave(switched, live, drain_timeout, drain_first=True)
        steps += leaving
    steps += hooks[When.AFTER_RETIRE]
    forgotten = _forgotten(world, name, release.number, application.settings.keep)
    if forgotten:
        steps.append(Forget(name, forgotten))
    # of a release that never was live nothing is kept; one that was brought back is kept as it was
    and_all_of_it = () if release.promoted else (Forget(name, (release.number,)),)
    return Plan(
        application=name,
        release=release.number,
        colour=candidate,
        steps=tuple(steps),
        undo=(
            Route(name, before, before, "restore the routes", harmless=staged),
            Drain(name, candidate, drain_timeout),
            *hooks[When.ON_FAILURE],
            Remove(name, candidate),
            *and_all_of_it,
        ),
        revert=(
            *_revert(application, switched, before, candidate, world, hooks[When.ON_FAILURE]),
            *and_all_of_it,
        ),
    )


def start_shared(
    application: Application, world: World, names: Collection[str], recreated: Collection[str]
) -> Plan:
    """Start these shared services where they do not run, and recreate those of them that are `recreated`."""
    others = [name for name in names if name not in recreated]
    changed = [name for name in names if name in recreated]
    steps: list[Step] = [
        *companions.start_shared(application, world, others),
        *companions.start_shared(application, world, changed, recreate=True),
    ]
    if steps:
        steps += companions.attach_again(application.name, world)
    return Plan(application.name, 0, None, tuple(steps))


def adopted(adoption: Adoption, drain_timeout: float) -> Plan:
    """Take away what ran under plain `docker compose up`, once nobody gets to it any more."""
    name, plain = adoption.application, adoption.plain
    drain = (DrainBase(name, plain, adoption.addresses, drain_timeout),) if adoption.addresses else ()
    return Plan(name, 0, None, (*drain, RemoveBase(name, plain)))


def scale(application: Application, release: Release, world: World, gateway: Gateway) -> Plan:
    """Bring the live colour to the numbers of containers that the application has now. Ports must be known.

    `release` is the live one with the model that has these numbers.
    """
    name, timeout = application.name, application.settings.drain_timeout
    steps, routing = _tidy(name, world, timeout)
    growing, routing, undo = scaling.grow(application, release, routing, world, gateway)
    shrinking, _ = scaling.shrink(application, routing, world, timeout)
    if growing or shrinking:
        # between the two: what is more than is written down goes, whenever this is cut short
        steps += [*growing, Record(name, release), *shrinking]
    return Plan(name, release.number, routing.live, tuple(steps), undo)


def tidy(application: str, world: World, drain_timeout: float, keep: int) -> Plan:
    """What is live stays, and everything else goes: what an interrupted command left to do, or to undo."""
    live = world.live(application)
    steps, _ = _tidy(application, world, drain_timeout)
    forgotten = _forgotten(world, application, live[1], keep) if live else _known(world)
    if forgotten:
        steps.append(Forget(application, forgotten))
    return Plan(application, live[1] if live else 0, live[0] if live else None, tuple(steps))


def abort(application: str, world: World, drain_timeout: float, forgotten: tuple[int, ...]) -> Plan | None:
    """Go back to the colour that was live before: a cutover was made and what was live is still warm.

    None where there is no such colour any more, with a running container for each of its servers.
    """
    routing = world.routings.get(application)
    if routing is None or routing.live is None or routing.live.other not in routing.colours:
        return None
    live, former = routing.live, routing.live.other
    running = {container.name for container in world.of(former) if container.is_running}
    if not {server.host for server in routing.colours[former].servers} <= running:
        return None
    release = routing.colours[former].release
    back = routing.next(former, routing.colours)
    kept = world.release(release)
    read = spec.read(kept.model)[0] if kept and kept.model else None
    early = companions.early(read, former) if read else {}
    policies = companions.only(project.restart_policies(read, former), early) if read else {}
    leaving, _ = _leave(back, live, drain_timeout, drain_first=True)
    steps: list[Step] = [CutOver(routing, back, (), policies)]
    if kept and kept.promoted < _latest_promotion(world):
        steps.append(Record(application, replace(kept, promoted=_latest_promotion(world) + 1)))
    if kept and kept.model:
        steps += companions.detach(spec.read(kept.model)[0], live)
        steps += companions.hand_over_again(kept, former, companions.exclusive_there(world, live), world)
    steps += leaving
    if forgotten:
        steps.append(Forget(application, forgotten))
    return Plan(application, release, former, tuple(steps))


def down(application: str, world: World, drain_timeout: float, volumes: bool = False) -> Plan:
    """Take an application away: its routes, both its colours, its kept releases, and its volumes if asked."""
    steps: list[Step] = []
    routing = world.routings.get(application)
    if routing or f"{application}.yml" in world.broken:
        steps.append(Route(application, routing, None, "remove the routes"))
    known = routing or Routing(application, 0, None, {})
    present = [colour for colour in Colour if _has_remains(world, known, colour)]
    steps += [Drain(application, colour, drain_timeout) for colour in present]
    steps += [Remove(application, colour) for colour in present]
    if shared := tuple(sorted(container.name for container in world.base if container.is_ours)):
        steps.append(RemoveBase(application, shared))
    if releases := _known(world):
        steps.append(Forget(application, releases))
    if volumes:
        steps.append(RemoveVolumes(application))
    return Plan(application, 0, None, tuple(steps))


def next_release(world: World, application: str) -> int:
    """The number of a new release: one more than any of the application that has left a trace.

    The journal's count, too: what failed and is gone had a number by which it is spoken of.
    """
    running = (container.release for container in world.containers)
    routing = world.routings.get(application)
    routed = (part.release for part in routing.colours.values()) if routing else ()
    journaled = (run.release for run in world.runs)
    return max((*_known(world), *running, *routed, *journaled), default=0) + 1


def former_release(world: World, application: str) -> Release | None:
    """The release that a rollback brings back: of those older than the live one the one last live.

    So a release that was rolled back from is not gone back to after the next one.
    """
    live = world.live(application)
    older = [kept for kept in world.releases if live and kept.promoted and kept.number < live[1]]
    return max(older, key=lambda kept: kept.promoted, default=None)


def _tidy(application: str, world: World, drain_timeout: float) -> tuple[list[Step], Routing]:
    """The steps that bring to its end what an interrupted command left, and the routing that remains."""
    there = world.routings.get(application)
    routing = there or Routing(application, 0, None, {})
    taking: list[Step] = []
    for colour in Colour:
        if colour is not routing.live and _has_remains(world, routing, colour):
            leaving, routing = _leave(routing, colour, drain_timeout)
            taking += leaving
    live = world.live(application)
    kept = world.release(live[1]) if live else None
    if kept and kept.model:
        leaving, routing = scaling.shrink(spec.read(kept.model)[0], routing, world, drain_timeout)
        taking += leaving
    # a command that could not confirm what it wrote has left the gateway with another routing than the file's
    sure = [Route(application, there, there, "see that the routes are in force")] if taking else []
    return [
        *sure,
        *_unfinished_promotion(application, world),
        *(companions.attach_again(application, world) if world.left else ()),
        *companions.unfinished_hand_over(application, world),
        *taking,
    ], routing


def _revert(
    application: Application,
    switched: Routing,
    before: Routing | None,
    candidate: Colour,
    world: World,
    hooks: Sequence[Step],
) -> tuple[Step, ...]:
    """The steps that bring the former colour back while it is warm, and take the candidate away.

    The hooks run as long as the candidate is there.
    """
    name, timeout = application.name, application.settings.drain_timeout
    if before is None or before.live is None:
        away = Route(name, switched, before, f"remove the routes of {candidate}")
        return (away, Drain(name, candidate, timeout), *hooks, Remove(name, candidate))
    back = switched.next(before.live, switched.colours)
    leaving, _ = _leave(back, candidate, timeout, drain_first=True)
    kept = world.release(before.colours[before.live].release)
    # they were created since the host was looked at, and may run by now
    late = tuple(name for names in project.exclusive(application, candidate).values() for name in names)
    return (
        # without another look at it: whatever it is, it is better than what was found bad
        CutOver(switched, back, (), {}),
        *companions.detach(application, candidate),
        *(companions.hand_over_again(kept, before.live, late, world) if kept and kept.model else ()),
        *leaving[:-1],
        *hooks,
        leaving[-1],
    )


def _has_remains(world: World, routing: Routing, colour: Colour) -> bool:
    # networks are created before containers, and a kill may come between
    return bool(world.of(colour)) or colour in routing.colours or colour in world.networked


def _leave(
    routing: Routing, colour: Colour, timeout: float, drain_first: bool = False
) -> tuple[list[Step], Routing]:
    """The steps that take a colour without traffic away, and the routing that remains.

    `drain_first`: the colour has just lost its weight, so it is out of the way of new requests already, and
    its servers stay in the file until its last request is answered.
    """
    remaining = {key: part for key, part in routing.colours.items() if key is not colour}
    after = routing.next(routing.live, remaining)
    drain = Drain(routing.application, colour, timeout)
    route = Route(
        routing.application, routing, after if remaining else None, f"remove the routes of {colour}"
    )
    remove = Remove(routing.application, colour)
    if colour not in routing.colours:
        return [drain, remove], routing
    return ([drain, route, remove] if drain_first else [route, drain, remove]), after


def _unfinished_promotion(application: str, world: World) -> list[Step]:
    """A command that was killed right after its cutover has left the live release not promoted last."""
    live = world.live(application)
    kept = world.release(live[1]) if live else None
    if kept is None or not kept.model:
        return []
    promoted = companions.promotion(kept, world)
    return [Record(application, replace(kept, promoted=promoted))] if promoted != kept.promoted else []


def _forgotten(world: World, application: str, deployed: int, keep: int) -> tuple[int, ...]:
    """The releases that are over: beyond `keep` the longest ago live, and every one that never was."""
    live = world.live(application)
    promotions = {kept.number: kept.promoted for kept in world.releases if kept.promoted}
    others = sorted(
        (set(promotions) | ({live[1]} if live else set())) - {deployed},
        key=lambda number: (live is not None and number == live[1], promotions.get(number, 0)),
        reverse=True,
    )
    remaining = {deployed, *others[: keep - 1]}
    return tuple(number for number in _known(world) if number not in remaining)


def _latest_promotion(world: World) -> int:
    return max((kept.promoted for kept in world.releases), default=0)


def _known(world: World) -> tuple[int, ...]:
    """Every release that has a record or an image tag."""
    return tuple(sorted({kept.number for kept in world.releases} | world.tagged))
