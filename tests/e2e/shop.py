"""The application that the fault matrix deploys again and again."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import httpx
import pytest

from bench.load import Load
from bench.report import Kind
from hitless import wiring
from hitless.cli.console import ignore
from hitless.domain.common.events import StepId
from hitless.domain.common.names import Colour
from hitless.domain.host.status import ApplicationStatus, application_status
from hitless.execution import observe
from hitless.ports import Ports
from tests.e2e.conftest import ROOT, App, Cli, docker, gateway_of_its_own, wait_for

# Some requests of every moment are in flight: the application answers the slow kinds in tenths of a second.
MIX: Mapping[Kind, float] = {"kept": 12, "fresh": 6, "post": 6, "slow": 4, "stream": 2}
RATE = 30.0

COMPOSE = """
x-hitless: {keep: 2, bake: "${BAKE:-0s}"}
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


def _kind(step: StepId | str) -> str:
    """The kind of a step of the journal, "" for none."""
    return str(step.kind) if isinstance(step, StepId) else step


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
        return re.sub(r"( of| to| at)? (blue|green)( is)?\b| \(release \d+\)", "", steps[0])


@dataclass(frozen=True)
class Deploying:
    """A `hitless deploy` that is under way."""

    release: int
    process: subprocess.Popen[str]
    record: Path

    def stands_still(self) -> bool:
        """Whether SIGSTOP has stopped it; fails if it has ended."""
        assert self.process.poll() is None, self.process.communicate()[0]
        state = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()[0]
        return state == "T"

    def ended(self) -> Deployment:
        """Wait for its end; how it ended."""
        try:
            output, _ = self.process.communicate(timeout=180)
        finally:
            self.process.kill()
        return Deployment(self.release, self.process.returncode, output, _moments(self.record))


def _moments(record: Path) -> dict[str, float]:
    moments: dict[str, float] = {}
    if not record.exists():  # refused before its first point
        return moments
    for line in record.read_text().splitlines():
        entry = json.loads(line)
        moment = entry.pop("moment")
        ((kind, name),) = entry.items()
        moments[name if kind == "point" else f"fault {name}"] = moment
    return moments


@dataclass(frozen=True)
class Seen:
    """What a visitor and an operator see: who answers, in which colour, and what there is.

    `interrupted_at` is the step at which the last command was interrupted, "" before the first, None if it
    was not.
    """

    release: int
    interrupted_at: str | None
    colour: Colour
    kept: tuple[int, ...]
    problems: tuple[object, ...]
    leftovers: dict[str, list[str]]
    routing: str


@dataclass
class Shop:
    """Two services with a route each. Every deployment, with any outcome, has its own RELEASE."""

    app: App
    record: Path
    release: int = 0
    _settled: Seen | None = None

    def settled(self) -> Seen:
        """The state before a combination: as the one before it left it, or repaired if that failed."""
        if self._settled is None:
            self.whole(self.deploy_well())
        assert self._settled
        return self._settled

    def deploy(
        self, *options: str, at: str = "", do: str = "", file: str = "", **environment: str
    ) -> Deployment:
        """Deploy the next release, with a fault at one point if one is named."""
        return self._begin(*options, at=at, do=do, file=file, **environment).ended()

    @contextmanager
    def stopped(self, at: str) -> Iterator[Deploying]:
        """Deploy the next release up to this point, where it is stopped for the length of the block."""
        deploying = self._begin(at=at, do="SIGSTOP")
        try:
            wait_for(deploying.stands_still)
            yield deploying
        finally:
            deploying.process.send_signal(signal.SIGCONT)

    def _begin(
        self, *options: str, at: str = "", do: str = "", file: str = "", **environment: str
    ) -> Deploying:
        self.release += 1
        self._settled = None
        record = self.record.with_name(f"record-{self.release}")
        fault = ("--at", at, "--do", do) if at else ()
        cli = self.app.cli
        arguments = ("-p", self.app.name, "-f", file) if file else cli.options
        process = subprocess.Popen(
            (
                *(sys.executable, "-m", "tests.e2e.faulty", *fault, "--record", str(record)),
                *("--", *arguments, "deploy", *options),
            ),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=ROOT,
            env={**os.environ, **cli.environment, "RELEASE": str(self.release), **environment},
        )
        return Deploying(self.release, process, record)

    def deploy_during(
        self, at: str, happening: Callable[[], None], *options: str, **environment: str
    ) -> Deployment:
        """Deploy the next release; it waits at this point while something happens."""
        held = self.record.with_name("held")
        do = f"touch {held}; while [ -e {held} ]; do sleep 0.02; done"
        with ThreadPoolExecutor(max_workers=1) as pool:
            deploying = pool.submit(lambda: self.deploy(*options, at=at, do=do, **environment))
            wait_for(lambda: held.exists() or deploying.done(), 60)
            happening()
            held.unlink()
            return deploying.result()

    def deploy_well(self) -> Deployment:
        """Deploy the next release. A killed command may have left a Docker command at work."""
        deployment = self.deploy("--wait")
        assert deployment.code == 0, deployment.output
        return deployment

    def load(self) -> Load:
        return self.app.load(mix=MIX, rate=RATE)

    def seen(self) -> Seen:
        """The state, as soon as the release that answers is the one that `hitless status` calls live."""
        status = self.at_rest()
        assert status.live
        left, colour = status.command, status.live.colour
        live = [one for one in status.containers if one.colour is colour]
        assert live
        assert all(one.state == "running" for one in live), live
        assert {one.release for one in live} == {status.live.release}
        environment = docker("inspect", live[0].name, "--format", "{{json .Config.Env}}")
        (release,) = re.findall(r'"RELEASE=(\d+)"', environment)
        # a generation that was put in place just now is in force a moment later
        wait_for(lambda: self.answering() == release)
        return Seen(
            release=int(release),
            interrupted_at=_kind(left.step) if left else None,
            colour=colour,
            kept=tuple(one.number for one in status.releases),
            problems=status.problems,
            leftovers=self.app.leftovers(),
            routing=docker(
                "exec", self.app.gateway.container, "cat", f"/etc/hitless/routes/{self.app.name}.yml"
            ),
        )

    def at_rest(self) -> ApplicationStatus:
        """What `hitless status` says when nothing is under way: a command may outlive its killed hitless.

        Without a process of its own, which would take most of the time.
        """
        ports = self._ports
        found: list[ApplicationStatus] = []

        def is_at_rest() -> bool:
            status = application_status(self.app.name, observe.world(ports, self.app.name), None)
            found.append(status)
            return not (status.command and status.command.is_under_way)

        wait_for(is_at_rest)
        return found[-1]

    @cached_property
    def _ports(self) -> Ports:
        """One for all looks: each would keep shells in the gateway open."""
        return wiring.host(None, self.app.gateway.name).ports(ignore)

    def answering(self) -> str:
        """The release that a visitor gets."""
        try:
            return str(self.app.get().headers.get("X-Release"))
        except httpx.HTTPError:
            return "nobody"

    def whole(self, deployment: Deployment) -> None:
        """Check that this release is there, and nothing else except the releases that are kept."""
        seen = self.seen()
        name = self.app.name
        assert seen.release == deployment.release
        assert seen.problems == ()
        assert seen.interrupted_at is None
        assert len(seen.kept) <= KEEP
        assert seen.leftovers == {
            "containers": [f"{name}-{seen.colour}-{service}-1" for service in ("api", "web")],
            "networks": sorted(
                [f"{name}-{seen.colour}_default", f"{self.app.gateway.name}_webgateway.{name}"]
            ),
            "volumes": [],
            "images": sorted(f"{name}.r{number}.{it}" for number in seen.kept for it in ("api", "web")),
        }
        self._settled = seen

    def unchanged(self, before: Seen) -> None:
        """Check that everything is as it was."""
        assert self.seen() == before
        self.rested(before)

    def rested(self, seen: Seen) -> None:
        """The state with which the next combination begins."""
        self._settled = seen

    def candidate(self, container: str) -> str:
        """The name that a container of the next release will have."""
        return f"{self.app.name}-{self.settled().colour.other}-{container}"


S = TypeVar("S", bound=Shop)


def shop_of_its_own(
    name: str, directories: pytest.TempPathFactory, **environment: str
) -> AbstractContextManager[Shop]:
    """A shop on its own gateway: what happens to that concerns one application. It has two releases."""
    return made_on_its_own(Shop, COMPOSE, name, directories, **environment)


@contextmanager
def made_on_its_own(
    kind: type[S], compose: str, name: str, directories: pytest.TempPathFactory, **environment: str
) -> Iterator[S]:
    """The same of another kind, with this Compose file."""
    app = f"{name}-shop"
    directory = directories.mktemp(name)
    file = directory / "compose.yml"
    file.write_text(compose.replace("HOST", f"{app}.localhost"))
    cli = Cli(("-p", app, "-f", str(file)), {"HITLESS_GATEWAY": name, **environment})
    with gateway_of_its_own(name) as gateway:
        shop = kind(App(app, f"{app}.localhost", cli, gateway), directory / "record")
        for _ in range(KEEP):  # the next one has a release to forget
            shop.deploy_well()
        yield shop
