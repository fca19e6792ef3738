"""Findings: what in an application, on this host, would break the promise or weaken it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from hitless.domain import networks, others, publish, route_check, service_check
from hitless.domain.extension import KEY as _EXTENSION
from hitless.domain.gateway import GatewaySettings
from hitless.domain.gateway import model as gateway_model
from hitless.domain.model import Application, Colour, Finding, Image, Json, Role
from hitless.domain.project import gateway_networks, hook_service, volume_names
from hitless.domain.spec import replicas, with_images
from hitless.domain.steps import Plan
from hitless.domain.world import Gateway, World

_LITTLE = 1_000_000_000  # bytes
_TOO_LITTLE = 100_000_000
_OF_A_RELEASE = re.compile(rf".+-({'|'.join(Colour)})_.+|.+_live-\d+")
_BRIDGE_NAME = "com.docker.network.bridge.name"


def check(application: Application, world: World, images: Mapping[str, Image]) -> tuple[Finding, ...]:
    """Every finding about deploying this application on this host.

    `images` maps service -> image where it is known already; what hangs on an unknown one is left to the
    check after the images are there.
    """
    if world.gateway:
        application = publish.behind(application, world.gateway)
    findings = [
        *_host(application.name, world),
        *_disk(world.free),
        *_elsewhere(application, world),
        *_compose_projects(world),
    ]
    if not application.routes.routers:
        findings += _no_route(application.model.get("services") or {})
    for service in application.services:
        findings += service_check.of_service(application, service, images)
    findings += _hooks(application)
    findings += _base(application, world)
    findings += _fewer(application, world)
    findings += _networks(application, world.gateway)
    findings += _gateways_volumes(application, world.gateway)
    findings += others.findings(application, world)
    findings += _from_environment(application.model)
    for name, middleware in application.routes.middlewares.items():
        findings += route_check.of_middleware(name, middleware)
    for router in application.routes.routers:
        findings += route_check.of_router(application, router, world)
    routed = [backend for backend in application.routes.backends if backend.service in images]
    there = replace(application, routes=replace(application.routes, backends=tuple(routed)))
    findings += with_images(there, images)[1]
    return tuple(findings)


def strict(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings, every warning among them an error."""
    return tuple(replace(finding, is_error=True) for finding in findings)


def _no_route(services: Mapping[str, Json]) -> Iterator[Finding]:
    """Where the routes may be instead, or how to make one."""
    swarms = [
        name
        for name, service in services.items()
        if any(
            str(label).startswith("traefik.") for label in (service.get("deploy") or {}).get("labels") or ()
        )
    ]
    for name in swarms:
        yield Finding(
            f"services.{name}.deploy.labels",
            "no service has a route: labels here are for Swarm's services, not for containers",
            f"move the Traefik labels to services.{name}.labels",
        )
    if not swarms:
        yield Finding(
            "services",
            "no service has a route: the gateway would have nothing to send to it",
            "give the web service Traefik labels: traefik.enable=true, "
            "traefik.http.routers.<name>.rule=Host(`…`), "
            "traefik.http.services.<name>.loadbalancer.server.port=…",
        )


def _host(application: str, world: World) -> Iterator[Finding]:
    if world.gateway is None:
        yield Finding("gateway", "is not up on this Docker host", "run: hitless gateway up")
    for path, problem in world.broken.items():
        is_own = path == f"{application}.yml"
        yield Finding(
            f"gateway:{path}",
            problem if is_own else f"{problem}; its routes can't be compared with yours",
            f"hitless -p {path.rpartition('.')[0]} down takes it away; then deploy that application again",
            is_error=is_own,
        )
    for path, problem in world.restored.items():
        yield Finding(f"gateway:{path}", problem, "hitless gateway up puts it back", is_error=False)


def _disk(free: int | None) -> Iterator[Finding]:
    if free is not None and free < _LITTLE:
        yield Finding(
            "host",
            f"only {free / 1_000_000:.0f} MB are left on Docker's disk",
            "docker system df shows what takes the room",
            is_error=free < _TOO_LITTLE,
        )


def _gateways_volumes(application: Application, gateway: Gateway | None) -> Iterator[Finding]:
    """Whoever mounts them can read every application's releases, and route as it likes."""
    if gateway is None:
        return
    kept = set(volume_names(gateway_model(gateway.project, GatewaySettings())).values())
    for key, name in volume_names(application.model).items():
        if name in kept:
            yield Finding(
                f"volumes.{key}",
                f"{name} belongs to the gateway, which keeps the routes of all applications in it",
                "name another volume, or the application otherwise",
            )


def _elsewhere(application: Application, world: World) -> Iterator[Finding]:
    """Both gateways would name the application's containers alike."""
    here = world.gateway.project if world.gateway else None
    if here == application.name:
        yield Finding(
            "name",
            f"the gateway is called {here}, too: both would be one Compose project",
            "use another name with -p",
        )
    for other in sorted({container.gateway for container in world.containers} - {here}):
        if here is not None:
            yield Finding(
                "name",
                f"an application {application.name} runs behind the gateway {other} of this host",
                f"use --gateway {other}, or another name with -p",
            )


def _compose_projects(world: World) -> Iterator[Finding]:
    for name in world.foreign:
        yield Finding(
            "name",
            f"the container {name} has the place of a colour, and hitless did not make it",
            "remove it, or choose another name with -p",
        )


def _hooks(application: Application) -> Iterator[Finding]:
    roles_of = {service.name: service.role for service in application.services}
    taken_names = {hook_service(hook) for hook in application.hooks} & set(roles_of)
    for name in sorted(taken_names):
        yield Finding(f"services.{name}", "has the name of a hook's container", "call it otherwise")
    for hook in application.hooks:
        if hook.service and roles_of[hook.service] is Role.SHARED:
            yield Finding(
                f"{_EXTENSION}.hooks.{hook.when}",
                f"{hook.service} is shared, and a hook runs in a container of the new release",
                "name a service of the release",
            )


def _base(application: Application, world: World) -> Iterator[Finding]:
    """What plain `docker compose up` has started, and what is no shared service."""
    shared = {service.name for service in application.having(Role.SHARED)}
    for container in world.base:
        if container.service not in shared and container.state == "running":
            yield Finding(
                f"services.{container.service}",
                f"the container {container.name} of plain docker compose goes on running beside the release",
                "hitless adopt takes its place; or, once the release is live: docker rm --force "
                + container.name,
                is_error=False,
            )


def _fewer(application: Application, world: World) -> Iterator[Finding]:
    """What was scaled up and what is said in the file may differ, and nobody may have thought of it."""
    live = world.live(application.name)
    kept = world.release(live[1]) if live else None
    services = (kept.model.get("services") or {}) if kept else {}
    for service in application.having(Role.WEB, Role.WORKER):
        there = replicas(services[service.name]) if service.name in services else 0
        if there > service.replicas:
            yield Finding(
                f"services.{service.name}.scale",
                f"is {service.replicas}, and {there} are live",
                f"to keep as many: --scale {service.name}={there}",
                is_error=False,
            )


def _from_environment(model: Json) -> Iterator[Finding]:
    for kind in ("secrets", "configs"):
        for key, one in (model.get(kind) or {}).items():
            if one and one.get("environment"):
                yield Finding(
                    f"{kind}.{key}.environment",
                    f"{kind} from the environment are not supported yet: a rollback could not have them",
                    "use a file, or `environment:` of the service",
                )


def of_room(plan: Plan, ranges: Mapping[str, Sequence[str]]) -> Iterator[Finding]:
    """Whether the networks that a plan creates have addresses; `ranges` maps network -> its ranges (CIDR)."""
    missing = [network for network in plan.networks if network.name not in ranges]
    taken = [one for found in ranges.values() for one in found]
    if not networks.are_free(missing, taken):
        yield Finding(
            "gateway",
            f"its pool {missing[0].whole} has no addresses left for {len(missing)} more networks: "
            + ", ".join(network.name for network in missing),
            "hitless gateway up --replace --address-pool RANGE takes another one; docker network ls shows "
            "what has them",
        )


def _networks(application: Application, gateway: Gateway | None) -> Iterator[Finding]:
    model = application.model
    left_out = gateway_networks(model, gateway.network) if gateway else set()
    for key, network in (model.get("networks") or {}).items():
        if key in left_out or not network:
            continue
        name = str(network.get("name") or key)
        if network.get("external") and gateway and name.startswith(gateway.network_of("")):
            yield Finding(
                f"networks.{key}",
                f"{name} is the network between the gateway and one application",
                "take it away: containers of two applications reach each other through the gateway",
            )
            continue
        if network.get("external") and _OF_A_RELEASE.fullmatch(name):
            yield Finding(
                f"networks.{key}",
                f"{name} has the name of a network of a release, and goes with it",
                "take it away: the application is reached through the gateway, a shared service on a network "
                "of its own",
            )
            continue
        if network.get("external"):
            yield Finding(
                f"networks.{key}",
                "nobody finds a service of the release by its name on it, as two releases would answer; the "
                "release finds what is there",
                "let others reach the application through the gateway",
                is_error=False,
            )
            continue
        if any(pool.get("subnet") for pool in (network.get("ipam") or {}).get("config") or ()):
            yield Finding(
                f"networks.{key}.ipam",
                "a fixed subnet can't be given to the networks of two colours",
                "take it away, or make the network external",
            )
        if bridge := (network.get("driver_opts") or {}).get(_BRIDGE_NAME):
            yield Finding(
                f"networks.{key}.driver_opts",
                f"the bridge name {bridge} can't be given to the networks of two colours",
                "take it away, or make the network external",
            )
        if network.get("name") not in (None, f"{application.name}_{key}"):
            yield Finding(
                f"networks.{key}.name",
                f"each colour gets a network of its own; that of the shared services alone is called "
                f"{network['name']}",
                "make the network external if others must find it by this name",
                is_error=False,
            )
