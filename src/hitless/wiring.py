"""The only file that picks adapters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hitless.adapters import compose
from hitless.adapters.clock import SystemClock
from hitless.adapters.docker_cli import DockerCli
from hitless.adapters.docker_engine import DockerEngine
from hitless.adapters.gateway_project import GatewayProject
from hitless.adapters.store import GatewayStore
from hitless.adapters.traefik import Traefik
from hitless.domain import spec
from hitless.domain.events import Event
from hitless.domain.model import Application, Finding
from hitless.ports import Ports


@dataclass(frozen=True)
class Host:
    """A Docker host with the gateway of this name on it."""

    cli: DockerCli
    gateway: str

    def ports(self, emit: Callable[[Event], None]) -> Ports:
        """The ports that operations take."""
        return Ports(
            engine=DockerEngine(self.cli, self.gateway),
            balancer=Traefik(self.cli, self.gateway),
            store=GatewayStore(self.cli, self.gateway),
            clock=SystemClock(),
            emit=emit,
        )

    def gateway_project(self) -> GatewayProject:
        """The gateway as a Compose project."""
        return GatewayProject(self.cli, self.gateway)


def host(context: str | None, gateway: str) -> Host:
    """The Docker host of this context (None: of the environment)."""
    return Host(DockerCli(context), gateway)


def application(at: Host, options: compose.ComposeOptions) -> tuple[Application, tuple[Finding, ...]]:
    """The application that the Compose files describe, and what was found while reading them."""
    model, warnings = compose.resolve(at.cli, options)
    read, findings = spec.read(model)
    return read, (*warnings, *findings)


ComposeOptions = compose.ComposeOptions
revision = compose.revision
