"""Middlewares of the gateway's own, for every application."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from hitless.domain.common.findings import Finding
from hitless.domain.routing.gateway_config import Config


class Configs(Protocol):
    """The operator's own files in the gateway. Each has a marker, as the routing of an application has."""

    def read_config(self, file: str, content: bytes) -> tuple[Any, Sequence[Finding]]:
        """The document in a file of YAML or TOML, by the ending of its name, and why it can't be read."""
        ...

    def try_config(self, config: Config) -> None:
        """Have Traefik make these middlewares under other names, which nobody uses."""
        ...

    def end_trial(self) -> None:
        """Remove what `try_config` has placed."""
        ...

    def install_config(self, config: Config) -> None:
        """Put it in place in one instant, in place of one of the same name."""
        ...

    def remove_config(self, config: Config) -> None:
        """Remove it."""
        ...
