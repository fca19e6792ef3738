"""The only file that picks adapters.

They are imported where they are picked: a deployment reads the Compose file first, and loads the rest while
Compose does its part.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hitless.adapters.compose import ComposeOptions, resolve, revision
from hitless.adapters.docker_cli import DockerCli, kill_running

if TYPE_CHECKING:
    from hitless.adapters.gateway_project import GatewayProject
    from hitless.domain.events import Event
    from hitless.domain.model import Application, Finding
    from hitless.ports import Load, Ports

__all__ = ["ComposeOptions", "Host", "application", "host", "kill_running", "revision"]


@dataclass(frozen=True)
class Host:
    """A Docker host with the gateway of this name on it; `directory` is where commands run here."""

    cli: DockerCli
    gateway: str
    directory: str | None = None

    def ports(self, emit: Callable[[Event], None]) -> Ports:
        """The ports that operations take."""
        from hitless.adapters.clock import SystemClock
        from hitless.adapters.docker_engine import DockerEngine
        from hitless.adapters.gateway_shell import GatewayShell
        from hitless.adapters.here import ThisMachine
        from hitless.adapters.store import GatewayStore
        from hitless.adapters.traefik import Traefik
        from hitless.ports import Ports

        shell = GatewayShell(self.cli, self.gateway)
        return Ports(
            engine=DockerEngine(self.cli, self.gateway),
            balancer=Traefik(shell),
            store=GatewayStore(shell),
            clock=SystemClock(),
            here=ThisMachine(self.directory),
            emit=emit,
        )

    def load(self) -> Load:
        """Load on the gateway from this machine. Raises `HitlessError` where it is on another one."""
        from hitless.adapters.load import GatewayLoad, published

        return GatewayLoad(published(self.cli, self.gateway_project().settings()))

    def gateway_project(self) -> GatewayProject:
        """The gateway as a Compose project."""
        from hitless.adapters.gateway_project import GatewayProject

        return GatewayProject(self.cli, self.gateway)


def host(context: str | None, gateway: str, directory: str | None = None) -> Host:
    """The Docker host of this context (None: of the environment)."""
    return Host(DockerCli(context), gateway, directory)


def application(
    at: Host, options: ComposeOptions, scale: Mapping[str, int]
) -> tuple[Application, tuple[Finding, ...]]:
    """The application that the Compose files describe, and what was found while reading them.

    `scale` maps service -> number of containers, where that is not to be the file's.
    """
    model, warnings = resolve(at.cli, options)
    from hitless.domain import scaling, spec

    read, findings = spec.read(scaling.scaled(model, scale) if scale else model)
    return read, (*warnings, *findings)
