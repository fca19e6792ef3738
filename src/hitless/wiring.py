"""The only file that picks adapters.

They are imported where they are picked: a deployment reads the Compose file first, and loads the rest while
Compose does its part.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hitless.adapters.compose import ComposeOptions, resolve, revision
from hitless.adapters.docker_cli import DockerCli, kill_running

if TYPE_CHECKING:
    from hitless.adapters.gateway_project import GatewayProject
    from hitless.domain.events import Event
    from hitless.domain.model import Application, Finding
    from hitless.ports import Ports

__all__ = ["ComposeOptions", "Host", "application", "host", "kill_running", "revision"]


@dataclass(frozen=True)
class Host:
    """A Docker host with the gateway of this name on it."""

    cli: DockerCli
    gateway: str

    def ports(self, emit: Callable[[Event], None]) -> Ports:
        """The ports that operations take."""
        from hitless.adapters.clock import SystemClock
        from hitless.adapters.docker_engine import DockerEngine
        from hitless.adapters.store import GatewayStore
        from hitless.adapters.traefik import Traefik
        from hitless.ports import Ports

        return Ports(
            engine=DockerEngine(self.cli, self.gateway),
            balancer=Traefik(self.cli, self.gateway),
            store=GatewayStore(self.cli, self.gateway),
            clock=SystemClock(),
            emit=emit,
        )

    def gateway_project(self) -> GatewayProject:
        """The gateway as a Compose project."""
        from hitless.adapters.gateway_project import GatewayProject

        return GatewayProject(self.cli, self.gateway)


def host(context: str | None, gateway: str) -> Host:
    """The Docker host of this context (None: of the environment)."""
    return Host(DockerCli(context), gateway)


def application(at: Host, options: ComposeOptions) -> tuple[Application, tuple[Finding, ...]]:
    """The application that the Compose files describe, and what was found while reading them."""
    model, warnings = resolve(at.cli, options)
    from hitless.domain import spec

    read, findings = spec.read(model)
    return read, (*warnings, *findings)
