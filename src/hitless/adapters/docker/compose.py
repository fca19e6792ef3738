"""Compose as hitless runs it: on its own model, with nothing of the user's files or environment."""

from __future__ import annotations

import os
from collections.abc import Callable

from hitless.domain.common.foreign import Json
from hitless.domain.common.names import X_VALUE

_TIMEOUT = 300.0  # seconds; builds and pulls name their own


def compose(
    run: Callable[..., str],
    model: Json,
    *arguments: str,
    timeout: float = _TIMEOUT,
    inherits: bool = True,
    heard: Callable[[str], None] | None = None,
) -> str:
    """Run a Compose command on a model, which has the project's name; its standard output.

    `run` is `DockerCli.run`, or `DockerCli.change` if it changes something. `heard` is as there.
    """
    # imported here: what only looks needs no YAML, and PyYAML takes 20 ms
    from hitless.adapters.docker.compose_yaml import dump

    given, variables = _with_values(model)
    return run(
        "compose",
        # or Compose would read a .env that happens to lie here
        *("--env-file", os.devnull),
        *("--project-name", model["name"]),
        *("--progress", "plain"),
        *("--file", "-"),
        *arguments,
        stdin=dump(given),
        timeout=timeout,
        inherits=inherits,
        **({"heard": heard} if heard else {}),
        **({"variables": variables} if variables else {}),
    )


def _with_values(model: Json) -> tuple[Json, dict[str, str]]:
    """The model as Compose takes it, and the variables in which it finds the values that the release keeps.

    They have names of their own: a secret may come from a variable that Docker itself reads (HOME).
    """
    given, variables = dict(model), dict[str, str]()
    for kind in ("secrets", "configs"):
        for key, one in (model.get(kind) or {}).items():
            if one and X_VALUE in one:
                name = f"HITLESS_VALUE_{len(variables)}"
                variables[name] = str(one[X_VALUE]).replace("$$", "$")
                own = {field: value for field, value in one.items() if field != X_VALUE}
                given[kind] = {**given[kind], key: {**own, "environment": name}}
    return given, variables
