"""Several deployers at once: one at a time, and nobody notices."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from hitless.cli.exit_codes import ExitCode
from tests.e2e.conftest import App, docker, wait_for
from tests.e2e.test_deploy import assert_lossless

Make = Callable[..., App]
DEPLOYERS = 20
WAITING = 3


@pytest.mark.long
@pytest.mark.more
def test_twenty_deployers_at_once_deploy_one_at_a_time(app: Make) -> None:
    web = app()
    web.cli.run("deploy")
    with web.load(rate=30) as load:
        begun = [
            web.cli.start("deploy", *(("--wait",) if number < WAITING else ()), RELEASE=f"by-{number}")
            for number in range(DEPLOYERS)
        ]
        outputs = [process.communicate(timeout=300)[0] for process in begun]
    codes = Counter(process.returncode for process in begun)
    assert set(codes) == {0, ExitCode.LOCKED}, outputs
    assert [process.returncode for process in begun[:WAITING]] == [0] * WAITING
    assert codes[0] in (WAITING, WAITING + 1)  # the one that did not wait may have been the first
    for process, output in zip(begun, outputs, strict=True):
        # a second deployer learns of the first at once
        assert process.returncode == 0 or "another command works on" in output
    assert_lossless(load)

    runs = web.cli.json("history")
    assert [run["outcome"] for run in runs] == ["successful"] * (codes[0] + 1)
    numbers = [run["release"] for run in reversed(runs)]
    assert numbers == list(range(1, len(runs) + 1))
    times = [span(web, number) for number in numbers]
    assert all(ended <= began for (_, ended), (began, _) in pairwise(times))

    status = web.cli.json("status")
    assert status["live"]["release"] == numbers[-1]
    assert (status["deployment"], status["problems"]) == (None, [])
    assert web.containers() == [f"{web.name}-{status['live']['colour']}-web-1"]
    last = next(n for n, output in enumerate(outputs) if f"release {numbers[-1]} is live on" in output)
    assert web.get().headers["X-Release"] == f"by-{last}"


def span(application: App, release: int) -> tuple[str, str]:
    """When the deployment of a release began and ended, as its journal has it."""
    (run,) = application.cli.json("show", str(release))
    events: list[dict[str, Any]] = run["events"]
    return events[0]["time"], events[-1]["time"]


def test_of_two_applications_that_ask_for_one_host_at_once_one_at_most_gets_it(app: Make) -> None:
    first = app()
    second = app(SAME_HOST.replace("OTHER", first.host), name=f"{first.name}x")
    begun = [one.cli.start("deploy") for one in (first, second)]
    outputs = [process.communicate(timeout=100)[0] for process in begun]
    for one, process, output in zip((first, second), begun, outputs, strict=True):
        if process.returncode:
            assert "already has the route" in output
            assert one.containers() == []
    assert [process.returncode for process in begun] != [0, 0]
    # the refused one can continue when the other is not there
    first.cli.run("deploy", code=1 if begun[1].returncode == 0 else 0)


def test_what_a_killed_deployer_has_left_at_work_is_waited_for(app: Make) -> None:
    web = app(SLOW)
    killed = web.cli.start("deploy")
    api = f"{web.name}-blue-api-1"
    # Compose waits until api is healthy, and still does that when hitless has gone
    wait_for(lambda: api in docker("ps", "--format", "{{.Names}}").split())
    killed.kill()
    killed.communicate()
    output = web.cli.run("deploy", RELEASE="2")
    assert "which has ended, and left a Docker command at work" in output
    assert "release 2 is live on blue" in output


SLOW = """
services:
  web:
    image: IMAGE
    depends_on: {api: {condition: service_healthy}}
    labels:
      traefik.http.routers.web.rule: Host(`HOST`)
      traefik.http.services.web.loadbalancer.server.port: 8000
      traefik.http.services.web.loadbalancer.healthcheck.path: /health
  api:
    image: IMAGE
    environment: {BOOT_SECONDS: 3}
    healthcheck:
      test: [CMD, python3, -c, "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/health')"]
      interval: 500ms
      retries: 60
"""

SAME_HOST = """
services:
  web:
    image: IMAGE
    labels:
      - traefik.http.routers.other.rule=Host(`OTHER`)
      - traefik.http.services.other.loadbalancer.server.port=8000
      - traefik.http.services.other.loadbalancer.healthcheck.path=/health
"""
