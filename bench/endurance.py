"""hitless alone, deployment after deployment under every kind of request: nothing may be lost.

    python -m bench.endurance [--deployments N] [--rate REQUESTS/S] [--to FOLDER]

Writes hitless.md and hitless.json into the folder, by default docs/benchmarks. Ends with 1 if a request was
lost, or if both releases answered new requests. 100 deployments take some 28
minutes; in the first an upload of 66 s is under way.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from pathlib import Path
from statistics import median, quantiles
from typing import Final

from bench.host import HOST, ROOT, HostError, build_app, facts, free_port
from bench.load import EVERY_KIND, Load
from bench.report import Kind, Report
from bench.tools import Hitless

BATCH: Final = 25
"""Deployments of one load: what it saw is kept in memory, and its length is bounded."""
HELD: Final = 4
MIX: Final[Mapping[Kind, float]] = {**EVERY_KIND, "failing": 4}
"""Every kind, and a page that fails now and then in two containers: no answer may remove one from use."""
LONG_DRAIN: Final = 90.0
"""Seconds of drain in the first deployment, during which an upload of 66 s is under way."""
DRAIN: Final = 12.0
"""Seconds: the longest request takes 10."""
BEFORE: Final = 2.0


@dataclass(frozen=True)
class Batch:
    """The results of some deployments in a row. Seconds, by deployment, from the start of its command.

    ``long`` uploads of 66 s were under way.
    """

    deployments: int
    sent: dict[str, int]
    lost: tuple[tuple[str, str, int], ...]
    cut_at_deadline: dict[str, int]
    mixed: int
    first_new: tuple[float, ...]
    took: tuple[float, ...]
    p99: float
    max_lag: float
    load_average: float
    ended_by: str
    long: int = 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Deploy again and again; 1 if anything was lost or mixed."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.endurance", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--deployments", type=int, default=int(os.environ.get("BENCH_DEPLOYMENTS") or 100))
    parser.add_argument("--rate", type=float, default=150.0)
    parser.add_argument("--to", type=Path, default=ROOT / "docs" / "benchmarks")
    parser.add_argument("--no-build", action="store_true", help="the engine has the application's image")
    options = parser.parse_args(arguments)
    if not options.no_build:
        build_app()
    known = facts()
    # the first batch is that with the long upload
    wanted = max(2, options.deployments)
    tool = Hitless(key="endurance", boot="0.5", webs="2", options=_drain(DRAIN))
    port = free_port()
    batches: list[Batch] = []
    try:
        tool.up(port)
        patient = replace(tool, options=_drain(LONG_DRAIN))
        batches.append(_batch(patient, port, options.rate, first=2, count=1, held=0, long=1))
        while (done := sum(batch.deployments for batch in batches)) < wanted:
            count = min(BATCH, wanted - done)
            batches.append(_batch(tool, port, options.rate, first=done + 2, count=count, held=HELD))
            _write(batches, known, options.to)
            print(_line(batches), flush=True)
    finally:
        tool.down()
    return int(any(batch.lost or batch.mixed or batch.ended_by != "asked" for batch in batches))


def batch_of(
    report: Report,
    moments: Sequence[tuple[float, float]],
    releases: Sequence[str],
    load_average: float,
    drain: float = DRAIN,
    long: int = 0,
) -> Batch:
    """Sum up a load: ``moments`` are the start and end of each command, ``releases`` one more than those."""
    first_new = []
    for (old, new), (began, _) in zip(pairwise(releases), moments, strict=True):
        seen = report.first_answer(new)
        if seen is None:
            raise ValueError(f"release {new} never answered")
        first_new.append(seen - began)
        report = report.with_deadline(old, seen + drain)
    latency = report.latency()
    return Batch(
        deployments=len(moments),
        sent=dict(Counter(sample.kind for sample in report.samples)),
        lost=tuple((kind, cause, count) for (kind, cause), count in report.lost_by.items()),
        cut_at_deadline=report.cut_at_deadline,
        mixed=report.mixed(),
        first_new=tuple(round(value, 3) for value in first_new),
        took=tuple(round(ended - began, 3) for began, ended in moments),
        p99=round(latency.p99, 4) if latency else 0.0,
        max_lag=round(report.max_lag, 4),
        load_average=load_average,
        ended_by=report.ended_by,
        long=long,
    )


def page(batches: Sequence[Batch], known: Mapping[str, str], rate: float) -> str:
    """Return the page of Markdown."""
    sent, lost, cut = Counter[str](), Counter[str](), Counter[str]()
    for batch in batches:
        sent.update(batch.sent)
        cut.update(batch.cut_at_deadline)
        for kind, _, count in batch.lost:
            lost[kind] += count
    causes = [f"- {kind}: {count} x {cause}" for batch in batches for kind, cause, count in batch.lost]
    mixed = sum(batch.mixed for batch in batches)
    late = max(batch.max_lag for batch in batches)
    averages = ", ".join(f"{batch.load_average:.1f}" for batch in batches)
    first = [value for batch in batches if not batch.long for value in batch.first_new]
    took = [value for batch in batches if not batch.long for value in batch.took]
    deployments = sum(batch.deployments for batch in batches)
    return "\n".join(
        [
            "# hitless, deployment after deployment\n",
            "Written by `make bench-hitless`; raw figures: [hitless.json](hitless.json).\n",
            f"{deployments} deployments in a row under {rate:.0f} requests/s of every kind, with {HELD}"
            f" WebSockets held open: **{lost.total():,} of {sent.total():,} requests lost**, {mixed} answered"
            " by the old release after the new one's first answer.\n",
            "| kind | requests | lost |\n| --- | --- | --- |",
            *(f"| {kind} | {count:,} | {lost[kind]} |" for kind, count in sent.most_common()),
            "",
            *causes,
            f"Held WebSockets that outlived the drain deadline of {DRAIN:.0f} s: {_told(cut)}.\n",
            *_of_long(batches),
            "| seconds | median | p95 | longest |\n| --- | --- | --- | --- |",
            f"| from the command to the first new answer | {_spread(first)} |",
            f"| to its end, the drain deadline included | {_spread(took)} |",
            "",
            f"p99 of quick requests: {max(batch.p99 for batch in batches) * 1000:.0f} ms in the worst"
            f" of {len(batches)} loads; the load was late by {late * 1000:.0f} ms at most; load average of"
            f" the machine: {averages}.\n",
            "| what | which |\n| --- | --- |",
            *(f"| {what} | {which} |" for what, which in known.items()),
            "",
        ]
    )


def _drain(seconds: float) -> tuple[str, str]:
    return ("--drain-timeout", f"{seconds:.0f}s")


def _of_long(batches: Sequence[Batch]) -> list[str]:
    """How the uploads of more than a minute ended, and the deployment at the same time."""
    told = []
    for batch in batches:
        if batch.long:
            became = "lost" if any(kind == "long" for kind, *_ in batch.lost) else "answered"
            told.append(
                f"An upload of 66 s was under way in the first deployment, which took {batch.took[0]:.0f} s"
                f" and is not among those below: {became}.\n"
            )
    return told


def _batch(tool: Hitless, port: int, rate: float, first: int, count: int, held: int, long: int = 0) -> Batch:
    average = os.getloadavg()[0]
    moments = []
    url = f"http://127.0.0.1:{port}"
    with Load(url, host=HOST, rate=rate, seconds=900.0, mix=MIX, held=held, long=long) as load:
        time.sleep(BEFORE)
        for release in range(first, first + count):
            began = time.monotonic()
            tool.deploy(release)
            moments.append((began, time.monotonic()))
    releases = [str(release) for release in range(first - 1, first + count)]
    drain = LONG_DRAIN if long else DRAIN
    return batch_of(load.report(), moments, releases, round(average, 1), drain, long)


def _write(batches: Sequence[Batch], known: Mapping[str, str], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    raw = {"facts": dict(known), "batches": [asdict(batch) for batch in batches]}
    text = json.dumps(raw, separators=(",", ":")).replace('{"deployments"', '\n{"deployments"')
    (folder / "hitless.json").write_text(text + "\n", encoding="utf-8")
    (folder / "hitless.md").write_text(page(batches, known, _rate(batches)), encoding="utf-8")


def _rate(batches: Sequence[Batch]) -> float:
    """How many requests were sent a second, in fact."""
    return sum(sum(batch.sent.values()) for batch in batches) / sum(sum(batch.took) for batch in batches)


def _line(batches: Sequence[Batch]) -> str:
    lost = [row for batch in batches for row in batch.lost]
    sent = sum(sum(batch.sent.values()) for batch in batches)
    return f"{sum(b.deployments for b in batches)} deployments, {sent:,} requests, lost: {lost or 'none'}"


def _told(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {how}" for how, count in counts.items()) or "none"


def _spread(values: Sequence[float]) -> str:
    p95 = quantiles(values, n=20, method="inclusive")[-1] if len(values) > 1 else values[0]
    return f"{median(values):.1f} | {p95:.1f} | {max(values):.1f}"


if __name__ == "__main__":
    try:
        sys.exit(main())
    except HostError as error:
        sys.exit(str(error))
