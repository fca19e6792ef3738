"""The samples port in a SQLite file of this user, one file for each gateway."""

from __future__ import annotations

import fcntl
import json
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from hitless.domain.common.errors import HitlessError
from hitless.domain.common.names import Colour
from hitless.domain.host.metrics import Counted, Look, Sample, Side, thinned

_KEPT = 24 * 3600.0  # seconds
_FINE = 3600.0  # seconds for which each sample stays as it came
_COARSE = 60.0  # seconds that an older one is of
_THINNED_EVERY = 600.0
_MOST_ROWS = 300_000  # about 50 MB
_VERSION = 1
_TABLES = """
CREATE TABLE IF NOT EXISTS sample (at REAL PRIMARY KEY, seconds REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS counted (
    application TEXT NOT NULL, at REAL NOT NULL, colour TEXT NOT NULL, requests REAL NOT NULL,
    errors REAL NOT NULL, within TEXT NOT NULL, PRIMARY KEY (application, at, colour)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS counted_at ON counted (at);
CREATE TABLE IF NOT EXISTS look (number INTEGER PRIMARY KEY CHECK (number = 1), text TEXT NOT NULL);
"""


def place(endpoint: str, gateway: str) -> Path:
    """The file for a gateway of the engine at this endpoint."""
    base = os.environ.get("XDG_STATE_HOME", "")
    # the specification has a path that is not absolute ignored
    folder = Path(base) if base.startswith("/") else Path.home() / ".local" / "state"
    where = sha256(endpoint.encode()).hexdigest()[:12]
    return folder / "hitless" / f"dashboard-{gateway}-{where}.sqlite3"


@dataclass
class SampleFile:
    """The samples in this file. Only its user can read it."""

    path: Path
    _lock: int | None = field(default=None, compare=False)
    _one_by_one: threading.Lock = field(default_factory=threading.Lock, compare=False)
    # Unix times: when that was done last, and up to which moment samples are joined
    _thinned: float = field(default=0.0, compare=False)
    _joined: float = field(default=0.0, compare=False)

    def begin(self) -> bool:
        """Whether this process adds the samples; the lock ends with it, however it ends."""
        if self._lock is not None:
            return True
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = _private(self.path.with_suffix(".lock"))
        except OSError as error:
            raise self._failed(error) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            return False
        except OSError as error:
            os.close(lock)
            raise self._failed(error) from error
        self._lock = lock
        return True

    def last(self) -> Look | None:
        """The look up to which there are samples."""
        with self._open() as file:
            found = file.execute("SELECT text FROM look").fetchone()
            return _look(json.loads(found[0])) if found else None

    def add(self, sample: Sample | None, look: Look) -> None:
        """Keep a sample and its look, together or not at all."""
        with self._open() as file:
            if sample:
                _insert(file, (sample,))
            file.execute("INSERT OR REPLACE INTO look VALUES (1, ?)", (json.dumps(_look_json(look)),))
            if not 0 <= look.at - self._thinned <= _THINNED_EVERY:
                self._thinned = look.at
                self._joined = _thin(file, look.at, self._joined)

    def of(self, application: str | None, since: float) -> tuple[Sample, ...]:
        """The samples after a moment."""
        with self._open() as file:
            return _read(file, application, since)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """The file in a transaction. Threads take turns; a second dashboard is waited for."""
        with self._one_by_one:
            try:
                self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                os.close(_private(self.path))
                file = sqlite3.connect(self.path, timeout=5)
                try:
                    if file.execute("PRAGMA user_version").fetchone()[0] != _VERSION:
                        _make(file)
                    # a power cut may cost the last samples, and no more
                    file.execute("PRAGMA synchronous = NORMAL")
                    with file:
                        yield file
                finally:
                    file.close()
            # SQLite has no checksums: what is damaged may be read as another text
            except (OSError, sqlite3.Error, ValueError, LookupError, TypeError) as error:
                raise self._failed(error) from error

    def _failed(self, error: Exception) -> HitlessError:
        return HitlessError(
            f"the dashboard can't keep what the gateway counts in {self.path}: {error}",
            "make room there, or remove the file; it holds a day of charts and nothing else",
        )


def _private(path: Path) -> int:
    """Open a file that nobody else can read, and make it if it is not there."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _make(file: sqlite3.Connection) -> None:
    """The tables of this version; a day of charts is no reason to carry an older file's over."""
    tables = file.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    for (name,) in tables:
        file.execute(f'DROP TABLE "{name}"')
    file.executescript(_TABLES)
    file.execute(f"PRAGMA user_version = {_VERSION}")


def _insert(file: sqlite3.Connection, samples: tuple[Sample, ...]) -> None:
    looks = ((one.at, one.seconds) for one in samples)
    file.executemany("INSERT OR REPLACE INTO sample VALUES (?, ?)", looks)
    file.executemany(
        "INSERT OR REPLACE INTO counted VALUES (?, ?, ?, ?, ?, ?)",
        (
            (application, one.at, colour, found.requests, found.errors, json.dumps(_within(found)))
            for one in samples
            for (application, colour), found in one.counted.items()
        ),
    )


def _read(
    file: sqlite3.Connection, application: str | None, since: float, until: float = 1e12
) -> tuple[Sample, ...]:
    counted: dict[float, dict[Side, Counted]] = {}
    columns = "SELECT application, at, colour, requests, errors, within FROM counted WHERE"
    if application is None:
        rows = file.execute(f"{columns} at > ? AND at <= ?", (since, until))
    else:  # in words by which SQLite takes the key, and reads no other application's
        rows = file.execute(f"{columns} application = ? AND at > ? AND at <= ?", (application, since, until))
    for name, at, colour, requests, errors, within in rows:
        bounds = {float(bound): count for bound, count in json.loads(within)}
        counted.setdefault(at, {})[name, Colour(colour)] = Counted(requests, errors, bounds)
    looks = file.execute(
        "SELECT at, seconds FROM sample WHERE at > ? AND at <= ? ORDER BY at", (since, until)
    )
    return tuple(Sample(at, seconds, counted.get(at, {})) for at, seconds in looks)


def _thin(file: sqlite3.Connection, now: float, since: float) -> float:
    """Join samples that are older than an hour, and remove what is older than a day, or too much.

    `since` is what an earlier call returned: up to there nothing is left to join.
    """
    for table in ("sample", "counted"):
        file.execute(f"DELETE FROM {table} WHERE at <= ?", (now - _KEPT,))  # noqa: S608  # two names of ours
    # whole minutes alone: one that is joined already stays as it is
    until = (now - _FINE) // _COARSE * _COARSE
    # after a start, not from the beginning: a day of all applications takes seconds
    [(first,)] = file.execute("SELECT coalesce(min(at), 0) FROM sample WHERE seconds < ?", (_COARSE / 2,))
    since = max(since, (first // _COARSE - 1) * _COARSE)
    thin = thinned(_read(file, None, since, until), _COARSE)
    for table in ("sample", "counted"):
        file.execute(f"DELETE FROM {table} WHERE at > ? AND at <= ?", (since, until))  # noqa: S608
    _insert(file, thin)
    [(at,)] = file.execute(
        "SELECT coalesce(max(at), 0) FROM (SELECT at FROM counted ORDER BY at DESC LIMIT -1 OFFSET ?)",
        (_MOST_ROWS,),
    )
    for table in ("sample", "counted"):
        file.execute(f"DELETE FROM {table} WHERE at <= ?", (at,))  # noqa: S608
    return max(since, until)


def _within(counted: Counted) -> list[tuple[str, float]]:
    return [(str(bound), count) for bound, count in counted.within.items()]


def _look_json(look: Look) -> list[object]:
    sides = [[*side, found.requests, found.errors, _within(found)] for side, found in look.counted.items()]
    return [look.at, look.origin, sides]


def _look(value: list[object]) -> Look:
    at, origin, sides = value
    return Look(
        float(str(at)),
        float(str(origin)),
        {
            (name, Colour(colour)): Counted(requests, errors, {float(one): n for one, n in within})
            for name, colour, requests, errors, within in sides  # type: ignore[attr-defined]
        },
    )
