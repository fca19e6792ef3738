"""What containers have written: as the engine gives it, as it is kept, and as it is shown. Pure."""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from hitless.domain.common.durations import span
from hitless.domain.common.names import Colour, colour_project
from hitless.domain.common.redact import CUT_OFF

MOST_LINES = 10_000  # that are kept of a container
MOST_BYTES = 1_000_000  # the same
LONGEST_SHOWN = 1000  # characters of a line of a log in an event
# RFC 3339 in UTC with nine digits, and a space: `docker logs --timestamps` writes it before each line
_TIME = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z ")
TIME_LENGTH = 31  # of such a time with its space
# The engine stores a longer line in parts, and gives the time before each of them (seen with Docker 26)
_PART = 16384


@dataclass(frozen=True)
class Wanted:
    """Which lines are shown: of these services (none: of all), and of each container.

    `since` is a time as in the log, "" for all; `tail` is how many of the last lines, None for all.
    `has_times`: with the time of each line. `follows`: also those to come.
    """

    services: tuple[str, ...] = ()
    since: str = ""
    tail: int | None = None
    has_times: bool = False
    follows: bool = False


@dataclass(frozen=True)
class KeptLog:
    """A container's log that was kept when the container was removed."""

    release: int
    container: str

    @property
    def name(self) -> str:
        """Its name in the state of the application."""
        return f"{self.release}.{self.container}"


def kept_log(name: str) -> KeptLog | None:
    """The log of this name, None for anything else."""
    release, _, container = name.partition(".")
    return KeptLog(int(release), container) if release.isdecimal() and container else None


def merged(*streams: bytes) -> str:
    """The lines of several streams, each with its time, in the order of the times."""
    found = heapq.merge(*map(_lines, streams), key=lambda line: line[:TIME_LENGTH])
    return "".join(f"{line.decode(errors='replace')}\n" for line in found)


def cut(text: str, size: int = MOST_BYTES) -> str:
    """The last lines, at most so many bytes of them in UTF-8."""
    data = text.encode()
    if len(data) <= size:
        return text
    return data[-size - 1 :].partition(b"\n")[2].decode(errors="replace")


def narrow(text: str, length: int = LONGEST_SHOWN) -> str:
    """The same with each line cut to so many characters: a line of a megabyte tells nobody anything."""
    lines = text.split("\n")
    return "\n".join(line if len(line) <= length else line[:length] + CUT_OFF for line in lines)


def shown(application: str, logs: Mapping[KeptLog, str], wanted: Wanted) -> Iterator[tuple[str, str]]:
    """The lines of kept logs in the order of their times, each after what Compose calls its container."""
    found = [
        [(line, short(application, log.container)) for line in _chosen(text, wanted)]
        for log, text in logs.items()
        if not wanted.services or service_of(application, log) in wanted.services
    ]
    for line, name in heapq.merge(*found, key=lambda one: one[0][:TIME_LENGTH]):
        yield name, line if wanted.has_times else line[TIME_LENGTH:]


def service_of(application: str, log: KeptLog) -> str:
    """The service of a kept log's container."""
    return re.sub(r"[-_]\d+$", "", short(application, log.container))


def moment(text: str, now: datetime | None = None) -> str:
    """A time as in the log: of an ISO time, of a Unix time, or so long before `now` (10m).

    An ISO time without a time zone is this machine's. Raises `ValueError`.
    """
    if re.fullmatch(r"\d+(\.\d+)?", text):
        found = datetime.fromtimestamp(float(text), UTC)
    else:
        try:
            found = datetime.fromisoformat(text)
        except ValueError:
            if now is None:
                raise
            found = now - timedelta(seconds=span(text))
    return f"{found.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}000Z"


def _lines(stream: bytes) -> Iterator[bytes]:
    for line in stream.split(b"\n"):
        if _TIME.match(line):
            yield _whole(line)


def _whole(line: bytes) -> bytes:
    """The line without the times between its parts."""
    if len(line) <= TIME_LENGTH + _PART:
        return line
    parts, rest = [line[: TIME_LENGTH + _PART]], line[TIME_LENGTH + _PART :]
    while _TIME.match(rest):
        parts.append(rest[TIME_LENGTH : TIME_LENGTH + _PART])
        rest = rest[TIME_LENGTH + _PART :]
    return b"".join((*parts, rest))


def _chosen(text: str, wanted: Wanted) -> list[str]:
    # not `splitlines`: a line may hold what it takes for an end of one
    lines = [line for line in text.split("\n") if line and line >= wanted.since]
    return lines if wanted.tail is None else lines[max(len(lines) - wanted.tail, 0) :]


def short(application: str, container: str) -> str:
    """A container's name without its project, as Compose shows it: web-1."""
    for colour in Colour:
        before = colour_project(application, colour)
        if container.startswith((f"{before}-", f"{before}_")):
            return container[len(before) + 1 :]
    return container
