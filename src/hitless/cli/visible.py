"""What others have written, made harmless for a terminal: every text for a person goes through here.

A terminal takes some characters as commands: they clear the screen, write over lines, set its title, or, on
some, type what is in the clipboard. A container's log, an error of Compose's, or a name may hold them.
`--json` needs none of this: `json.dumps` escapes whatever is not printable ASCII.
"""

from __future__ import annotations

import os
import re
import unicodedata

# Colours and the like (ECMA-48, 8.3.117) are left out: they add nothing, and every other log has them.
_RENDITION = re.compile(r"\x1b\[[0-9;:]*m")
_SUSPECT = re.compile(r"[^\n\t -~]")
# `::error::` at the beginning of a line, and `##[group]` anywhere (actions/runner, ActionCommand.cs)
_CI_COMMAND = re.compile(r"((?m:^)\s*:|##)(:[a-z]|\[)")
_STEERING = ("Cc", "Cf", "Cs", "Zl", "Zp")  # control, format (bidi overrides), half a pair, ends of lines
_JOINERS = "\N{ZERO WIDTH JOINER}\N{ZERO WIDTH NON-JOINER}"  # Persian, Hindi and emoji are written with them


def visible(text: str) -> str:
    r"""The text, with the number of each character that steers a terminal in its place: \x1b, \u202e.

    Newlines and tabs stay; a carriage return before a newline and colours are left out. In the log of a
    GitHub workflow, what its runner takes for a command is broken up, too.
    """
    shown = _SUSPECT.sub(_shown, _RENDITION.sub("", text).replace("\r\n", "\n"))
    return _CI_COMMAND.sub(r"\1 \2", shown) if "GITHUB_ACTIONS" in os.environ else shown


def one_line(text: str) -> str:
    """The same for a place where only one line fits: of a bar that was drawn over, its last state."""
    last = text.rstrip("\r\n").rpartition("\r")[2]
    # a terminal shows a tab wider than it is counted
    return visible(last).replace("\n", " ").expandtabs(4)


def echo(text: str, err: bool = False) -> None:
    """Print a line for a person."""
    import click

    click.echo(visible(text), err=err)


def _shown(found: re.Match[str]) -> str:
    character = found[0]
    if unicodedata.category(character) not in _STEERING or character in _JOINERS:
        return character
    number = ord(character)
    return (
        f"\\x{number:02x}"
        if number < 0x100
        else f"\\u{number:04x}"
        if number < 0x10000
        else f"\\U{number:08x}"
    )
