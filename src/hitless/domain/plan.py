"""Plans, computed from what is wanted and what is there, and from nothing else. Pure: no I/O, no clock.

Every plan keeps to one order for a colour that goes: un-route it, have that confirmed, drain it, stop it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from hitless.domain import project, rules
from hitless.domain.model import Application, Backend, Colour, Image, Release, Service
from hitless.domain.routing import Routing, colour_routing
from hitless.domain.steps import (
    CutOver,
    Drain,
    Forget,
    Gate,
    Plan,
    Probe,
    Readiness,
    Record,
    Remove,
    Route,
    Start,
    Step,
)
from hitless.domain.world import Gateway, World


def deploy(application: Application, release: Release, world: World, gateway: Gateway) -> Plan:
    """Bring a release up beside the live one, cut over, and retire what was live.

    Serves the first deployment, every later one, a rollback (the release is then a kept one), and what an
    interrupted command left behind: everything that is not live goes first. Ports must be known.
    """
    name = application.name
    routing = world.routings.get(name) or Routing(name, 0, None, {})
    live = routing.live
    candidate = live.other if live else Colour.BLUE
    drain_timeout = application.settings.drain_timeout

    steps: list[Step] = _unfinished_promotion(name, world)
    promoted = replace(release, promoted=_latest_promotion(world) + len(steps) + 1)
    listed = project.on_gateway_network(application.model, gateway.network)
    for colour in Colour:
        if colour is not live and _has_remains(world, routing, colour):
            leaving, routing = _leave(routing, colour, drain_timeout)
            steps += leaving
    before = routing if routing.colours else None

    containers = project.replicas(application, candidate)
    beside = colour_routing(application, release.number, containers)
    staged = routing.next(live, {**routing.colours, candidate: beside})
    switched = staged.next(candidate, staged.colours)
    steps += [
        Start(
            application=name,
            colour=candidate,
            release=release.number,
            model=project.colour_model(application, release, candidate, gateway),
            volumes=project.own_volumes(application.model),
            containers=tuple(name for names in containers.values() for name in names),
            connect=tuple(
                container
                for service, names in containers.items()
                if application.is_web(service) or service in listed
                for container in names
            ),
            timeout=max(service.settings.timeout for service in application.services),
        ),
        # the two that follow cost nothing: meanwhile the application starts
        Route(name, before, staged, f"show the routes of {candidate} to the gateway"),
        *(() if release.promoted else (Record(name, release),)),
        Gate(name, candidate, _readiness(application, release.images, containers)),
        CutOver(staged, switched),
    ]
    steps.append(Record(name, promoted))
    if live:
        leaving, _ = _leave(switched, live, drain_timeout, drain_first=True)
        steps += leaving
    forgotten = _forgotten(world, name, release.number, application.settings.keep)
    if forgotten:
        steps.append(Forget(name, forgotten))
    return Plan(
        application=name,
        release=release.number,
        colour=candidate,
        steps=tuple(steps),
        undo=(
            Route(name, before, before, "restore the routes"),
            Drain(name, candidate, drain_timeout),
            Remove(name, candidate),
        ),
    )


def down(application: str, world: World, drain_timeout: float) -> Plan:
    """Take an application away: its routes, both its colours, its kept releases."""
    steps: list[Step] = []
    routing = world.routings.get(application)
    if routing or f"{application}.yml" in world.broken:
        steps.append(Route(application, routing, None, "remove the routes"))
    present = [
        colour for colour in Colour if world.of(colour) or (routing is not None and colour in routing.colours)
    ]
    steps += [Drain(application, colour, drain_timeout) for colour in present]
    steps += [Remove(application, colour) for colour in present]
    if known := _known(world):
        steps.append(Forget(application, known))
    return Plan(application, 0, None, tuple(steps))


def next_release(world: World, application: str) -> int:
    """The number of a new release: one more than any of the application that has left a trace."""
    running = (container.release for container in world.containers)
    routing = world.routings.get(application)
    routed = (part.release for part in routing.colours.values()) if routing else ()
    return max((*_known(world), *running, *routed), default=0) + 1


def former_release(world: World, application: str) -> Release | None:
    """The release that a rollback brings back: of those older than the live one the one last live.

    So a release that was rolled back from is not gone back to after the next one.
    """
    live = world.live(application)
    older = [kept for kept in world.releases if live and kept.promoted and kept.number < live[1]]
    return max(older, key=lambda kept: kept.promoted, default=None)


def _has_remains(world: World, routing: Routing, colour: Colour) -> bool:
    return bool(world.of(colour)) or colour in routing.colours


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
    latest = _latest_promotion(world)
    return (
        [Record(application, replace(kept, promoted=latest + 1))]
        if kept and kept.model and kept.promoted < max(latest, 1)
        else []
    )


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


def _readiness(
    application: Application,
    images: Mapping[str, Image],
    containers: Mapping[str, tuple[str, ...]],
) -> tuple[Readiness, ...]:
    return tuple(
        Readiness(
            container=container,
            healthcheck=_has_healthcheck(service, images),
            may_end=not application.is_web(service.name),
            probes=_probes(application, service, images, container),
            successes=service.settings.successes,
            timeout=service.settings.timeout,
        )
        for service in application.services
        for container in containers[service.name]
    )


def _has_healthcheck(service: Service, images: Mapping[str, Image]) -> bool:
    if service.healthcheck is None:
        return service.name in images and images[service.name].healthcheck
    return service.healthcheck


def _probes(
    application: Application, service: Service, images: Mapping[str, Image], container: str
) -> tuple[Probe, ...]:
    found = []
    for backend in application.routes.backends_of(service.name):
        check = backend.health_check
        if backend.asked_by != ("http", "http"):
            continue  # asked by Docker's health check alone; `check` refuses where there is none
        if not check.get("path") and _has_healthcheck(service, images):
            continue
        found.append(
            Probe(
                container=container,
                port=check.get("port") or backend.port or 0,
                path=check.get("path") or "/",
                host=check.get("hostname") or _host(application, backend) or container,
                method=check.get("method") or "GET",
                status=check.get("status"),
                headers=tuple((check.get("headers") or {}).items()),
                any_answer=not check.get("path"),
            )
        )
    return tuple(found)


def _host(application: Application, backend: Backend) -> str | None:
    for router in application.routes.routers:
        if router.backend == backend.name and rules.hosts(router.rule):
            return rules.hosts(router.rule)[0]
    return None
