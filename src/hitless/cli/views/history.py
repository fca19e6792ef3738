"""What `hitless history` and `hitless show` print of the journal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, TypedDict

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from hitless.cli.console import console
from hitless.cli.views.documents import Document, print_document
from hitless.cli.views.words import any_step_json, any_step_text
from hitless.domain.common.errors import HitlessError
from hitless.domain.common.events import Event, StepJson
from hitless.domain.common.foreign import Json
from hitless.domain.host.journal import Run, step_of


class RunDocument(TypedDict):
    """One command's work on an application.

    `began` is an ISO time in UTC. `step` is the first step that failed, or the last one that began. It is
    null before the first one. An older hitless wrote a sentence there. `outcome` is "" if the command is at
    work, or was killed. `release` is 0 if the command concerns none.
    """

    operation: str
    release: int
    holder: str
    revision: str
    began: str
    step: StepJson | str | None
    outcome: str
    seconds: float


class ShownRun(RunDocument):
    """One command's work on an application, with its events as the journal has them.

    An older hitless may have written them in another form.
    """

    events: Sequence[Annotated[Json, Event]]


HistoryDocument = list[RunDocument]
"""The latest command first."""

ShowDocument = list[ShownRun]
"""The oldest command first."""


def show_history(application: str, runs: Sequence[Run], as_json: bool) -> None:
    """One line a command, the latest first."""
    if as_json:
        history: HistoryDocument = [_summary(run) for run in reversed(runs)]
        print_document(Document.HISTORY, history)
        return
    _refuse_none(application, runs)
    table = Table(box=SIMPLE_HEAD)
    for column in ("began (UTC)", "command", "release", "outcome", "seconds", "revision", "by"):
        table.add_column(column, justify="right" if column in ("release", "seconds") else "left")
    for run in reversed(runs):
        seconds = f"{run.seconds:.1f}" if run.outcome else ""
        row = (run.began[:19], run.operation, str(run.release or ""), _outcome(run), seconds)
        table.add_row(*row, *(escape(text) for text in (run.revision, run.holder)))
    console().print(table)


def show_runs(application: str, release: int | None, runs: Sequence[Run], as_json: bool) -> None:
    """Every event of the commands on a release (None: of the last command), with its time."""
    shown = runs[-1:] if release is None else [run for run in runs if run.release == release]
    if runs and not shown:
        raise HitlessError(
            f"the journal of {application} says nothing of release {release}", "see hitless history"
        )
    if as_json:
        found: ShowDocument = [{**_summary(run), "events": run.events} for run in shown]
        print_document(Document.SHOW, found)
        return
    _refuse_none(application, runs)
    out = console()
    for run in shown:
        what = f"{run.operation} [bold]{escape(application)}[/]" + (
            f" release {run.release}" if run.release else ""
        )
        out.print(f"{what}  {_outcome(run)}")
        revision = f", revision {run.revision}" if run.revision else ""
        out.print(f"  by {escape(run.holder)}{escape(revision)}")
        for event in run.events:
            _show_event(out, event)


def _show_event(out: Console, event: Json) -> None:
    try:
        said = escape(_said(event))
    except (LookupError, TypeError, ValueError):  # another hitless wrote it
        said = escape(str(event["event"]))
    if said:
        out.print(f"  {escape(str(event.get('time', '')))[11:23]}  {said}")
    for container, text in (event.get("logs") or {}).items():
        out.print(f"      last lines of {escape(container)}:")
        for line in text.splitlines():
            out.print("      |", line, markup=False)


def _said(event: Json) -> str:
    """An event of the journal in one line; of one that only a newer hitless knows, its name."""
    step = any_step_text(step_of(event.get("step")))
    match event["event"]:
        case "step_began" | "planned" | "drained":
            return ""  # the events after them say it
        case "output":
            return f"{step} wrote"
        case "began":
            return "began"
        case "found":
            return "; ".join(f"{one['path']}: {one['message']}" for one in event["findings"])
        case "step_done":
            detail = f": {event['detail']}" if event["detail"] else ""
            return f"{step} ({event['seconds']:.1f} s){detail}"
        case "step_failed":
            return f"{step} failed after {event['seconds']:.1f} s: {event['message']}"
        case "live":
            return f"release {event['release']} is live ({event['colour']}) after {event['seconds']:.1f} s"
        case "undone":
            return "all undone"
        case "ended":
            return f"{event['outcome']} after {event['seconds']:.1f} s"
        case kind:
            return str(kind)


def _outcome(run: Run) -> str:
    if run.outcome:
        return run.outcome
    return f"not ended, last at {escape(any_step_text(run.step))}" if run.step else "not ended"


def _summary(run: Run) -> RunDocument:
    return {
        "operation": run.operation,
        "release": run.release,
        "holder": run.holder,
        "revision": run.revision,
        "began": run.began,
        "step": any_step_json(run.step),
        "outcome": run.outcome,
        "seconds": run.seconds,
    }


def _refuse_none(application: str, runs: Sequence[Run]) -> None:
    if not runs:
        raise HitlessError(
            f"there is no journal of {application} on this gateway", "see hitless status --all"
        )
