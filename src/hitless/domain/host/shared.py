"""Shared services: what differs between each and the file, and what recreating it would cost. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from hitless.domain.application.model import Application, Role, Service
from hitless.domain.common.findings import Finding
from hitless.domain.common.foreign import Json
from hitless.domain.host.world import ComposeContainer, World


@dataclass(frozen=True)
class Shared:
    """A shared service. `container` is None if it has none; `changes` say what is new in the file."""

    service: str
    reason: str
    container: ComposeContainer | None
    changes: str
    cost: str


def shared_services(
    application: Application, world: World, digests: Sequence[Mapping[str, str]]
) -> tuple[Shared, ...]:
    """Every shared service.

    `digests` are Compose's, service -> digest: of what plain Compose starts, and of what hitless starts.
    """
    containers = {container.service: container for container in world.base}
    found = []
    for service in application.having(Role.SHARED):
        container = containers.get(service.name)
        known = [one[service.name] for one in digests if service.name in one]
        changes = _changes(application.model["services"][service.name], container, known)
        found.append(
            Shared(
                service=service.name,
                reason=service.reason,
                container=container,
                changes=changes,
                cost=_cost(application, service.name) if changes else "",
            )
        )
    return tuple(found)


def changed(found: Sequence[Shared]) -> Iterator[Finding]:
    """A warning for each that has changed: a deployment does not touch it."""
    for one in found:
        if one.changes:
            yield Finding(
                f"services.{one.service}",
                f"has changed in the file since it was started ({one.changes}); it stays as it is",
                f"hitless shared up --recreate {one.service} recreates it: {one.cost}",
                is_error=False,
            )


def _changes(service: Json, container: ComposeContainer | None, digests: Sequence[str]) -> str:
    if container is None or not digests or container.digest in ("", *digests):
        return ""
    image = str(service.get("image") or "")
    if image and container.image != image:
        return f"image {container.image} → {image}"
    return "its configuration"


def _needs(services: Mapping[str, Service], service: str) -> set[str]:
    """Every service that this one depends on, directly or through another one."""
    found: set[str] = set()
    waiting = [service]
    while waiting:
        name = waiting.pop()
        more = set(services[name].depends_on) - found if name in services else set()
        found |= more
        waiting += more
    return found


def _cost(application: Application, service: str) -> str:
    model = application.model["services"]
    jobs = {job.name for job in application.having(Role.JOB)}
    services = {one.name: one for one in application.services}
    clients = [name for name in services if name not in jobs and service in _needs(services, name)]
    volumes = [
        str(mount["source"])
        for mount in model[service].get("volumes") or ()
        if mount.get("type") in ("volume", "bind") and mount.get("source")
    ]
    lost = f"the connections of {', '.join(clients)} end" if clients else "its connections end"
    kept = f"what it keeps in {', '.join(volumes)} stays" if volumes else "it keeps nothing in a volume"
    return f"it is down while it restarts, {lost}; {kept}"
