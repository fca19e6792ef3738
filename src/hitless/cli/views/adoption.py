"""What adopting an application takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, TypedDict

from rich.markup import escape

from hitless.cli.console import console
from hitless.cli.views.documents import Document, print_document
from hitless.cli.views.findings import show_findings
from hitless.domain.application.model import Application, Role
from hitless.domain.common.findings import Finding
from hitless.domain.common.foreign import Json
from hitless.domain.plan.adopt import Adoption


class AdoptDocument(TypedDict):
    """What adopting an application takes. `steps` are lines for people.

    `hitless adopt` would refuse if a finding is an error. There are no steps then.
    """

    application: str
    findings: list[Annotated[Json, Finding]]
    steps: tuple[str, ...]


def show_adoption(
    application: Application, adoption: Adoption, findings: Sequence[Finding], as_json_text: bool
) -> None:
    """What `hitless adopt` prints before it begins; no plan if it will refuse."""
    is_refused = any(finding.is_error for finding in findings)
    steps = () if is_refused else adoption_lines(adoption)
    if as_json_text:
        document: AdoptDocument = {
            "application": application.name,
            "findings": [vars(finding) for finding in findings],
            "steps": steps,
        }
        print_document(Document.ADOPT, document)
        return
    out = console()
    show_findings(out, findings)
    if is_refused:
        return
    out.print(f"adopt [bold]{escape(application.name)}[/]:")
    for number, line in enumerate(steps, start=1):
        out.print(f"  {number}. {escape(line)}")
    if kept := [service.name for service in application.having(Role.SHARED)]:
        out.print(f"  {', '.join(kept)}: keeps running as it is")


def adoption_lines(adoption: Adoption) -> tuple[str, ...]:
    """A line for each thing that is done."""
    return tuple(_lines(adoption))


def _lines(found: Adoption) -> Iterator[str]:
    held = ", ".join(map(str, found.before.held)) if found.before else ""
    if found.before:
        yield "start or restart the gateway" + (f", without port {held} yet" if held else "")
    if found.exclusive:
        stopped = ", ".join(found.exclusive)
        yield f"stop {stopped}, because two of it must never run: until the release is live"
    if not found.is_live:
        yield f"deploy {found.application}: hitless plan shows how"
    if found.others:
        others = ", ".join(found.others)
        yield f"leave {found.front} its port while it serves {others}, too: adopt that, then this again"
        return
    if found.ports:
        given = ", ".join(f"{port} from {name}" for port, name in found.ports.items())
        yield f"take over port {given}: nobody is answered there for about two seconds"
    elif found.after:
        yield "restart the gateway: nobody is answered for about two seconds"
    if found.addresses:
        yield f"drain {', '.join(found.plain)}"
    yield f"remove {', '.join(found.plain)}"
