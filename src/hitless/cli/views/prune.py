"""What `hitless prune` prints."""

from __future__ import annotations

from typing import TypedDict

from rich.markup import escape

from hitless.cli.console import console
from hitless.cli.views.documents import Document, print_document
from hitless.domain.host.diagnosis import size
from hitless.domain.host.leftovers import LeftoverKind
from hitless.execution.prune import Found, Pruned


class LeftoverDocument(TypedDict):
    """Something of hitless's that nobody needs; `size` is in bytes at most, 0 if it is not known."""

    kind: LeftoverKind
    name: str
    why: str
    size: int
    removed: bool


class PruneDocument(TypedDict):
    """What nobody needs, and whether it was removed.

    `data` are volumes of applications that are gone, which stay. `silent` are other gateways that could not
    be asked what they need. `free` is how many bytes are free on Docker's disk now, null if that is not
    known, and `freed` how many more than before.
    """

    leftovers: list[LeftoverDocument]
    data: list[str]
    silent: list[str]
    free: int | None
    freed: int


def show_found(found: Found) -> None:
    """What nobody needs, the largest first."""
    out = console()
    for one in found.leftovers:
        known = size(one.size) if one.size else ""
        out.print(f"  {known:>9}  {one.kind} [bold]{escape(one.name)}[/]: {escape(one.why)}")
    if found.leftovers:
        count = len(found.leftovers)
        most = size(sum(one.size for one in found.leftovers))
        out.print(f"{count} thing{'' if count == 1 else 's'} that nobody needs, {most} at most")
    else:
        out.print("there is nothing that nobody needs")
    if found.data:
        names = escape(", ".join(found.data))
        out.print(f"volumes of applications that are gone stay, with their data: {names}")
        out.print("  → if nobody needs it: docker volume rm")
    for name in found.silent:
        out.print(f"what the gateway {escape(name)} may need stays: it can't be asked")
    if not found.leftovers and found.free is not None:
        out.print(f"{size(found.free)} are free on Docker's disk")


def show_pruned(found: Found, pruned: Pruned, as_json: bool) -> None:
    """What was removed, and what is free now."""
    if as_json:
        removed = {(one.kind, one.name) for one in pruned.removed}
        document: PruneDocument = {
            "leftovers": [
                {
                    "kind": one.kind,
                    "name": one.name,
                    "why": one.why,
                    "size": one.size,
                    "removed": (one.kind, one.name) in removed,
                }
                for one in found.leftovers
            ],
            "data": list(found.data),
            "silent": list(found.silent),
            "free": pruned.free,
            "freed": pruned.freed,
        }
        print_document(Document.PRUNE, document)
        return
    out = console()
    count = len(pruned.removed)
    out.print(f"removed {count} thing{'' if count == 1 else 's'}; {size(pruned.freed)} more are free")
    for one in found.leftovers:
        if one not in pruned.removed:
            out.print(f"  [yellow]{one.kind} {escape(one.name)} stays: somebody uses it now[/]")
    if pruned.free is not None:
        out.print(f"{size(pruned.free)} are free on Docker's disk now")
