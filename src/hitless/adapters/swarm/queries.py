"""What a manager of a Swarm says about services and their tasks."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import cast

from hitless.adapters.docker.cli import DockerCli
from hitless.adapters.docker.queries import labelled
from hitless.domain.common.errors import DockerFailed
from hitless.domain.common.foreign import Json


def services(manager: DockerCli, *labels: str) -> Sequence[Json]:
    """The services that have all of these labels (`name`, or `name=value`)."""
    if (answer := manager.ask("/services", filters={"label": list(labels)})) and answer[0]:
        return cast("Sequence[Json]", answer[1])
    return _inspected(manager, "service", manager.run("service", "ls", "--quiet", *labelled(*labels)).split())


def tasks(manager: DockerCli, ids: Sequence[str], *, running: bool = False) -> Sequence[Json]:
    """The tasks of these services; those that ended are there for a while, unless `running`."""
    if not ids:
        return ()
    filters = {"service": list(ids), **({"desired-state": ["running"]} if running else {})}
    if (answer := manager.ask("/tasks", filters=filters)) and answer[0]:
        return cast("Sequence[Json]", answer[1])
    wanted = ("--filter", "desired-state=running") if running else ()
    try:
        found = manager.run("service", "ps", "--quiet", "--no-trunc", *wanted, *ids).split()
    except DockerFailed as error:
        if not is_gone(error):
            raise
        if len(ids) == 1:
            return ()
        return [one for each in ids for one in tasks(manager, (each,), running=running)]
    return _inspected(manager, "task", found)


def is_gone(error: DockerFailed) -> bool:
    """Whether the command failed because there is no such service or network."""
    said = error.output.lower()
    return error.is_missing or "no such service" in said or "not found" in said


def _inspected(manager: DockerCli, kind: str, ids: Sequence[str]) -> Sequence[Json]:
    """What is said about each of these that still exists."""
    if not ids:
        return ()
    try:
        return cast("Sequence[Json]", json.loads(manager.run("inspect", "--type", kind, *ids)))
    except DockerFailed as error:
        if not is_gone(error):
            raise
        if len(ids) == 1:
            return ()
        return [one for each in ids for one in _inspected(manager, kind, (each,))]
