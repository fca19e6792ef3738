"""The state that the Docker host keeps of an application: its lock, journal, routing and releases."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

from hitless.domain.host.facts import Overview
from hitless.domain.host.journal import Holder
from hitless.domain.host.logs import KeptLog
from hitless.domain.release.model import Release
from hitless.domain.routing.gateway_config import Config
from hitless.domain.routing.split import Routing


@dataclass(frozen=True)
class Stored:
    """What the gateway's volumes hold, and what they say about an application.

    `routings` are those of all applications. `broken` says what is wrong with files in the routing directory
    whose routing is not known, `restored` what is wrong with those whose second copy was read: both path ->
    problem. `damaged` are the numbers of releases whose record can't be read (another hitless wrote it, or it
    is damaged). `journal` is what the application's journal says of the latest commands: the beginning of
    each, the last step that began, and its end. `quiet` is the seconds since the journal's last line,
    `holder` who has the lock, `free` the bytes left on Docker's disk. `configs` are the gateway's own
    middlewares, by name.
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
    configs: tuple[Config, ...] = ()

    def holds(self, application: str, routing: Routing | None) -> bool:
        """Whether the application's file is whole and holds this routing; None: whether it is gone."""
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
    """Nobody begins to work on an application; `at_work` are those who have begun before.

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
        """Restore the routing files that are damaged or gone and have a copy; their names."""
        ...

    def record(self, application: str, release: Release) -> None:
        """Keep a release. Raises `LockLost` if the application's lock is not held."""
        ...

    def forget(self, application: str, releases: Sequence[int]) -> None:
        """Stop keeping these releases. Raises `LockLost` if the application's lock is not held."""
        ...

    def journal(self, application: str) -> str:
        """The whole journal that is kept of an application."""
        ...

    def keep_log(self, application: str, log: KeptLog, text: str) -> None:
        """Keep what a container has written; the oldest logs go. Raises `LockLost` like `record`."""
        ...

    def kept_logs(self, application: str) -> tuple[KeptLog, ...]:
        """The logs that are kept of an application."""
        ...

    def logs_of(self, application: str, release: int) -> Mapping[KeptLog, str]:
        """The logs that are kept of a release, each line with its time."""
        ...

    def overview(self) -> Overview:
        """What is stored of all applications at once: who works on them, and how their last commands went."""
        ...

    def drop_old_logs(self) -> None:
        """Remove kept logs that are too old. Raises `LockLost` if the gateway's lock is not held."""
        ...

    def lock(
        self, application: str, holder: str, wait: float, taken: Callable[[str], None]
    ) -> AbstractContextManager[HeldLock]:
        """Hold the application's lock, and with it its journal.

        If another command has it, `taken` gets its holder, and this waits up to `wait` seconds. Raises
        `Locked`, naming the holder. The lock ends with its holder's process, however that ends.
        """
        ...

    def alone(self, holder: str, but: str) -> AbstractContextManager[Alone]:
        """Have nobody begin to work on any application; who works on which already, except the one `but`.

        Raises `Locked` if another command does the same, or if one just begins. It also ends with the
        gateway's container.
        """
        ...

    def unlock(self, application: str) -> Holder | None:
        """Free the lock, whoever has it; None if it is free."""
        ...
