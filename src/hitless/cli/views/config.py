"""What `hitless config` prints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, TypedDict

from rich.markup import escape

from hitless.cli.console import console
from hitless.cli.views.documents import Document, print_document
from hitless.cli.views.findings import show_findings
from hitless.domain.application.resolved import Origin, Resolved
from hitless.domain.common.findings import Finding
from hitless.domain.common.foreign import Json


class ConfigDocument(TypedDict):
    """Every setting of an application, and where it comes from; `findings` are errors in the file."""

    application: str
    settings: list[Annotated[Json, Resolved]]
    findings: list[Annotated[Json, Finding]]


def show_config(
    application: str, found: Sequence[Resolved], findings: Sequence[Finding], as_json: bool
) -> None:
    """A line for each setting; what is not a default is bold."""
    if as_json:
        document: ConfigDocument = {
            "application": application,
            "settings": [vars(one) for one in found],
            "findings": [vars(one) for one in findings],
        }
        print_document(Document.CONFIG, document)
        return
    out = console()
    for one in found:
        where = f" ({one.where})" if one.where else ""
        is_default = one.origin is Origin.DEFAULT
        value = escape(one.value) if is_default else f"[bold]{escape(one.value)}[/]"
        out.print(f"{escape(one.path)}: {value}  [dim]{one.origin}{escape(where)}[/]")
    show_findings(out, findings)
