"""What `hitless gateway config list` prints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, TypedDict

from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from hitless.cli.console import console
from hitless.cli.views.documents import Document, print_document
from hitless.domain.common.foreign import Json
from hitless.domain.host.configs import ConfigStatus


class ConfigsDocument(TypedDict):
    """The gateway's own middlewares."""

    configs: list[Annotated[Json, ConfigStatus]]


def show_configs(found: Sequence[ConfigStatus], as_json: bool) -> None:
    """What `hitless gateway config list` prints."""
    if as_json:
        print_document(Document.CONFIGS, {"configs": [vars(one) for one in found]})
        return
    out = console()
    if not found:
        out.print(
            "the gateway has no middlewares of its own; hitless gateway config add takes a file of them"
        )
        return
    table = Table("config", "middleware", "kind", "used by", box=SIMPLE_HEAD)
    for one in found:
        for name, kind in one.middlewares.items():
            users = ", ".join(one.applications.get(name, ()))
            table.add_row(escape(one.name), escape(f"{name}@file"), escape(kind), escape(users))
    out.print(table)
