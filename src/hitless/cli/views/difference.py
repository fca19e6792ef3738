"""What `hitless diff` prints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, TypedDict

from rich.markup import escape

from hitless.cli.console import console
from hitless.cli.views.documents import Document, print_document
from hitless.domain.common.foreign import Json
from hitless.domain.release.difference import ChangeKind, Difference

_MARKS = {
    ChangeKind.ADDED: "[green]+[/]",
    ChangeKind.REMOVED: "[red]-[/]",
    ChangeKind.CHANGED: "[yellow]~[/]",
}


class DiffDocument(TypedDict):
    """What differs between two states of an application: `release 7`, or `the file`."""

    application: str
    before: str
    after: str
    differences: list[Annotated[Json, Difference]]


def show_differences(
    application: str, before: str, after: str, found: Sequence[Difference], as_json: bool
) -> None:
    """One line for each part that differs."""
    if as_json:
        print_document(Document.DIFF, diff_document(application, before, after, found))
        return
    out = console()
    if not found:
        out.print(f"{escape(application)}: {before} and {after} are the same")
        return
    out.print(f"[bold]{escape(application)}[/]  from {before} to {after}")
    for one in found:
        values = [escape(text) for text in (one.before, one.after) if text]
        shown = f"  {' → '.join(values)}" if values else ""
        out.print(f"  {_MARKS[one.kind]} {escape(one.path)}{shown}")


def diff_document(application: str, before: str, after: str, found: Sequence[Difference]) -> DiffDocument:
    """The same as one JSON object."""
    return {
        "application": application,
        "before": before,
        "after": after,
        "differences": [vars(one) for one in found],
    }
