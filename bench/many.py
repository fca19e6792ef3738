"""Many small applications on one host, each deployed twice, while one of them has requests.

    python -m bench.many [APPLICATIONS]

The engine's own address pools have room for some thirty networks, and each application needs three or four.
hitless gives them small blocks from its own pool. This measures what that costs: the time of a deployment, of
the first ones and of the last ones, the gateway's memory, and how long nobody gets an answer while the
gateway restarts with all these networks.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection, HTTPException

from bench.applications import TINY, Application, Gateway, applications, build, gateway, output, until, web
from bench.load import Load
from bench.times import Row

IMAGE = "hitless-speed-tiny:1"
NAME = "hitless-speed-many"
MANY = 200
AT_ONCE = 2  # deployments at a time
SEVERAL = 20  # deployments whose median is shown
RATE = 20.0
LONGEST = 3600.0  # seconds that the load lasts, at most


def main(count: int) -> int:
    """Measure and print; 1 if a deployment failed or a request was lost."""
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
    before = len(output("docker", "network", "ls", "--quiet").split())
    with gateway(f"{NAME}-gateway") as on, applications() as make:
        watched = make(NAME, on, {"web": web(NAME, IMAGE)})
        watched.run("deploy")
        made = [
            make(f"{NAME}-{number}", on, {"web": web(f"{NAME}-{number}", IMAGE)})
            for number in range(1, count)
        ]
        with Load(f"http://127.0.0.1:{on.port}", host=watched.host, rate=RATE, seconds=LONGEST) as load:
            first = _deployed(made)
            second = _deployed([*made, watched])
        report = load.report()
        yield Row("applications, each deployed twice", len(second), None, "")
        yield Row("requests of one of them in that time", report.sent, None, "")
        yield Row("… lost", report.lost, 0.0, "")
        yield Row("… ended before the deployments", float(report.ended_by != "asked"), 0.0, "")
        answered = sum(_answers(on, one) for one in [*made, watched])
        yield Row("applications that do not answer at the end", len(second) - answered, 0.0, "")
        for text, times in (("first", first), ("second", second)):
            yield Row(f"{text} deployment: the {SEVERAL} first", statistics.median(times[:SEVERAL]))
            yield Row(f"{text} deployment: the {SEVERAL} last", statistics.median(times[-SEVERAL:]))
        there = len(output("docker", "network", "ls", "--quiet").split()) - before
        yield Row("networks on the host", there, None, "")
        memory = output("docker", "stats", "--no-stream", "--format", "{{.MemUsage}}", on.container)
        yield Row("memory of the gateway", float(memory.partition("MiB")[0]), None, "MiB")
        yield Row("restart of the gateway: nobody is answered for", _away(on, watched))


def _deployed(made: list[Application]) -> list[float]:
    """The seconds that each deployment took, in order, with AT_ONCE at a time."""
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        return list(pool.map(lambda one: one.run("deploy", RELEASE="1"), made))


def _answers(on: Gateway, one: Application) -> bool:
    connection = HTTPConnection("127.0.0.1", on.port, timeout=10)
    try:
        connection.request("GET", "/", headers={"Host": one.host})
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def _away(on: Gateway, one: Application) -> float:
    began = time.monotonic()
    output("docker", "restart", "--time", "1", on.container)
    return until(lambda: _answers(on, one)) - began


if __name__ == "__main__":
    raise SystemExit(main(int(sys.argv[1]) if len(sys.argv) > 1 else MANY))
