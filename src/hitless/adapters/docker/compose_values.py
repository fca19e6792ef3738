"""The values of secrets and configs that come from the environment.

`docker compose config` prints the names of their variables. Compose reads the values when it creates a
container. That may be a container of last week's release, and on another machine. So hitless reads the values
together with the file, and the release keeps them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from hitless.adapters.docker.cli import DockerCli
from hitless.adapters.docker.compose_yaml import dump, load
from hitless.domain.common.findings import Finding
from hitless.domain.common.names import X_VALUE

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SET = "="


def with_values(
    cli: DockerCli, model: dict[str, Any], options: tuple[str, ...]
) -> tuple[dict[str, Any], tuple[Finding, ...]]:
    """The model with the values that its secrets and configs get from the environment or a file of variables.

    `options` are Compose's for a file on its standard input. A variable that is not set is an error: Compose
    would refuse to create a container without it.
    """
    wanted = list(_from_environment(model))
    if not wanted:
        return model, ()
    values = _values(cli, {name for *_, name in wanted}, options)
    findings = []
    for kind, key, name in wanted:
        if (value := values.get(name)) is None:
            findings.append(
                Finding(
                    f"{kind}.{key}.environment",
                    f"the variable {name} is not set",
                    f"set it, for example in the file .env: {name}=…",
                )
            )
        else:
            model = {**model, kind: {**model[kind], key: {**model[kind][key], X_VALUE: value}}}
    return model, tuple(findings)


def _from_environment(model: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Kind, key and variable of each secret and config from the environment."""
    for kind in ("secrets", "configs"):
        for key, one in (model.get(kind) or {}).items():
            if isinstance(one, dict) and isinstance(name := one.get("environment"), str):
                yield kind, key, name


def _values(cli: DockerCli, names: set[str], options: tuple[str, ...]) -> dict[str, str]:
    """Variables as Compose sees them, with `$$` for each `$`; without those that are not set.

    Compose itself puts them into a file of ours, so they come from where it takes all others from.
    """
    told = {name: f"${{{name}+{_SET}}}${{{name}-}}" for name in names if _NAME.fullmatch(name)}
    asked = {"name": "values", "services": {"values": {"image": "values", "environment": told}}}
    printed, _ = cli.run_bytes("compose", *options, "config", stdin=dump(asked).encode(), compose_env=True)
    read = load(printed)["services"]["values"].get("environment") or {}
    return {name: text.removeprefix(_SET) for name, text in read.items() if str(text).startswith(_SET)}
