"""What `hitless doctor` prints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, TypedDict

from rich.markup import escape

from hitless.cli.console import console
from hitless.cli.views.documents import Document, print_document
from hitless.domain.common.foreign import Json
from hitless.domain.host.diagnosis import Diagnosis, Level

_COLOURS = {Level.OK: "green", Level.WARNING: "yellow", Level.ERROR: "bold red"}


_INDENT = 23 * " "  # below the messages


class DoctorDocument(TypedDict):
    """What is wrong on the Docker host. `fixed` has a line for each thing that `--fix` has done."""

    gateway: str
    diagnoses: list[Annotated[Json, Diagnosis]]
    fixed: list[str]


def show_diagnoses(gateway: str, found: Sequence[Diagnosis], fixed: Sequence[str], as_json: bool) -> None:
    """A line for each, by check; what is wrong has its remedy below it."""
    if as_json:
        document: DoctorDocument = {
            "gateway": gateway,
            "diagnoses": [vars(one) for one in found],
            "fixed": list(fixed),
        }
        print_document(Document.DOCTOR, document)
        return
    out = console()
    for line in fixed:
        out.print(f"[green]fixed[/]    {escape(line)}")
    for one in found:
        level = f"[{_COLOURS[one.level]}]{one.level:<7}[/]"
        out.print(f"{level}  [bold]{one.check:<12}[/]  {escape(one.message)}")
        if one.remedy:
            also = " (or --fix)" if one.is_fixable else ""
            out.print(f"{_INDENT}→ {escape(one.remedy)}{also}")
    counts = [(sum(one.level is level for one in found), level) for level in (Level.ERROR, Level.WARNING)]
    said = [f"{count} {level}{'' if count == 1 else 's'}" for count, level in counts if count]
    out.print(", ".join(said) or "nothing is wrong")
