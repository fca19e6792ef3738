"""What the load's protocols have in common: one request, how far it has come, and what ended it early."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Protocol

from bench.report import Kind


@dataclass(slots=True)
class Progress:
    """How far a request has come; the client that sends it keeps this up to date.

    ``first_byte`` is the moment at which the headers of the answer were complete, ``release`` what they said.
    """

    connected: bool = False
    first_byte: float | None = None
    release: str | None = None

    def answered(self, release: str | None) -> None:
        """Note that the headers of the answer have come, just now."""
        self.first_byte = time.monotonic()
        self.release = release or None


class Client(Protocol):
    """A client of one protocol. It repairs nothing and retries nothing."""

    async def ask(self, kind: Kind, progress: Progress) -> str | None:
        """Send one request; return what is wrong with its complete answer, None if it is right.

        Whatever ends it early is raised, for :func:`cause`.
        """
        ...

    async def close(self) -> None:
        """Close what is open; do not call :meth:`ask` after this."""
        ...


def cause(kind: Kind, error: Exception, progress: Progress) -> str:
    """Return the short name of what ended a request early."""
    match error:
        case TimeoutError():
            return "read timeout" if progress.connected else "connect timeout"
        case ConnectionRefusedError():
            return "connect refused"
        case OSError() if not progress.connected:
            return "connect failed"
        case OSError() | asyncio.IncompleteReadError() if progress.first_byte is not None:
            return "stream cut" if kind in ("stream", "events") else "body cut"
        case asyncio.IncompleteReadError():
            return "disconnected"
        case OSError():
            return "connection reset"
        case ValueError():
            return "bad answer"
        case _:
            return type(error).__name__
