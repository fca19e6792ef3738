"""The gateway's tasks on the edge nodes of a Swarm, and the shells in their containers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from hitless.adapters.docker.cli import DockerCli
from hitless.adapters.docker.queries import listed
from hitless.adapters.gateway.shell import GatewayShell
from hitless.adapters.swarm.nodes import Node, nodes
from hitless.adapters.swarm.queries import services, tasks
from hitless.domain.common.errors import HitlessError
from hitless.domain.common.foreign import Json
from hitless.domain.common.names import LABEL_GATEWAY
from hitless.domain.gateway.model import SERVICE
from hitless.domain.gateway.settings import LABEL_SETTINGS

LABEL_TASK = "com.docker.swarm.service.name"  # the engine's own label on each container of a task


def service_name(project: str) -> str:
    """The name that a stack gives the gateway's service."""
    return f"{project}_{SERVICE}"


@dataclass(frozen=True)
class Edge:
    """An edge node with the gateway's container that runs on it; `since` is when the task began to run."""

    node: Node
    container: str
    since: str
    shell: GatewayShell


@dataclass(frozen=True)
class Edges:
    """The edges of the gateway of this name. `manager` is the Swarm's."""

    manager: DockerCli
    project: str
    _known: dict[str, Edge] = field(default_factory=dict, compare=False)

    @property
    def all(self) -> tuple[Edge, ...]:
        """Those of the last look."""
        return tuple(self._known.values()) or self.look()

    def look(self) -> tuple[Edge, ...]:
        """Each edge node with its running gateway.

        Raises `HitlessError` if one of them has none: a command must reach every gateway, or change nothing.
        """
        wanted = [node for node in nodes(self.manager) if node.is_edge]
        running = {task["NodeID"]: task for task in self._tasks() if task["Status"]["State"] == "running"}
        found, missing = [], []
        for node in wanted:
            task = running.get(node.id)
            if task is None or not node.is_ready:
                missing.append(node.name)
                continue
            container = str(task["Status"]["ContainerStatus"]["ContainerID"])
            known = self._known.get(node.id)  # with its open shells, and the locks that they are known by
            shell = known.shell if known else EdgeShell(node.cli(), self.project, edge=node)
            found.append(Edge(node, container, str(task["Status"]["Timestamp"]), shell))
        if missing:
            raise HitlessError(
                f"the gateway {self.project} does not run on {', '.join(missing)}",
                "every gateway must answer before anything changes; see docker node ls and docker service ps "
                f"{service_name(self.project)}; a node that will not come back: hitless nodes remove NODE",
            )
        self._known.clear()
        self._known.update((edge.node.id, edge) for edge in found)
        return tuple(found)

    def service(self) -> Json | None:
        """The gateway's service, as the manager knows it; None where there is none."""
        there = services(self.manager, LABEL_SETTINGS, f"{LABEL_GATEWAY}={self.project}")
        return there[0] if there else None

    def _tasks(self) -> Sequence[Json]:
        there = self.service()
        return tasks(self.manager, (there["ID"],), running=True) if there else ()


@dataclass(frozen=True)
class EdgeShell(GatewayShell):
    """The shells in the container of whatever task of the gateway runs on an edge node now.

    A restart makes another one, in which a lock of the one before is not held.
    """

    edge: Node | None = None

    @property
    def name(self) -> str:
        """The id of that container; while there is none, a name that nothing has."""
        return (container_on(self.edge, self.project) if self.edge else "") or super().name


def container_on(node: Node, project: str) -> str:
    """The id of the gateway's container that runs on a node; "" if none does."""
    mark = f"{LABEL_TASK}={service_name(project)}"
    return next(iter(listed(node.cli(), "container", mark, running=True)), "")
