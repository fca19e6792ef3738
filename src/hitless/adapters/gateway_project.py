"""The gateway's own Compose project on the Docker host."""

from __future__ import annotations

import os
from dataclasses import dataclass

from hitless.adapters.compose_yaml import dump
from hitless.adapters.docker_cli import DockerCli
from hitless.adapters.gateway_container import inspect, labels
from hitless.domain.errors import DockerFailed
from hitless.domain.gateway import (
    API_PORT,
    LABEL_SETTINGS,
    GatewaySettings,
    container_name,
    model,
)
from hitless.domain.project import LABEL_GATEWAY

_PULL_TIMEOUT = 900.0


@dataclass(frozen=True)
class GatewayProject:
    """The gateway of this Compose project name."""

    cli: DockerCli
    project: str

    def settings(self) -> GatewaySettings | None:
        """The settings of the gateway's container, running or not; None where there is none."""
        found = inspect(self.cli, self.project)
        return GatewaySettings.from_label(labels(found)[LABEL_SETTINGS]) if found else None

    def foreign(self) -> tuple[str, ...]:
        """Names of containers in a Compose project of this name that hitless did not make."""
        label = f"label=com.docker.compose.project={self.project}"
        shape = '{{.Names}}\t{{.Label "' + LABEL_GATEWAY + '"}}'
        rows = self.cli.run("ps", "--all", "--filter", label, "--format", shape).splitlines()
        return tuple(name for name, _, ours in (row.partition("\t") for row in rows) if not ours)

    def apply(self, settings: GatewaySettings) -> None:
        """Start the gateway with these settings, or make it anew where they differ."""
        self._compose(settings, "up", "--detach", "--wait", "--wait-timeout", "60")

    def answers(self) -> bool:
        """Whether Traefik itself says that it is up."""
        command = ("wget", "-q", "-O", "-", f"http://127.0.0.1:{API_PORT}/ping")
        try:
            return self.cli.run("exec", self._container, *command).strip() == "OK"
        except DockerFailed:
            return False

    def logs(self, lines: int) -> str:
        """The last lines of the gateway's log."""
        output, said = self.cli.run_bytes("logs", "--tail", str(lines), self._container)
        return (output.decode(errors="replace") + said).strip()

    def remove(self, settings: GatewaySettings, volumes: bool) -> None:
        """Stop and remove the gateway and its network; its volumes only if asked for."""
        self._compose(settings, "down", *(("--volumes",) if volumes else ()))

    @property
    def _container(self) -> str:
        return container_name(self.project)

    def _compose(self, settings: GatewaySettings, *arguments: str) -> None:
        self.cli.run(
            "compose",
            "--project-name",
            self.project,
            "--env-file",
            os.devnull,
            "--file",
            "-",
            *arguments,
            stdin=dump(model(self.project, settings)),
            timeout=_PULL_TIMEOUT,
        )
