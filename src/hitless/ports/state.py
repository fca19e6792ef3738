"""The state that the Docker host keeps of an application: its lock, journal, routing and releases."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

from hitless.domain.host.journal import Holder
from hitless.domain.release.model import Release
from hitless.domain.routing.split import Routing


@dataclass(frozen=True)
class Stored:
    """What the gateway's volumes hold, and what they say of an application.

    `routings` are those of all applications; `broken` says what is wrong with files in the routing directory
    of which no routing is known, `restored` with those of which the second copy was read: both path ->
    problem. `damaged` are the numbers of releases whose record can't be read (it is of another hitless, or
    damaged); `journal` is what the application's journal says of the latest commands: of each its beginning,
    the last step that began, and its end; `quiet` are the seconds since the journal's last line, `holder` who
    has the lock, `free` the bytes left on Docker's disk.
    """

    routings: Mapping[str, Routing] = field(default_factory=dict)
    broken: Mapping[str, str] = field(default_factory=dict)
    restored: Mapping[str, str] = field(default_factory=dict)
    releases: tuple[Release, ...] = ()
    damaged: frozenset[int] = frozenset()
    journal: str = ""
    quiet: float = 0.0
    holder: Holder | None = None
    free: int | None = None

    def holds(self, application: str, routing: Routing | None) -> bool:
        """Whether the application's file is whole and holds just this routing; None: whether it is gone."""
        path = f"{application}.yml"
        is_whole = path not in self.broken and path not in self.restored
        return is_whole and self.routings.get(application) == routing


class HeldLock(Protocol):
    """An application's lock while it is held."""

    def write(self, line: str) -> None:
        """Append a line to the application's journal."""
        ...

    def is_held(self) -> bool:
        """Whether the lock is still there."""
        ...


@dataclass(frozen=True)
class Alone:
    """Nobody begins to work on an application meanwhile; `at_work` are those who do so already.

    `lock` is the gateway's own, with its journal; None on a gateway where nobody can take a lock.
    """

    lock: HeldLock | None
    at_work: Mapping[str, Holder]


class State(Protocol):
    """The state on the Docker host, in the gateway's volumes: locks with their journals, and records."""

    def read(self, application: str | None) -> Stored:
        """All that is stored, in one look; None: no application's releases."""
        ...

    def heal(self) -> tuple[str, ...]:
        """Put back the routing files that are damaged or gone and have a copy; their names."""
        ...

    def record(self, application: str, release: Release) -> None:
        """Keep a release. Raises `LockLost` where the application's lock is not held."""
        ...

    def forget(self, application: str, releases: Sequence[int]) -> None:
        """Keep these releases no longer. Raises `LockLost` where the application's lock is not held."""
        ...

    def journal(self, application: str) -> str:
        """The whole journal that is kept of an application."""
        ...

    def lock(
        self, application: str, holder: str, wait: float, taken: Callable[[str], None]
    ) -> AbstractContextManager[HeldLock]:
        """Hold the application's lock, and with it its journal.

        Where another has it, `taken` is told who, and it is waited for `wait` seconds. Raises `Locked`,
        naming the holder. The lock goes with its holder's process, whatever ends that.
        """
        ...

    def alone(self, holder: str, but: str) -> AbstractContextManager[Alone]:
        """Have nobody begin to work on any application; who works on which already, but for the one `but`.

        Raises `Locked` where another command does the same, or where one just begins. It ends with the
        gateway's container, too.
        """
        ...

    def unlock(self, application: str) -> Holder | None:
        """Take the lock away from whoever has it; None where nobody does."""
        ...
