"""docs/reference/commands.md, made from click's own help. `python -m tests.reference.commands` writes it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from hitless.cli.main import hitless

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "commands.md"
_WIDTH = 100
_TEXT = """# Commands

What each command says with `--help`. `make docs` writes the page. The options of `hitless` itself may also
stand after the command. [Events, exit codes and JSON](events.md) are on a page of their own.

{commands}
"""


def page() -> str:
    """The whole page."""
    parts = [f"## {name}\n\n```text\n{text}\n```" for name, text in _helps(hitless, "hitless", None)]
    return _TEXT.format(commands="\n\n".join(parts))


def _helps(command: click.Command, name: str, parent: click.Context | None) -> Iterator[tuple[str, str]]:
    """The command and all below it: its whole name, and its help."""
    words = {**command.context_settings, "terminal_width": _WIDTH, "max_content_width": _WIDTH}
    context = click.Context(command, info_name=name.split()[-1], parent=parent, **words)
    yield name, command.get_help(context)
    if isinstance(command, click.Group):
        for below in sorted(command.commands):
            one = command.commands[below]
            if not one.hidden:
                yield from _helps(one, f"{name} {below}", context)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
