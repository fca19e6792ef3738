"""Findings about a service that shares a container or a network without `networks:`. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from hitless.domain.application.model import Application
from hitless.domain.common.findings import Finding
from hitless.domain.common.foreign import Json
from hitless.domain.common.names import Colour
from hitless.domain.gateway.model import SERVICE as _GATEWAYS_SERVICE
from hitless.domain.host.world import ComposeContainer, Container, World

_KEYS = ("network_mode", "pid", "ipc", "volumes_from")


_MODES = ("", "bridge", "default", "host", "none")


_ID = re.compile("[0-9a-f]{1,64}")
_WHOLE_ID = 12  # digits that Docker shows of an id
_COLOURS = "|".join(Colour)


def findings(application: Application, world: World) -> Iterator[Finding]:
    """Services that would share a gateway's or a release's container, or join a network by `network_mode`.

    In the gateway's network, a service could use Traefik's API and the routes of candidates like the gateway
    itself. A container of a release is removed with the next deployment.
    """
    for name, service in (application.model.get("services") or {}).items():
        for key, reference in _containers(service):
            whose = _whose(reference, application, world)
            if whose:
                yield Finding(
                    f"services.{name}.{key}",
                    f"container:{reference} {whose}",
                    "remove it; to share with another service of this file: service:<name>",
                )
        mode = str(service.get("network_mode") or "")
        if mode not in _MODES and not mode.startswith(("container:", "service:")):
            yield Finding(
                f"services.{name}.network_mode",
                f"would put it on the network {mode}, and hitless's rules for networks would not apply",
                "name the network under `networks:`",
            )


def _containers(service: Json) -> Iterator[tuple[str, str]]:
    """The references to containers, by name or id: key -> the reference."""
    for key in _KEYS:
        value = service.get(key)
        for one in value if isinstance(value, list) else [value]:
            kind, _, rest = str(one).partition(":")
            if kind == "container":
                # the engine also accepts a name with a slash before it
                yield key, (rest.partition(":")[0] if key == "volumes_from" else rest).lstrip("/")


@dataclass(frozen=True)
class _Known:
    """Containers that a service must not share: whose they are, their names, and their ids."""

    whose: str
    names: frozenset[str]
    ids: frozenset[str]

    def is_meant(self, reference: str) -> bool:
        return reference in self.names or any(one.startswith(reference) for one in self.ids)


def _whose(reference: str, application: Application, world: World) -> str:
    """Whose container the reference names, or may name, in words; "" if a service may share it."""
    if not reference:
        return "names no container"
    for known in _known(application, world):
        if known.is_meant(reference):
            return f"is {known.whose}"
    name = re.escape(application.name)
    services = "|".join(re.escape(service.name) for service in application.services)
    if re.fullmatch(rf"{name}(-({_COLOURS}))?-({services})-\d+", reference):
        return f"is a container of {application.name}"
    if re.fullmatch(rf".+-({_COLOURS})-.+-\d+", reference):
        return "has the name of a container of a release"
    if re.fullmatch(rf".+-{_GATEWAYS_SERVICE}-1", reference):
        return "has the name of a gateway's container"
    # A name may have only letters of an id: `db` and `cafe` do. If it also has a digit, or is as long as
    # Docker's short ids, it counts as an id: of a container of another release, or of another application.
    if _ID.fullmatch(reference) and (re.search(r"\d", reference) or len(reference) >= _WHOLE_ID):
        return "looks like the id of a container: it may be a release's, and changes with each release"
    return ""


def _known(application: Application, world: World) -> Iterator[_Known]:
    if world.gateway:
        gateway = world.gateway
        ids = frozenset({gateway.id} - {""})
        yield _Known("the gateway of all applications", frozenset({gateway.container}), ids)
    own: tuple[Container | ComposeContainer, ...] = (*world.containers, *world.base)
    names = {container.name for container in own}
    names |= {str(one.get("container_name") or "") for one in application.model["services"].values()}
    ids = frozenset({container.id for container in own} - {""})
    yield _Known(f"a container of {application.name}", frozenset(names), ids)
