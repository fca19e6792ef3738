"""Findings: what in an application, on this host, would break the promise or weaken it. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from hitless.domain import publish, roles, rules
from hitless.domain.extension import KEY as _EXTENSION
from hitless.domain.extension import concurrent_writes, is_published_by_gateway, says_exclusive
from hitless.domain.gateway import GatewaySettings
from hitless.domain.gateway import model as gateway_model
from hitless.domain.model import Application, Finding, Image, Json, Protocol, Role, Router, Service
from hitless.domain.project import gateway_networks, hook_service, volume_names
from hitless.domain.routing import MARKER_PRIORITY, WEB, Routing
from hitless.domain.spec import replicas, with_images
from hitless.domain.world import Gateway, World

_LITTLE = 1_000_000_000  # bytes
_TOO_LITTLE = 100_000_000
_RESTART = re.compile(r"no|always|unless-stopped|on-failure(:\d+)?")
# what many may have at once, though it is mounted writable: sockets, the clock, devices, kernel settings
_OF_THE_HOST = re.compile(r".*\.sock|/etc/(localtime|timezone)|/(dev|proc|sys)(/.*)?")
_CLOCKS = "beat celerybeat clock clockwork cron crond ofelia rqscheduler schedule scheduler supercronic"
_CLOCKWORK = frozenset(_CLOCKS.split())
# folders that a build fills: a volume there keeps a mount of the source from hiding them, and keeps nothing
_FROM_THE_IMAGE = frozenset(["node_modules", "vendor", ".venv", ".next"])
_TWO_COPIES = "the old and the new release run side by side for a while"


def check(application: Application, world: World, images: Mapping[str, Image]) -> tuple[Finding, ...]:
    """Every finding about deploying this application on this host.

    `images` maps service -> image where it is known already; what hangs on an unknown one is left to the
    check after the images are there.
    """
    if world.gateway:
        application = publish.behind(application, world.gateway)
    findings = [*_host(world), *_disk(world.free), *_elsewhere(application, world), *_compose_projects(world)]
    if not application.routes.routers:
        findings += _no_route(application.model.get("services") or {})
    traefiks = {service.name for service in application.services if _is_traefik(service)}
    findings += map(_own_traefik, sorted(traefiks))
    for service in application.services:
        findings += _role(application, service) if service.name not in traefiks else ()
    for service in application.released:
        findings += _service(application, service, images) if service.name not in traefiks else ()
    findings += _hooks(application)
    findings += _base(application, world)
    findings += _fewer(application, world)
    findings += _networks(application, world.gateway)
    findings += _gateways_volumes(application, world.gateway)
    findings += _gateways_namespaces(application, world.gateway)
    findings += _from_environment(application.model)
    for name, middleware in application.routes.middlewares.items():
        findings += _middleware(name, middleware)
    for router in application.routes.routers:
        findings += _router(application, router, world)
    routed = [backend for backend in application.routes.backends if backend.service in images]
    there = replace(application, routes=replace(application.routes, backends=tuple(routed)))
    findings += with_images(there, images)[1]
    return tuple(findings)


def _is_traefik(service: Service) -> bool:
    return roles.product_name(service.image or "") == "traefik"


def _own_traefik(name: str) -> Finding:
    return Finding(
        f"services.{name}",
        "is a Traefik: hitless's gateway takes its place, for all applications of this host",
        "leave it out of the file, with the routes to its own dashboard; the other services' labels may stay",
    )


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


def _gateways_namespaces(application: Application, gateway: Gateway | None) -> Iterator[Finding]:
    """In its network a container would be the gateway itself to Traefik's API and to candidates' routes."""
    for name, service in (application.model.get("services") or {}).items():
        for key in ("network_mode", "pid", "ipc", "volumes_from"):
            value = service.get(key)
            asked = [str(one).split(":") for one in (value if isinstance(value, list) else [value])]
            if gateway and any(words[:2] == ["container", gateway.container] for words in asked):
                yield Finding(
                    f"services.{name}.{key}",
                    "would share it with the gateway of all applications",
                    "take it away",
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


def _role(application: Application, service: Service) -> Iterator[Finding]:
    """What does not go with the role of a service."""
    path = f"services.{service.name}"
    model = application.model["services"][service.name]
    is_routed = application.is_web(service.name)
    others = {one.name: one for one in application.services}
    if is_routed != (service.role is Role.WEB):
        yield Finding(
            f"{path}.{_EXTENSION}.role",
            f"a {service.role} has {'no ' if service.role is Role.WEB else ''}route"
            + ("" if service.role is Role.WEB else ": the gateway sends requests to web services alone"),
            "give it Traefik labels, or another role"
            if not is_routed
            else "take its labels away, or the role",
        )
    if service.doubt:
        yield Finding(
            path,
            f"has a new one with each release, or runs once? {service.doubt}",
            "say it: `x-hitless: {role: worker, concurrent_writes: true}`, or `x-hitless: {role: shared}`",
        )
    if service.exclusive and service.role is not Role.WORKER:
        yield Finding(
            f"{path}.{_EXTENSION}.exclusive",
            f"is for a worker that must not run twice at a time; this is {service.role}: {service.reason}",
        )
    waited_for = any(
        roles.condition(application.model["services"][one.name], service.name) == roles.ENDED
        for one in application.services
    )
    restart = str(model.get("restart") or "no")
    if (service.role is Role.JOB or waited_for) and not roles.ends(model):
        yield Finding(
            f"{path}.restart",
            f"is {restart}, and another service waits for its end: it has none",
            'a job has `restart: "no"`',
        )
    if service.role is Role.JOB:
        if service.replicas != 1:
            yield Finding(f"{path}.deploy.replicas", "a job runs once")
        for name in roles.depends_on(model):
            if name in others and others[name].role in (Role.WEB, Role.WORKER):
                yield Finding(
                    f"{path}.depends_on.{name}",
                    f"a job runs before the release is started, and {name} is a {others[name].role} of it",
                    "use a hook that runs before the cutover: see `hooks` in docs/configuration.md",
                )
    if service.role is Role.SHARED:
        for name in roles.depends_on(model):
            if name in others and others[name].role is not Role.SHARED:
                yield Finding(
                    f"{path}.depends_on.{name}",
                    f"it is shared, so it is started before {name}, which has a copy in each release",
                    is_error=False,
                )
    for key, name in _joined(model):
        other = others.get(name)
        if other and other.role is not service.role and Role.SHARED in (other.role, service.role):
            yield Finding(
                f"{path}.{key}",
                f"{name} is {other.role}, this is {service.role}: one runs once, the other in each release",
                "give both one role with `x-hitless: {role: …}`",
            )
    if service.role is Role.WEB and (product := roles.stateful(model)) and _written(model):
        yield Finding(
            f"{path}.volumes",
            f"{product} keeps data, and has a route: two copies of it would write to {_written(model)[0]}",
            "what keeps data must run once: take the route away, or set "
            "`x-hitless: {concurrent_writes: true}` if it does bear that",
        )


def _joined(model: Json) -> Iterator[tuple[str, str]]:
    """What of another service's containers a service takes part in: key -> that service."""
    for key in ("network_mode", "pid", "ipc"):
        kind, _, name = str(model.get(key) or "").partition(":")
        if kind == "service":
            yield key, name
    for one in model.get("volumes_from") or ():
        yield "volumes_from", str(one).partition(":")[0]


def _written(model: Json) -> list[str]:
    """The sources of the mounts that a service may write to, unless it was said that it may do so twice."""
    if concurrent_writes(model):
        return []
    return [
        str(mount["source"])
        for mount in model.get("volumes") or ()
        if mount.get("type") in ("volume", "bind")
        and mount.get("source")
        and not mount.get("read_only")
        and not _OF_THE_HOST.fullmatch(str(mount["source"]))
    ]


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


def _service(application: Application, service: Service, images: Mapping[str, Image]) -> Iterator[Finding]:
    path = f"services.{service.name}"
    model = application.model["services"][service.name]
    is_web = application.is_web(service.name)
    if "container_name" in model:
        yield Finding(
            f"{path}.container_name",
            f"two copies can't both be called {model['container_name']}, and {_TWO_COPIES}",
            "it stays a host name within the application; hitless status shows the containers' names",
            is_error=False,
        )
    if service.role is Role.WORKER and (word := _clockwork(service.name, model)):
        yield Finding(
            path,
            f"is a {word} by its name or command: it runs twice at a time for a while, as {_TWO_COPIES}",
            "`x-hitless: {exclusive: true}` stops the old one before the new one starts; false: it may",
            is_error=False,
        )
    for port in model.get("ports") or ():
        if port.get("published") and not is_published_by_gateway(model):
            yield Finding(
                f"{path}.ports",
                f"the host's port {port['published']} can't be published by two copies",
                "take it away: the gateway reaches the container by itself; or have the gateway publish it, "
                "with `x-hitless: {publish: gateway}` on the service"
                if is_web
                else "have the gateway publish it, with `x-hitless: {publish: gateway}` (`protocol: tcp` if "
                "it is no HTTP), take it away, or set `x-hitless: {role: shared}` if it is to run once",
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
    if not service.exclusive and service.role is not Role.JOB:
        yield from _volumes(path, model, _web_volumes(application))
    if service.role is Role.WORKER:
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


def _clockwork(name: str, model: Json) -> str:
    """What makes a service look like one that sets others to work by the clock; "" where it was said."""
    if says_exclusive(model):
        return ""
    command = [*(model.get("entrypoint") or ()), *(model.get("command") or ())]
    words = re.split(r"[^a-z0-9]+", " ".join([name, *map(str, command)]).lower())
    return next((word for word in words if word in _CLOCKWORK), "")


def _web_volumes(application: Application) -> set[str]:
    """What web services write to: two copies of them do it by nature, and a worker beside them no less."""
    services = application.model["services"]
    return {source for one in application.having(Role.WEB) for source in _written(services[one.name])}


def _volumes(path: str, model: Json, web_volumes: Collection[str]) -> Iterator[Finding]:
    written = _written(model)
    sources = {True: [one for one in written if one not in web_volumes]}
    sources[False] = [one for one in written if one in web_volumes]
    for is_error, found in sources.items():
        if not found:
            continue
        yield Finding(
            f"{path}.volumes",
            f"two copies would write to {', '.join(found)}, for {_TWO_COPIES}",
            "if it only reads, mount it `:ro`; if two may write, `x-hitless: {concurrent_writes: true}` on "
            "the service; else `{role: shared}` keeps it running through deployments, and "
            "`{exclusive: true}` never lets two run at a time"
            if is_error
            else "if they may, say so with `x-hitless: {concurrent_writes: true}` on the service",
            is_error=is_error,
        )


def _anonymous_volumes(path: str, model: Json, image: Image | None) -> Iterator[Finding]:
    if concurrent_writes(model):
        return
    mounts = model.get("volumes") or ()
    targets = {mount.get("target") for mount in mounts if mount.get("source")}
    anonymous = {mount.get("target") for mount in mounts if mount.get("type") == "volume"} - targets
    anonymous |= set(image.volumes if image else ()) - targets
    for target in sorted(str(one) for one in anonymous):
        if target.rpartition("/")[2] in _FROM_THE_IMAGE:
            continue
        yield Finding(
            f"{path}.volumes",
            f"what it writes to {target} would be lost with every release: each copy has a volume of its own",
            "what keeps data has `x-hitless: {role: shared}` on the service; if nothing is lost, set "
            "`{concurrent_writes: true}`",
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
        elif backend.scheme == "tcp":
            if not docker:
                yield Finding(
                    path,
                    "has no Docker health check: to accept a connection will count as ready",
                    "give the service a `healthcheck:`",
                    is_error=False,
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
    path = _label(router)
    if world.gateway and publish.is_port(router):
        yield from publish.check(router, application.model["services"][router.service], world.gateway)
    elif world.gateway:
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
    try:
        if router.protocol is Protocol.HTTP:
            rules.parse(router.rule)
    except rules.UnreadableRule as error:
        yield Finding(f"{path}.rule", f"can't be read: {error}", "write it for Traefik 3: Host(`…`) && …")
    yield from taken(application.name, (router,), world.routings)


def taken(application: str, routers: Sequence[Router], routings: Mapping[str, Routing]) -> Iterator[Finding]:
    """Routes that another application has already, or is about to get: both its colours count."""
    for router in routers:
        for name, routing in routings.items():
            others = [other for part in routing.colours.values() for other in part.routers]
            rule = next((other.rule for other in others if _collide(router, other)), None)
            if name != application and rule is not None:
                yield Finding(
                    f"{_label(router)}.rule",
                    f"the application {name} already has the route {rule}",
                    f"choose another rule or priority, or take {name} down first",
                )


def _collide(one: Router, two: Router) -> bool:
    if not set(one.entry_points or (WEB,)) & set(two.entry_points or (WEB,)):
        return False
    if Protocol.TCP in (one.protocol, two.protocol):
        return True
    first, second = (int(router.settings.get("priority") or 0) for router in (one, two))
    return rules.collide(one.rule, two.rule, first, second)


def _label(router: Router) -> str:
    return f"services.{router.service}.labels.traefik.http.routers.{router.name}"
