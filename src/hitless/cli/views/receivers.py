"""What `hitless gateway notify list` prints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypedDict

from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from hitless.cli.console import console
from hitless.cli.views.documents import Document, print_document
from hitless.domain.host.receivers import Kind, Occasion, Receiver


class ReceiverJson(TypedDict):
    """Who is told, and about what. `address` has no path, no user and no password.

    `applications` is empty for all. `kind` is null for one whose record can't be read.
    """

    name: str
    kind: Kind | None
    address: str
    on: tuple[Occasion, ...]
    applications: tuple[str, ...]


class ReceiversDocument(TypedDict):
    """Who is told what commands have done."""

    receivers: list[ReceiverJson]


def show_receivers(found: Mapping[str, Receiver | None], as_json: bool) -> None:
    """What `hitless gateway notify list` prints."""
    shown = [_shown(name, one) for name, one in found.items()]
    if as_json:
        print_document(Document.RECEIVERS, {"receivers": shown})
        return
    out = console()
    if not shown:
        out.print("nobody is told; hitless gateway notify add names who is")
        return
    table = Table("name", "kind", "address", "on", "applications", box=SIMPLE_HEAD)
    for one in shown:
        on = "everything" if set(one["on"]) == set(Occasion) else ", ".join(one["on"])
        cells = (
            one["name"],
            one["kind"] or "can't be read",
            one["address"],
            on,
            ", ".join(one["applications"]) or "all",
        )
        table.add_row(*map(escape, cells))
    out.print(table)


def _shown(name: str, one: Receiver | None) -> ReceiverJson:
    if one is None:
        return {"name": name, "kind": None, "address": "", "on": (), "applications": ()}
    return {
        "name": name,
        "kind": one.kind,
        "address": one.address,
        "on": one.on,
        "applications": one.applications,
    }
