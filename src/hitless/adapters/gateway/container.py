"""The gateway's container, as the engine knows it."""

from __future__ import annotations

import json
from typing import Any

from hitless.adapters.docker.cli import DockerCli
from hitless.adapters.docker.queries import labelled
from hitless.domain.common.errors import DockerFailed, HitlessError
from hitless.domain.common.names import LABEL_GATEWAY
from hitless.domain.gateway.model import container_name
from hitless.domain.gateway.settings import LABEL_SETTINGS


def inspect(cli: DockerCli, project: str) -> dict[str, Any] | None:
    """What `docker inspect` says about it, running or not; None if there is none.

    Raises `HitlessError` if a container of that name isn't ours.
    """
    name = container_name(project)
    try:
        found: dict[str, Any] = json.loads(cli.run("container", "inspect", name))[0]
    except DockerFailed as error:
        if error.is_missing:
            return None
        raise
    if labels(found).get(LABEL_GATEWAY) != project:
        raise HitlessError(
            f"there is a container {name} that hitless did not make",
            "choose another name for the gateway with --gateway NAME, or remove that container",
        )
    return found


def others(cli: DockerCli, project: str) -> tuple[str, ...]:
    """The names of the other gateways that run on this host."""
    is_gateway = labelled(LABEL_GATEWAY, LABEL_SETTINGS)
    found = cli.run("ps", *is_gateway, "--format", f'{{{{.Label "{LABEL_GATEWAY}"}}}}').split()
    return tuple(sorted({*found} - {project}))


def labels(found: dict[str, Any]) -> dict[str, str]:
    """The labels of what was inspected."""
    return found["Config"].get("Labels") or {}
