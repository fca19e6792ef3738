"""The lock of an application, for a command that restarts the gateway, with which it goes."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from types import TracebackType

from hitless.domain.common.events import Event
from hitless.execution.journal import journaled
from hitless.execution.operations import Request
from hitless.ports import Ports


class Hold:
    """An application's lock and journal: taken, left, and taken again. The end of the block leaves it."""

    def __init__(self, ports: Ports, application: str, request: Request) -> None:
        self._bare = ports
        self._application = application
        self._request = request
        self._locked: Ports | None = None
        self._stack = ExitStack()
        # what is told while the lock is not held is not in the journal
        self.ports = replace(ports, emit=self._emit, insist=self._insist)

    def __enter__(self) -> Hold:
        """Without the lock as yet."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Leave the lock."""
        self.leave()

    def take(self) -> None:
        """Take the lock. Raises `Locked`."""
        request = self._request
        self._locked = self._stack.enter_context(
            journaled(self._bare, self._application, request.holder, request.wait)
        )

    def leave(self) -> None:
        """Leave the lock, whether or not it is there still."""
        self._locked = None
        self._stack.close()

    def _emit(self, event: Event) -> None:
        (self._locked or self._bare).emit(event)

    def _insist(self) -> None:
        if self._locked:
            self._locked.insist()
