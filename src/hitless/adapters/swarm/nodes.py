"""The nodes of a Swarm, as a manager knows them, and how to reach the engine of each."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from hitless.adapters.docker.cli import DockerCli
from hitless.domain.common.errors import HitlessError
from hitless.domain.common.foreign import Json
from hitless.domain.host.nodes import NodeStatus

LABEL_CONTEXT = "hitless.context"  # the Docker context by which this node is reached
LABEL_EDGE = "hitless.edge"  # on a node with this label the gateway runs
ON_EDGE = f"node.labels.{LABEL_EDGE}==1"


@dataclass(frozen=True)
class Node:
    """A node: `context` is the Docker context by which it is reached, "" for none; `is_edge`: with a gateway.

    `is_ready`: the manager hears from it. `takes_tasks`: the scheduler may give it any (`active`).
    """

    id: str
    name: str
    address: str
    is_manager: bool
    is_ready: bool
    takes_tasks: bool
    is_edge: bool
    context: str
    manager: DockerCli = field(compare=False, repr=False)

    def cli(self) -> DockerCli:
        """The engine of this node. Raises `HitlessError` where nothing says how to reach it."""
        if not self.context:
            raise HitlessError(
                f"the node {self.name} has no context, so hitless can't reach its engine",
                f"run: hitless nodes add {self.name} --context NAME",
            )
        # a lock that is lost, or held by what still runs, counts for the engine of every node
        return replace(self.manager, context=self.context, answered=set())


def nodes(manager: DockerCli) -> tuple[Node, ...]:
    """All nodes, by name. Raises `DockerFailed` where the engine is no manager of a Swarm."""
    ids = manager.run("node", "ls", "--quiet").split()
    found = json.loads(manager.run("node", "inspect", *ids)) if ids else []
    return tuple(sorted((_node(one, manager) for one in found), key=lambda one: (one.name, one.id)))


def _node(found: Json, manager: DockerCli) -> Node:
    spec = found["Spec"]
    labels = spec.get("Labels") or {}
    return Node(
        id=str(found["ID"]),
        name=str(found["Description"]["Hostname"]),
        address=str(found["Status"].get("Addr") or ""),
        is_manager=spec.get("Role") == "manager",
        is_ready=found["Status"].get("State") == "ready",
        takes_tasks=spec.get("Availability") == "active",
        is_edge=labels.get(LABEL_EDGE) == "1",
        context=labels.get(LABEL_CONTEXT, ""),
        manager=manager,
    )


@dataclass(frozen=True)
class SwarmNodes:
    """The nodes port: what hitless notes about a node are labels of the Swarm's own.

    `prepare` is called for a node before the gateway starts there.
    """

    manager: DockerCli
    prepare: Callable[[Node], None] = lambda _: None

    def nodes(self) -> tuple[NodeStatus, ...]:
        """All nodes, by name."""
        return tuple(map(_status, self._all()))

    def add(self, name: str, context: str, is_edge: bool | None) -> NodeStatus:
        """Note how a node is reached, and whether the gateway runs on it; None: as before."""
        node = self._named(name)
        self._refuse_another(node, context)
        edge = node.is_edge if is_edge is None else is_edge
        add = ("--label-add", f"{LABEL_CONTEXT}={context}")
        if edge:
            if not node.is_edge:
                self.prepare(replace(node, context=context))
            self.manager.run("node", "update", *add, "--label-add", f"{LABEL_EDGE}=1", node.id)
        else:
            self._update(node, *add, without=(LABEL_EDGE,))
        return _status(self._named(name))

    def remove(self, name: str) -> None:
        """Note nothing about a node any more; no gateway runs on it then."""
        self._update(self._named(name), without=(LABEL_CONTEXT, LABEL_EDGE))

    def _update(self, node: Node, *words: str, without: tuple[str, ...]) -> None:
        # the engine refuses to remove a label that is not there
        labels = json.loads(self.manager.run("node", "inspect", "--format", "{{json .Spec.Labels}}", node.id))
        gone = [word for label in without if label in (labels or {}) for word in ("--label-rm", label)]
        if words or gone:
            self.manager.run("node", "update", *words, *gone, node.id)

    def _all(self) -> tuple[Node, ...]:
        refuse_no_manager(self.manager)
        return nodes(self.manager)

    def _named(self, name: str) -> Node:
        there = self._all()
        found = [one for one in there if name in (one.name, one.id)]
        if not found:
            raise HitlessError(
                f"the Swarm has no node {name}",
                f"it has {', '.join(one.name for one in there)}; docker swarm join-token worker says how "
                "another machine joins",
            )
        if len(found) > 1:
            ids = ", ".join(one.id for one in found)
            raise HitlessError(f"several nodes have the name {name}", f"say which one by its id: {ids}")
        return found[0]

    def _refuse_another(self, node: Node, context: str) -> None:
        """Raise `HitlessError` if the context does not reach the engine of that node."""
        reached = DockerCli(context).run("info", "--format", "{{.Swarm.NodeID}}").strip()
        if reached == node.id:
            return
        names = {one.id: one.name for one in self._all()}
        what = f"the node {names[reached]}" if reached in names else "an engine that is not in this Swarm"
        raise HitlessError(
            f"the context {context} reaches {what}, not the node {node.name}",
            "docker context inspect shows where it leads; docker context create makes another one",
        )


def refuse_no_manager(cli: DockerCli) -> None:
    """Raise `HitlessError` where the engine is no manager of a Swarm."""
    if cli.run("info", "--format", "{{.Swarm.ControlAvailable}}").strip() != "true":
        raise HitlessError(
            "the engine is no manager of a Swarm",
            "name the context of a manager with --context; docker swarm init makes a Swarm",
        )


def _status(node: Node) -> NodeStatus:
    return NodeStatus(
        name=node.name,
        address=node.address,
        is_manager=node.is_manager,
        is_ready=node.is_ready,
        takes_tasks=node.takes_tasks,
        is_edge=node.is_edge,
        context=node.context,
    )
