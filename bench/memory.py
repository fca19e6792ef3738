"""Memory, file descriptors and what is left after many deployments.

    python -m bench.memory [DEPLOYMENTS] [DELIVERIES]

On a gateway with 50 applications: one is deployed for real, and hitless's own code renders and delivers its
routing under 49 other names. Then DELIVERIES new generations, each until it is in force (a cutover is the
same to the gateway), and DEPLOYMENTS whole deployments by the command line.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen

from bench.applications import TINY, Application, Gateway, applications, build, gateway, output, web
from bench.times import APPLICATIONS, Row, fill, instant, ports

IMAGE = "hitless-speed-tiny:1"
NAME = "hitless-speed-memory"
STEP = 100  # deliveries between two looks
QUIET = 5.0  # seconds in which the gateway releases what it no longer needs
GROWTH = 1.0  # MB for each 100 deliveries that count as none: the heap varies by more than that


@dataclass(frozen=True)
class Held:
    """What the gateway's Traefik holds: resident memory in MB, and open file descriptors."""

    memory: float
    files: int


def main(deployments: int, deliveries: int) -> int:
    """Measure and print; 1 if something grows or is left."""
    build(IMAGE, TINY)
    missed = False
    try:
        for row in measure(deployments, deliveries):
            print(row, flush=True)
            missed |= row.goal is not None and row.measured > row.goal
    finally:
        output("docker", "rmi", IMAGE)
    return int(missed)


def measure(deployments: int, deliveries: int) -> Iterator[Row]:
    """All of it, a row for each figure."""
    before = _left()
    with gateway(f"{NAME}-gateway") as on, applications() as make:
        yield from _rows("gateway with no application", _held(on))
        application = make(NAME, on, {"web": web(NAME, IMAGE)})
        application.run("deploy")
        fill(application, APPLICATIONS)
        looks = [_held(on)]
        yield from _rows(f"… with {APPLICATIONS}", looks[0])
        way = ports(on)
        for number in range(1, deliveries + 1):
            instant(way, NAME)
            if number % STEP == 0:
                looks.append(_held(on))
                yield from _rows(f"… after {number} deliveries", looks[-1])
        if len(looks) > 2:  # the first hundred warm it up
            hundreds = len(looks) - 2
            growth = (looks[-1].memory - looks[1].memory) / hundreds
            yield Row("growth for each 100 deliveries, after the first 100", growth, GROWTH, "MB")
            yield Row("… of file descriptors", (looks[-1].files - looks[1].files) / hundreds, 0.0, "")
        for _ in range(2):  # three releases are kept
            application.run("deploy")
        settled = _left()
        peaks = [_peak(application) for _ in range(deployments)]
        yield from _rows(f"… after {deployments} more deployments", _held(on))
        yield Row("hitless deploy: most memory of its own process", max(own for own, _ in peaks), None, "MB")
        yield Row("… with the commands that it waits for", max(whole for _, whole in peaks), None, "MB")
        yield from _more(f"more after {deployments} deployments", settled)
    yield from _more("left after all is removed", before)


def _rows(text: str, held: Held) -> tuple[Row, Row]:
    return Row(f"{text}: memory", held.memory, None, "MB"), Row("  file descriptors", held.files, None, "")


def _held(on: Gateway) -> Held:
    time.sleep(QUIET)
    pids = output("docker", "top", on.container, "-eo", "pid,comm").splitlines()[1:]
    pid = next(line.split()[0] for line in pids if line.split()[1].startswith("traefik"))
    return Held(megabytes(pid, "VmRSS"), len(list(Path("/proc", pid, "fd").iterdir())))


def _peak(application: Application) -> tuple[float, float]:
    """The most memory in MB of one deployment's own process, and of all its processes at one time."""
    process = application.start("deploy")
    own, together = 0.0, 0.0
    while process.poll() is None:
        own = max(own, megabytes(str(process.pid), "VmHWM"))
        together = max(together, sum(megabytes(pid, "VmRSS") for pid in _tree(process)))
        time.sleep(0.02)
    if process.returncode:
        raise SystemExit("hitless deploy failed")
    return own, together


def _tree(process: Popen[bytes]) -> Iterator[str]:
    """The process and its descendants."""
    waiting = [str(process.pid)]
    while waiting:
        pid = waiting.pop()
        yield pid
        try:
            for children in Path("/proc", pid, "task").glob("*/children"):
                waiting += children.read_text().split()
        except OSError:
            continue


def megabytes(pid: str, key: str) -> float:
    """A figure of /proc/<pid>/status; 0 if the process has gone."""
    try:
        for line in Path("/proc", pid, "status").read_text().splitlines():
            if line.startswith(f"{key}:"):
                return int(line.split()[1]) / 1024
    except OSError:
        pass
    return 0.0


def _left() -> dict[str, int]:
    """How many objects on the engine have the measurement's name."""
    listings = {
        "containers": ("ps", "--all", "--format", "{{.Names}}"),
        "networks": ("network", "ls", "--format", "{{.Name}}"),
        "volumes": ("volume", "ls", "--format", "{{.Name}}"),
        "image tags": ("images", "--format", "{{.Repository}}:{{.Tag}}"),
    }
    return {
        what: sum(NAME in line for line in output("docker", *words).splitlines())
        for what, words in listings.items()
    }


def _more(text: str, before: dict[str, int]) -> Iterator[Row]:
    for what, number in _left().items():
        yield Row(f"{text}: {what}", float(number - before[what]), 0.0, "")


if __name__ == "__main__":
    numbers = [int(word) for word in sys.argv[1:]]
    sys.exit(main(*(numbers + [20, 500][len(numbers) :])))
