"""The only file that picks adapters.

It imports them where it picks them: a deployment reads the Compose file first, and loads the rest while
Compose does its part.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from hitless.adapters.docker.cli import DockerCli, is_context_missing, kill_running
from hitless.adapters.docker.compose_file import resolve, revision
from hitless.adapters.docker.compose_files import ComposeOptions, name_unread
from hitless.domain.common.errors import HitlessError

if TYPE_CHECKING:
    from hitless.adapters.docker.compose_change import ComposeChange
    from hitless.adapters.swarm.gateway_project import SwarmGatewayProject
    from hitless.domain.application.model import Application
    from hitless.domain.application.resolved import Place
    from hitless.domain.common.events import Event
    from hitless.domain.common.findings import Finding
    from hitless.domain.common.foreign import Json
    from hitless.domain.gateway.own_traefik import OwnTraefik
    from hitless.ports import Ports
    from hitless.ports.engine import Engine
    from hitless.ports.gateway_project import GatewayProject
    from hitless.ports.load import Load
    from hitless.ports.logs import Logs
    from hitless.ports.machine import Machine
    from hitless.ports.nodes import Nodes
    from hitless.ports.outside import Outside
    from hitless.ports.samples import Samples

__all__ = [
    "ComposeOptions",
    "Host",
    "application",
    "change",
    "host",
    "kill_running",
    "name",
    "own_traefik",
    "places",
    "revision",
]


@dataclass(frozen=True)
class Host:
    """A Docker host with the gateway of this name on it; `directory` is where commands run here."""

    cli: DockerCli
    gateway: str
    directory: str | None = None

    def ports(self, emit: Callable[[Event], None]) -> Ports:
        """The ports that operations need."""
        from hitless.adapters.docker.containers import DockerContainers
        from hitless.adapters.docker.images import DockerImages
        from hitless.adapters.docker.networks import DockerNetworks
        from hitless.adapters.docker.projects import DockerProjects
        from hitless.adapters.gateway.certificates import GatewayCertificates
        from hitless.adapters.gateway.configs import GatewayConfigs
        from hitless.adapters.gateway.instances import TraefikInstances
        from hitless.adapters.gateway.programs import Programs
        from hitless.adapters.gateway.shell import GatewayShell
        from hitless.adapters.gateway.state import GatewayState
        from hitless.adapters.gateway.traefik import Traefik
        from hitless.adapters.local.clock import SystemClock
        from hitless.adapters.local.machine import LocalMachine
        from hitless.adapters.notices.kept import GatewayNotices
        from hitless.ports import Ports

        shell = GatewayShell(self.cli, self.gateway)
        instances = TraefikInstances(shell, Programs(self.cli, self.gateway))
        return Ports(
            images=DockerImages(self.cli),
            containers=DockerContainers(self.cli, self.gateway),
            networks=DockerNetworks(self.cli, self.gateway),
            projects=DockerProjects(self.cli, self.gateway),
            balancer=Traefik(shell, instances.all),
            state=GatewayState(shell),
            clock=SystemClock(),
            local=LocalMachine(self.directory),
            instances=instances,
            certificates=GatewayCertificates(shell, instances.all),
            configs=GatewayConfigs(shell),
            notices=GatewayNotices(shell, self.name),
            emit=emit,
        )

    def load(self) -> Load:
        """Load on the gateway from this machine. Raises `HitlessError` if it is on another one."""
        from hitless.adapters.load.load import GatewayLoad, published

        return GatewayLoad(published(self.cli, self.gateway_project().settings()))

    def logs(self) -> Logs:
        """The logs of containers that are there."""
        from hitless.adapters.docker.container_log import ComposeLogs

        return ComposeLogs(self.cli)

    def samples(self) -> Samples:
        """What the dashboard keeps here of the gateway's counts."""
        from hitless.adapters.local.samples import SampleFile, place

        return SampleFile(place(self.cli.endpoint(), self.gateway))

    def bounded(self, seconds: float) -> Host:
        """The same host, whose commands end after so many seconds whatever they are."""
        return replace(self, cli=replace(self.cli, most=seconds))

    def engine(self) -> Engine:
        """The engine itself."""
        from hitless.adapters.docker.engine_facts import DockerEngine
        from hitless.adapters.gateway.programs import gateway_image

        return DockerEngine(self.cli, self.gateway, gateway_image())

    def nodes(self) -> Nodes:
        """The nodes of the Swarm that the engine is a manager of."""
        from hitless.adapters.swarm.gateway_edge import prepare
        from hitless.adapters.swarm.nodes import SwarmNodes

        return SwarmNodes(self.cli, lambda node: prepare(self.cli, node))

    def machine(self) -> Machine:
        """What this machine knows of names and addresses."""
        from hitless.adapters.local.surroundings import Surroundings

        try:
            return Surroundings(self.cli.endpoint())
        except HitlessError:  # a context that is not there: the engine's own error says so
            return Surroundings("")

    def outside(self) -> Outside:
        """What clients see from this machine."""
        from hitless.adapters.local.outside import FromHere

        return FromHere(self.name())

    def name(self) -> str:
        """The name by which this machine reaches the Docker host: localhost, or that of its context.

        A socket that SSH brought here says nothing about its host; HITLESS_HOST_NAME does.
        """
        parts = urlsplit(self.cli.endpoint())
        return parts.hostname or os.environ.get("HITLESS_HOST_NAME") or "localhost"

    def gateway_project(self) -> GatewayProject:
        """The gateway as a Compose project."""
        from hitless.adapters.gateway.programs import Programs
        from hitless.adapters.gateway.project import GatewayProject

        return GatewayProject(self.cli, self.gateway, Programs(self.cli, self.gateway))


@dataclass(frozen=True)
class SwarmHost(Host):
    """A Docker Swarm, by a manager of it, with the gateway of this name on its edge nodes."""

    def ports(self, emit: Callable[[Event], None]) -> Ports:
        """The ports that operations need.

        Of what is the same in every gateway the first one tells: certificates, the operator's middlewares,
        and how its Traefik is.
        """
        from hitless.adapters.docker.images import DockerImages
        from hitless.adapters.gateway.certificates import GatewayCertificates
        from hitless.adapters.gateway.configs import GatewayConfigs
        from hitless.adapters.gateway.instances import TraefikInstances
        from hitless.adapters.gateway.programs import Programs
        from hitless.adapters.swarm.balancer import SwarmBalancer
        from hitless.adapters.swarm.edges import Edges
        from hitless.adapters.swarm.gateway_project import first_edge
        from hitless.adapters.swarm.images import SwarmImages
        from hitless.adapters.swarm.networks import SwarmNetworks
        from hitless.adapters.swarm.notices import NoNotices
        from hitless.adapters.swarm.projects import SwarmProjects
        from hitless.adapters.swarm.state import SwarmState
        from hitless.adapters.swarm.tasks import SwarmContainers

        shell = first_edge(self.cli, self.gateway)
        reason = "on a Swarm each gateway is replaced whole, one after the other"
        instances = TraefikInstances(shell, Programs(shell.cli, self.gateway), reason)
        edges = Edges(self.cli, self.gateway)
        return replace(
            super().ports(emit),
            images=SwarmImages(DockerImages(self.cli)),
            containers=SwarmContainers(self.cli, self.gateway),
            networks=SwarmNetworks(self.cli, self.gateway),
            projects=SwarmProjects(self.cli, self.gateway),
            balancer=SwarmBalancer(edges),
            state=SwarmState(edges),
            instances=instances,
            certificates=GatewayCertificates(shell, instances.all),
            configs=GatewayConfigs(shell),
            notices=NoNotices(),
        )

    def gateway_project(self) -> SwarmGatewayProject:
        """The gateway as a stack of the Swarm."""
        from hitless.adapters.swarm.gateway_project import SwarmGatewayProject

        return SwarmGatewayProject(self.cli, self.gateway)


def host(context: str | None, gateway: str, directory: str | None = None, engine: str = "docker") -> Host:
    """The Docker host of this context (None: of the environment), or the Swarm that it is a manager of."""
    made = SwarmHost if engine == "swarm" else Host
    return made(DockerCli(context), gateway, directory)


def application(
    at: Host, options: ComposeOptions, scale: Mapping[str, int]
) -> tuple[Application, tuple[Finding, ...]]:
    """The application that the Compose files describe, and what was found while reading them.

    `scale` maps service -> number of containers, for each service that does not use the file's number.
    """
    model, warnings = resolve(at.cli, options)
    from hitless.domain.application import read as reading
    from hitless.domain.application import scaled as scaled_module

    read, findings = reading.read(scaled_module.scaled(model, scale) if scale else model)
    return read, (*warnings, *findings)


def name(at: Host, options: ComposeOptions) -> tuple[str, HitlessError | None]:
    """The application's name, and the error if its file can't be read: then the name is a guess.

    Raises that error if there is none.
    """
    try:
        return str(resolve(at.cli, options)[0]["name"]), None
    except HitlessError as error:
        found = name_unread(options)
        if found is None or is_context_missing(error.message):
            raise
        return found, error


def places(options: ComposeOptions) -> tuple[dict[str, Place], bool]:
    """Where the keys of the Compose files stand; and whether a variable names the application."""
    from hitless.adapters.docker import compose_files, compose_lines

    return compose_lines.places(options), compose_files.name_variable(options)


def change(
    at: Host, options: ComposeOptions, model: Json, said: Mapping[str, Json], is_in_place: bool
) -> ComposeChange:
    """The change of the Compose file that says this: service -> keys of its `x-hitless`.

    `model` is what Compose makes of the file today. Raises `HitlessError` if it can't be said there.
    """
    from hitless.adapters.docker import compose_change

    return compose_change.change(at.cli, options, model, said, is_in_place)


def own_traefik(
    at: Host, files: Sequence[str], options: ComposeOptions
) -> tuple[OwnTraefik | None, tuple[Finding, ...]]:
    """The Traefik that these files describe, and what is wrong with them; None if it can't be known."""
    from hitless.adapters.docker import own_traefik as adapter

    return adapter.read(at.cli, files, options)
