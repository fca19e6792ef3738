"""`docker hitless`, as Docker's own command line finds and starts it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

from tests.e2e.conftest import App


def test_docker_hitless_deploys(app: Callable[..., App], tmp_path: Path) -> None:
    web = app()
    environment = {**os.environ, **web.cli.environment, "DOCKER_CONFIG": str(tmp_path / "docker")}
    web.cli.run("install-plugin", DOCKER_CONFIG=environment["DOCKER_CONFIG"])
    command = ("docker", "--context", "default", "hitless", "deploy", *web.cli.options)
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    assert "release 1 is live" in done.stdout
    assert web.get().headers["X-Release"] == "1"
