"""A worker that is stopped last finishes its work: until then all that it depends on is there."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.e2e.conftest import App, docker, wait_for

Make = Callable[..., App]
CALLS = 5

# each finishes its work when it is told to stop: some calls of what it depends on
TEXT = """
services:
  web:
    image: IMAGE
    environment: {BROKEN: "${BROKEN:-}"}
    labels:
      traefik.http.routers.web.rule: Host(`HOST`)
      traefik.http.services.web.loadbalancer.server.port: 8000
      traefik.http.services.web.loadbalancer.healthcheck.path: /health
  api: {image: IMAGE}
  worker:
    image: IMAGE
    command: &finish
      - python3
      - -c
      - |
        import os, signal, time, urllib.request
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
        print("at work", flush=True)
        signal.sigwait([signal.SIGTERM])
        for _ in range(5):
            time.sleep(0.1)
            try:
                print(urllib.request.urlopen("http://" + os.environ["CALLED"] + ":8000/").status, flush=True)
            except OSError as error:
                print(error, flush=True)
    environment: {CALLED: api}
    depends_on: [api]
  keeper:
    image: IMAGE
    x-hitless: {role: shared}
  relay:
    image: IMAGE
    x-hitless: {role: shared}
    command: *finish
    environment: {CALLED: keeper}
    depends_on: [keeper]
"""


@contextmanager
def watched(container: str) -> Iterator[list[str]]:
    """What a container writes until it has ended, which it must have at the end of the block."""
    lines: list[str] = []
    wait_for(lambda: "at work" in docker("logs", container))
    follow = ("docker", "logs", "--follow", "--tail", "0", container)
    with subprocess.Popen(follow, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as logs:
        yield lines
        output, _ = logs.communicate(timeout=30)
        lines += output.split("\n")[:-1]


@pytest.mark.more
@pytest.mark.long
def test_a_worker_that_finishes_its_job_at_its_end_is_answered(app: Make) -> None:
    shop = app(TEXT)
    shop.cli.run("deploy")
    with watched(f"{shop.name}-blue-worker-1") as retired:
        shop.cli.run("deploy")
    assert retired == ["200"] * CALLS

    # the candidate's, when a deployment is undone
    deploying = shop.cli.start("deploy", "--timeout", "5", BROKEN="never-healthy")
    undone = f"{shop.name}-blue-worker-1"
    wait_for(lambda: undone in shop.containers())
    with watched(undone) as lines:
        output, _ = deploying.communicate(timeout=60)
    assert "undone: everything is as it was" in output
    assert lines == ["200"] * CALLS

    with watched(f"{shop.name}-green-worker-1") as worker, watched(f"{shop.name}-relay-1") as relay:
        shop.cli.run("down")
    assert worker == relay == ["200"] * CALLS
    assert not any(shop.leftovers().values())
