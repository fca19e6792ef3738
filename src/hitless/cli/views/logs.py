"""Lines of logs, each after its container's name in a colour, as Compose shows them."""

from __future__ import annotations

import os
import re
from threading import Lock

import click

from hitless.cli.visible import visible

# as Compose takes them in turn
_PLAIN = ("cyan", "yellow", "green", "magenta", "blue")
_COLOURS = (*_PLAIN, *(f"bright_{name}" for name in _PLAIN))
_LINE = re.compile(r"(\S+) +\| (.*)", re.DOTALL)


class LogView:
    """Shows lines, from several threads. Raises `BrokenPipeError` if nobody reads them any longer."""

    def __init__(self) -> None:
        self._colours: dict[str, str] = {}
        self._width = 0
        self._one_by_one = Lock()

    def show(self, line: str) -> None:
        """Show a line of Compose's: `web-1  | text`, or that a container has ended."""
        if found := _LINE.fullmatch(line):
            self.line(found[1], found[2])
        else:
            self._print("", line)

    def line(self, name: str, text: str) -> None:
        """Show a line that a container of this name wrote."""
        with self._one_by_one:
            colour = self._colours.setdefault(name, _COLOURS[len(self._colours) % len(_COLOURS)])
            self._width = max(self._width, len(name))
            before = f"{visible(name):<{self._width}}  | "
            self._print(before if "NO_COLOR" in os.environ else click.style(before, fg=colour), text)

    @staticmethod
    def _print(before: str, text: str) -> None:
        # click leaves the colour out if it is no terminal that shows it
        click.echo(before + visible(text.removesuffix("\r")))
