"""Findings about one service: its role, and what two copies of it would break. Pure."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping

from hitless.domain.application import mounts
from hitless.domain.application.model import Application, Role, Service
from hitless.domain.application.roles import ENDED
from hitless.domain.common.findings import Finding
from hitless.domain.common.foreign import Json
from hitless.domain.common.names import FIXED_NAMES, SHARED, Colour
from hitless.domain.common.names import X_HITLESS as _EXTENSION
from hitless.domain.release.model import Image
from hitless.domain.routing.model import Protocol

# the names by which the gateway asks for containers: of a release, and of shared services
_ASKED_FOR = re.compile(rf".*{re.escape(SHARED)}|.+-({'|'.join(Colour)})-.+", re.IGNORECASE)
_RESTART = re.compile(r"no|always|unless-stopped|on-failure(:\d+)?")
_TWO_COPIES = "the old and the new release run side by side for a while"


def of_service(application: Application, service: Service, images: Mapping[str, Image]) -> Iterator[Finding]:
    """What does not fit the service's role, and what two copies can't share if each colour has one."""
    if service.role is Role.GATEWAY:
        return
    yield from _role(application, service)
    if service in application.released:
        yield from _copies(application, service, images)


def _role(application: Application, service: Service) -> Iterator[Finding]:
    """What does not fit the role of a service."""
    path = f"services.{service.name}"
    model = application.model["services"][service.name]
    is_routed = application.is_web(service.name)
    others = {one.name: one for one in application.services}
    if service.role is Role.WEB and not is_routed:
        yield Finding(
            f"{path}.{_EXTENSION}.role",
            "a web service has no route",
            "give it Traefik labels, or another role",
        )
    elif service.role in (Role.WORKER, Role.JOB) and is_routed:
        yield Finding(
            f"{path}.{_EXTENSION}.role",
            f"a {service.role} service has a route: the gateway sends requests only to web and shared "
            "services",
            "remove its labels, or the role",
        )
    if service.doubt:
        yield Finding(
            path,
            f"role unclear: {service.doubt}. hitless takes it as shared: deployments leave it as it is",
            "`x-hitless: {role: worker}` gives each release its own copy; `{role: shared}` ends this warning",
            is_error=False,
        )
    if service.exclusive and service.role not in (Role.WEB, Role.WORKER):
        yield Finding(
            f"{path}.{_EXTENSION}.exclusive",
            f"is for what each release has and must not run twice; this is {service.role}: {service.reason}",
            "`x-hitless: {role: worker, exclusive: true}` makes it part of the release",
        )
    elif service.exclusive and service.replicas != 1:
        yield Finding(
            f"{path}.scale",
            f"is {service.replicas}, but it is exclusive: two of it must never run at the same time",
            "remove one of the two",
        )
    waited_for = any(one.depends_on.get(service.name) == ENDED for one in application.services)
    restart = str(model.get("restart") or "no")
    if (service.role is Role.JOB or waited_for) and not service.ends:
        yield Finding(
            f"{path}.restart",
            f"is {restart}, but another service waits for its end: it would never end",
            'a job has `restart: "no"`',
        )
    if service.role is Role.JOB:
        if service.replicas != 1:
            yield Finding(f"{path}.deploy.replicas", "a job runs once")
        for name in service.depends_on:
            if name in others and others[name].role in (Role.WEB, Role.WORKER):
                yield Finding(
                    f"{path}.depends_on.{name}",
                    f"a job runs before the release starts, but {name} ({others[name].role}) starts with it",
                    "use a hook that runs before the cutover: see `hooks` in docs/configuration.md",
                )
    if service.role is Role.SHARED and is_routed:
        yield from _reached(path, service, model)
    if service.role is Role.SHARED:
        for name in service.depends_on:
            if name in others and others[name].role not in (Role.SHARED, Role.GATEWAY):
                yield Finding(
                    f"{path}.depends_on.{name}",
                    f"it is shared, so it starts before {name}, which has a copy in each release",
                    is_error=False,
                )
    for key, name in _joined(model):
        other = others.get(name)
        if other and other.role is Role.GATEWAY:
            yield Finding(f"{path}.{key}", f"{name} is left out", f"remove {key}")
        elif other and other.role is not service.role and Role.SHARED in (other.role, service.role):
            yield Finding(
                f"{path}.{key}",
                f"{name} is {other.role}, this is {service.role}: one runs once, the other in each release",
                "give both one role with `x-hitless: {role: …}`",
            )
    product, written = service.product, data_of(application, service)
    if service.role is Role.WEB and product and written:
        yield Finding(
            f"{path}.volumes",
            f"{product} keeps data, and has a route: two copies of it would write to {written[0]}",
            "what keeps data must run once: remove the route, or set "
            "`x-hitless: {concurrent_writes: true}` if two writers at the same time are safe",
        )
    elif service.role is Role.WEB and product and not service.concurrent_writes:
        yield Finding(
            path,
            f"{product} keeps data, but each release has a copy of its own, which is empty at first",
            "to keep its data, it must run once: `role: shared`, without a route and without `publish`",
            is_error=False,
        )


def _reached(path: str, service: Service, model: Json) -> Iterator[Finding]:
    """What keeps the gateway from a shared service with a route, or from others that it asks for by name."""
    if mode := model.get("network_mode"):
        yield Finding(
            f"{path}.network_mode", f"with network_mode {mode} the gateway can't reach it", "remove it"
        )
    names = {key: str(model[key]) for key in FIXED_NAMES if model.get(key)}
    for key, name in {**names, "": service.name}.items():
        if _ASKED_FOR.fullmatch(name):
            yield Finding(
                f"{path}.{key}".rstrip("."),
                f"the gateway may find it by the name {name}, as containers of others are called",
                f"choose a name without a colour, and not below {SHARED.lstrip('.')}",
            )


def _joined(model: Json) -> Iterator[tuple[str, str]]:
    """The services whose containers a service shares a part of: key -> that service."""
    for key in ("network_mode", "pid", "ipc"):
        kind, _, name = str(model.get(key) or "").partition(":")
        if kind == "service":
            yield key, name
    for one in model.get("volumes_from") or ():
        yield "volumes_from", str(one).partition(":")[0]


def _copies(application: Application, service: Service, images: Mapping[str, Image]) -> Iterator[Finding]:
    path = f"services.{service.name}"
    model = application.model["services"][service.name]
    is_web = application.is_web(service.name)
    if "container_name" in model:
        yield Finding(
            f"{path}.container_name",
            f"two copies can't both be called {model['container_name']}, and {_TWO_COPIES}",
            "it stays a host name within the release; hitless status shows the containers' names",
            is_error=False,
        )
    if "hostname" in model:
        yield Finding(
            f"{path}.hostname",
            f"the engine lets a container answer to {model['hostname']} on each of its networks, also to "
            "other releases and other applications",
            "it stays a host name within the release; the container's own host name is its id",
            is_error=False,
        )
    running = {one.name for one in application.having(Role.WEB, Role.WORKER)}
    for link in model.get("links") or ():
        target, _, alias = str(link).partition(":")
        if target not in running and alias not in ("", target):
            yield Finding(
                f"{path}.links",
                f"{target} is not part of the release: only its own name is found, not {alias}",
                f"call it {target}, and remove the link",
            )
    for port in model.get("ports") or ():
        if port.get("published") and not service.publish:
            yield Finding(
                f"{path}.ports",
                f"two copies can't both publish the host's port {port['published']}",
                "let the gateway publish it, with `x-hitless: {publish: gateway}` (`protocol: tcp` if it is "
                "not HTTP), drop it with `publish: none`, or set `x-hitless: {role: shared}` if the service "
                "must run once",
            )
    if model.get("network_mode") == "host" or (is_web and model.get("network_mode")):
        yield Finding(
            f"{path}.network_mode",
            f"with network_mode {model['network_mode']} the gateway can't tell two copies apart",
            "remove it",
        )
    if is_web and service.replicas < 1:
        yield Finding(f"{path}.deploy.replicas", "a routed service needs at least one replica")
    yield from _volumes(application, service)
    if service.role is Role.WORKER:
        yield from _anonymous_volumes(path, service, model, images.get(service.name))
    restart = str(model.get("restart") or "no")
    if not _RESTART.fullmatch(restart):
        yield Finding(f"{path}.restart", f"{restart!r} is not a restart policy of Docker")
    if is_web and service.exclusive:
        yield from _refused_connections(application, service)
    if is_web:
        yield from _health(application, service, images)


def _refused_connections(application: Application, service: Service) -> Iterator[Finding]:
    """The routes of an exclusive service on which nothing can wait."""
    for router in application.routes.routers:
        if router.service == service.name and router.protocol is not Protocol.HTTP:
            yield Finding(
                router.path,
                f"while {service.name} changes over, requests wait, but {router.protocol.upper()} clients "
                "are refused: until the old one has stopped and the new one is ready",
                "if two of it may run at the same time, set `x-hitless: {concurrent_writes: true}`",
                is_error=False,
            )


def data_of(application: Application, service: Service) -> list[str]:
    """The mounts in which a service may keep data that has one writer.

    None if the file allows two: of a volume, one service that writes to it says it for all.
    """
    services = application.model["services"]
    allowed = {
        str(mount["source"])
        for one in application.services
        if one.concurrent_writes
        for mount in mounts.writable(services[one.name])
    }
    found = mounts.data(services[service.name])
    return [] if service.concurrent_writes else [source for source in found if source not in allowed]


def _volumes(application: Application, service: Service) -> Iterator[Finding]:
    if found := written_twice(application, service):
        shared = "it runs once, with its route, and deployments leave it as it is"
        yield Finding(
            f"services.{service.name}.volumes",
            f"two copies would write to {', '.join(found)}, as {_TWO_COPIES}",
            "if it only reads, mount it `:ro`; if two may write (files, no database), set "
            "`x-hitless: {concurrent_writes: true}` on the service; if not, set `{role: shared}`: "
            + (shared if service.role is Role.WEB else "it keeps running through deployments")
            + "; or `{exclusive: true}`: two never run at the same time"
            + (", and requests wait while they change over" if service.role is Role.WEB else ""),
        )


def written_twice(application: Application, service: Service) -> list[str]:
    """What two copies of a service would write to: each volume once, at the first such service."""
    if not _is_copied(service):
        return []
    before = itertools.takewhile(lambda one: one is not service, application.released)
    asked = {source for one in before if _is_copied(one) for source in data_of(application, one)}
    return [source for source in data_of(application, service) if source not in asked]


def _is_copied(service: Service) -> bool:
    """Whether two of it run at the same time."""
    return service.role in (Role.WEB, Role.WORKER) and not service.exclusive


def _anonymous_volumes(path: str, service: Service, model: Json, image: Image | None) -> Iterator[Finding]:
    for target in anonymous_volumes(service, model, image):
        yield Finding(
            f"{path}.volumes",
            f"what it writes to {target} would be lost with every release: each copy has a volume of its own",
            "if it keeps data, set `x-hitless: {role: shared}` on the service; if nothing is lost, set "
            "`{concurrent_writes: true}`",
        )


def anonymous_volumes(service: Service, model: Json, image: Image | None = None) -> tuple[str, ...]:
    """The folders of a service that are a new volume in each container; none if the file allows that."""
    if service.concurrent_writes:
        return ()
    mounted = model.get("volumes") or ()
    targets = {mount.get("target") for mount in mounted if mount.get("source")}
    anonymous = {mount.get("target") for mount in mounted if mount.get("type") == "volume"} - targets
    anonymous |= set(image.volumes if image else ()) - targets
    return tuple(
        target for target in sorted(str(one) for one in anonymous) if not mounts.is_filled_again(target)
    )


def _health(application: Application, service: Service, images: Mapping[str, Image]) -> Iterator[Finding]:
    path = f"services.{service.name}"
    image = images.get(service.name)
    docker = image.healthcheck if service.healthcheck is None and image else service.healthcheck
    for backend in application.routes.backends_of(service.name):
        label = f"{path}.labels.traefik.http.services.{backend.name}.loadbalancer"
        own = backend.health_check
        has_check = bool(own.get("path"))
        if "sticky" in backend.load_balancer and not {"healthCheck", "passiveHealthCheck"} & {
            *backend.load_balancer
        }:
            yield Finding(
                f"{label}.sticky",
                "if one of several containers dies, the visitors bound to it get 502 until it is back",
                f"add the label traefik.http.services.{backend.name}.loadbalancer.healthcheck.path",
                is_error=False,
            )
        if backend.scheme in ("tcp", "udp"):
            if not docker:
                said = "an accepted connection" if backend.scheme == "tcp" else "a container that runs"
                yield Finding(
                    path,
                    f"has no Docker health check: {said} will count as ready",
                    "give the service a `healthcheck:`",
                    is_error=False,
                )
        elif backend.asked_by != ("http", "http") and docker is False:
            field = "mode" if backend.asked_by[1] != "http" else "scheme"
            where = f"healthcheck.{field}" if field in own else "server.scheme"
            words = " and ".join(word for word in backend.asked_by if word != "http")
            yield Finding(
                f"{label}.{where}",
                f"the gate can't send requests over {words}, and there is no Docker health check",
                "give the service a `healthcheck:`",
            )
        elif not has_check and not docker:
            unless = " (unless its image has one)" if docker is None else ""
            yield Finding(
                path,
                f"has no health check of any kind{unless}: any answer to / below 500 will count as ready",
                # the backend of a published port has no labels
                "give the service a `healthcheck:`"
                if "." in backend.name
                else f"add the label traefik.http.services.{backend.name}.loadbalancer.healthcheck.path, "
                "or a `healthcheck:`",
                is_error=False,
            )
