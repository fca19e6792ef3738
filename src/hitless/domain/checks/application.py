"""Findings: what would break the promise for an application on this host, or weaken it. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace

from hitless.domain.application import mounts
from hitless.domain.application.model import Application, Role
from hitless.domain.application.replicas import replicas
from hitless.domain.checks import compose_keys
from hitless.domain.checks import containers as container_checks
from hitless.domain.checks import middlewares as middleware_checks
from hitless.domain.checks import route as route_checks
from hitless.domain.checks import service as service_checks
from hitless.domain.checks.host import compose_projects, elsewhere, of_disk, of_gateways_volumes, of_host
from hitless.domain.checks.networks import of_networks
from hitless.domain.checks.no_route import no_route
from hitless.domain.checks.swarm import of_swarm
from hitless.domain.common.findings import Finding
from hitless.domain.common.names import X_HITLESS as _EXTENSION
from hitless.domain.host.world import World
from hitless.domain.release import prepared as preparing
from hitless.domain.release.compose_models import hook_service
from hitless.domain.release.model import Image
from hitless.domain.release.prepared import with_ports
from hitless.domain.release.replicas import exclusive, makes_wait


def check(application: Application, world: World, images: Mapping[str, Image]) -> tuple[Finding, ...]:
    """Every finding about a deployment of this application on this host.

    `images` maps service -> image, for the images that are known already. Findings about other images come
    with the next check, when the images are on the host.
    """
    if world.gateway:
        application = preparing.behind(application, world.gateway)
    findings = [
        *of_host(application.name, world),
        *of_disk(world.free),
        *elsewhere(application, world),
        *compose_projects(world),
        *of_gateways_volumes(application, world.gateway),
    ]
    if not application.routes.routers:
        findings.append(no_route(application))
    elif not application.having(Role.WEB):
        findings.append(_nothing_to_release(application))
    findings += _hooks(application)
    findings += _base(application, world)
    findings += _fewer(application, world)
    on_a_swarm = bool(world.gateway and world.gateway.shared_network)
    for service in application.services:
        findings += service_checks.of_service(application, service, images)
        findings += compose_keys.of_service(application, service, on_a_swarm)
    findings += of_networks(application, world.gateway, world.networks)
    if on_a_swarm:
        findings += of_swarm(application, world.gateway)
    findings += container_checks.findings(application, world)
    findings += middleware_checks.of_middlewares(application.routes, world)
    findings += middleware_checks.of_addresses(application)
    for router in application.routes.routers:
        findings += route_checks.of_router(application, router, world)
    # the port of a shared service is in the file or nowhere
    known = {*images, *(service.name for service in application.shared_with_route)}
    routed = [backend for backend in application.routes.backends if backend.service in known]
    there = replace(application, routes=replace(application.routes, backends=tuple(routed)))
    findings += with_ports(there, images)[1]
    return tuple(findings)


def strict(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The same findings, with every warning turned into an error."""
    return tuple(replace(finding, is_error=True) for finding in findings)


def _nothing_to_release(application: Application) -> Finding:
    """Every service with a route runs once: a deployment would replace none of them."""
    routed = ", ".join(one.name for one in application.shared_with_route)
    return Finding(
        "services",
        f"a deployment would replace nothing that has a route: {routed} is shared, and runs once",
        "set `x-hitless: {role: web}` on what a deployment is to replace: requests wait in that time, unless "
        "it has `concurrent_writes: true`, as two of it may write at the same time",
    )


def _hooks(application: Application) -> Iterator[Finding]:
    roles_of = {service.name: service.role for service in application.services}
    taken_names = {hook_service(hook) for hook in application.hooks} & set(roles_of)
    for name in sorted(taken_names):
        yield Finding(f"services.{name}", "has the name of a hook's container", "rename it")
    for hook in application.hooks:
        if hook.service and roles_of[hook.service] in (Role.SHARED, Role.GATEWAY):
            yield Finding(
                f"{_EXTENSION}.hooks.{hook.when}",
                f"{hook.service} is {roles_of[hook.service]}: a hook runs in a container of the new release",
                "name a service of the release",
            )


def _base(application: Application, world: World) -> Iterator[Finding]:
    """Containers of plain `docker compose up`, and of former shared services, that run beside the release."""
    expected = {service.name for service in application.having(Role.SHARED, Role.GATEWAY)}
    services = {service.name for service in application.services}
    only = {service.name for service in application.released if service.exclusive}
    for container in world.base:
        if container.state != "running":
            continue
        if container.service not in services:
            yield Finding(
                f"services.{container.service}",
                f"the container {container.name} runs, but the file has no such service now",
                "is it in a profile? Enable that with --profile; if nobody needs it: docker rm --force "
                + container.name,
                is_error=False,
            )
        elif container.service in only:
            yield Finding(
                f"services.{container.service}",
                f"the container {container.name} runs, and two of it must never run at the same time",
                f"hitless adopt replaces it; or stop it yourself: docker rm --force {container.name}",
            )
        elif container.service not in expected:
            yield Finding(
                f"services.{container.service}",
                f"the container {container.name} of plain docker compose keeps running beside the release",
                "hitless adopt replaces it; or, when the release is live: docker rm --force "
                + container.name,
                is_error=False,
            )
    yield from _still_written(application, world)


def _still_written(application: Application, world: World) -> Iterator[Finding]:
    """Services that would write to the data of one that must be alone there, and runs on at that time."""
    live = world.live_release(application.name)
    if live is None:
        return
    down = f"hitless down -p {application.name}, then deploy: its volumes stay"
    only = _data(live.application, exclusive(live.application))
    before = {one.name for one in live.application.having(Role.SHARED)}
    for service in application.having(Role.SHARED):
        if service.name in before:
            continue  # it runs beside the live release already
        if service.name in only:
            message = "is shared now, and the live release has a copy of its own: two of it would run"
            yield Finding(f"services.{service.name}", message, down)
        else:
            yield from _beside(application, service.name, only, down)
    if not makes_wait(application):  # else the live ones stop first
        webs = {name: data for name, data in only.items() if live.application.is_web(name)}
        for name in exclusive(application):
            yield from _beside(application, name, webs, down)
    running = {one.service: one.name for one in world.base if one.state == "running"}
    stays = {one.name for one in application.having(Role.SHARED)}
    there = _data(live.application, (before & {*running}) - stays)
    for name in exclusive(application):
        containers = ", ".join(running[other] for other in there)
        yield from _beside(application, name, there, f"stop what is shared: docker rm --force {containers}")


def _data(application: Application, names: Collection[str]) -> dict[str, frozenset[str]]:
    """The data that these services write, by the sources of their mounts."""
    services = application.model["services"]
    return {name: frozenset(mounts.data(services[name])) for name in names}


def _beside(
    application: Application, name: str, others: Mapping[str, frozenset[str]], hint: str
) -> Iterator[Finding]:
    """A service, and those with the same data that run when it starts."""
    [data] = _data(application, (name,)).values()
    for other, theirs in others.items():
        if both := sorted(data & theirs):
            yield Finding(
                f"services.{name}.volumes",
                f"it would write to {', '.join(both)} while {other}, which runs now, still does: one of the "
                "two must be alone there",
                hint,
            )


def _fewer(application: Application, world: World) -> Iterator[Finding]:
    """Services with more live containers than the file says: perhaps somebody forgot a `hitless scale`."""
    live = world.live_release(application.name)
    services = (live.release.model.get("services") or {}) if live else {}
    for service in application.having(Role.WEB, Role.WORKER):
        there = replicas(services[service.name]) if service.name in services else 0
        if there > service.replicas:
            yield Finding(
                f"services.{service.name}.scale",
                f"is {service.replicas}, but {there} are live",
                f"to keep that many: --scale {service.name}={there}",
                is_error=False,
            )
