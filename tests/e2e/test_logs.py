"""`hitless logs`: what a release wrote is there when it is gone, and following goes on across deployments."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.conftest import App, docker, wait_for

Make = Callable[..., App]

pytestmark = pytest.mark.more  # four deployments, one of them fails after its time

WITH_A_SECRET = """
services:
  web:
    image: IMAGE
    command: [sh, -c, 'echo "the token is $$API_TOKEN" >&2; exec python3 -S -E /app.py']
    environment: {RELEASE: "${RELEASE}", BROKEN: "${BROKEN:-}", API_TOKEN: kjh34-53kjh-34k5j}
    labels:
      traefik.http.routers.web.rule: Host(`HOST`)
      traefik.http.services.web.loadbalancer.server.port: 8000
      traefik.http.services.web.loadbalancer.healthcheck.path: /health
      traefik.http.services.web.loadbalancer.healthcheck.interval: 1s
"""


def test_each_release_shows_its_own_words_also_when_it_is_gone(app: Make, tmp_path: Path) -> None:
    web = app(WITH_A_SECRET)
    web.cli.run("deploy")
    seen = tmp_path / "seen"
    follower = follow(web, seen)
    wait_for(lambda: "release 1 listens" in seen.read_text())

    broken = {"RELEASE": "2", "BROKEN": "never-healthy", "GITHUB_ACTIONS": "true"}
    failed = web.cli.run("deploy", "--timeout", "3", code=1, **broken)
    beside_the_gate = failed.partition("::group::wait until green is ready\n")[2].partition("::endgroup::")[0]
    assert "    web-1 | the token is [redacted]\n" in beside_the_gate
    assert "hitless logs --release 2 shows all that it wrote" in failed
    web.cli.run("deploy", RELEASE="3")
    wait_for(lambda: "release 3 listens" in seen.read_text())
    web.cli.run("deploy", RELEASE="4")
    wait_for(lambda: "release 4 listens" in seen.read_text())

    follower.send_signal(signal.SIGINT)
    assert follower.wait(10) == 130
    said = seen.read_text()
    # of release 2, which never was live, nothing
    assert [number for number in range(1, 5) if f"web-1  | release {number} starts" in said] == [1, 3, 4]
    assert "release 3 (green) is live\n" in said
    assert "release 4 (blue) is live\n" in said
    assert "interrupted" not in said

    for number in range(1, 5):
        lines = web.cli.run("logs", "--release", str(number)).splitlines()
        # release 4 is live: its lines are as Compose shows them
        token = "kjh34-53kjh-34k5j" if number == 4 else "[redacted]"
        assert lines[0] == f"web-1  | the token is {token}"
        assert lines[1:3] == [f"web-1  | release {number} starts", f"web-1  | release {number} listens"]
    assert "web-1  | release 4 listens" in web.cli.run("logs")
    assert "release 1, 2, 3, 4" in web.cli.run("logs", "--release", "9", code=1)

    web.cli.run("down")
    assert "release 1, 2, 3, 4" in web.cli.run("logs", code=1)
    assert "release 4 listens" in web.cli.run("logs", "--release", "4")
    folder = f"/var/lib/hitless/{web.name}/logs"
    kept = docker("exec", "--user", "0", web.gateway.container, "sh", "-c", f"stat -c %a {folder}/*")
    assert set(kept.split()) == {"600"}


def follow(web: App, seen: Path) -> subprocess.Popen[str]:
    """Follow the logs, into a file."""
    with seen.open("w") as out:
        return subprocess.Popen(
            (str(Path(sys.executable).with_name("hitless")), *web.cli.options, "logs", "-f"),
            stdout=out,
            stderr=out,
            text=True,
            env={**os.environ, **web.cli.environment},
        )
