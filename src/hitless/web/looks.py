"""Look at the host as seldom as possible: everybody who asks at the same time gets the same answer.

However many pages are open, each thing is looked at by one thread at a time, and not again before its answer
is old. An answer that is late does not hold a page up: it shows what was seen last, and how old that is.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from hitless.domain.common.errors import HitlessError

_MOST = 500  # answers that are kept
_FIRST = 6.0  # seconds that a page waits for the first answer
_LATER = 1.0  # the same if there is an older one to show
_LATE = 5.0  # seconds after which the page says that it waits


@dataclass(frozen=True)
class Seen:
    """What was seen at this Unix time (0: nothing yet), and why nothing newer is there, "" for no reason."""

    value: Any = None
    at: float = 0.0
    error: str = ""
    hint: str = ""


@dataclass
class _Entry:
    seen: Seen = field(default_factory=Seen)
    asked: float = 0.0  # by the clock of `time.monotonic`
    ended: float | None = None
    task: asyncio.Task[None] | None = None


class Looks:
    """The latest answer to each question."""

    def __init__(self) -> None:
        self._entries: dict[object, _Entry] = {}

    async def get(self, key: object, look: Callable[[], Any], fresh: float) -> Seen:
        """The answer to this question; one of the last `fresh` seconds is new enough."""
        entry = self._entries.pop(key, None) or _Entry()
        self._entries[key] = entry  # the one that was asked last is the last to go
        self._bound()
        now = time.monotonic()
        if entry.task is None:
            if entry.ended is not None and now - entry.ended < fresh:
                return entry.seen
            entry.asked = now
            entry.task = asyncio.create_task(self._look(entry, look))
        await asyncio.wait({entry.task}, timeout=_LATER if entry.seen.at else _FIRST)
        if entry.task is None:
            return entry.seen
        late = time.monotonic() - entry.asked
        if late < _LATE:
            return entry.seen
        return replace(
            entry.seen,
            error=entry.seen.error or f"the Docker host has not answered for {late:.0f} s",
            hint=entry.seen.hint or "does the Docker engine answer? try: docker info",
        )

    async def _look(self, entry: _Entry, look: Callable[[], Any]) -> None:
        try:
            entry.seen = Seen(await _in_thread(look), time.time())
        except HitlessError as error:
            entry.seen = replace(entry.seen, error=error.message, hint=error.hint)
        except Exception as error:
            traceback.print_exc(file=sys.stderr)
            entry.seen = replace(
                entry.seen,
                error=f"a bug in hitless: {type(error).__name__}: {error}",
                hint="please report it with the lines in the terminal of the dashboard",
            )
        finally:
            entry.ended = time.monotonic()
            entry.task = None

    def _bound(self) -> None:
        for key in list(self._entries)[: max(len(self._entries) - _MOST, 0)]:
            if self._entries[key].task is None:
                del self._entries[key]


async def _in_thread(look: Callable[[], Any]) -> Any:
    """What it returns, from a thread that the end of the process does not wait for."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[Any] = loop.create_future()

    def settle(value: Any, error: BaseException | None) -> None:
        if answer.cancelled():
            return
        if error:
            answer.set_exception(error)
        else:
            answer.set_result(value)

    def work() -> None:
        value, failed = None, None
        try:
            value = look()
        except BaseException as error:
            failed = error
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(settle, value, failed)

    threading.Thread(target=work, daemon=True).start()
    return await answer
