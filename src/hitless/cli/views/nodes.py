"""What `hitless nodes list` prints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, TypedDict

from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from hitless.cli.console import console
from hitless.cli.views.documents import Document, print_document
from hitless.domain.common.foreign import Json
from hitless.domain.host.nodes import NodeStatus


class NodesDocument(TypedDict):
    """The nodes of the Swarm, by name."""

    nodes: list[Annotated[Json, NodeStatus]]


def show_nodes(found: Sequence[NodeStatus], as_json: bool) -> None:
    """What `hitless nodes list` prints."""
    if as_json:
        print_document(Document.NODES, {"nodes": [vars(one) for one in found]})
        return
    out = console()
    table = Table("node", "address", "role", "state", "edge", "context", box=SIMPLE_HEAD)
    for one in found:
        state = "ready" if one.is_ready else "down"
        cells = (
            one.name,
            one.address,
            "manager" if one.is_manager else "worker",
            state if one.takes_tasks else f"{state}, takes no tasks",
            "yes" if one.is_edge else "no",
            one.context or "none",
        )
        table.add_row(*map(escape, cells))
    out.print(table)
    if unreached := [one.name for one in found if not one.context]:
        out.print(f"hitless does not reach {escape(', '.join(unreached))}: see hitless nodes add")
