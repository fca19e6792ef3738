"""The terminal: a console for the views to draw on, and errors."""

from __future__ import annotations

import os
import sys
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.text import Text

from hitless.cli.visible import visible
from hitless.domain.common.errors import HitlessError
from hitless.domain.common.events import Event


def ignore(_: Event) -> None:
    """For commands that only look."""


class _Console(Console):
    """A console that no text can steer, and that does not end if its reader leaves (`| head`)."""

    def render_str(self, text: str, **options: Any) -> Text:
        """Every text that is printed, and each cell of a table, goes through here."""
        return super().render_str(visible(text), **options)

    def on_broken_pipe(self) -> None:
        self.quiet = True
        leave_standard_output()


def console(stderr: bool = False) -> Console:
    """A console that prints what it is given: no guessed colours, no pictures for names between colons."""
    out = _Console(stderr=stderr, highlight=False, soft_wrap=True, emoji=False)
    if not out.is_terminal:
        out.width = 200  # nobody's screen is too narrow, and a name that is cut is no name
    return out


def say(out: Console, text: str) -> None:
    """Print a sentence: a terminal has its lines broken between words, a file has it on one line."""
    out.print(text, soft_wrap=not out.is_terminal)


def complain(error: HitlessError) -> None:
    """Say what went wrong, and what to do next."""
    err = console(stderr=True)
    say(err, f"[bold red]hitless:[/] {escape(error.message)}")
    if error.hint:
        say(err, f"  next: {escape(error.hint)}")


def leave_standard_output() -> None:
    """Nobody reads it any longer; without this, Python would complain when it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
