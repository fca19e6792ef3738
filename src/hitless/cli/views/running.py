"""What a terminal shows below the lines: the step that runs, and what is written while it runs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from textwrap import wrap

from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.text import Text

from hitless.cli import interrupts
from hitless.cli.visible import one_line, visible

_FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_A_SECOND = 8  # pictures; each takes about 2 ms
_LINES = 6  # that were written last
_LEAST = 3  # seconds; of less nobody wants to know that they are to go


class Running:
    """The step that runs, drawn again and again until it is over. Another thread draws."""

    def __init__(self, out: Console, is_drawn: bool) -> None:
        self._out = out
        self._step = ""  # "": none runs
        self._detail = ""
        self._limit = 0.0
        self._began = self._command_began = time.monotonic()
        self._expected = 0.0
        self._written: tuple[tuple[str, str], ...] = ()
        self._done = self._planned = 0
        self._live = Live(
            self, console=out, transient=True, refresh_per_second=_A_SECOND, auto_refresh=is_drawn
        )
        self._is_drawn = is_drawn
        self._notice = ""

    def __enter__(self) -> Running:
        """Draw from now on."""
        if self._is_drawn:
            self._live.start()
            interrupts.draws(self.notice)
        return self

    def __exit__(self, *_: object) -> None:
        """Draw no more, and leave nothing but a notice."""
        if self._is_drawn:
            interrupts.draws_no_more(self.notice)
            self._live.stop()
            self.print_notice()

    def notice(self, text: str) -> None:
        """Show a text from a signal's handler: it may come at any point, so nothing is printed here."""
        self._notice = text

    def print_notice(self) -> None:
        """Print what was noticed as a line of its own."""
        if self._notice:
            text, self._notice = self._notice, ""
            self._out.print(text, markup=False, soft_wrap=False)

    def command_began(self, expected: float) -> None:
        """Note the command's beginning, and how many seconds such a command takes, 0 if nobody knows."""
        self._command_began, self._expected = time.monotonic(), expected

    def planned(self, steps: int) -> None:
        """Note how many steps are to come; 0 where the plan is over, and what was done is undone."""
        self._done, self._planned = 0, steps
        if not steps:
            self._expected = 0.0

    def began(self, step: str) -> None:
        """Show a step."""
        self._detail, self._limit, self._written = "", 0.0, ()
        self._began = time.monotonic()
        self._step = visible(step)
        if self._is_drawn:
            self._live.refresh()

    def waits(self, detail: str, limit: float) -> None:
        """Show what it waits for, and for how many seconds at most."""
        self._detail, self._limit = one_line(detail), limit

    def wrote(self, source: str, line: str) -> None:
        """Show a line that was written."""
        self._written = (*self._written, (visible(source), one_line(line)))[-_LINES:]

    def ended(self) -> None:
        """Show no step."""
        self._step = ""
        self._done += 1

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """The lines of now, none wider than the terminal: then they could not be drawn over."""
        for part in wrap(self._notice, max(options.max_width - 1, 1)):
            yield Text(part, "bold yellow")
        if not self._step:
            return
        for line in list(self._lines(time.monotonic()))[: max(console.size.height - 2, 1)]:
            line.truncate(options.max_width - 1, overflow="ellipsis")
            yield line

    def _lines(self, now: float) -> Iterator[Text]:
        took = now - self._began
        of = f" of at most {self._limit:.0f} s" if self._limit else ""
        detail = f"  {self._detail}" if self._detail else ""
        frame = _FRAMES[int(now * 10) % len(_FRAMES)]
        yield Text.assemble(
            f"  {frame} ", (self._step, "bold"), (f"  {took:.0f} s{of}", "cyan"), (detail, "dim")
        )
        width = max((len(source) for source, _ in self._written), default=0)
        for source, line in self._written:
            yield Text.assemble((f"    {source:<{width}} | ", "cyan"), (line, "dim"))
        in_all = now - self._command_began
        left = self._expected - in_all
        place = f"step {min(self._done + 1, self._planned)} of {self._planned}, " if self._planned else ""
        to_go = f", about {left:.0f} s to go" if left >= _LEAST else ""
        yield Text(f"  {place}{in_all:.0f} s{to_go}", "dim")
