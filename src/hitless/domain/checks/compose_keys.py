"""Findings about keys of the Compose file that do not work, or do something else, in a release. Pure.

docs/reference/compose.md says it of every key.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from hitless.domain.application.model import Application, Role, Service
from hitless.domain.common.findings import Finding
from hitless.domain.common.foreign import Json
from hitless.domain.common.names import X_VALUE


@dataclass(frozen=True)
class _Said:
    """What is said of a key. `of_release`: only of services of a release; shared ones run as with Compose."""

    message: str
    hint: str = ""
    is_error: bool = True
    of_release: bool = True


_KEYS = {
    "provider": _Said(
        "is no container: Compose asks another program for it, and a release can't keep what that made",
        "start it yourself, and name its address under `environment:` of the services that use it",
        of_release=False,
    ),
    "models": _Said(
        "are not supported: Docker's model runner has them, and a release can't keep what it made",
        "start the model yourself, and name its address under `environment:`",
        of_release=False,
    ),
    "use_api_socket": _Said(
        "would give the container the registry passwords of the machine that deploys",
        "mount /var/run/docker.sock under `volumes:`, if the container may use the engine",
        of_release=False,
    ),
    "pre_start": _Said(
        "hooks before the start are not supported yet",
        "use a service that runs to its end, and wait for it: `depends_on: {it: {condition: "
        "service_completed_successfully}}`",
        of_release=False,
    ),
    "pre_stop": _Said("hooks before the stop are not supported yet", "handle SIGTERM instead"),
    "post_start": _Said(
        "Compose runs it (2.30 and newer) when a deployment starts the container, but nobody does when the "
        "engine starts it again",
        "what each start needs belongs in the entrypoint of the image",
        is_error=False,
    ),
    "external_links": _Said(
        "a release has networks of its own: containers of others are not on them",
        "put both on an external network, and use the container's name",
    ),
    "mac_address": _Said("two copies can't have the same MAC address", "remove it"),
}
_OF_NETWORKS = {
    **dict.fromkeys(
        ("ipv4_address", "ipv6_address", "link_local_ips"),
        _Said(
            "two copies can't have the same fixed IP address",
            "remove it; containers find each other by service name",
        ),
    ),
    "mac_address": _KEYS["mac_address"],
}
_OF_A_SWARM = _Said("is for a Swarm: Compose and hitless ignore it", "remove it", is_error=False)


def of_service(application: Application, service: Service, on_a_swarm: bool = False) -> Iterator[Finding]:
    """What is wrong with the keys of a service, whatever its role is; nothing of one that is left out.

    What a Swarm alone has is right `on_a_swarm`; what it can't have is in `checks/swarm.py`.
    """
    if service.role is Role.GATEWAY:
        return
    path = f"services.{service.name}"
    model = application.model["services"][service.name]
    is_released = service in application.released
    yield from _found(
        path, model, {key: one for key, one in _KEYS.items() if is_released or not one.of_release}
    )
    if is_released:
        for key, network in (model.get("networks") or {}).items():
            yield from _found(f"{path}.networks.{key}", network or {}, _OF_NETWORKS)
    if on_a_swarm:
        return
    deploy = model.get("deploy") or {}
    modes = {
        "mode": deploy.get("mode") not in (None, "replicated"),
        "placement": bool(deploy.get("placement")),
    }
    yield from _found(f"{path}.deploy", modes, dict.fromkeys(modes, _OF_A_SWARM))
    for kind in ("secrets", "configs"):
        for used in model.get(kind) or ():
            source = str(used.get("source") if isinstance(used, dict) else used)
            yield from _of_file(path, kind, source, application.model, bool(model.get("read_only")))


def _found(path: str, values: Json, said: dict[str, _Said]) -> Iterator[Finding]:
    for key, one in said.items():
        if values.get(key):
            yield Finding(f"{path}.{key}", one.message, one.hint, is_error=one.is_error)


def _of_file(path: str, kind: str, source: str, model: Json, is_read_only: bool) -> Iterator[Finding]:
    """What Compose can't give to a container of the service."""
    defined = (model.get(kind) or {}).get(source) or {}
    if defined.get("external"):
        yield Finding(
            f"{kind}.{source}.external",
            f"only a Swarm has {kind} outside the file: Compose refuses to create {path.partition('.')[2]}",
            "use `file:` or `environment:`",
        )
    elif is_read_only and ("content" in defined or X_VALUE in defined):
        yield Finding(
            f"{path}.{kind}",
            f"{source} can't be written into a container with `read_only: true`",
            f"use `file:` for {source}, or remove `read_only`",
        )
