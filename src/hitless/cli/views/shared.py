"""What `hitless shared status` prints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from hitless.cli.console import console
from hitless.cli.views.documents import Document, print_document
from hitless.domain.host.shared import Shared


class SharedDocument(TypedDict):
    """A shared service. `container` is "" and `state` is `missing` if it has no container.

    `changes` says what is new in the file since it was started, "" for nothing; `cost` says what it costs to
    recreate it.
    """

    service: str
    reason: str
    container: str
    state: str
    health: str
    changes: str
    cost: str


class SharedStatusDocument(TypedDict):
    """The shared services of an application."""

    application: str
    shared: list[SharedDocument]


def show_shared(application: str, found: Sequence[Shared], as_json: bool) -> None:
    """What `hitless shared status` prints."""
    document = shared_document(application, found)
    rows = document["shared"]
    if as_json:
        print_document(Document.SHARED_STATUS, document)
        return
    out = console()
    if not rows:
        out.print(f"{application} has no shared service; hitless plan says what each is, and why")
        return
    table = Table(box=SIMPLE_HEAD)
    for column in ("service", "container", "state", "health"):
        table.add_column(column)
    for row in rows:
        cells = (row["service"], row["container"], row["state"], row["health"])
        table.add_row(*map(escape, cells))
    out.print(table)
    for row in rows:
        if row["changes"]:
            out.print(
                f"  [yellow]{escape(row['service'])} has changed in the file: {escape(row['changes'])}[/]"
            )
            out.print(f"    hitless shared up --recreate {escape(row['service'])}: {escape(row['cost'])}")


def shared_document(application: str, found: Sequence[Shared]) -> SharedStatusDocument:
    """The same as one JSON object."""
    return {
        "application": application,
        "shared": [
            {
                "service": one.service,
                "reason": one.reason,
                "container": one.container.name if one.container else "",
                "state": one.container.state if one.container else "missing",
                "health": (one.container.health if one.container else "") or "-",
                "changes": one.changes,
                "cost": one.cost,
            }
            for one in found
        ],
    }
