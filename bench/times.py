"""What a deployment takes beyond the application's own time, each figure beside its goal.

    python -m bench.times [PART...]     without a part it is all of them

start      `hitless --help`, and `hitless status` on a host with 20 applications
services   20 services of one application deployed at once, beside the slowest of them alone
gateway    a cutover on a gateway with 50 applications, beside one on a gateway with one
back       from `hitless abort` to the first answer of the former release, while that is still warm
floor      a deployment under load beside what the application itself takes: boot, the longest request in
           flight, and its stop; with Docker health checks each second and each 30 s, and without one
timeline   one deployment, drawn: writes docs/benchmarks/times-timeline.svg

Figures that are compared are measured in turn, in rounds of one run. The application starts in a fifth of a
second and answers in hundredths, so the rest is the time of hitless and Docker.
"""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench import timeline as lines
from bench.applications import (
    ROOT,
    TINY,
    Application,
    Argv,
    Gateway,
    address,
    applications,
    at,
    build,
    gateway,
    hitless,
    output,
    run,
    until,
    web,
)
from bench.load import Load
from hitless.cli.console import ignore
from hitless.domain.routing.split import Routing
from hitless.ports import Ports
from hitless.wiring import host

IMAGE = "hitless-speed-tiny:1"
BOOT = 2.0  # seconds that the slowest application waits while it starts
SERVICES = 20
APPLICATIONS = 50
LOOKED_AT = 20  # applications on the host that `hitless status` looks at
STARTS = 15
LONGEST = 0.5  # seconds: the tiny application's stream, the longest request of the load
ROUNDS = 5
# what is checked -> the interval of the Docker health check; "" is none
CHECKS = {"no Docker health check": "", "check each second": "1s", "check each 30 s": "30s"}
INSTANTS = 60
PICTURE = ROOT / "docs" / "benchmarks" / "times-timeline.svg"
Make = Callable[[str, Gateway, dict[str, Any]], Application]


@dataclass(frozen=True)
class Row:
    """A figure and its highest allowed value, in one unit."""

    text: str
    measured: float
    goal: float | None = None
    unit: str = "s"

    def __str__(self) -> str:
        """One line of the table."""
        shown = f"{self.text:<66}{self.measured:8.2f} {self.unit}"
        if self.goal is None:
            return shown
        verdict = "met" if self.measured <= self.goal else "MISSED"
        return f"{shown}   goal: at most {round(self.goal, 2):g} {self.unit} — {verdict}"


def main(parts: Sequence[str]) -> int:
    """Measure and print; 1 if a goal is missed."""
    build(IMAGE, TINY)
    missed = False
    try:
        for part in parts or PARTS:
            for row in PARTS[part]():
                print(row, flush=True)
                missed |= row.goal is not None and row.measured > row.goal
    finally:
        output("docker", "rmi", IMAGE)
    return int(missed)


def start() -> Iterator[Row]:
    """What a person waits for at a command that only looks: whole processes, in turn."""
    with gateway("hitless-speed-start") as on, applications() as make:
        name = "hitless-speed-start-app"
        several = {f"web{number}": web(f"{name}-{number}", IMAGE) for number in range(LOOKED_AT)}
        application = make(name, on, {"web": web(name, IMAGE), **several})
        application.run("deploy")
        fill(application, LOOKED_AT)  # their routes; its own containers are as many as theirs would be
        commands: dict[str, Argv] = {
            "python": (sys.executable, "-c", "pass"),
            "help": hitless("--help"),
            "status": hitless("-p", name, "status"),
            "all": hitless("status", "--all"),
        }
        took: dict[str, list[float]] = {}
        for _ in range(STARTS):
            for key, argv in commands.items():
                began = time.monotonic()
                run(argv, HITLESS_GATEWAY=on.name)
                took.setdefault(key, []).append(time.monotonic() - began)
    median = {key: statistics.median(seconds) * 1000 for key, seconds in took.items()}
    yield Row("Python that does nothing, from start to end", median["python"], None, "ms")
    yield Row("hitless --help", median["help"], 150.0, "ms")
    yield Row(f"hitless status, {LOOKED_AT} applications", median["status"], 500.0, "ms")
    yield Row(f"hitless status --all, {LOOKED_AT} applications", median["all"], 500.0, "ms")


def services() -> Iterator[Row]:
    """Many services at once, and one alone."""
    with gateway("hitless-speed-many") as on, applications() as make:
        slow = {"RELEASE": "${RELEASE}", "BOOT_SECONDS": BOOT}
        alone = make("hitless-speed-alone", on, {"web": web("hitless-speed-alone", IMAGE, environment=slow)})
        quick = {"RELEASE": "${RELEASE}"}
        together = make(
            "hitless-speed-together",
            on,
            {
                f"web{number}": web(f"hitless-speed-{number}", IMAGE, environment=quick if number else slow)
                for number in range(SERVICES)
            },
        )
        took: dict[str, list[Took]] = {"alone": [], "together": []}
        for release in range(ROUNDS - 1):
            for name, application in (("alone", alone), ("together", together)):
                path = application.host if name == "alone" else "hitless-speed-0.localhost"
                took[name].append(deployed(application, str(release), path))
    # the first has nothing to replace
    one, all_of_them = (_medians(took[name][1:]) for name in took)
    yield Row(f"one service that boots {BOOT:g} s: first new answer", one.live)
    yield Row("… to the end", one.end)
    yield Row(
        f"{SERVICES} services at once: first new answer, beyond the one's", all_of_them.live - one.live, 3.0
    )
    yield Row("… to the end, beyond the one's", all_of_them.end - one.end, 3.0)


def crowd() -> Iterator[Row]:
    """A gateway with one application, and one with many."""
    with gateway("hitless-speed-lone") as lone, gateway("hitless-speed-full") as full, applications() as make:
        took: dict[str, list[Took]] = {}
        instants: dict[str, list[float]] = {}
        environment = {"RELEASE": "${RELEASE}"}
        pair = {
            on.name: make(
                f"{on.name}-app", on, {"web": web(f"{on.name}-app", IMAGE, environment=environment)}
            )
            for on in (lone, full)
        }
        for application in pair.values():
            application.run("deploy", RELEASE="0")
        fill(pair[full.name], APPLICATIONS)
        for release in range(1, ROUNDS + 1):
            for name, application in pair.items():
                took.setdefault(name, []).append(deployed(application, str(release), application.host))
        ways = {on.name: ports(on) for on in (lone, full)}
        for _ in range(INSTANTS):
            for name, way in ways.items():
                instants.setdefault(name, []).append(instant(way, pair[name].name))
    few, many = (statistics.median(instants[on.name]) for on in (lone, full))
    alone, amid = (_medians(took[on.name]) for on in (lone, full))
    yield Row("1 application: deliver to marker", few * 1000, None, "ms")
    yield Row(f"{APPLICATIONS} applications: deliver to marker", many * 1000, few * 1200, "ms")
    yield Row("1 application: deploy, first new answer", alone.live)
    yield Row(f"{APPLICATIONS} applications: deploy, first new answer", amid.live, alone.live * 1.2)
    yield Row("1 application: deploy, to the end", alone.end)
    yield Row(f"{APPLICATIONS} applications: deploy, to the end", amid.end, alone.end * 1.2)


def back() -> Iterator[Row]:
    """Back to a release that is still warm."""
    with gateway("hitless-speed-back") as on, applications() as make:
        name = "hitless-speed-warm"
        application = make(name, on, {"web": web(name, IMAGE, environment={"RELEASE": "${RELEASE}"})})
        application.run("deploy", RELEASE="old")
        # leaves time to kill the deployment while the former release is warm
        application.file.write_text(application.file.read_text() + "x-hitless: {bake: 60s}\n")
        took = []
        for _ in range(ROUNDS):
            deploying = application.start("deploy", RELEASE="new")
            until(lambda: _answer(on, application.host) == "new")
            deploying.send_signal(signal.SIGKILL)
            deploying.wait()
            began = time.monotonic()
            aborting = application.start("abort")
            took.append(until(lambda: _answer(on, application.host) == "old") - began)
            if aborting.wait():
                raise SystemExit("hitless abort failed")
    yield Row("killed, then hitless abort: first answer of the former release", statistics.median(took), 0.5)


def floor() -> Iterator[Row]:
    """Under load, beside the application's own time."""
    with gateway("hitless-speed-floor") as on, applications() as make:
        kinds = {
            kind: _checked(make, on, number, check) for number, (kind, check) in enumerate(CHECKS.items())
        }
        for application in kinds.values():
            application.run("deploy", RELEASE="0")
        boots, stops = [], []
        live: dict[str, list[float]] = {kind: [] for kind in kinds}
        end: dict[str, list[float]] = {kind: [] for kind in kinds}
        lost = 0
        for release in range(1, ROUNDS + 1):
            boot, stop = _boot_and_stop(on)
            boots.append(boot)
            stops.append(stop)
            for kind, application in kinds.items():
                with Load(f"http://127.0.0.1:{on.port}", host=application.host, seconds=120) as load:
                    began = time.monotonic()
                    application.run("deploy", RELEASE=str(release))
                    end[kind].append(time.monotonic() - began - boot - LONGEST - stop)
                report = load.report()
                lost += report.lost
                if report.lost:
                    print(f"lost in deployment {release}, {kind}: {report.lost_by}", file=sys.stderr)
                live[kind].append((report.first_answer(str(release)) or 0.0) - began - boot)
    yield Row("boot, from docker run to the first good answer", statistics.median(boots))
    yield Row("longest request in flight", LONGEST)
    yield Row("stop", statistics.median(stops))
    for kind in kinds:
        yield Row(f"{kind}: first new answer, beyond the boot", statistics.median(live[kind]), 0.6)
        yield Row("… to the end, beyond boot, longest request and stop", statistics.median(end[kind]), 0.9)
    yield Row("requests lost", float(lost), 0.0, "")


def timeline() -> Iterator[Row]:
    """One deployment, and what it waits for."""
    with gateway("hitless-speed-line") as on, applications() as make, TemporaryDirectory() as folder:
        application = _checked(make, on, 0, CHECKS["check each second"])
        application.run("deploy", RELEASE="0")
        spans = Path(folder, "spans")
        words = ("-m", "bench.timeline", "--record", str(spans), "--", *application.argv("deploy")[1:])
        environment = {**os.environ, **at(on), "RELEASE": "1"}
        began = time.monotonic()
        with subprocess.Popen((sys.executable, *words), env=environment, stdout=subprocess.DEVNULL) as run:
            live = until(lambda: _answer(on, application.host) == "1")
        if run.returncode:
            raise SystemExit("hitless deploy failed")
        found = lines.read(spans)
        lines.draw(found, began, live, PICTURE)
    yield Row("docker processes of a deployment", sum(one.kind == "docker" for one in found), None, "")
    yield Row("questions to the engine's API", sum(one.kind == "question" for one in found), None, "")
    yield Row("lines to a shell in the gateway", sum(one.kind == "gateway" for one in found), None, "")


def _checked(make: Make, on: Gateway, number: int, interval: str) -> Application:
    """An application that boots slowly, with a Docker health check that has this interval, or without one."""
    name = f"hitless-speed-loaded{number}"
    environment = {"RELEASE": "${RELEASE}", "BOOT_SECONDS": BOOT}
    request = "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/health')"
    check = {"test": ["CMD", "python3", "-S", "-E", "-c", request], "interval": interval}
    service = web(name, IMAGE, environment=environment)
    return make(name, on, {"web": {**service, "healthcheck": check} if interval else service})


@dataclass(frozen=True)
class Took:
    """Seconds from the command to the first answer of the new release, and to the command's end."""

    live: float
    end: float


def deployed(application: Application, release: str, host_name: str, **environment: str) -> Took:
    """Deploy a release and wait for the end."""
    began = time.monotonic()
    process = application.start("deploy", RELEASE=release, **environment)
    live = until(lambda: _answer(application.gateway, host_name) == release) - began
    if process.wait():
        raise SystemExit("hitless deploy failed")
    return Took(live, time.monotonic() - began)


def _medians(took: Sequence[Took]) -> Took:
    return Took(statistics.median(one.live for one in took), statistics.median(one.end for one in took))


def _boot_and_stop(on: Gateway) -> tuple[float, float]:
    """Seconds from `docker run` to the first good answer, and those of `docker stop`."""
    began = time.monotonic()
    words = ("--detach", "--rm", "--network", on.network, "--env", f"BOOT_SECONDS={BOOT}")
    identity = output("docker", "run", *words, IMAGE)
    there = address(identity, on.network)
    booted = until(lambda: _get(there, 8000, "/health", "localhost") is not None) - began
    began = time.monotonic()
    output("docker", "stop", identity)
    return booted, time.monotonic() - began


def fill(application: Application, total: int) -> None:
    """Deliver the application's routing under other names and for other hosts, until there are that many."""
    way = ports(application.gateway)
    own = routing(way, application.name)
    for number in range(1, total):
        name = f"hitless-speed-{number}"
        colours = {
            colour: replace(
                part,
                routers=tuple(
                    replace(router, rule=router.rule.replace(application.name, name))
                    for router in part.routers
                ),
            )
            for colour, part in own.colours.items()
        }
        with _locked(way, name):
            way.balancer.deliver(name, replace(own, application=name, colours=colours))


def instant(way: Ports, application: str) -> float:
    """Seconds from the delivery of the next generation to its marker's answer."""
    before = routing(way, application)
    after = before.next(before.split, before.colours)
    with _locked(way, application):
        began = time.monotonic()
        way.balancer.deliver(application, after)
        return until(lambda: way.balancer.in_force(application, after)) - began


def _locked(way: Ports, application: str) -> AbstractContextManager[object]:
    """Nobody else delivers: the gateway takes a routing only from whoever has the lock."""
    return way.state.lock(application, "a measurement", 0, lambda _: None)


def routing(way: Ports, application: str) -> Routing:
    """The routing of an application that is in place."""
    return way.state.read(application).routings[application]


def ports(on: Gateway) -> Ports:
    """Hitless's own way to a gateway."""
    return host(None, on.name).ports(ignore)


def _answer(on: Gateway, name: str) -> str | None:
    """The release that answers for a host, through the gateway."""
    return _get("127.0.0.1", on.port, "/", name)


def _get(address_: str, port: int, path: str, name: str) -> str | None:
    # by http.client, because a look must cost next to nothing here
    connection = HTTPConnection(address_, port, timeout=2.0)
    try:
        connection.request("GET", path, headers={"Host": name})
        answer = connection.getresponse()
        return answer.getheader("X-Release") if answer.status == 200 else None
    except (OSError, HTTPException):
        return None
    finally:
        connection.close()


PARTS: dict[str, Callable[[], Iterator[Row]]] = {
    "start": start,
    "services": services,
    "gateway": crowd,
    "back": back,
    "floor": floor,
    "timeline": timeline,
}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
