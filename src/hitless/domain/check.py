"""Findings: what in an application, on this host, would break the promise or weaken it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from hitless.domain import rules
from hitless.domain.gateway import GatewaySettings
from hitless.domain.gateway import model as gateway_model
from hitless.domain.model import Application, Finding, Image, Json, Router, Service
from hitless.domain.project import gateway_networks, volume_names
from hitless.domain.routing import MARKER_PRIORITY
from hitless.domain.spec import concurrent_writes, with_images
from hitless.domain.world import Gateway, World

_LITTLE = 1_000_000_000  # bytes
_TOO_LITTLE = 100_000_000
_RESTART = re.compile(r"no|always|unless-stopped|on-failure(:\d+)?")
_TWO_COPIES = "the old and the new release run side by side for a while"


def check(application: Application, world: World, images: Mapping[str, Image]) -> tuple[Finding, ...]:
    """Every finding about deploying this application on this host.

    `images` maps service -> image where it is known already; what hangs on an unknown one is left to the
    check after the images are there.
    """
    findings = [*_host(world), *_disk(world.free), *_elsewhere(application, world), *_compose_projects(world)]
    if not application.routes.routers:
        findings.append(
            Finding(
                "services",
                "no service has a route: the gateway would have nothing to send to it",
                "give the web service Traefik labels: traefik.enable=true, "
                "traefik.http.routers.<name>.rule=Host(`…`), "
                "traefik.http.services.<name>.loadbalancer.server.port=…",
            )
        )
    for service in application.services:
        findings += _service(application, service, images)
    findings += _networks(application, world.gateway)
    findings += _gateways_volumes(application, world.gateway)
    findings += _from_environment(application.model)
    for name, middleware in application.routes.middlewares.items():
        findings += _middleware(name, middleware)
    for router in application.routes.routers:
        findings += _router(application, router, world)
    routed = [backend for backend in application.routes.backends if backend.service in images]
    there = replace(application, routes=replace(application.routes, backends=tuple(routed)))
    findings += with_images(there, images)[1]
    return tuple(findings)


def _host(world: World) -> Iterator[Finding]:
    if world.gateway is None:
        yield Finding("gateway", "is not up on this Docker host", "run: hitless gateway up")
    for path, problem in world.broken.items():
        yield Finding(
            f"gateway:{path}",
            f"{problem}; Traefik would ignore every new routing while it is there",
            "mend or remove this file in the gateway's routing directory",
        )


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
    for key, name in volume_names(application.model).items():
        if gateway and name in volume_names(gateway_model(gateway.project, GatewaySettings())).values():
            yield Finding(
                f"volumes.{key}",
                f"{name} belongs to the gateway, which keeps the routes of all applications in it",
                "name another volume, or the application otherwise",
            )


def _elsewhere(application: Application, world: World) -> Iterator[Finding]:
    """Both gateways would name the application's containers alike."""
    here = world.gateway.project if world.gateway else None
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


def _service(application: Application, service: Service, images: Mapping[str, Image]) -> Iterator[Finding]:
    path = f"services.{service.name}"
    model = application.model["services"][service.name]
    is_web = application.is_web(service.name)
    if "container_name" in model:
        yield Finding(
            f"{path}.container_name",
            f"a fixed container name can't be given to two copies, and {_TWO_COPIES}",
            "take it away; the service's name works as a host name within the application",
        )
    for port in model.get("ports") or ():
        if port.get("published"):
            yield Finding(
                f"{path}.ports",
                f"the host's port {port['published']} can't be published by two copies",
                "take it away: the gateway publishes, and reaches the container by itself"
                if is_web
                else "take it away, or keep this service in a Compose project of its own",
            )
    if model.get("network_mode") == "host" or (is_web and model.get("network_mode")):
        yield Finding(
            f"{path}.network_mode",
            f"with network_mode {model['network_mode']} the gateway can't tell two copies apart",
            "take it away",
        )
    for key, network in (model.get("networks") or {}).items():
        if network and (network.get("ipv4_address") or network.get("ipv6_address")):
            yield Finding(
                f"{path}.networks.{key}",
                "a fixed IP address can't be given to two copies",
                "take it away; containers find each other by service name",
            )
    if is_web and service.replicas < 1:
        yield Finding(f"{path}.deploy.replicas", "a routed service needs at least one replica")
    yield from _volumes(path, model, is_web)
    if not is_web:
        yield from _anonymous_volumes(path, model, images.get(service.name))
    restart = str(model.get("restart") or "no")
    if not _RESTART.fullmatch(restart):
        yield Finding(f"{path}.restart", f"{restart!r} is no restart policy of Docker's")
    if model.get("pre_stop"):
        yield Finding(
            f"{path}.pre_stop", "hooks before the stop are not supported yet", "handle SIGTERM instead"
        )
    if is_web:
        yield from _health(application, service, images)


def _volumes(path: str, model: Json, is_web: bool) -> Iterator[Finding]:
    if concurrent_writes(model):
        return
    for mount in model.get("volumes") or ():
        if mount.get("read_only") or mount.get("type") not in ("volume", "bind"):
            continue
        source = mount.get("source")
        if not source:  # an anonymous volume is each copy's own
            continue
        yield Finding(
            f"{path}.volumes",
            f"two copies would write to {source}, for {_TWO_COPIES}",
            "if they may, say so with `x-hitless: {concurrent_writes: true}` on the service"
            if is_web
            else "a database must not run twice: keep it in a Compose project of its own, on a network both "
            "share; else mount it read-only, or set `x-hitless: {concurrent_writes: true}` on the service",
            is_error=not is_web,
        )


def _anonymous_volumes(path: str, model: Json, image: Image | None) -> Iterator[Finding]:
    if concurrent_writes(model):
        return
    mounts = model.get("volumes") or ()
    targets = {mount.get("target") for mount in mounts if mount.get("source")}
    anonymous = {mount.get("target") for mount in mounts if mount.get("type") == "volume"} - targets
    anonymous |= set(image.volumes if image else ()) - targets
    for target in sorted(str(one) for one in anonymous):
        yield Finding(
            f"{path}.volumes",
            f"what it writes to {target} would be lost with every release: each copy has a volume of its own",
            "keep a database in a Compose project of its own; if nothing is lost, set "
            "`x-hitless: {concurrent_writes: true}` on the service",
        )


def _health(application: Application, service: Service, images: Mapping[str, Image]) -> Iterator[Finding]:
    path = f"services.{service.name}"
    image = images.get(service.name)
    docker = image.healthcheck if service.healthcheck is None and image else service.healthcheck
    for backend in application.routes.backends_of(service.name):
        label = f"{path}.labels.traefik.http.services.{backend.name}.loadbalancer"
        own = backend.health_check
        has_check = bool(own.get("path"))
        if backend.scheme == "https":
            yield Finding(
                f"{label}.server.scheme",
                "https to the containers is not supported yet: Traefik would refuse their certificate",
                "let the container speak http; only the gateway reaches it",
            )
        elif backend.asked_by != ("http", "http") and docker is False:
            field = "mode" if backend.asked_by[1] != "http" else "scheme"
            where = f"healthcheck.{field}" if field in own else "server.scheme"
            words = " and ".join(word for word in backend.asked_by if word != "http")
            yield Finding(
                f"{label}.{where}",
                f"the gate can't ask over {words}, and there is no Docker health check",
                "give the service a `healthcheck:`",
            )
        elif not has_check and not docker:
            unless = " (unless its image has one)" if docker is None else ""
            yield Finding(
                path,
                f"has no health check of any kind{unless}: any answer to / below 500 will count as ready",
                f"add the label traefik.http.services.{backend.name}.loadbalancer.healthcheck.path, "
                "or a `healthcheck:`",
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


def _middleware(name: str, middleware: Json) -> Iterator[Finding]:
    for kind in ("buffering", "forwardAuth"):
        if kind in middleware:
            yield Finding(
                f"traefik.http.middlewares.{name}.{kind}",
                "a request that waits in it at the cutover has no connection yet that a drain could count",
                "a longer stop is no cure; such a request may be lost, and is the client's to send again",
                is_error=False,
            )


def _networks(application: Application, gateway: Gateway | None) -> Iterator[Finding]:
    model = application.model
    left_out = gateway_networks(model, gateway.network) if gateway else set()
    for key, network in (model.get("networks") or {}).items():
        if key in left_out or not network:
            continue
        if network.get("external"):
            yield Finding(
                f"networks.{key}",
                "both releases answer to their services' names on this network while they overlap",
                "reach what is shared over it, and the application through the gateway",
                is_error=False,
            )
            continue
        if any(pool.get("subnet") for pool in (network.get("ipam") or {}).get("config") or ()):
            yield Finding(
                f"networks.{key}.ipam",
                "a fixed subnet can't be given to the networks of two colours",
                "take it away, or make the network external",
            )
        if network.get("name") not in (None, f"{application.name}_{key}"):
            yield Finding(
                f"networks.{key}.name",
                f"each colour gets a network of its own, none will be called {network['name']}",
                "make the network external if others must find it by this name",
                is_error=False,
            )


def _router(application: Application, router: Router, world: World) -> Iterator[Finding]:
    path = f"services.{router.service}.labels.traefik.http.routers.{router.name}"
    if world.gateway:
        for name in router.entry_points:
            if name not in world.gateway.entry_points:
                yield Finding(
                    f"{path}.entrypoints",
                    f"the gateway has no entry point {name!r}",
                    f"it has: {', '.join(world.gateway.entry_points)}",
                )
    if router.settings.get("priority", 0) >= MARKER_PRIORITY:
        yield Finding(f"{path}.priority", f"must be below {MARKER_PRIORITY}")
    if router.settings.get("ruleSyntax", "v3") != "v3":
        yield Finding(f"{path}.rulesyntax", "only rules of v3 can be guarded", "write the rule for Traefik 3")
    tls = router.settings.get("tls")
    if tls is not None and tls.get("certResolver"):
        yield Finding(
            f"{path}.tls.certresolver",
            f"the gateway has no certificate resolver {tls['certResolver']!r}",
            "end TLS in front of the gateway, and take the label away",
        )
    elif tls is not None:
        yield Finding(
            f"{path}.tls",
            "this route answers TLS connections only, with the gateway's self-signed certificate",
            is_error=False,
        )
    for name, routing in world.routings.items():
        if name == application.name:
            continue
        for other in routing.rules:
            shared = not (router.entry_points and other.entry_points) or (
                set(router.entry_points) & set(other.entry_points)
            )
            if shared and rules.collide(router.rule, other.rule):
                yield Finding(
                    f"{path}.rule",
                    f"the application {name} already has the route {other.rule}",
                    f"choose another rule, or take {name} down first",
                )
