"""The gateway as a global service of a Swarm: one task on each edge node."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

from hitless.adapters.docker.cli import AT_ONCE, DockerCli
from hitless.adapters.docker.queries import filtered, labelled, listed
from hitless.adapters.gateway.programs import Programs, gateway_image
from hitless.adapters.gateway.project import GatewayProject
from hitless.adapters.gateway.shell import GatewayShell, script
from hitless.adapters.gateway.traefik import Traefik
from hitless.adapters.swarm.edges import LABEL_TASK, EdgeShell, container_on, service_name
from hitless.adapters.swarm.gateway_images import GatewayImages, image_id
from hitless.adapters.swarm.nodes import ON_EDGE, Node, nodes, refuse_no_manager
from hitless.domain.common.errors import DockerFailed, HitlessError, TimedOut
from hitless.domain.common.foreign import Json
from hitless.domain.common.names import LABEL_GATEWAY
from hitless.domain.gateway.compose_model import model
from hitless.domain.gateway.image import unfit
from hitless.domain.gateway.model import EdgeStatus, GatewayContainer, edge_network
from hitless.domain.gateway.settings import API_PORT, LABEL_SETTINGS, GatewaySettings
from hitless.domain.gateway.stack_model import SERVED_VOLUME, refuse_unable, stack
from hitless.domain.gateway.versions import too_old

T = TypeVar("T")

STACK = "com.docker.stack.namespace"
_VOLUMES = ("routes", "state", "acme", SERVED_VOLUME)  # on each edge node; a stack puts its name before
_START = 60.0  # seconds for the gateway to answer on a node, an update of one node after the other included
_END = 60.0  # seconds for the tasks of a service that was removed
_PAUSE = 0.2


@dataclass(frozen=True)
class SwarmGatewayProject:
    """The gateway of this name, as a stack. `manager` is the Swarm's."""

    manager: DockerCli
    project: str

    def settings(self) -> GatewaySettings | None:
        """The settings of the gateway's service; None where there is none."""
        service = self._service()
        return GatewaySettings.from_label(service["Spec"]["Labels"][LABEL_SETTINGS]) if service else None

    def container(self) -> GatewayContainer | None:
        """The gateway's containers as one: `running` where each edge node has one; None without a service."""
        service = self._service()
        if service is None:
            return None
        made = service["Spec"]["TaskTemplate"]["ContainerSpec"]
        image = image_id(self.manager, gateway_image())
        is_current = (made.get("Image"), made.get("Command", [])[2:3]) == (image, [script()])
        is_whole = bool(self.edges) and all(self._each(lambda node: bool(container_on(node, self.project))))
        return GatewayContainer("running" if is_whole else "exited", is_current)

    def foreign(self) -> tuple[str, ...]:
        """Names of services in a stack of this name that hitless did not make."""
        shape = "{{.Name}}"
        there = ("service", "ls", *labelled(f"{STACK}={self.project}"), "--format", shape)
        ours = self.manager.run(*there, *labelled(f"{LABEL_GATEWAY}={self.project}")).split()
        return tuple(name for name in self.manager.run(*there).split() if name not in ours)

    def outdated(self) -> str:
        """What is too old for hitless on the manager or an edge node, or ""."""
        compose = self.manager.run("compose", "version", "--short").strip()
        versions = self._each(lambda node: node.cli().run("version", "--format", "{{.Server.Version}}"))
        return next(filter(None, (too_old(version.strip(), compose) for version in versions)), "")

    def free_pool(self) -> str:
        """The first range (CIDR) that the Swarm itself takes addresses of networks from."""
        refuse_no_manager(self.manager)
        said = self.manager.run("info", "--format", "{{json .Swarm.Cluster.DefaultAddrPool}}")
        return next(iter(json.loads(said) or ()), "")

    def unfit(self, image: str) -> str:
        """What is wrong with an image of Traefik, "" where the gateway takes it. Has it on each edge."""
        return unfit(self._images.software(self._wanted(), image)[1])

    def refuse_taken(self, ports: Mapping[int, str], udp_ports: Mapping[int, str]) -> None:
        """Raise `HitlessError` where others have one of these ports on an edge node."""

        def refuse(node: Node) -> None:
            programs = Programs(node.cli(), self.project)
            GatewayProject(node.cli(), self.project, programs).refuse_taken(ports, udp_ports)

        self._each(refuse)

    def give(self, files: Mapping[str, bytes]) -> None:
        """Raise `HitlessError` where there are any: they are for a CA, and no gateway on a Swarm asks one."""
        if files:
            raise HitlessError(
                f"on a Swarm the gateway takes no files yet: {', '.join(files)}", "leave these options out"
            )

    def apply(self, settings: GatewaySettings) -> None:
        """Start the gateway on each edge node with these settings, or replace it if they differ.

        Returns when Traefik answers on each. If a first start fails, what was made is removed; volumes stay.
        """
        refuse_unable(settings)
        edges = self._wanted()
        software, _ = self._images.software(edges, settings.image)
        is_new = self._service() is None
        made = stack(model(self.project, settings, software, script()), edge_network(self.project), ON_EDGE)
        try:
            self._make_network()
            self._deploy(made)
            self._await(edges, settings)
            self._each(lambda node: self._certify(node, settings))
        except HitlessError:
            if is_new:
                with suppress(HitlessError):
                    self._remove_service()
            raise
        self._each(lambda node: Programs(node.cli(), self.project).keep(software.program))

    def drop_copies(self) -> None:
        """Remove the copies of Traefik's program that were cut short."""
        self._each(lambda node: Programs(node.cli(), self.project).drop_copies())

    def answers(self) -> bool:
        """Whether Traefik itself says that it is up, on each edge node."""
        return bool(self.edges) and all(self._each(lambda node: _answers(node, self.project)))

    def edge_statuses(self) -> tuple[EdgeStatus, ...]:
        """The edge nodes, and whether the gateway's Traefik on each says that it is up."""
        answers = self._each(lambda node: _answers(node, self.project))
        return tuple(
            EdgeStatus(node.name, node.address, is_up)
            for node, is_up in zip(self.edges, answers, strict=True)
        )

    def logs(self, lines: int) -> str:
        """The last lines of the log of each gateway, with its node before each."""
        asked = ("service", "logs", "--no-task-ids", "--tail", str(lines), service_name(self.project))
        output, said = self.manager.run_bytes(*asked)
        return (output.decode(errors="replace") + said).strip()

    def remove(self, settings: GatewaySettings, volumes: bool) -> None:  # of the port
        """Stop and remove the gateway and its network; its volumes only if asked for."""
        self._remove_service()
        if volumes:
            self._each(self._remove_volumes)

    @cached_property
    def edges(self) -> tuple[Node, ...]:
        """The edge nodes. Raises `HitlessError` where the engine is no manager of a Swarm."""
        refuse_no_manager(self.manager)
        return tuple(node for node in nodes(self.manager) if node.is_edge)

    @cached_property
    def _images(self) -> GatewayImages:
        return GatewayImages(self.manager, self.project)

    def _wanted(self) -> tuple[Node, ...]:
        """The edge nodes. Raises `HitlessError` where there is none, or one takes no task."""
        if not self.edges:
            raise HitlessError(
                "no node of the Swarm is an edge, so the gateway would run nowhere",
                "run, for each node that visitors reach: hitless nodes add NODE --context C --edge",
            )
        if away := [node.name for node in self.edges if not (node.is_ready and node.takes_tasks)]:
            raise HitlessError(
                f"{', '.join(away)} is an edge, and is down or takes no tasks",
                "see docker node ls; one that will not come back: hitless nodes remove NODE",
            )
        return self.edges

    def _service(self) -> Json | None:
        refuse_no_manager(self.manager)
        named = filtered("name", (service_name(self.project),))
        ids = self.manager.run("service", "ls", "--quiet", *named).split()
        for found in json.loads(self.manager.run("service", "inspect", *ids)) if ids else ():
            if found["Spec"]["Name"] == service_name(self.project):
                if (found["Spec"].get("Labels") or {}).get(LABEL_GATEWAY) != self.project:
                    raise HitlessError(
                        f"there is a service {service_name(self.project)} that hitless did not make",
                        "choose another name for the gateway with --gateway NAME, or remove that service",
                    )
                return dict(found)
        return None

    def _make_network(self) -> None:
        name = edge_network(self.project)
        if not listed(self.manager, "network", f"{LABEL_GATEWAY}={self.project}"):
            options = ("--driver", "overlay", "--attachable", "--label", f"{LABEL_GATEWAY}={self.project}")
            self.manager.run("network", "create", *options, name)

    def _deploy(self, made: Json) -> None:
        words = ("stack", "deploy", "--compose-file", "-", "--resolve-image", "never", self.project)
        self.manager.run(*words, stdin=json.dumps(made))

    def _await(self, edges: Sequence[Node], settings: GatewaySettings) -> None:
        """Wait until the gateway with these settings answers on each of these nodes."""
        _until(
            lambda: [
                node.name
                for node, is_up in zip(
                    edges,
                    self._each(lambda node: _answers(node, self.project, settings.to_label())),
                    strict=True,
                )
                if not is_up
            ],
            _START * len(edges),
            lambda names: TimedOut(
                f"the gateway did not answer on {', '.join(names)} within {_START * len(edges):.0f} s of its "
                f"start{self._failures()}",
                f"see docker service ps {service_name(self.project)}",
            ),
        )

    def _certify(self, node: Node, settings: GatewaySettings) -> None:
        shell = EdgeShell(node.cli(), self.project, edge=node)
        try:
            Traefik(shell, tuple).certify(settings.https_port > 0)
        finally:
            shell.close()

    def _failures(self) -> str:
        """What Swarm says about tasks that did not start."""
        shape = "{{.Node}}: {{.CurrentState}} {{.Error}}"
        with suppress(HitlessError):
            words = ("service", "ps", "--no-trunc", "--format", shape, service_name(self.project))
            lines = dict.fromkeys(line.strip() for line in self.manager.run(*words).splitlines())
            said = self.logs(5).splitlines()
            return "".join(f"\n    | {line}" for line in ([*lines][:6] + said[-6:]))
        return ""

    def _remove_service(self) -> None:
        self.manager.run("stack", "rm", self.project)
        _until(
            lambda: [
                node.name
                for node, there in zip(
                    self.edges,
                    self._each(lambda node: listed(node.cli(), "container", self._mark)),
                    strict=True,
                )
                if there
            ],
            _END,
            lambda names: TimedOut(
                f"the gateway did not end on {', '.join(names)} within {_END:.0f} s", "see docker ps there"
            ),
        )
        _until(
            self._network_left,
            _END,
            lambda names: TimedOut(
                f"the network {', '.join(names)} could not be removed: something is on it",
                f"docker network inspect --verbose {edge_network(self.project)} shows what",
            ),
        )

    def _network_left(self) -> list[str]:
        """The gateway's network, if it is still there after an attempt to remove it."""
        for network in listed(self.manager, "network", f"{LABEL_GATEWAY}={self.project}"):
            with suppress(DockerFailed):  # what has ended leaves it a little later
                self.manager.run("network", "rm", network)
        there = listed(self.manager, "network", f"{LABEL_GATEWAY}={self.project}")
        return [edge_network(self.project)] if there else []

    def _remove_volumes(self, node: Node) -> None:
        there = listed(node.cli(), "volume", f"{STACK}={self.project}")
        wanted = [f"{self.project}_{volume}" for volume in _VOLUMES]
        if own := [name for name in there if name in wanted]:
            node.cli().run("volume", "rm", *own)
        Programs(node.cli(), self.project).keep()

    @property
    def _mark(self) -> str:
        return f"{LABEL_TASK}={service_name(self.project)}"

    def _each(self, action: Callable[[Node], T]) -> list[T]:
        """What the action returns for each edge node, at once."""
        with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
            return list(pool.map(action, self.edges))


def first_edge(manager: DockerCli, project: str) -> GatewayShell:
    """The shells on the first edge node; those of nothing where there is none."""
    for node in SwarmGatewayProject(manager, project).edges:
        return EdgeShell(node.cli(), project, edge=node)
    return GatewayShell(manager, project)


def _answers(node: Node, project: str, settings: str = "") -> bool:
    """Whether the gateway's Traefik on a node says that it is up, with these settings if any are given."""
    shape = f'{{{{index .Config.Labels "{LABEL_SETTINGS}"}}}}'
    wget = ("wget", "-q", "-O", "-", f"http://127.0.0.1:{API_PORT}/ping")
    try:
        container = container_on(node, project)
        if not container:
            return False
        made = node.cli().run("inspect", "--format", shape, container).strip() if settings else ""
        return made == settings and node.cli().run("exec", container, *wget).strip() == "OK"
    except HitlessError:  # it ends, or does not listen yet, or its node is not reached
        return False


def _until(
    left: Callable[[], list[str]], seconds: float, error: Callable[[Sequence[str]], HitlessError]
) -> None:
    """Wait until nothing is left. Raises the error for what is left after so many seconds."""
    deadline = time.monotonic() + seconds
    while names := left():
        if time.monotonic() > deadline:
            raise error(names)
        time.sleep(_PAUSE)
