"""What `hitless gateway up --like` makes of the settings of a Traefik."""

from __future__ import annotations

from typing import Annotated, TypedDict

from rich.markup import escape
from rich.table import Table

from hitless.cli.console import console
from hitless.cli.views.documents import Document, print_document
from hitless.domain.common.foreign import Json
from hitless.domain.gateway.like_model import Kind, Like, Setting


class LikeDocument(TypedDict):
    """What hitless makes of each setting of a Traefik. `gateway up` starts the gateway if none is `open`."""

    settings: list[Annotated[Json, Setting]]


_COLOURS = {Kind.OPTION: "green", Kind.DEFAULT: "dim", Kind.LEFT: "yellow", Kind.OPEN: "red"}
_WORDS = {Kind.DEFAULT: "nothing to do", Kind.LEFT: "not taken over", Kind.OPEN: "needs an answer"}


def show_like(found: Like, as_json: bool, is_silent: bool) -> None:
    """A line for each setting; what needs an answer comes last."""
    if as_json:
        document: LikeDocument = {"settings": [vars(one) for one in found.settings]}
        print_document(Document.LIKE, document)
        return
    if is_silent:
        return
    table = Table(box=None, pad_edge=False, show_header=False)
    for column in range(3):
        table.add_column(overflow="fold", no_wrap=column == 0)
    for kind in Kind:
        for one in (one for one in found.settings if one.kind is kind):
            words = " ".join(filter(None, (one.option, one.value)))
            made = words if kind is Kind.OPTION else _WORDS[kind]
            table.add_row(escape(one.name), f"[{_COLOURS[kind]}]{escape(made)}[/]", escape(one.said))
    console().print(table)
