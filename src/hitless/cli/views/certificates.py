"""What `hitless gateway certificate list` prints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, TypedDict

from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from hitless.cli.console import console
from hitless.cli.views.documents import Document, print_document
from hitless.domain.common.foreign import Json
from hitless.domain.host.certificates import CertificateStatus


class CertificatesDocument(TypedDict):
    """The gateway's certificates."""

    certificates: list[Annotated[Json, CertificateStatus]]


def show_certificates(found: Sequence[CertificateStatus], as_json: bool) -> None:
    """What `hitless gateway certificate list` prints."""
    if as_json:
        print_document(Document.CERTIFICATES, {"certificates": [vars(one) for one in found]})
        return
    out = console()
    if not found:
        out.print("the gateway has no certificate; hitless gateway certificate add serves one from files")
        return
    table = Table("name", "host names", "issuer", "valid until", "used by", box=SIMPLE_HEAD)
    for one in found:
        soon = f" ({one.days} days)" if one.is_near_its_end else ""
        until = f"[{'yellow' if soon else 'default'}]{one.not_after[:10]}{soon}[/]"
        until += ", renewed by itself" if one.is_renewed else ""
        names, users = ", ".join(one.names), ", ".join(one.applications)
        table.add_row(escape(one.name), escape(names), escape(one.issuer), until, escape(users))
    out.print(table)
