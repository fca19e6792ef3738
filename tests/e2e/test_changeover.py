"""An application on SQLite that must never run twice: requests wait, and none is lost.

HITLESS_CHANGEOVERS says how many deployments there are.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import yaml

from tests.e2e.conftest import ROOT, App, docker, wait_for
from tests.e2e.test_adopt import gap

pytestmark = pytest.mark.more
WAIT_PAGE = ROOT / "src/hitless/adapters/gateway/wait.html"
TIMES = int(os.environ.get("HITLESS_CHANGEOVERS", "3"))
IMAGE = "hitless-e2e-alone:1"
MIX = {"kept": 10, "fresh": 8, "post": 4, "slow": 4, "stream": 2}
COMPOSE = """
x-hitless: {drain_timeout: 10s, wait_timeout: 60s}
services:
  web:
    image: ALONE
    environment:
      RELEASE: ${RELEASE}
      BROKEN: ${BROKEN:-}
      BOOT_SECONDS: ${BOOT_SECONDS:-0}
      LOST: ${LOST:-}
    volumes: ["data:/data"]
    labels:
      traefik.http.routers.web.rule: Host(`HOST`)
      traefik.http.services.web.loadbalancer.server.port: 8000
      traefik.http.services.web.loadbalancer.healthcheck.path: /health
    x-hitless: {timeout: 3s}
volumes:
  data: {}
""".replace("ALONE", IMAGE)


@pytest.fixture
def alone(app: Callable[..., App], image: str) -> App:
    docker("build", "--quiet", "--tag", IMAGE, str(Path(__file__).with_name("alone")))
    return app(COMPOSE)


class Writer:
    """One that adds a row after the other, and knows which were answered, and how long that took."""

    def __init__(self, made: App) -> None:
        self._made = made
        self._over = threading.Event()
        self.answered: list[str] = []
        self.refused: list[str] = []
        self.longest = 0.0

    def run(self) -> None:
        with httpx.Client(trust_env=False, timeout=90, headers={"Host": self._made.host}) as client:
            while not self._over.is_set():
                key = f"{id(self)}-{len(self.answered) + len(self.refused)}"
                began = time.monotonic()
                try:
                    status = client.post(
                        f"{self._made.gateway.url}/rows/{key}", content=b"x" * 2000
                    ).status_code
                except httpx.HTTPError as error:
                    self.refused.append(f"{key}: {error!r}")
                else:
                    (self.answered if status == 200 else self.refused).append(key)
                self.longest = max(self.longest, time.monotonic() - began)
                time.sleep(0.05)

    def end(self) -> None:
        self._over.set()


@contextmanager
def writers(made: App, number: int = 4) -> Iterator[list[Writer]]:
    them = [Writer(made) for _ in range(number)]
    threads = [threading.Thread(target=one.run) for one in them]
    for thread in threads:
        thread.start()
    try:
        yield them
    finally:
        for one in them:
            one.end()
        for thread in threads:
            thread.join()


def rows(made: App) -> list[str]:
    return made.get("/rows").text.split()


def data(made: App) -> list[str]:
    """What is in the folder that one copy alone may write to."""
    return docker("exec", made.containers()[0], "ls", "/data").split()


def test_requests_wait_while_it_changes_over_and_none_is_lost(alone: App) -> None:
    shown = alone.cli.run("plan")
    assert "exclusive, as it alone writes to data" in " ".join(shown.split())
    alone.cli.run("deploy")
    shown = alone.cli.run("plan", RELEASE="2")
    assert "let new requests wait" in shown
    assert "requests will wait; for how long is not known yet" in shown
    print(shown)
    with writers(alone) as them, alone.load(rate=60, mix=MIX) as load:
        for number in range(TIMES):
            said = alone.cli.run("deploy", RELEASE=str(number + 2))
            assert "the first has waited for" in said
            print(said)
    assert re.search(r"requests will wait for about \d+ s, as for release \d", alone.cli.run("plan"))
    report = load.report()
    longest = max(one.longest for one in them)
    answered = sorted(key for one in them for key in one.answered)
    print(f"{report.sent} requests and {len(answered)} rows, the longest wait {longest:.1f} s")
    assert (report.lost, report.mixed(), gap(report)) == (0, 0, 0), report.lost_by
    assert [one.refused for one in them] == [[]] * len(them)
    assert sorted(rows(alone)) == answered
    assert "TWO" not in data(alone)
    assert len(alone.containers()) == 1


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param({"BROKEN": "never-healthy"}, marks=pytest.mark.long),
        {"BROKEN": "exit"},
        pytest.param({"BROKEN": "500"}, marks=pytest.mark.long),
        {"LOST": "1"},
    ],
)
def test_who_waited_for_a_broken_release_is_answered_by_the_one_before(
    alone: App, fault: dict[str, str]
) -> None:
    alone.cli.run("deploy")
    before = alone.containers()
    with writers(alone) as them, alone.load(rate=40, mix=MIX) as load:
        said = alone.cli.run("deploy", code=1, RELEASE="2", **fault)
    print(said)
    report = load.report()
    assert (report.lost, report.releases) == (0, ("1",)), report.lost_by
    assert alone.containers() == before
    assert "TWO" not in data(alone)
    if "LOST" not in fault:  # the volume is the user's to judge
        assert [one.refused for one in them] == [[]] * len(them)
        assert sorted(rows(alone)) == sorted(key for one in them for key in one.answered)


@pytest.mark.long
def test_a_proof_finds_nothing(alone: App) -> None:
    alone.cli.run("deploy")
    said = alone.cli.run("prove", "--deployments", "1")  # another exit code if a request is lost
    print(said)
    assert "TWO" not in data(alone)


@pytest.fixture
def backed_up(alone: App) -> App:
    """With the hooks of the docs."""
    text = (ROOT / "docs" / "exclusive.md").read_text().partition("## A backup")[2]
    recipe = yaml.safe_load(text.partition("```yaml")[2].partition("```")[0])
    file = Path(alone.cli.options[3])
    model = yaml.safe_load(file.read_text())
    model["x-hitless"] |= recipe["x-hitless"]
    file.write_text(yaml.safe_dump(model))
    return alone


@pytest.mark.long
def test_a_backup_comes_back_before_the_old_one_does(backed_up: App) -> None:
    backed_up.cli.run("deploy")
    for release in ("2", "4"):
        with writers(backed_up) as them:
            said = backed_up.cli.run("deploy", code=1, RELEASE=release, LOST="1")
            time.sleep(0.5)
        print(said)
        assert [one.refused for one in them] == [[]] * len(them)
        assert {key for one in them for key in one.answered} <= {*rows(backed_up)}
        backed_up.cli.run("deploy", RELEASE=str(int(release) + 1))
    before = rows(backed_up)
    assert before
    # a kill after the new one has changed the data does
    killed(backed_up, "hand-over: after start", RELEASE="7", LOST="1")
    print(backed_up.cli.run("abort"))
    assert rows(backed_up) == before
    backed_up.cli.run("rollback")
    assert rows(backed_up) == before
    [web] = [name for name in backed_up.containers() if "-web-" in name]
    assert ".before" not in docker("exec", web, "ls", "-a", "/data").split()


def test_the_old_one_answers_again_if_the_gateway_ends(alone: App) -> None:
    alone.cli.run("deploy")
    [web] = alone.containers()
    deploying = alone.cli.start("deploy", RELEASE="2", BOOT_SECONDS="5")
    wait_for(lambda: docker("inspect", "--format", "{{.State.Running}}", web) == "false", seconds=60)
    traefik = f"{alone.gateway.name}-traefik-1"
    os.kill(int(docker("inspect", "--format", "{{.State.Pid}}", traefik)), signal.SIGKILL)
    said, _ = deploying.communicate(timeout=120)
    print(said)
    assert "the gateway was restarted while requests waited" in said
    assert deploying.returncode == 1
    assert alone.get("/").text.strip().endswith("release 1")
    assert alone.containers() == [web]
    alone.cli.run("deploy", RELEASE="3")


KILLS = (
    *("before let-wait", "let-wait: before deliver", "after let-wait", "before stop-exclusive"),
    *("stop-exclusive: while stop runs docker stop", "after stop-exclusive", "hand-over: after start"),
    *("after hand-over", "cut-over: before deliver", "after cut-over", "after answer", "before promote"),
)


def killed(made: App, at: str, **environment: str) -> None:
    """Deploy, and kill hitless at this point."""
    words = ("--at", at, "--do", "SIGKILL", "--", *made.cli.options, "deploy")
    ended = subprocess.run(
        (sys.executable, "-m", "tests.e2e.faulty", *words),
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, **made.cli.environment, **environment},
    )
    assert ended.returncode == -signal.SIGKILL, ended.stdout + ended.stderr


@pytest.mark.long
def test_who_waits_when_hitless_is_killed_is_answered_after_the_next_command(alone: App) -> None:
    alone.cli.run("deploy")
    before = len(alone.leftovers()["networks"])
    with writers(alone) as them, alone.load(rate=30, mix=MIX) as load:
        for number, at in enumerate(KILLS):
            finish = ("resume", "abort")[number % 2]
            killed(alone, at, RELEASE=str(number + 2))
            print(at, finish)
            print(alone.cli.run(finish))
            assert len(alone.containers()) == 1
    report = load.report()
    assert report.lost == 0, report.lost_by
    assert [one.refused for one in them] == [[]] * len(them)
    assert sorted(rows(alone)) == sorted(key for one in them for key in one.answered)
    assert "TWO" not in data(alone)
    assert len(alone.leftovers()["networks"]) == before
    print(f"{report.sent} requests, the longest wait {max(one.longest for one in them):.1f} s")


def test_who_waits_too_long_is_told_to_come_again(alone: App) -> None:
    alone.cli.run("deploy")
    file = Path(alone.cli.options[3])
    text = file.read_text().replace("wait_timeout: 60s}", "wait_timeout: 2s, wait_limit: 5}")
    file.write_text(text.replace("timeout: 3s}", "timeout: 9s}"))
    alone.cli.run("deploy")
    with ThreadPoolExecutor(40) as pool:
        deploying = alone.cli.start("deploy", RELEASE="2", BOOT_SECONDS="6")
        wait_for(lambda: alone.get("/").status_code == 503, seconds=60)
        told = alone.get("/", Range="bytes=3-5", Cookie="a" * 9000)
        began = time.monotonic()
        answers = list(pool.map(lambda _: alone.get("/"), range(40)))
        assert deploying.communicate()[0]
    assert {one.status_code for one in answers} == {503}
    assert {one.headers["Retry-After"] for one in answers} == {"5"}
    assert {one.text for one in (told, *answers)} == {WAIT_PAGE.read_text()}
    assert told.headers["Content-Type"].startswith("text/html")
    assert told.headers["Cache-Control"] == "no-store"
    assert not {"Last-Modified", "Content-Range"} & {*told.headers}
    # five wait for two seconds, the others are told at once
    assert time.monotonic() - began < 20
    assert deploying.returncode == 0
    assert alone.get("/").text.strip().endswith("release 2")


@pytest.mark.long
def test_who_waits_too_long_gets_the_page_of_the_release(alone: App) -> None:
    file = Path(alone.cli.options[3])
    text = file.read_text().replace("wait_timeout: 60s}", "wait_timeout: 1s, wait_page: ./sorry.html}")
    file.write_text(text.replace("timeout: 3s}", "timeout: 9s}"))
    said = alone.cli.run("plan", code=1)
    assert "sorry.html can't be read" in " ".join(said.split())
    page = file.with_name("sorry.html")
    page.write_text("<p>{{ sorry }} \u2014 we come back for $5</p>\n")
    alone.cli.run("deploy")
    traefik = f"{alone.gateway.name}-traefik-1"
    for release in ("2", "3"):
        deploying = alone.cli.start("deploy", RELEASE=release, BOOT_SECONDS="6")
        wait_for(lambda: alone.get("/").status_code == 503, seconds=60)
        posted = httpx.post(f"{alone.gateway.url}/rows/x", headers={"Host": alone.host}, content=b"x" * 9000)
        assert (posted.status_code, posted.text) == (503, page.read_text())
        # without who shows the page it is as it would be without a page
        docker("exec", "-u", "65532", traefik, "sh", "-c", "kill $(busybox pidof busybox); true")
        gone = alone.get("/")
        assert (gone.status_code, gone.headers["Retry-After"]) == (503, "5")
        assert deploying.communicate()[0]
        assert deploying.returncode == 0
    assert rows(alone) == []
