"""What Docker lists by labels, and what it says about each object."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from hitless.adapters.docker.cli import DockerCli
from hitless.domain.common.errors import DockerFailed
from hitless.domain.common.foreign import Json


def labelled(*labels: str) -> tuple[str, ...]:
    """The options of a list of what has all of these labels (`name`, or `name=value`)."""
    return filtered("label", labels)


def filtered(kind: str, values: Iterable[str]) -> tuple[str, ...]:
    """The options of a list that is filtered by these values."""
    return tuple(word for value in values for word in ("--filter", f"{kind}={value}"))


def options(**pairs: Json) -> tuple[str, ...]:
    """Options that each take one `key=value` at a time: option -> key -> value, like a Compose model."""
    return tuple(
        word
        for option, values in pairs.items()
        for key, value in values.items()
        # in a Compose model a literal $ is written $$
        for word in (f"--{option}", f"{key}={value}".replace("$$", "$"))
    )


def listed(cli: DockerCli, *command: str, labels: Sequence[str] = ()) -> tuple[str, ...]:
    """The ids or names in a list of what has all of these labels."""
    return tuple(cli.run(*command, "--quiet", *labelled(*labels)).split())


def inspect(cli: DockerCli, kind: str, names: Sequence[str]) -> list[dict[str, Any]]:
    """What `docker inspect` says about those that exist; the command fails if one of them has gone."""
    if not names:
        return []
    try:
        found: list[dict[str, Any]] = json.loads(cli.run(kind, "inspect", *names))
    except DockerFailed as error:
        if not error.is_missing:
            raise
        if len(names) == 1:
            return []
        return [one for name in names for one in inspect(cli, kind, (name,))]
    return found
