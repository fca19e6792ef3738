"""The combinations of a fault and a point, two at a time, and the table of their results."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue
from typing import Any, TypeVar

import pytest

from bench.report import Report
from tests.e2e.conftest import ROOT
from tests.e2e.shop import Shop

S = TypeVar("S", bound=Shop)
POINTS_FILE = Path(__file__).with_name("points.txt")
DOCUMENT = ROOT / "docs" / "faults.md"
IS_WRITING = bool(os.environ.get("HITLESS_WRITE_FAULTS"))
HOW_TO_UPDATE = "`make faults` writes the present results; look at the difference, and commit it"


def spread(chosen: Sequence[Combination], every: int) -> list[Any]:
    """The combinations as a test's parameters: each so many-th is for CI, all others for `make test-long`."""
    return [
        pytest.param(one, marks=[pytest.mark.long] if number % every else [])
        for number, one in enumerate(chosen)
    ]


def points(file: Path = POINTS_FILE) -> tuple[str, ...]:
    """The points of a deployment, in order, as the file has them."""
    return tuple(file.read_text().splitlines())


@dataclass(frozen=True)
class Combination:
    """A fault at a point ("": it is in the release itself), and what carries it out and checks it.

    `again` is the point of the same fault in the next deployment, which takes over; "" for none.
    """

    fault: str
    at: str
    carry_out: Callable[[Combination, Any], None]
    again: str = ""

    @property
    def points(self) -> tuple[str, ...]:
        """One point for each deployment."""
        return (self.at, self.again) if self.again else (self.at,)

    def __str__(self) -> str:
        return ", then ".join((self.fault + f", {self.at}" * bool(self.at), *self.points[1:]))


@dataclass(frozen=True)
class Lanes:
    """Combinations under way, as many at a time as there are shops. They mostly wait for Docker."""

    under_way: dict[Combination, Future[None]]

    def result(self, combination: Combination) -> None:
        """Wait until this one is over; raises what it raised."""
        self.under_way[combination].result()


@contextmanager
def lanes(shops: Sequence[S], combinations: Iterable[Combination]) -> Iterator[Lanes]:
    """Begin the combinations, in their order."""
    free: SimpleQueue[S] = SimpleQueue()
    for shop in shops:
        free.put(shop)

    def carry_out(combination: Combination) -> None:
        shop = free.get()
        try:
            combination.carry_out(combination, shop)
        finally:
            free.put(shop)

    with ThreadPoolExecutor(max_workers=len(shops)) as pool:
        try:
            yield Lanes({one: pool.submit(carry_out, one) for one in combinations})
        finally:
            pool.shutdown(cancel_futures=True)


@dataclass(frozen=True)
class Row:
    """One combination: the fault, its point, the outcome, and what clients saw.

    `away` is how many requests were lost while the gateway itself was not there.
    """

    fault: str
    at: str
    outcome: str
    sent: int
    lost: int
    away: int = 0

    @property
    def case(self) -> tuple[str, str]:
        """What was done, and when."""
        return self.fault, self.at


@dataclass
class Table:
    """All that was measured in this session."""

    rows: dict[Combination, Row] = field(default_factory=dict)

    def add(
        self, combination: Combination, outcome: str, report: Report, *, at: str = "", away: int = 0
    ) -> None:
        """Add the result of a combination; `at` is the point, if the combination does not name it."""
        at = at or ", then again ".join(combination.points)
        self.rows[combination] = Row(combination.fault, at, outcome, report.sent, report.lost - away, away)

    def write(self, order: Sequence[Combination], document: Path, is_of_waits: bool = False) -> None:
        """Write what was measured into its part of the document, and leave the other part as it is."""
        rows = [self.rows[combination] for combination in order if combination in self.rows]
        sent, lost, away = (sum(getattr(row, count) for row in rows) for count in ("sent", "lost", "away"))
        cells = [(row.fault, row.at, row.outcome, row.sent, row.lost, row.away) for row in rows]
        table = "\n".join(f"| {' | '.join(map(str, row))} |" for row in cells)
        text = (_OF_WAITS if is_of_waits else _DOCUMENT).format(
            count=sum(len(combination.points) for combination in order if combination in self.rows),
            sent=sent,
            lost=lost,
            away=away,
            table=table,
        )
        document.parent.mkdir(exist_ok=True)
        parts = [*_parts(document)]
        parts[is_of_waits] = text
        document.write_text("\n".join(part for part in parts if part))


_DOCUMENT = """# What happens when something goes wrong

The tests measure this and write it. `make faults` has a fault at every point and writes this document;
`make test-more` has some of them and writes build/faults.md. Each row is one `hitless deploy` of an
application that is live and under load, on a real Docker engine, with one fault: hitless itself is killed,
interrupted, suspended or cut off, the gateway goes away, or the release is bad. A suspended hitless
(SIGSTOP) continues after it has lost its lock and another deployment is over. `at` is the step, and which
part of it was about to begin, was under way, or was half done. "then again" is the same fault in the
deployment that took over.

In every row `hitless status` showed the real state. If the outcome says `undone`, everything was as before.
Otherwise the next `hitless deploy` succeeded under the same load. It left nothing but its own release and
the one before it, which is kept.

{count} combinations, {sent} requests: {lost} lost. While the gateway's own container was down, or the only
replica of the live release had just been killed, nobody could answer. {away} requests were lost for that
reason, and are counted separately as `away`.

| fault | at | outcome | sent | lost | away |
| --- | --- | --- | ---: | ---: | ---: |
{table}
"""


_OF_WAITS = """## Requests that wait

The same for an application on SQLite that must not run twice ([exclusive.md](exclusive.md)), at every point
from the beginning of the wait until those that waited are answered. Beside the load some clients add rows,
one after the other. All of them have the patience of the application (`wait_timeout`, 60 s). After a kill
the next command is `deploy`, `resume` or `abort`, by turns. A hitless that is interrupted undoes its work
itself. After SIGSTOP somebody takes the lock from the one that is suspended and deploys, and then the first
one continues.

Whenever the gateway stayed, each client was answered by a copy of the application, and each row of data
that was answered for was there at the end. Two copies never ran at the same time. What is lost while the
gateway itself is away is counted as `away`: those that wait then are lost, too.

{count} combinations, {sent} requests: {lost} lost, {away} away.

| fault | at | outcome | sent | lost | away |
| --- | --- | --- | ---: | ---: | ---: |
{table}
"""


def _parts(document: Path) -> tuple[str, str]:
    """The two parts of a document: of every deployment, and of those in which requests wait."""
    text = document.read_text() if document.exists() else ""
    first, heading, second = text.partition("\n## Requests that wait\n")
    return first, (heading + second).lstrip()


def documented(document: Path, is_of_waits: bool = False) -> tuple[Row, ...]:
    """The rows of a part of a document."""
    part = _parts(document)[is_of_waits]
    found = re.findall(r"^\| (.+) \| (.*) \| (.+) \| (\d+) \| (\d+) \| (\d+) \|$", part, re.M)
    return tuple(
        Row(fault, at, outcome, int(sent), int(lost), int(away))
        for fault, at, outcome, sent, lost, away in found
    )


def lost_between(report: Report, *times: tuple[float, float]) -> int:
    """The requests that were lost in the times from the gateway's end to its first answer afterwards.

    Each counts once: the gateway may be away twice during a slow request. The time of the answer counts, and
    not that of the request: of two requests at once the earlier may get the answer, and the later one the 404
    of a starting gateway.
    """
    answered = sorted(one.first_byte for one in report.samples if one.failure is None and one.first_byte)
    away = [
        (began, next((moment for moment in answered if moment > over), time.monotonic()))
        for began, over in times
    ]
    return sum(
        one.failure is not None and any(one.started <= back and one.ended >= began for began, back in away)
        for one in report.samples
    )
