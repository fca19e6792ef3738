"""Findings about containers and networks of others that a service takes part in past `networks:`. Pure."""

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
    """What would share a container with the gateway or a release, or join a network by `network_mode`.

    In its network a container would be the gateway itself to Traefik's API and to candidates' routes, and a
    container of a release goes with the next deployment.
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
                f"would put it on the network {mode} past what hitless does with networks",
                "name the network under `networks:`",
            )


def _containers(service: Json) -> Iterator[tuple[str, str]]:
    """The references to containers, by name or id: key -> the reference."""
    for key in _KEYS:
        value = service.get(key)
        for one in value if isinstance(value, list) else [value]:
            kind, _, rest = str(one).partition(":")
            if kind == "container":
                # the engine takes a name with a slash in front, too
                yield key, (rest.partition(":")[0] if key == "volumes_from" else rest).lstrip("/")


@dataclass(frozen=True)
class _Known:
    """Whose a container is, and what it can be called by: its names, and each beginning of its id."""

    whose: str
    names: frozenset[str]
    ids: frozenset[str]

    def is_meant(self, reference: str) -> bool:
        return reference in self.names or any(one.startswith(reference) for one in self.ids)


def _whose(reference: str, application: Application, world: World) -> str:
    """Whose container it is, or could be, in words; "" where it is nobody's that must be left alone."""
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
    # A name may have these letters alone, as `db` and `cafe`. What has a digit, or is as long as Docker's
    # short ids, is taken for an id: that of a container which another release, or another application, has.
    if _ID.fullmatch(reference) and (re.search(r"\d", reference) or len(reference) >= _WHOLE_ID):
        return "looks like the id of a container, which may be a release's, and changes with each"
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
