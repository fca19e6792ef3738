"""What `hitless history` and `hitless show` print of the journal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, TypedDict

from rich.console import Console
from rich.markup import escape

from hitless.cli.console import console
from hitless.cli.views.documents import Document, print_document
from hitless.cli.views.times import local
from hitless.cli.views.words import any_step_json, any_step_text
from hitless.domain.common.errors import HitlessError
from hitless.domain.common.events import Event, Outcome, StepJson
from hitless.domain.common.foreign import Json
from hitless.domain.host.journal import Run, step_of


class RunDocument(TypedDict):
    """One command's work on an application.

    `began` is an ISO time in UTC. `step` is the first step that failed, or the last one that began. It is
    null before the first one. An older hitless wrote a sentence there. `reason` is why it failed, or "".
    `outcome` is "" if the command is at work, or was killed. `release` is 0 if the command concerns none.
    """

    operation: str
    release: int
    holder: str
    revision: str
    began: str
    step: StepJson | str | None
    reason: str
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

_ROW = "{:<16}  {:<9} {!s:>7} {:<10} {:>8} "  # with a name after it, 80 columns are enough


def show_history(application: str, runs: Sequence[Run], as_json: bool) -> None:
    """One line a command, the latest first, and one more for what failed."""
    if as_json:
        history: HistoryDocument = [run_document(run) for run in reversed(runs)]
        print_document(Document.HISTORY, history)
        return
    _refuse_none(application, runs)
    out = console()
    out.print(_ROW.format("began", "command", "release", "outcome", "took"), style="bold")
    for run in reversed(runs):
        seconds = f"{run.seconds:.1f} s" if run.outcome else ""
        row = (local(run.began)[:16], run.operation, run.release or "", run.outcome or "not ended", seconds)
        who = run.holder.partition(", ")[0]  # without its process, which is long over
        out.print(_ROW.format(*row), escape("  ".join(one for one in (run.revision, who) if one)))
        if run.step and not run.reason and run.outcome != Outcome.SUCCESSFUL:
            out.print(f"    last at {escape(any_step_text(run.step))}")
        if run.reason and run.outcome != Outcome.SUCCESSFUL:
            at = escape(any_step_text(run.step))
            out.print(f"    [red]{at}: {escape(run.reason.splitlines()[0])}[/]")


def show_runs(application: str, release: int | None, runs: Sequence[Run], as_json: bool) -> None:
    """Every event of the commands on a release (None: of the last command), with its time."""
    shown = runs[-1:] if release is None else [run for run in runs if run.release == release]
    if runs and not shown:
        raise HitlessError(
            f"the journal of {application} says nothing of release {release}", "see hitless history"
        )
    if as_json:
        found: ShowDocument = [{**run_document(run), "events": run.events} for run in shown]
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
        out.print(f"  {local(run.began)} by {escape(run.holder)}{escape(revision)}")
        for event in run.events:
            _show_event(out, event)


def _show_event(out: Console, event: Json) -> None:
    try:
        said = escape(_said(event))
    except (LookupError, TypeError, ValueError):  # another hitless wrote it
        said = escape(str(event["event"]))
    if said:
        out.print(f"  {escape(local(str(event.get('time', ''))))[11:]}  {said}")
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


def run_document(run: Run) -> RunDocument:
    """A command as one JSON object, without its events."""
    return {
        "operation": run.operation,
        "release": run.release,
        "holder": run.holder,
        "revision": run.revision,
        "began": run.began,
        "step": any_step_json(run.step),
        "reason": run.reason,
        "outcome": run.outcome,
        "seconds": run.seconds,
    }


def _refuse_none(application: str, runs: Sequence[Run]) -> None:
    if not runs:
        raise HitlessError(
            f"there is no journal of {application} on this gateway", "see hitless status --all"
        )
