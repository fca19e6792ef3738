"""The nodes of a Swarm, and what hitless notes about each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from hitless.domain.host.nodes import NodeStatus


class Nodes(Protocol):
    """The nodes of a Swarm. Every verb raises `HitlessError` where the engine is no manager of one."""

    def nodes(self) -> Sequence[NodeStatus]:
        """All nodes, by name."""
        ...

    def add(self, name: str, context: str, is_edge: bool | None) -> NodeStatus:
        """Note how a node is reached, and whether the gateway runs on it; None: as before. Returns the node.

        Raises `HitlessError` if there is no such node, or if the context reaches another engine.
        """
        ...

    def remove(self, name: str) -> None:
        """Note nothing about a node any more; no gateway runs on it then. Raises `HitlessError`."""
        ...
