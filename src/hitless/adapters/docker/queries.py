"""What Docker lists by labels, and what it says about each object."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
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


_LISTS = {"container": "/containers/json", "network": "/networks", "volume": "/volumes"}
_COMMANDS = {"container": ("ps",), "network": ("network", "ls"), "volume": ("volume", "ls")}


def rows(
    cli: DockerCli,
    kind: str,
    *columns: str,
    labels: Sequence[str] = (),
    filters: Mapping[str, Sequence[str]] | None = None,
    running: bool = False,
) -> list[tuple[str, ...]]:
    """The rows of a list of containers, networks or volumes: of what has all of these labels.

    Columns are named as Docker's command line does it (`Name`, `State`), or are labels (`=com.example.name`).
    A container that does not run is there, too, unless `running`.
    """
    wanted = {**({"label": labels} if labels else {}), **(filters or {})}
    every = {"all": "1"} if kind == "container" and not running else {}
    asked = {"filters": {key: list(values) for key, values in wanted.items()}} if wanted else {}
    if (answer := cli.ask(_LISTS[kind], **every, **asked)) and answer[0]:
        found = answer[1]["Volumes"] or () if kind == "volume" else answer[1]
        return [tuple(_cell(one, column) for column in columns) for one in found]
    shape = "\t".join(
        f'{{{{.Label "{column[1:]}"}}}}' if column[0] == "=" else f"{{{{.{column}}}}}" for column in columns
    )
    words = (word for key, values in wanted.items() for word in filtered(key, values))
    whole = ("--no-trunc",) if kind == "container" else ()
    command = (*_COMMANDS[kind], *(("--all",) if every else ()), *whole, *words, "--format", shape)
    return [tuple(row.split("\t")) for row in cli.run(*command).splitlines() if row]


def _cell(one: Json, column: str) -> str:
    """A column of what the API lists, as Docker's command line writes it."""
    match column:
        case "ID":
            return str(one["Id"])
        case "Names":  # a link's name has the name of the container that has the link before it
            return ",".join(name[1:] for name in one["Names"] if "/" not in name[1:])
        case "Networks":
            return ",".join((one.get("NetworkSettings") or {}).get("Networks") or {})
        case _:
            return str((one.get("Labels") or {}).get(column[1:], "") if column[0] == "=" else one[column])


def listed(cli: DockerCli, kind: str, *labels: str, running: bool = False) -> tuple[str, ...]:
    """The ids of containers or networks, or the names of volumes, that have all of these labels."""
    column = "Name" if kind == "volume" else "ID"
    return tuple(row[0] for row in rows(cli, kind, column, labels=labels, running=running))


def inspect(cli: DockerCli, kind: str, names: Sequence[str]) -> list[dict[str, Any]]:
    """What `docker inspect` says about those that exist; the command fails if one of them has gone."""
    found: list[dict[str, Any]] = []
    for name in names:
        answer = cli.ask(f"/{kind}s/{name}" + ("" if kind == "network" else "/json"))
        if answer is None:
            return _inspected(cli, kind, names)
        found += (answer[1],) if answer[0] else ()
    return found


def _inspected(cli: DockerCli, kind: str, names: Sequence[str]) -> list[dict[str, Any]]:
    try:
        found: list[dict[str, Any]] = json.loads(cli.run(kind, "inspect", *names))
    except DockerFailed as error:
        if not error.is_missing:
            raise
        if len(names) == 1:
            return []
        return [one for name in names for one in _inspected(cli, kind, (name,))]
    return found
