"""The Docker host that is measured: its command line, its facts, a free port of its loopback."""

from __future__ import annotations

import os
import platform
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from hitless.domain.gateway.image import TRAEFIK_IMAGE

ROOT = Path(__file__).resolve().parents[1]
APP = ROOT / "bench" / "app"
IMAGE = "hitless-bench-app"
HOST = "bench.localhost"
TRAEFIK = TRAEFIK_IMAGE

_DEADLINE = 120.0


class HostError(Exception):
    """A command failed, or a fact did not become true in time."""


def run(*argv: str, env: Mapping[str, str] | None = None) -> str:
    """Run a command at the root of the repository and return what it printed. Raises HostError."""
    done = subprocess.run(
        argv, cwd=ROOT, env={**os.environ, **(env or {})}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise HostError(f"{' '.join(argv)}: status {done.returncode}: {done.stderr.strip()[-2000:]}")
    return done.stdout.strip()


def until(fact: Callable[[], bool], what: str, every: float = 0.2) -> None:
    """Wait until ``fact``, looking every so many seconds. Raises HostError after two minutes."""
    deadline = time.monotonic() + _DEADLINE
    while not fact():
        if time.monotonic() > deadline:
            raise HostError(f"{what}: not within {_DEADLINE:.0f} s")
        time.sleep(every)


def free_port() -> int:
    """A port of loopback that nothing listens on just now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def socket_path() -> str:
    """Where the engine's socket is on its own host."""
    scheme, _, path = os.environ.get("DOCKER_HOST", "").partition("://")
    return path if scheme == "unix" else "/var/run/docker.sock"


def build_app() -> None:
    """Build the application once, so that no tool's time includes a build."""
    run("docker", "build", "--quiet", "--tag", IMAGE, str(APP.relative_to(ROOT)))


def facts() -> dict[str, str]:
    """The machine and the versions, for the head of a report."""
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "machine": f"{os.cpu_count()} cores ({model}), {memory:.0f} GiB, Linux {platform.release()}",
        "Docker Engine": run("docker", "version", "--format", "{{.Server.Version}}"),
        "Compose": run("docker", "compose", "version", "--short"),
        "Traefik": _traefik(),
        "Python": f"{platform.python_version()}; the application's: {_in_image('python', '-V').split()[-1]}",
        "hitless": run("git", "log", "-1", "--format=%h of %cs"),
    }


def _traefik() -> str:
    lines = run("docker", "run", "--rm", TRAEFIK, "version").splitlines()
    return next(line.split()[-1] for line in lines if line.startswith("Version"))


def _in_image(*command: str) -> str:
    return run("docker", "run", "--rm", IMAGE, *command)
