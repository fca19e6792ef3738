"""Plans, computed from what is wanted and what is there, and from nothing else. Pure: no I/O, no clock.

Every plan keeps to one order for a colour that goes: un-route it, have that confirmed, drain it, stop it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from hitless.domain import project, rules, spec
from hitless.domain.model import Application, Backend, Colour, Image, Release, Service
from hitless.domain.routing import COLOUR_HEADER, Routing, colour_routing
from hitless.domain.steps import (
    Bake,
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
    found = world.live(name)
    live = found[0] if found else None
    candidate = live.other if live else Colour.BLUE
    drain_timeout = application.settings.drain_timeout

    steps, routing = _tidy(name, world, drain_timeout)
    promotions = sum(isinstance(step, Record) for step in steps)
    promoted = replace(release, promoted=_latest_promotion(world) + promotions + 1)
    listed = project.on_gateway_network(application.model, gateway.network)
    before = routing if routing.colours else None

    containers = project.replicas(application, candidate)
    beside = colour_routing(application, release.number, containers)
    staged = routing.next(live, {**routing.colours, candidate: beside})
    switched = staged.next(candidate, staged.colours)
    readiness = _readiness(application, release.images, containers)
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
        Gate(name, candidate, readiness, _route_probes(application, candidate, gateway)),
        CutOver(staged, switched, readiness, project.restart_policies(application, candidate)),
        Bake(name, candidate, readiness, application.settings.bake),
        Record(name, promoted),
    ]
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
            Route(name, before, before, "restore the routes", harmless=staged),
            Drain(name, candidate, drain_timeout),
            Remove(name, candidate),
        ),
        revert=_revert(switched, before, candidate, drain_timeout),
    )


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
    policies = project.restart_policies(spec.read(kept.model)[0], former) if kept and kept.model else {}
    leaving, _ = _leave(back, live, drain_timeout, drain_first=True)
    steps: list[Step] = [CutOver(routing, back, (), policies)]
    if kept and kept.promoted < _latest_promotion(world):
        steps.append(Record(application, replace(kept, promoted=_latest_promotion(world) + 1)))
    steps += leaving
    if forgotten:
        steps.append(Forget(application, forgotten))
    return Plan(application, release, former, tuple(steps))


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
    routing = world.routings.get(application) or Routing(application, 0, None, {})
    steps: list[Step] = _unfinished_promotion(application, world)
    for colour in Colour:
        if colour is not routing.live and _has_remains(world, routing, colour):
            leaving, routing = _leave(routing, colour, drain_timeout)
            steps += leaving
    return steps, routing


def _revert(switched: Routing, before: Routing | None, candidate: Colour, timeout: float) -> tuple[Step, ...]:
    """The steps that bring the former colour back while it is warm, and take the candidate away."""
    name = switched.application
    if before is None or before.live is None:
        away = Route(name, switched, before, f"remove the routes of {candidate}")
        return (away, Drain(name, candidate, timeout), Remove(name, candidate))
    back = switched.next(before.live, switched.colours)
    leaving, _ = _leave(back, candidate, timeout, drain_first=True)
    # without another look at it: whatever it is, it is better than what was found bad
    return (CutOver(switched, back, (), {}), *leaving)


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


def _route_probes(application: Application, candidate: Colour, gateway: Gateway) -> tuple[Probe, ...]:
    """One request through the gateway for each of the candidate's routes whose rule tells what to ask for."""
    found = []
    services = {backend.name: backend.service for backend in application.routes.backends}
    asked = {service.name for service in application.services if service.settings.ask_routes}
    for router in application.routes.routers:
        example = rules.example(router.rule)
        ports = [gateway.entry_points.get(name) for name in router.entry_points or gateway.entry_points]
        # over TLS it would not answer, and a rule that asks for a header may mean anything
        if example is None or "tls" in router.settings or services.get(router.backend) not in asked:
            continue
        host, path = example
        if ports and ports[0]:
            header = (COLOUR_HEADER, str(candidate))
            found.append(
                Probe("127.0.0.1", ports[0], path, host or "localhost", headers=(header,), any_answer=True)
            )
    return tuple(dict.fromkeys(found))


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
