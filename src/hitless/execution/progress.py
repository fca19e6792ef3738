"""What a step tells while it waits: what it waits for, and what is written at that time.

It is for people, so it may lack lines, and it may neither slow a step down nor make it fail.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from threading import Thread

from hitless.domain.common.errors import HitlessError
from hitless.domain.common.events import StepId, StepProgress, Wrote
from hitless.domain.common.redact import CUT_OFF
from hitless.domain.host.logs import TIME_LENGTH
from hitless.ports import Ports

_PAUSE = 1.0  # seconds before the first look at logs, which a quick step never reaches, and between two
_CONTAINERS = 4  # whose logs are looked at
_LINES = 20  # of a container, at a look
_A_SECOND = 30  # lines that are told in a second
_LENGTH = 400  # characters of a line


class Progress:
    """Tells what a step waits for (call it), and what is written at that time. From one thread alone.

    `limit` is how many seconds the step waits at most, 0 where that is not known.
    """

    def __init__(self, ports: Ports, step: StepId, limit: float = 0.0) -> None:
        self._ports = ports
        self._step = step
        self._limit = limit
        self._since: dict[str, str] = {}  # container -> the time of its last line
        self._found: Mapping[str, str] = {}
        self._looking: Thread | None = None
        self._next = ports.clock.now() + _PAUSE
        self._second = 0.0
        self._told = self._left_out = 0

    def __call__(self, detail: str) -> None:
        """Tell what the step waits for now."""
        self._ports.emit(StepProgress(self._step, detail, self._limit))

    def wrote(self, source: str, line: str) -> None:
        """Tell a line; it is left out if there were many within this second."""
        now = self._ports.clock.now()
        if now - self._second >= 1:
            self._second, self._told = now, 0
        if self._told >= _A_SECOND:
            self._left_out += 1
            return
        if self._left_out:
            self._tell(source, f"({self._left_out} lines are left out)")
            self._left_out = 0
        self._tell(source, line)

    def _tell(self, source: str, line: str) -> None:
        self._told += 1
        shown = line if len(line) <= _LENGTH else line[:_LENGTH] + CUT_OFF
        self._ports.emit(Wrote(self._step, source, shown))

    def hear(self, containers: Sequence[str]) -> None:
        """Tell what these have written, as far as it is read by now; read on in another thread."""
        if self._looking and self._looking.is_alive():
            return
        found, self._found = self._found, {}
        for name, text in found.items():
            before = self._since[name]
            for line in text.split("\n"):
                at = line[: TIME_LENGTH - 1]
                if at > before:
                    self._since[name] = at
                    self.wrote(name, line[TIME_LENGTH:])
        now = self._ports.clock.now()
        if now < self._next or not containers:
            return
        self._next = now + _PAUSE
        for name in containers[:_CONTAINERS]:
            self._since.setdefault(name, "")
        since = {name: self._since[name] for name in containers[:_CONTAINERS]}
        self._looking = Thread(target=self._read, args=(since,), daemon=True)
        self._looking.start()

    def _read(self, since: Mapping[str, str]) -> None:
        try:
            self._found = self._ports.containers.new_lines(since, _LINES)
        except HitlessError:  # what it waits for is looked at by others
            return
