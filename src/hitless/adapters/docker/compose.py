"""Compose as hitless runs it: on its own model, with nothing of the user's files or environment."""

from __future__ import annotations

import os
from collections.abc import Callable

from hitless.adapters.docker.compose_yaml import dump
from hitless.domain.common.foreign import Json

_TIMEOUT = 300.0  # seconds; builds and pulls name their own


def compose(
    run: Callable[..., str], model: Json, *arguments: str, timeout: float = _TIMEOUT, inherits: bool = True
) -> str:
    """Run a Compose command on a model, which has the project's name; its standard output.

    `run` is `DockerCli.run`, or `DockerCli.change` if it changes something.
    """
    return run(
        "compose",
        # or Compose would read a .env that happens to lie here
        *("--env-file", os.devnull),
        *("--project-name", model["name"]),
        *("--progress", "plain"),
        *("--file", "-"),
        *arguments,
        stdin=dump(model),
        timeout=timeout,
        inherits=inherits,
    )
