"""The gateway's Traefik replaced while 200 applications have routes: how long it takes, and how much memory.

    python -m bench.replacement [APPLICATIONS]

One application is deployed for real, and hitless's own code renders and delivers its routing under the other
names. While that one has requests, its Traefik is replaced several times, each time with another setting.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from bench.applications import TINY, Gateway, applications, at, build, gateway, hitless, output, web
from bench.load import Load
from bench.memory import megabytes
from bench.times import Row, fill

IMAGE = "hitless-speed-tiny:1"
NAME = "hitless-speed-replacement"
MANY = 200
REPLACEMENTS = 5
RATE = 50.0
QUIET = 5.0  # seconds in which the gateway releases what it no longer needs


def main(count: int) -> int:
    """Measure and print; 1 if a request was lost."""
    build(IMAGE, TINY)
    try:
        missed = False
        for row in measure(count):
            print(row, flush=True)
            missed |= row.goal is not None and row.measured > row.goal
    finally:
        output("docker", "rmi", IMAGE)
    return int(missed)


def measure(count: int) -> Iterator[Row]:
    """All of it, a row for each figure."""
    with gateway(f"{NAME}-gateway") as on, applications() as make:
        one = make(NAME, on, {"web": web(NAME, IMAGE)})
        one.run("deploy")
        fill(one, count)
        time.sleep(QUIET)
        yield Row(f"one Traefik with {count} applications: memory", _memory(on), None, "MB")
        took, peaks = [], []
        with Load(f"http://127.0.0.1:{on.port}", host=one.host, rate=RATE) as load:
            for number in range(REPLACEMENTS):
                seconds, peak = _replaced(on, number)
                took.append(seconds)
                peaks.append(peak)
        report = load.report()
        yield Row("a replacement, from the command to its end, the median", statistics.median(took))
        yield Row("… the longest", max(took))
        yield Row("most memory of both while it lasts", max(peaks), None, "MB")
        time.sleep(QUIET)
        yield Row(f"memory after {REPLACEMENTS} replacements", _memory(on), None, "MB")
        yield Row("requests", report.sent, None, "")
        yield Row("… lost", report.lost, 0.0, "")


def _replaced(on: Gateway, number: int) -> tuple[float, float]:
    """Seconds, and the most memory in MB of all its Traefiks, of one replacement."""
    began = time.monotonic()
    process = subprocess.Popen(
        hitless("gateway", "up", "--read-timeout", f"{600 + number}s"),
        env={**os.environ, **at(on)},
        stdout=subprocess.DEVNULL,
    )
    peak = 0.0
    while process.poll() is None:
        peak = max(peak, _memory(on))
        time.sleep(0.1)
    if process.returncode:
        raise SystemExit("hitless gateway up failed")
    return time.monotonic() - began, peak


def _memory(on: Gateway) -> float:
    rows = output("docker", "top", on.container, "-eo", "pid,comm").splitlines()[1:]
    pids = [row.split()[0] for row in rows if row.split()[1].startswith("traefik")]
    return sum(megabytes(pid, "VmRSS") for pid in pids if Path("/proc", pid).exists())


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else MANY))
