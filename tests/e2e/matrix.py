"""The application that the fault matrix deploys again and again, and the table of what came of it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from bench.load import Load
from bench.report import Kind, Report
from hitless.domain.model import Colour
from tests.e2e.conftest import GATEWAY, ROOT, App, docker, wait_for
from tests.e2e.faulty import plain

POINTS_FILE = Path(__file__).with_name("points.txt")
DOCUMENT = ROOT / "docs" / "faults.md"
IS_WRITING = bool(os.environ.get("HITLESS_WRITE_FAULTS"))
HOW_TO_UPDATE = "`make faults` writes what is so now; look at the difference, and commit it"

# Some requests of every moment are in flight: the application answers the slow kinds in tenths of a second.
MIX: Mapping[Kind, float] = {"kept": 25, "fresh": 9, "post": 9, "slow": 5, "stream": 2}
RATE = 50.0

COMPOSE = """
x-hitless: {keep: 2}
services:
  web:
    image: ${IMAGE:-hitless-e2e-tiny:1}
    environment: &environment
      RELEASE: ${RELEASE}
      BROKEN: ${BROKEN:-}
      BOOT_SECONDS: ${BOOT_SECONDS:-0}
    restart: ${RESTART:-no}
    mem_limit: ${MEMORY:-256m}
    scale: ${WEBS:-1}
    labels:
      - traefik.http.routers.web.rule=Host(`HOST`)
      - traefik.http.services.web.loadbalancer.server.port=${PORT:-8000}
      - traefik.http.services.web.loadbalancer.healthcheck.path=/health
  api:
    image: hitless-e2e-tiny:1
    environment: *environment
    labels:
      - traefik.http.routers.api.rule=Host(`HOST`) && (Path(`/echo`) || Path(`/slow`))
      - traefik.http.services.api.loadbalancer.server.port=8000
      - traefik.http.services.api.loadbalancer.healthcheck.path=/health
"""
KEEP = 2


def points() -> tuple[str, ...]:
    """The points of a deployment, in order, as they were when last written down."""
    return tuple(POINTS_FILE.read_text().splitlines())


@dataclass(frozen=True)
class Deployment:
    """How a `hitless deploy` ended. `moments` are those of its points and of its fault."""

    release: int
    code: int
    output: str
    moments: Mapping[str, float]

    @property
    def failed_step(self) -> str:
        """The step at which it failed."""
        steps = re.findall(r"^ +✗ (.*?) {2,}", self.output, re.M)
        return plain(steps[0])


@dataclass(frozen=True)
class Seen:
    """What a visitor and an operator see: who answers, in which colour, and what there is."""

    release: int
    colour: Colour
    kept: tuple[int, ...]
    problems: tuple[object, ...]
    leftovers: dict[str, list[str]]
    routing: str


@dataclass
class Shop:
    """Two services with a route each. Every deployment, whatever comes of it, is a RELEASE of its own."""

    app: App
    record: Path
    release: int = 0
    _settled: Seen | None = None

    def settled(self) -> Seen:
        """What is there before a combination: as the one before it left it, or put right if that failed."""
        if self._settled is None:
            self.whole(self.deploy_well())
        assert self._settled
        return self._settled

    def deploy(
        self, *options: str, at: str = "", do: str = "", file: str = "", **environment: str
    ) -> Deployment:
        """Deploy the next release, with a fault at one point where one is named."""
        self.release += 1
        self._settled = None
        self.record.unlink(missing_ok=True)
        fault = ("--at", at, "--do", do) if at else ()
        cli = self.app.cli
        arguments = ("-p", self.app.name, "-f", file) if file else cli.options
        done = subprocess.run(
            (
                *(sys.executable, "-m", "tests.e2e.faulty", *fault, "--record", str(self.record)),
                *("--", *arguments, "deploy", *options),
            ),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=ROOT,
            env={**os.environ, **cli.environment, "RELEASE": str(self.release), **environment},
            timeout=120,
            check=False,
        )
        return Deployment(self.release, done.returncode, done.stdout, self._moments())

    def deploy_well(self) -> Deployment:
        """Deploy the next release. A command that was killed may have left one of Docker's at work."""
        deployment = self.deploy("--wait")
        assert deployment.code == 0, deployment.output
        return deployment

    def load(self) -> Load:
        return self.app.load(mix=MIX, rate=RATE)

    def seen(self) -> Seen:
        """What is there, once what answers is what `hitless status` calls live."""
        status = self.app.cli.json("status")
        colour = Colour(status["live"]["colour"])
        live = [one for one in status["containers"] if one["colour"] == colour]
        assert live
        assert all(one["state"] == "running" for one in live), live
        assert {one["release"] for one in live} == {status["live"]["release"]}
        environment = docker("inspect", live[0]["container"], "--format", "{{json .Config.Env}}")
        (release,) = re.findall(r'"RELEASE=(\d+)"', environment)
        # a generation that was put in place just now is in force a moment later
        wait_for(lambda: self.answering() == release)
        return Seen(
            release=int(release),
            colour=colour,
            kept=tuple(one["number"] for one in status["releases"]),
            problems=(*status["problems"], *([status["deployment"]] if status["deployment"] else [])),
            leftovers=self.app.leftovers(),
            routing=docker("exec", f"{GATEWAY}-traefik-1", "cat", f"/etc/hitless/routes/{self.app.name}.yml"),
        )

    def answering(self) -> str:
        """The release that a visitor gets."""
        try:
            return str(self.app.get().headers.get("X-Release"))
        except httpx.HTTPError:
            return "nobody"

    def whole(self, deployment: Deployment) -> None:
        """See that this release is there, and nothing else but the releases that are kept."""
        seen = self.seen()
        name = self.app.name
        assert seen.release == deployment.release
        assert seen.problems == ()
        assert len(seen.kept) <= KEEP
        assert seen.leftovers == {
            "containers": [f"{name}-{seen.colour}-{service}-1" for service in ("api", "web")],
            "networks": [f"{name}-{seen.colour}_default"],
            "volumes": [],
            "images": sorted(f"{name}.r{number}.{it}" for number in seen.kept for it in ("api", "web")),
        }
        self._settled = seen

    def unchanged(self, before: Seen) -> None:
        """See that all is as it was."""
        assert self.seen() == before
        self._settled = before

    def candidate(self, container: str) -> str:
        """The name that a container of the next release will have."""
        return f"{self.app.name}-{self.settled().colour.other}-{container}"

    def _moments(self) -> dict[str, float]:
        moments = {}
        for line in self.record.read_text().splitlines():
            entry = json.loads(line)
            moment = entry.pop("moment")
            ((kind, name),) = entry.items()
            moments[name if kind == "point" else f"fault {name}"] = moment
        return moments


@dataclass(frozen=True)
class Row:
    """One combination: what was done, when, what came of it, and what clients saw.

    `away` is how many requests were lost while the gateway itself was not there.
    """

    fault: str
    at: str
    outcome: str
    sent: int
    lost: int
    away: int = 0

    @property
    def facts(self) -> tuple[str, str, str]:
        """What is the same at every run."""
        return self.fault, self.at, self.outcome


@dataclass
class Table:
    """All that was measured in this session."""

    rows: list[Row] = field(default_factory=list)

    def add(self, fault: str, at: str, outcome: str, report: Report, away: int = 0) -> None:
        self.rows.append(Row(fault, at, outcome, report.sent, report.lost - away, away))

    def write(self) -> None:
        """Make the document of what was measured."""
        sent = sum(row.sent for row in self.rows)
        lost = sum(row.lost for row in self.rows)
        lines = [
            "# What happens when something goes wrong",
            "",
            "This table is written by `make faults`: each row is a `hitless deploy` on a real Docker engine, "
            "under load,\nwith a fault at one point of its way. `at` names the step, and what of it was just "
            "about to be done, was under\nway, or was half done. After every one the next plain `hitless "
            "deploy` went through and left nothing but\nits own release behind.",
            "",
            f"{len(self.rows)} combinations, {sent} requests, {lost} lost. Requests that were sent while the "
            "gateway itself was killed or\nrestarted find nobody who could answer: they are counted "
            "apart, as `away`.",
            "",
            "| fault | at | outcome | sent | lost | away |",
            "| --- | --- | --- | ---: | ---: | ---: |",
            *(
                f"| {row.fault} | {row.at} | {row.outcome} | {row.sent} | {row.lost} | {row.away} |"
                for row in self.rows
            ),
        ]
        DOCUMENT.write_text("\n".join(lines) + "\n")


def documented() -> tuple[Row, ...]:
    """The rows of the document."""
    cells = re.findall(r"^\| (.+) \| (.+) \| (.+) \| (\d+) \| (\d+) \| (\d+) \|$", DOCUMENT.read_text(), re.M)
    return tuple(Row(*texts, *map(int, counts)) for *texts, a, b, c in cells for counts in [(a, b, c)])


def lost_while_away(report: Report, deployment: Deployment) -> int:
    """The requests that were lost in the time from the gateway's end to its first answer afterwards."""
    began, over = deployment.moments["fault begins"], deployment.moments["fault is over"]
    answered = (one.started for one in report.samples if one.started > over and one.failure is None)
    back = min(answered, default=time.monotonic())
    return sum(
        one.failure is not None and one.started <= back and one.ended >= began for one in report.samples
    )


TABLE = Table()
