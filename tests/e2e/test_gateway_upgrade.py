"""The gateway's Traefik is replaced again and again under every kind of request: nothing is lost."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

import httpx
import pytest

from bench.host import APP, HOST, build_app
from bench.load import EVERY_KIND, Load
from hitless.domain.gateway.image import TRAEFIK_IMAGE
from tests.e2e.conftest import GATEWAY, ROOT, Cli, Gateway, docker, gateway_of_its_own, wait_for

# `make replacements` has 20 of them
REPLACEMENTS = int(os.environ.get("HITLESS_REPLACEMENTS", "2"))
SEED = int(os.environ.get("HITLESS_SEED", random.randrange(10**6)))
MADE = "hitless-e2e-traefik:2"
# another release of Traefik; if none is named, one that differs by a byte
OTHER = os.environ.get("HITLESS_OTHER_IMAGE", MADE)
# no request of the load takes longer
DRAIN = ("--drain-timeout", "15s")
# a command of the gateway's alone, killed there
KILLS = (
    "start-instance: before begin_instance",
    "start-instance: after begin_instance",
    "prove-instance: before in_force",
    "switch-instance: before switch_to",
    "switch-instance: after switch_to",
    "settle: after settle",
    "drain-instance: after close_instance",
    "end-instance: before end_instance",
)


@dataclass
class Site:
    """A gateway with one application that answers every kind of request."""

    gateway: Gateway
    cli: Cli
    release: int = 1

    def load(self, held: int = 0) -> Load:
        return Load(self.gateway.url, host=HOST, mix=EVERY_KIND, rate=100.0, seconds=900.0, held=held)

    def upgrade(self, *options: str, code: int = 0) -> str:
        return self.gateway.cli.run("gateway", "upgrade", *DRAIN, *options, code=code)

    def deploy(self) -> None:
        self.release += 1
        self.cli.run("deploy", "--wait", RELEASE=str(self.release))

    def killed(self, at: str, *options: str) -> None:
        """An upgrade that is killed at this point."""
        words = ("--at", at, "--do", "SIGKILL", "--", "gateway", "upgrade", *DRAIN, *options)
        ended = subprocess.run(
            (sys.executable, "-m", "tests.e2e.faulty", *words),
            capture_output=True,
            text=True,
            cwd=ROOT,
            env={**os.environ, **self.gateway.cli.environment},
        )
        assert ended.returncode == -signal.SIGKILL, ended.stdout + ended.stderr

    @property
    def other_image(self) -> str:
        return "default" if self.settings["image"] == OTHER else OTHER

    @property
    def settings(self) -> dict[str, object]:
        found: dict[str, object] = self.gateway.cli.json("gateway", "status")["gateway"]["settings"]
        return found

    def started(self) -> str:
        return docker("inspect", "--format", "{{.State.StartedAt}}", self.gateway.container)


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    build_app()
    if OTHER == MADE:
        build(MADE, "RUN echo >> /usr/local/bin/traefik")
    with gateway_of_its_own(f"{GATEWAY}-upgrade") as gateway:
        environment = {"HITLESS_GATEWAY": gateway.name, "BOOT_SECONDS": "0.5", "WEBS": "2", "RELEASE": "1"}
        name = f"{GATEWAY.removeprefix('hitless-')}-upgrade"
        cli = Cli(("-p", name, "-f", str(APP / "compose.yaml")), environment)
        cli.run("deploy")
        yield Site(gateway, cli)
    if OTHER == MADE:
        docker("rmi", MADE)


def build(name: str, *lines: str) -> None:
    """An image with a Traefik that is another one, if only by a byte."""
    text = "\n".join((f"FROM {TRAEFIK_IMAGE}", *lines))
    subprocess.run(("docker", "build", "--quiet", "--tag", name, "-"), input=text, text=True, check=True)


@pytest.mark.more
def test_replacements_under_every_kind_of_request_lose_nothing(site: Site) -> None:
    chance = random.Random(SEED)
    print(f"HITLESS_SEED={SEED}")
    began = site.started()
    with site.load() as load:
        time.sleep(1)
        for number in range(REPLACEMENTS):
            image = site.other_image
            if number % 4 == 1:  # killed, and the next one brings it to its end
                at = chance.choice(KILLS)
                print(f"killed at {at}")
                site.killed(at, "--image", image)
            if number % 2:
                process = site.cli.start("deploy", "--wait", RELEASE=str(site.release + 1))
                site.upgrade("--image", image, "--wait")
                output, _ = process.communicate(timeout=180)
                assert process.returncode == 0, output
                site.release += 1
            else:
                said = site.gateway.cli.run("gateway", "up", "--read-timeout", f"{600 + number}s", "--wait")
                assert "give all new connections to the new Traefik" in said
        time.sleep(1)
    report = load.report()
    assert report.lost == 0, (SEED, report.lost_by)
    assert report.mixed() == 0, (SEED, report.summary())
    assert report.ended_by == "asked"
    assert site.started() == began
    print(f"{REPLACEMENTS} replacements, {report.sent} requests, 0 lost")


@pytest.mark.more
@pytest.mark.long
def test_a_held_websocket_is_cut_at_the_deadline_and_nothing_else_is(site: Site) -> None:
    with site.load(held=3) as load:
        time.sleep(1)
        cut = ("--drain-timeout", "12s", "--image", site.other_image)
        changed = site.gateway.cli.run("gateway", "upgrade", *cut)
        deadline = time.monotonic() - 12
        # on a busy machine a connection may be open that has no request, too
        left = re.search(r"(\d+) after 12 s", changed)
        assert left, changed
        assert int(left[1]) >= 3
        time.sleep(1)
    report = load.report().with_deadline(str(site.release), deadline)
    assert report.lost == 0, report.lost_by
    assert sum(report.cut_at_deadline.values()) == 3


def test_one_that_does_not_start_leaves_all_with_the_present_one(site: Site) -> None:
    broken = "hitless-e2e-traefik:3"
    script = (
        r'#!/bin/sh\n[ "$1" != version ] || { echo "Version: 3.7.15"; exit; }\necho no such flag; exit 1\n'
    )
    build(broken, f"RUN printf '{script}' > /usr/local/bin/traefik")
    before = site.settings
    try:
        with site.load() as load:
            said = site.upgrade("--image", broken, code=1)
        assert "the new Traefik has ended" in said
        assert load.report().lost == 0, load.report().lost_by
        assert site.settings == before
    finally:
        docker("rmi", broken)


@pytest.mark.more
@pytest.mark.parametrize(
    "end",
    [
        pytest.param(("restart",), id="restarted", marks=pytest.mark.long),
        pytest.param(("kill",), id="killed"),
    ],
)
def test_after_a_restart_the_container_runs_what_was_live(site: Site, end: tuple[str, ...]) -> None:
    wanted = next(seconds for seconds in count(700) if site.settings["read_timeout"] != seconds)
    site.gateway.cli.run("gateway", "up", "--read-timeout", f"{wanted}s")
    before = site.settings
    assert before["read_timeout"] == wanted
    docker(*end, site.gateway.container)
    if end == ("kill",):
        docker("start", site.gateway.container)
    wait_for(lambda: answers(site))
    assert site.settings == before
    rows = docker("top", site.gateway.container).splitlines()
    assert [f"readtimeout={wanted}000ms" in row for row in rows if " /opt/traefik/" in row] == [True]
    site.deploy()


def answers(site: Site) -> bool:
    try:
        return site.gateway.get(HOST).status_code == 200
    except httpx.HTTPError:
        return False


@pytest.mark.long
@pytest.mark.more
def test_the_access_log_begins_without_a_restart_and_holds_no_secret(site: Site) -> None:
    began = site.started()
    site.gateway.cli.run("gateway", "up", "--access-log")
    site.gateway.get(HOST, "/once?token=secret-1", Authorization="Bearer secret-2", Cookie="session=secret-3")
    log: list[dict[str, object]] = []

    def is_there() -> bool:
        lines = docker("logs", "--since", "1m", site.gateway.container).splitlines()
        log[:] = [json.loads(line) for line in lines if line.startswith("{")]
        return any(str(line["RequestPath"]).startswith("/once") for line in log)

    wait_for(is_there)
    assert "secret" not in json.dumps(log)
    assert {line["RequestHost"] for line in log if str(line["RequestPath"]).startswith("/once")} == {HOST}
    site.gateway.cli.run("gateway", "up", "--no-access-log")
    assert site.started() == began


@pytest.mark.long
@pytest.mark.more
def test_metrics_and_a_memory_limit_begin_without_a_restart(site: Site) -> None:
    began = site.started()
    assert "run: hitless gateway up --metrics" in site.gateway.cli.run("gateway", "metrics", code=1)
    site.gateway.cli.run("gateway", "up", "--metrics", "--memory-limit", "256m")
    site.gateway.get(HOST)
    counted = site.gateway.cli.run("gateway", "metrics")
    assert re.search(r'traefik_service_request_duration_seconds_bucket\{[^}]*le="0.005"', counted)
    assert memory_limit(site) == 256 << 20
    health = site.gateway.cli.json("gateway", "status")["gateway"]["health"]
    assert health["answers"]
    assert 10 << 20 < health["memory"] < 256 << 20
    site.gateway.cli.run("gateway", "up", "--no-metrics", "--memory-limit", "0")
    assert memory_limit(site) > 1 << 40
    assert site.started() == began


def memory_limit(site: Site) -> int:
    return int(docker("inspect", "--format", "{{.HostConfig.Memory}}", site.gateway.container))


@pytest.mark.long
@pytest.mark.more
def test_a_stopped_gateway_starts_with_what_was_live(site: Site) -> None:
    before = site.settings
    docker("stop", site.gateway.container)
    assert site.settings == before
    docker("start", site.gateway.container)
    wait_for(lambda: answers(site))
