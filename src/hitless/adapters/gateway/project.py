"""The gateway's own Compose project on the Docker host."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from hitless.adapters.docker.cli import DockerCli, is_port_taken
from hitless.adapters.docker.compose import compose
from hitless.adapters.docker.networks import DockerNetworks
from hitless.adapters.docker.queries import filtered, labelled, listed
from hitless.adapters.gateway.archive import archive, files_in
from hitless.adapters.gateway.container import inspect, labels
from hitless.adapters.gateway.programs import Programs, gateway_image
from hitless.adapters.gateway.shell import script
from hitless.domain.common.errors import DockerFailed, HitlessError
from hitless.domain.common.foreign import Json
from hitless.domain.common.names import COMPOSE_PROJECT, LABEL_GATEWAY
from hitless.domain.gateway.compose_model import ROUTES, model
from hitless.domain.gateway.image import unfit
from hitless.domain.gateway.model import EdgeStatus, GatewayContainer, Software, container_name
from hitless.domain.gateway.settings import API_PORT, LABEL_SETTINGS, GatewaySettings
from hitless.domain.gateway.versions import too_old
from hitless.domain.release import networks
from hitless.domain.routing.entry_points import written

_START_TIMEOUT = 300.0


@dataclass(frozen=True)
class GatewayProject:
    """The gateway of this Compose project name."""

    cli: DockerCli
    project: str
    programs: Programs
    _given: dict[str, bytes] = field(default_factory=dict, compare=False)

    def settings(self) -> GatewaySettings | None:
        """The settings of the gateway's container, running or not; None where there is none.

        Those that its live Traefik runs with, or would: they may have changed since it was made.
        """
        found = inspect(self.cli, self.project)
        if found is None:
            return None
        is_running = found["State"]["Status"] == "running"
        settled = self._live() if is_running else self._settled(found["Id"])
        return GatewaySettings.from_label(settled or labels(found)[LABEL_SETTINGS])

    def container(self) -> GatewayContainer | None:
        """The gateway's container, running or not; None where there is none."""
        found = inspect(self.cli, self.project)
        if found is None:
            return None
        made = (found["Config"].get("Image"), (found["Config"].get("Entrypoint") or [])[2:3])
        return GatewayContainer(found["State"]["Status"], made == (gateway_image(), [script()]))

    def foreign(self) -> tuple[str, ...]:
        """Names of containers in a Compose project of this name that hitless did not make."""
        ours = labelled(f"{COMPOSE_PROJECT}={self.project}")
        shape = '{{.Names}}\t{{.Label "' + LABEL_GATEWAY + '"}}'
        rows = self.cli.run("ps", "--all", *ours, "--format", shape).splitlines()
        return tuple(name for name, _, ours in (row.partition("\t") for row in rows) if not ours)

    def free_pool(self) -> str:
        """A range (CIDR) for the networks of applications that nothing on the host has, "" for none."""
        engine = DockerNetworks(self.cli, self.project)
        ranges = engine.ranges()
        taken = [one for found in ranges.values() for one in found]
        image = self.programs.container_image()
        look = ("run", "--rm", "--network", "host", "--read-only", "--entrypoint", "cat", image)
        with suppress(DockerFailed):  # what can't be seen is no reason to be without
            taken += networks.routes(self.cli.run(*look, "/proc/net/route"))
        # gateways may share a pool: the engine gives no block of it twice
        own = {one for name in engine.own() for one in ranges.get(name, ())}
        return networks.pool(one for one in taken if one not in own)

    def unfit(self, image: str) -> str:
        """What is wrong with an image of Traefik, "" where the gateway takes it. Pulls it if needed."""
        return unfit(self.programs.software(image)[1])

    def give(self, files: Mapping[str, bytes]) -> None:
        """Have these files, name -> content, where the gateway keeps its own, before it next starts."""
        self._given.update(files)
        if inspect(self.cli, self.project) is not None:
            self._copy()

    def _copy(self) -> None:
        if self._given:
            self.cli.run_bytes("cp", "-", f"{self._container}:{ROUTES}", stdin=archive(self._given))

    def apply(self, settings: GatewaySettings) -> None:
        """Start the gateway with these settings, or replace it if they differ.

        If it can't start, what was made of it is removed. Volumes that were there before stay.
        """
        before = self._volumes()
        software, _ = self.programs.software(settings.image)
        own = model(self.project, settings, software, script())
        # Compose compares with what the container was made with, and its Traefik may have been replaced since
        recreate = ("--force-recreate",) if self._has_changed() else ()
        try:
            self._compose(own, "create", *recreate)
            self._copy()
            # before it reads a route: it has to reach what is routed
            DockerNetworks(self.cli, self.project).connect_gateway()
            self._compose(own, "up", "--detach", "--wait", "--wait-timeout", "60")
        except DockerFailed as error:
            logs = self._last_words()
            with suppress(DockerFailed):
                self._compose(own, "down")
                if new := sorted({*self._volumes()} - {*before}):
                    self.cli.change("volume", "rm", *new)
            self._refuse_taken(error, (*settings.published, *settings.published_udp))
            raise HitlessError(f"{error.message}{logs}", error.hint or "see the lines above") from error
        self.programs.keep(software.program)

    def _volumes(self) -> tuple[str, ...]:
        return listed(self.cli, "volume", f"{COMPOSE_PROJECT}={self.project}")

    def outdated(self) -> str:
        """What is too old on this Docker host for hitless, or ""."""
        server = self.cli.run("version", "--format", "{{.Server.Version}}").strip()
        compose = self.cli.run("compose", "version", "--short").strip()
        return too_old(server, compose)

    def drop_copies(self) -> None:
        """Remove the copies of Traefik's program that were cut short."""
        self.programs.drop_copies()

    def answers(self) -> bool:
        """Whether Traefik itself says that it is up."""
        command = ("wget", "-q", "-O", "-", f"http://127.0.0.1:{API_PORT}/ping")
        try:
            return self.cli.run("exec", self._container, *command).strip() == "OK"
        except DockerFailed:
            return False

    def edge_statuses(self) -> tuple[EdgeStatus, ...]:
        """None: it is on one host."""
        return ()

    def logs(self, lines: int) -> str:
        """The last lines of the gateway's log."""
        output, said = self.cli.run_bytes("logs", "--tail", str(lines), self._container)
        return (output.decode(errors="replace") + said).strip()

    def remove(self, settings: GatewaySettings, volumes: bool) -> None:
        """Stop and remove the gateway and its network; its volumes only if asked for."""
        own = model(self.project, settings, Software(gateway_image(), ""), script())
        self._compose(own, "down", *(("--volumes",) if volumes else ()))
        if volumes:
            self.programs.keep()

    def refuse_taken(self, ports: Mapping[int, str], udp_ports: Mapping[int, str]) -> None:
        """Raise `HitlessError` where others have one of these ports: the engine is asked to publish them."""
        if not ports and not udp_ports:
            return
        wanted = [f"{written(at, port)}:1" for port, at in ports.items()]
        wanted += [f"{written(at, port)}:1/udp" for port, at in udp_ports.items()]
        words = [word for one in wanted for word in ("--publish", one)]
        try:
            self.cli.run("run", "--rm", "--entrypoint", "true", *words, self.programs.container_image())
        except DockerFailed as error:
            self._refuse_taken(error, (*ports, *udp_ports))
            raise

    def _refuse_taken(self, error: DockerFailed, ports: Sequence[int]) -> None:
        if is_port_taken(error.output):
            port = _port_in(error.output, ports)
            raise HitlessError(
                f"port {port} is taken by {self._who_has(port)}",
                "stop what has it, or choose another one (--http-port, --publish); hitless adopt takes "
                "over what plain docker compose or another Traefik serves there",
            ) from error

    def _last_words(self) -> str:
        try:
            return "".join(f"\n    | {line}" for line in self.logs(5).splitlines())
        except DockerFailed:
            return ""

    def _who_has(self, port: int) -> str:
        """The container that publishes a port, if Docker knows of one."""
        names = self.cli.run("ps", *filtered("publish", (str(port),)), "--format", "{{.Names}}").split()
        return f"the container {', '.join(names)}" if names else "a program outside Docker"

    @property
    def _container(self) -> str:
        return container_name(self.project)

    def _has_changed(self) -> bool:
        found = inspect(self.cli, self.project)
        return found is not None and self._settled(found["Id"]) not in ("", labels(found)[LABEL_SETTINGS])

    def _live(self) -> str:
        """The settings of the live instance; "" where they are those that the container was made with."""
        return self.cli.run("exec", self._container, "sh", "-c", script(), "sh", "live_settings").strip()

    def _settled(self, identity: str) -> str:
        """The settings that this container was given since it was made; "" for none."""
        try:
            # as a container that does not run has it, too
            found, _ = self.cli.run_bytes("cp", f"{self._container}:{ROUTES}/.settled", "-")
        except DockerFailed as error:
            if "could not find" in error.output.lower():
                return ""
            raise
        for _, text in files_in(found):
            container, settings, *_ = text.splitlines()
            if identity.startswith(container):
                return settings
        return ""

    def _compose(self, own: Json, *arguments: str) -> None:
        compose(self.cli.run, own, *arguments, timeout=_START_TIMEOUT)


def _port_in(said: str, ports: Sequence[int]) -> int:
    """The port that Docker complains about, of these."""
    named = {int(port) for port in re.findall(r":(\d+)", said)}
    return next((port for port in ports if port in named), ports[0])
