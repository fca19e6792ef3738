"""What an interrupt must know of a command: whether it undoes something, and whether its screen is drawn."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hitless.domain.common.events import Event

_undo: list[float] = []  # of the undo that is under way: how many seconds it may take, 0 if nobody knows
_screens: list[Callable[[str], None]] = []  # those that are drawn: each shows a text


def hearing(emit: Callable[[Event], None]) -> Callable[[Event], None]:
    """The same, which notes when an undo begins and ends."""
    from hitless.domain.common.events import Ended, Undoing, Undone

    def hear(event: Event) -> None:
        if isinstance(event, Undoing):
            _undo[:] = [event.limit]
        elif isinstance(event, Undone | Ended):
            _undo.clear()
        emit(event)

    return hear


def undo_limit() -> float | None:
    """How many seconds the undo may take that is under way, 0 if nobody knows; None: there is none."""
    return _undo[0] if _undo else None


def draws(show: Callable[[str], None]) -> None:
    """Have this show what is said from now on: what is written beside a picture is drawn over."""
    _screens.append(show)


def draws_no_more(show: Callable[[str], None]) -> None:
    """End that."""
    with suppress(ValueError):
        _screens.remove(show)


def say(text: str) -> None:
    """Tell a person, from a signal's handler."""
    if _screens:
        _screens[-1](text)
        return
    with suppress(OSError):
        os.write(2, f"\n{text}\n".encode())


def say_last(text: str) -> None:
    """The same just before the process ends; a terminal gets its cursor back."""
    with suppress(OSError):
        if _screens:
            os.write(1, b"\x1b[?25h")
        os.write(2, f"\n{text}\n".encode())
