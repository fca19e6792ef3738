"""Ask the gateway every few seconds what it has counted, and keep what that was since the last time."""

from __future__ import annotations

import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from hitless.domain.common.errors import HitlessError
from hitless.domain.host.metrics import Look, Sample, sample
from hitless.ports.samples import Samples

EVERY = 5.0  # seconds between two looks
RECENT = 60.0  # seconds that the host's page tells the rates of
# Seconds: after a longer time in which nobody has looked, an average of it would say nothing
_LONGEST = 600.0
_ANOTHER = "another dashboard on this machine keeps the charts of this gateway"


@dataclass
class Recorder:
    """The samples of one gateway. `counted` looks at the Unix time that it is given."""

    samples: Samples
    counted: Callable[[float], Look]
    clock: Callable[[], float]
    problem: str = ""
    hint: str = ""
    _before: Look | None = None
    _has_begun: bool = False
    _recent: tuple[Sample, ...] = ()
    _over: threading.Event = field(default_factory=threading.Event)

    def start(self) -> None:
        """Look again and again, until `stop`."""
        threading.Thread(target=self._run, daemon=True).start()

    def stop(self) -> None:
        """Look no more."""
        self._over.set()

    def recent(self) -> Sequence[Sample]:
        """The samples of the last minute."""
        now = self.clock()
        # one of a longer time, or from before a step of the clock, says nothing about this minute
        near = (one for one in self._recent if one.seconds <= RECENT)
        return [one for one in near if now - RECENT < one.at <= now + EVERY]

    def look(self) -> None:
        """Look once. What goes wrong is told as `problem` and `hint`, until the next time."""
        try:
            self._look()
        except HitlessError as error:
            self.problem, self.hint = error.message, error.hint
        except Exception as error:
            traceback.print_exc(file=sys.stderr)
            self.problem = f"a bug in hitless: {type(error).__name__}: {error}"
            self.hint = "please report it with the lines in the terminal of the dashboard"

    def _look(self) -> None:
        now = self.clock()
        if not self.samples.begin():
            # its samples are in the same file
            self._recent = self.samples.of(None, now - RECENT)
            self.problem, self.hint = "", _ANOTHER
            return
        if not self._has_begun:
            self._before = self.samples.last()
            self._recent = self.samples.of(None, now - RECENT)
            self._has_begun = True
        found = self.counted(now)
        # on a busy host the answer may take seconds: it was made somewhere between
        found = replace(found, at=(now + self.clock()) / 2)
        before = self._before
        is_near = before is not None and 0 < found.at - before.at <= _LONGEST
        one = sample(before, found) if before and is_near else None
        self.samples.add(one, found)
        self._before = found
        new = (one,) if one else ()
        self._recent = tuple(old for old in (*self._recent, *new) if old.at > now - RECENT)
        self.problem = self.hint = ""

    def _run(self) -> None:
        while True:
            self.look()
            if self._over.wait(EVERY):
                return
