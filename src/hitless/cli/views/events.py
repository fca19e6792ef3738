"""Events as lines for people or as JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from rich.console import Console
from rich.markup import escape

from hitless.cli.console import console, leave_standard_output
from hitless.cli.views.findings import show_findings
from hitless.cli.views.folds import Folds
from hitless.cli.views.running import Running
from hitless.cli.views.words import openable, step_text
from hitless.cli.visible import one_line
from hitless.domain.common.events import (
    Began,
    Drained,
    Ended,
    Event,
    Found,
    Live,
    NotNotified,
    Operation,
    Outcome,
    Planned,
    StepBegan,
    StepDone,
    StepFailed,
    StepId,
    StepKind,
    StepProgress,
    Undoing,
    Waiting,
    Wrote,
    as_json,
)
from hitless.domain.common.names import Colour, colour_project
from hitless.domain.host.logs import short

Emit = Callable[[Event], None]
_STEP, _TIME = 44, 12  # columns of a step's text, and of what is around it
_ADDRESSES = 3  # that are shown at the end


@dataclass(frozen=True)
class Shown:
    """How events are shown to a person.

    `is_brief`: one line for each command, and what fails. `is_quiet`: only errors, and the result in one
    line. `words` are options that commands need to mean the same application: ` -p shop`. `host_name` is the
    name of the Docker host.
    """

    is_brief: bool = False
    is_quiet: bool = False
    words: str = ""
    host_name: Callable[[], str] = lambda: "localhost"


AS_USUAL = Shown()


@contextmanager
def events(as_lines_of_json: bool, shown: Shown = AS_USUAL) -> Iterator[Emit]:
    """A function that shows every event: live for a person, one JSON object a line for a program."""
    if as_lines_of_json:
        yield _unheard(_print_json)
        return
    out = console()
    folds = Folds(out.file)
    is_drawn = out.is_terminal and not (folds.are_there or shown.is_quiet)
    with Running(out, is_drawn) as running:
        yield _unheard(_Lines(out, running, folds, shown).show)


class _Lines:
    """A line for each step that has ended, and the one that runs below them."""

    def __init__(self, out: Console, running: Running, folds: Folds, shown: Shown) -> None:
        self._out = out
        self._running = running
        self._folds = folds
        self._shown = shown
        self._has_begun = False
        self._live: Live | None = None
        self._has_way_back = False
        self._drained: list[Drained] = []
        self._application = ""
        self._release = 0
        self._has_logs = False
        self._is_undoing = False

    def show(self, event: Event) -> None:
        self._note(event)
        if self._shown.is_quiet:
            self._show_quietly(event)
        else:
            self._show(event)

    def _note(self, event: Event) -> None:
        """What later events refer to."""
        match event:
            case Began(_, application, release, expected=expected):
                self._has_begun = True
                self._application, self._release = application, release
                self._running.command_began(expected)
            case Planned(steps):
                self._running.planned(len(steps))
                # a release that leaves is kept, and there is one to go back to
                self._has_way_back = any(step.kind is StepKind.RETIRE for step in steps)
            case Undoing():
                self._running.planned(0)
            case StepBegan(step):
                self._running.began(step_text(step))
            case StepProgress(_, detail, limit):
                self._running.waits(self._shorter(detail), limit)
            case Live():
                self._live = event
            case Drained():
                self._drained.append(event)
            case _:
                pass

    def _shorter(self, detail: str) -> str:
        """A detail with the containers' short names: a line has little room."""
        for colour in Colour:
            detail = detail.replace(f"{colour_project(self._application, colour)}-", "")
        return detail

    def _show_quietly(self, event: Event) -> None:
        match event:
            case Found(findings):
                show_findings(self._out, [one for one in findings if one.is_error])
            case StepFailed(step, seconds, _, _, logs):
                self._line("[red]✗[/]", step_text(step), seconds, "")
                self._show_logs(logs)
            case NotNotified():
                self._show_not_notified(event)
            case Ended() if self._has_begun:
                self._say(self._result(event))

    def _show(self, event: Event) -> None:
        match event:
            case Found(findings):
                show_findings(self._out, findings)
            case Live() if self._shown.is_brief:
                self._out.print(f"  live on {event.colour} after {event.seconds:.1f} s")
            case StepDone() if self._shown.is_brief:
                self._end_step()
            case Began(operation, application, release) if not self._shown.is_brief:
                what = f" release {release}" if release else ""
                self._out.print(f"{operation} [bold]{escape(application)}[/]{what}")
            case Undoing() if not self._is_undoing:
                self._is_undoing = True
                self._say("  undoing what was done")
            case Waiting(_, holder):
                self._out.print(f"waiting for {escape(holder)}")
            case Wrote(step, source, line):
                self._show_written(step, source, line)
            case StepDone(step, seconds, detail):
                self._line("[green]✓[/]", step_text(step), seconds, detail)
            case StepFailed(step, seconds, _, _, logs):
                self._line("[red]✗[/]", step_text(step), seconds, "")
                self._show_logs(logs)
            case Live():
                self._say(
                    f"  [bold green]live[/] after {event.seconds:.1f} s: every new request gets "
                    f"release {event.release} ({event.colour})"
                )
            case NotNotified():
                self._show_not_notified(event)
            case Ended() if self._has_begun:  # else the error says it, or that there was nothing to do
                self._end(event)

    def _say(self, text: str) -> None:
        """Print a line of hitless's own: a terminal has it broken between words, and nothing else has."""
        self._running.print_notice()
        self._out.print(text, soft_wrap=not self._out.is_terminal)

    def _show_written(self, step: StepId, source: str, line: str) -> None:
        name = short(self._application, source)
        self._running.wrote(name, line)
        if self._folds.are_there:
            self._folds.open(step_text(step))
            self._out.print(f"    {name} |", one_line(line), markup=False)

    def _show_not_notified(self, event: NotNotified) -> None:
        self._say(f"  [yellow]not told:[/] {escape(event.receiver)}: {escape(event.reason)}")

    def _end_step(self) -> None:
        self._running.ended()
        self._folds.close()

    def _line(self, mark: str, step: str, seconds: float, detail: str) -> None:
        self._end_step()
        room = min(_STEP, max(self._out.width - _TIME, 1))
        between = "  " if self._out.width >= _STEP + _TIME + len(detail) or room == _STEP else "\n      "
        more = f"{between}[dim]{escape(detail)}[/]" if detail else ""
        self._say(f"  {mark} {escape(step):<{room}}{seconds:6.1f} s{more}")

    def _show_logs(self, logs: Mapping[str, str]) -> None:
        self._has_logs = self._has_logs or bool({*logs} - {"here", "the build"})
        for container, text in logs.items():
            self._out.print(f"    [bold]last lines of {escape(container)}:[/]")
            for line in text.splitlines() or ["(it wrote nothing)"]:
                self._out.print("    |", line, markup=False)

    def _end(self, event: Ended) -> None:
        self._end_step()
        self._say(self._result(event))
        if event.outcome is not Outcome.SUCCESSFUL:
            if self._has_logs and self._release:
                self._say(f"  hitless logs --release {self._release} shows all that it wrote")
        elif self._live and not self._shown.is_brief:
            for address in openable(event.addresses, self._shown.host_name)[:_ADDRESSES]:
                self._say(f"  [bold]{escape(address)}[/]")
            words = escape(self._shown.words)
            verbs = ["logs -f"]
            verbs += ["open"] if any(one.startswith("http") for one in event.addresses) else []
            verbs += ["rollback"] if self._has_way_back else []
            self._say(f"  next: {', '.join(f'hitless{words} {verb}' for verb in verbs)}")

    def _result(self, event: Ended) -> str:
        """How the command ended, in one line."""
        if event.outcome is not Outcome.SUCCESSFUL:
            return f"{event.operation} failed after {event.seconds:.1f} s: {self._what_is_left(event)}"
        if not self._live:
            return f"{event.operation} done in {event.seconds:.1f} s"
        in_flight = sum(drained.in_flight for drained in self._drained)
        cut = sum(drained.cut for drained in self._drained)
        return (
            f"release {self._live.release} is live on {self._live.colour} after "
            f"{self._live.seconds:.1f} s; {in_flight} requests in flight drained, {cut} cut; "
            f"{event.seconds:.1f} s in all"
        )

    def _what_is_left(self, event: Ended) -> str:
        if event.outcome is Outcome.FAILED:
            return "undone: everything is as it was before"
        if event.operation is Operation.ADOPT:
            return "the release runs beside what ran before; go on with hitless adopt"
        if self._live:
            return (
                f"release {self._live.release} is live, but some of the previous one is left; "
                "finish with hitless resume (or the next hitless deploy), go back with hitless abort"
            )
        return "some of it is not undone; see hitless status, then hitless resume, abort, or deploy again"


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
