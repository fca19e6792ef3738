"""Events as lines for people or as JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from hitless.cli.console import console, leave_standard_output
from hitless.cli.views.findings import show_findings
from hitless.cli.views.words import step_text
from hitless.cli.visible import visible
from hitless.domain.common.events import (
    Began,
    Drained,
    Ended,
    Event,
    Found,
    Live,
    Operation,
    Outcome,
    StepBegan,
    StepDone,
    StepFailed,
    StepProgress,
    Waiting,
    as_json,
)

Emit = Callable[[Event], None]


@contextmanager
def events(as_lines_of_json: bool, is_brief: bool = False) -> Iterator[Emit]:
    """A function that shows every event: live for a person, one JSON object a line for a program.

    `is_brief`: a person sees one line for each command, and what fails.
    """
    if as_lines_of_json:
        yield _unheard(_print_json)
        return
    out = console()
    with Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        TimeElapsedColumn(),
        console=out,
        transient=True,
        disable=not out.is_terminal,
    ) as progress:
        yield _unheard(_Lines(out, progress, is_brief).show)


class _Lines:
    """A line for each step that has ended, and a spinner for the one that runs."""

    def __init__(self, out: Console, progress: Progress, is_brief: bool) -> None:
        self._out = out
        self._is_brief = is_brief
        self._progress = progress
        self._task = progress.add_task("", start=True, visible=False)
        self._has_begun = False
        self._live: Live | None = None
        self._drained: list[Drained] = []
        self._release = 0
        self._has_logs = False

    def show(self, event: Event) -> None:
        match event:
            case Found(findings):
                show_findings(self._out, findings)
            case Began(_, _, release) if self._is_brief:
                self._has_begun = True
                self._release = release
            case Live() if self._is_brief:
                self._out.print(f"  live on {event.colour} after {event.seconds:.1f} s")
            case StepDone() if self._is_brief:
                self._progress.update(self._task, visible=False)
            case Began(operation, application, release):
                self._has_begun = True
                self._release = release
                what = f" release {release}" if release else ""
                self._out.print(f"{operation} [bold]{escape(application)}[/]{what}")
            case Waiting(_, holder):
                self._out.print(f"waiting for {escape(holder)}")
            case StepBegan(step):
                # rich makes a text of it by itself, without the console
                self._progress.reset(self._task, description=escape(visible(step_text(step))), visible=True)
            case StepProgress(step, detail):
                description = visible(f"{escape(step_text(step))} [dim]{escape(detail)}[/]")
                self._progress.update(self._task, description=description)
            case StepDone(step, seconds, detail):
                more = f"  [dim]{escape(detail)}[/]" if detail else ""
                self._line("[green]✓[/]", step_text(step), seconds, more)
            case StepFailed(step, seconds, _, _, logs):
                self._line("[red]✗[/]", step_text(step), seconds, "")
                self._show_logs(logs)
            case Live():
                self._live = event
                self._out.print(
                    f"  [bold green]live[/] after {event.seconds:.1f} s: every new request gets "
                    f"release {event.release} ({event.colour})"
                )
            case Drained():
                self._drained.append(event)
            case Ended() if self._has_begun:  # else the error says it, or that there was nothing to do
                self._end(event)

    def _line(self, mark: str, step: str, seconds: float, more: str) -> None:
        self._progress.update(self._task, visible=False)
        self._out.print(f"  {mark} {escape(step):<44}{seconds:6.1f} s{more}")

    def _show_logs(self, logs: Mapping[str, str]) -> None:
        self._has_logs = self._has_logs or bool({*logs} - {"here"})
        for container, text in logs.items():
            self._out.print(f"    [bold]last lines of {escape(container)}:[/]")
            for line in text.splitlines() or ["(it wrote nothing)"]:
                self._out.print("    |", line, markup=False)

    def _end(self, event: Ended) -> None:
        self._progress.update(self._task, visible=False)
        if event.outcome is not Outcome.SUCCESSFUL:
            if event.outcome is Outcome.FAILED:
                still = "undone: everything is as it was before"
            elif event.operation is Operation.ADOPT:
                still = "the release runs beside what ran before; go on with hitless adopt"
            elif self._live:
                still = (
                    f"release {self._live.release} is live, but some of the previous one is left; "
                    "finish with hitless resume (or the next hitless deploy), go back with hitless abort"
                )
            else:
                still = (
                    "some of it is not undone; "
                    "see hitless status, then hitless resume, abort, or deploy again"
                )
            self._out.print(f"{event.operation} failed after {event.seconds:.1f} s: {still}")
            if self._has_logs and self._release:
                self._out.print(f"  hitless logs --release {self._release} shows all that it wrote")
        elif self._live:
            in_flight = sum(drained.in_flight for drained in self._drained)
            cut = sum(drained.cut for drained in self._drained)
            self._out.print(
                f"release {self._live.release} is live on {self._live.colour} after "
                f"{self._live.seconds:.1f} s; {in_flight} requests in flight drained, {cut} cut; "
                f"{event.seconds:.1f} s in all"
            )
        else:
            self._out.print(f"{event.operation} done in {event.seconds:.1f} s")


def as_line(event: Event) -> str:
    """An event as `--json` prints it, now."""
    return json.dumps(as_json(event, datetime.now(UTC).isoformat(timespec="milliseconds")))


def _print_json(event: Event) -> None:
    print(as_line(event), flush=True)


def _unheard(show: Emit) -> Emit:
    """The same, but it continues without a terminal or a reader: work and undo must not stop."""

    def emit(event: Event) -> None:
        try:
            show(event)
        except OSError:
            leave_standard_output()

    return emit
