"""The gateway's container, as the engine knows it."""

from __future__ import annotations

from typing import Any

from hitless.adapters.docker import queries
from hitless.adapters.docker.cli import DockerCli
from hitless.domain.common.errors import HitlessError
from hitless.domain.common.names import LABEL_GATEWAY
from hitless.domain.gateway.model import container_name
from hitless.domain.gateway.settings import LABEL_SETTINGS


def inspect(cli: DockerCli, project: str, container: str = "") -> dict[str, Any] | None:
    """What `docker inspect` says about it, running or not; None if there is none.

    `container` is its name or id where it has not the name that Compose gives it. Raises `HitlessError` if a
    container of that name isn't ours.
    """
    name = container or container_name(project)
    there = queries.inspect(cli, "container", (name,))
    if not there:
        return None
    found = there[0]
    if labels(found).get(LABEL_GATEWAY) != project:
        raise HitlessError(
            f"there is a container {name} that hitless did not make",
            "choose another name for the gateway with --gateway NAME, or remove that container",
        )
    return found


def others(cli: DockerCli, project: str) -> tuple[str, ...]:
    """The names of the other gateways that run on this host."""
    marks = (LABEL_GATEWAY, LABEL_SETTINGS)
    found = queries.rows(cli, "container", f"={LABEL_GATEWAY}", labels=marks, running=True)
    return tuple(sorted({name for (name,) in found} - {project}))


def labels(found: dict[str, Any]) -> dict[str, str]:
    """The labels of what was inspected."""
    return found["Config"].get("Labels") or {}
