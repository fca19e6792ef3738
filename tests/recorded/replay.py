"""A recorded host as hitless reads it, in memory, and hitless's commands on it.

These tests use nothing else of hitless: when its modules move, this file changes, and no recording.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from hitless.adapters.docker import inspected
from hitless.adapters.docker.cli import DockerCli
from hitless.adapters.gateway.shell import GatewayShell
from hitless.adapters.gateway.state import GatewayState
from hitless.cli.views.history import show_history, show_runs
from hitless.cli.views.status import show_status, status_document
from hitless.cli.views.words import any_step_text
from hitless.domain.application import read as reading
from hitless.domain.common.errors import HitlessError
from hitless.domain.common.names import Colour, colour_project
from hitless.domain.host.journal import Run, runs
from hitless.domain.host.status import application_status
from hitless.domain.host.world import ComposeContainer, Container, World
from hitless.domain.release.model import Release
from hitless.execution import observe
from hitless.ports.state import Stored
from tests.adapters.fake_docker import FakeDocker
from tests.adapters.gateway.traefiks import traefik_of
from tests.execution import commands
from tests.fakes.host import FakeHost
from tests.recorded.recordings import APPLICATION, Recording, recording

__all__ = ["FakeHost", "HitlessError", "Run"]

HOLDER = "bob@desk, process 42"
# what the labels of a container of `docker ps` are asked for, in the order in which hitless asks for them
_LABELS = (
    "com.docker.compose.project",
    "com.docker.compose.service",
    "com.docker.compose.config-hash",
    "hitless.application",
    "hitless.gateway",
    "com.docker.compose.oneoff",
    "com.docker.compose.project.config_files",
    "com.docker.compose.depends_on",
)
_COLUMNS = ("ID", "Names", "State", "Status", "Image", "Networks")
_LIVE_NETWORK = "hitless-live"


@dataclass(frozen=True)
class Read:
    """What hitless reads in the gateway: in one look, and the whole journal."""

    stored: Stored
    journal: str


# reading


def host(name: str) -> FakeHost:
    """The host of this situation, in memory. Connections to what is live are open when it begins to drain."""
    found, read = recording(name), _read(name)
    made = FakeHost()
    made.routings = dict(read.stored.routings)
    made.in_traefik = dict(read.stored.routings)
    made.records = {release.number: release for release in read.stored.releases}
    made.lines = read.journal.splitlines()
    made.running = {one.name: one for one in _containers(found)}
    made.base = {one.service: one for one in _composed(found) if one.project == APPLICATION}
    made.policies = {
        one["Name"].removeprefix("/"): one["HostConfig"]["RestartPolicy"]["Name"]
        for one in found.containers
        if one["Name"].removeprefix("/") in made.running
    }
    made.tags = {reference: inspected.image(one) for reference, one in found.images.items()}
    projects = {one["Labels"].get("com.docker.compose.project") for one in found.networks.values()}
    made.with_networks = {one for one in Colour if colour_project(APPLICATION, one) in projects}
    made.networks = {network: list(one["Containers"]) for network, one in found.networks.items()}
    made.address_ranges = {
        network: tuple(pool["Subnet"] for pool in one["IPAM"]["Config"])
        for network, one in found.networks.items()
    }
    for one in found.networks.values():
        if one["Labels"].get("com.docker.compose.network") == _LIVE_NETWORK:
            colour = Colour(one["Labels"]["com.docker.compose.project"].rpartition("-")[2])
            made.called |= {key: colour for key, it in made.base.items() if it.name in one["Containers"]}
    made.ready = {
        (colour, part.release)
        for routing in made.in_traefik.values()
        for colour, part in routing.colours.items()
        if colour is routing.live or made.records[part.release].promoted
    }
    made.behaviour.exclusive = ("scheduler",)
    made.behaviour.services = {
        name: {"state": "exited", "exit_code": 0} for name in ("migrate", "hook-before-cutover-1")
    }
    made.behaviour.connections = [1, 0]
    return made


def _containers(found: Recording) -> list[Container]:
    return [inspected.container(one) for one in found.containers if inspected.is_ours(one)]


def _composed(found: Recording) -> list[ComposeContainer]:
    rows = []
    for one in found.decoded("containers"):
        labels = one["inspect"]["Config"]["Labels"]
        columns = (*(labels.get(label, "") for label in _LABELS), *(one["ps"][key] for key in _COLUMNS))
        rows.append(inspected.composed(columns))
    return [row for row in rows if row]


@cache
def _read(name: str) -> Read:
    with _gateway(recording(name)) as shell:
        state = GatewayState(shell)
        return Read(replace(state.read(APPLICATION), free=None, quiet=0.0), state.journal(APPLICATION))


@contextmanager
def _gateway(found: Recording) -> Iterator[GatewayShell]:
    """Shells as in the gateway's container, with the recorded files in its volumes."""
    with tempfile.TemporaryDirectory() as directory, pytest.MonkeyPatch.context() as patch:
        docker = FakeDocker(Path(directory) / "docker")
        docker.answers("exec", way="shell")
        patch.setenv("PATH", str(docker.directory), prepend=":")
        state = docker.root / "var/lib/hitless" / APPLICATION
        (state / "releases").mkdir(parents=True)
        routes = docker.root / "etc/hitless/routes"
        (routes / ".copy").mkdir(parents=True)
        for path, text in found.under("routes").items():
            (routes / path).write_text(text)
            (routes / ".copy" / path.removesuffix(".yml")).write_text(text)
        for path, text in found.under("releases").items():
            (state / "releases" / path).write_text(text)
        (state / "journal").write_text(found.files["journal"])
        shell = GatewayShell(DockerCli(), "traefik")
        try:
            yield shell
        finally:
            shell.close()


def written_again(names: Sequence[str]) -> Iterator[tuple[Stored, Stored]]:
    """What the gateway keeps in each situation, and the same read when today's hitless has written it."""
    with _gateway(recording(names[0])) as shell:
        state, balancer = GatewayState(shell), traefik_of(shell)
        with state.lock(APPLICATION, HOLDER, 0, print):
            for name in names:
                before = _read(name).stored
                state.forget(APPLICATION, [release.number for release in state.read(APPLICATION).releases])
                for release in before.releases:
                    state.record(APPLICATION, release)
                balancer.deliver(APPLICATION, before.routings.get(APPLICATION))
                yield before, state.read(APPLICATION)


def stored_runs(name: str) -> tuple[tuple[Run, ...], tuple[Run, ...]]:
    """The commands that the journal tells of: as the one look has them, and those of the whole journal."""
    read = _read(name)
    return runs(read.stored.journal), runs(read.journal)


def step_of(run: Run) -> str:
    """The last step of a command that began, in words."""
    return any_step_text(run.step)


def releases(name: str) -> tuple[Release, ...]:
    """The kept releases."""
    return _read(name).stored.releases


# commands


def deploy(at: FakeHost) -> None:
    """Deploy a new release: the file as it was, with another RELEASE."""
    latest = max((one for one in at.records.values()), key=lambda one: one.number, default=None)
    model: Any = deepcopy(latest.model if latest else releases("live")[-1].model)
    for name in ("web", "worker", "scheduler"):
        model["services"][name]["environment"]["RELEASE"] = "new"
    application, findings = reading.read(model)
    assert not [finding for finding in findings if finding.is_error]
    commands.deploy(at.ports(), application)


def resume(at: FakeHost) -> None:
    commands.resume(at.ports())


def abort(at: FakeHost) -> None:
    commands.abort(at.ports())


def rollback(at: FakeHost) -> None:
    commands.rollback(at.ports())


def down(at: FakeHost) -> None:
    commands.down(at.ports())


def world(at: FakeHost) -> World:
    return observe.world(at.ports(), APPLICATION)


def status(at: FakeHost) -> dict[str, Any]:
    """What `hitless status --json` says."""
    found = application_status(APPLICATION, world(at), at.gateway_settings)
    return dict(json.loads(json.dumps(status_document(found))))


def history(at: FakeHost) -> tuple[Run, ...]:
    """The commands that `hitless history` lists, the oldest first."""
    return runs(at.journal(APPLICATION))


def print_all(at: FakeHost) -> None:
    """Print what `hitless status`, `hitless history` and `hitless show` tell people."""
    seen, found = application_status(APPLICATION, world(at), at.gateway_settings), history(at)
    if seen.is_known:  # else status says that there is nothing
        show_status(seen, as_json=False)
    show_history(APPLICATION, found, as_json=False)
    for number in {run.release for run in found}:
        show_runs(APPLICATION, number, found, as_json=False)
