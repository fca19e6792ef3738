"""A measurement's own gateway and applications, by the command line as a user runs it.

All that it makes has the measurement's name, which begins with `hitless-speed`, and goes at its end.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
TINY = ROOT / "tests" / "e2e" / "tiny"
DEADLINE = 120.0
Argv = tuple[str, ...]


@dataclass(frozen=True)
class Gateway:
    """A gateway on a loopback port."""

    name: str
    port: int

    @property
    def container(self) -> str:
        """The name of its container."""
        return f"{self.name}-traefik-1"

    @property
    def network(self) -> str:
        """Its own network."""
        return f"{self.name}_webgateway"

    @property
    def address(self) -> str:
        """Where this machine reaches its container, past the port that Docker publishes."""
        return address(self.container, self.network)


@dataclass(frozen=True)
class Application:
    """An application on a gateway, from a Compose file that is written for it."""

    name: str
    gateway: Gateway
    file: Path

    @property
    def network(self) -> str:
        """The network between it and its gateway."""
        return f"{self.gateway.network}.{self.name}"

    @property
    def host(self) -> str:
        """The name that its route is for."""
        return f"{self.name}.localhost"

    def argv(self, *verb: str) -> Argv:
        """A command on it."""
        return hitless("-p", self.name, "-f", str(self.file), *verb)

    def run(self, *verb: str, **environment: str) -> float:
        """Run a command to its end; the seconds that it took."""
        began = time.monotonic()
        run(self.argv(*verb), HITLESS_GATEWAY=self.gateway.name, **environment)
        return time.monotonic() - began

    def start(self, *verb: str, **environment: str) -> subprocess.Popen[bytes]:
        """Start a command and come back at once."""
        return subprocess.Popen(
            self.argv(*verb),
            env={**os.environ, "HITLESS_GATEWAY": self.gateway.name, **environment},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )


@contextmanager
def gateway(name: str, *words: str) -> Iterator[Gateway]:
    """A gateway started with these options; it goes at the end, with all its applications."""
    made = Gateway(name, free_port())
    run(hitless("gateway", "up", "--http-port", str(made.port), "--bind", "127.0.0.1", *words), **at(made))
    try:
        yield made
    finally:
        run(hitless("gateway", "down", "--volumes", "--force"), **at(made))


@contextmanager
def applications() -> Iterator[Callable[[str, Gateway, dict[str, Any]], Application]]:
    """Make applications of this name, on this gateway, with these services; they go at the end."""
    made: list[Application] = []
    with tempfile.TemporaryDirectory() as directory:

        def make(name: str, on: Gateway, services: dict[str, Any]) -> Application:
            file = Path(directory, f"{name}.yml")
            file.write_text(yaml.safe_dump({"services": services}))
            made.append(Application(name, on, file))
            return made[-1]

        try:
            yield make
        finally:
            for one in made:
                # it never was deployed
                with suppress(subprocess.CalledProcessError):
                    one.run("down", "--drain-timeout", "1", "--volumes")


def web(name: str, image: str, port: int = 8000, **more: Any) -> dict[str, Any]:
    """A service with its own route: Host(`<name>.localhost`), requested at /health."""
    return {
        "image": image,
        "pull_policy": "never",
        "labels": {
            f"traefik.http.routers.{name}.rule": f"Host(`{name}.localhost`)",
            f"traefik.http.services.{name}.loadbalancer.server.port": port,
            f"traefik.http.services.{name}.loadbalancer.healthcheck.path": "/health",
        },
        **more,
    }


def at(one: Gateway) -> dict[str, str]:
    """The environment that names a gateway."""
    return {"HITLESS_GATEWAY": one.name}


def hitless(*arguments: str) -> Argv:
    """Hitless as a user calls it."""
    return (str(Path(sys.executable).with_name("hitless")), *arguments)


def run(argv: Argv, **environment: str) -> None:
    """Run to the end, quietly. Raises CalledProcessError, after its output, if it fails."""
    done = subprocess.run(
        argv, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        print(done.stdout, done.stderr, sep="\n", file=sys.stderr)
        raise subprocess.CalledProcessError(done.returncode, argv)


def output(*argv: str) -> str:
    """What a command prints."""
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip()


def address(container: str, network: str) -> str:
    """The address of a container on a network."""
    shape = f'{{{{(index .NetworkSettings.Networks "{network}").IPAddress}}}}'
    return output("docker", "container", "inspect", "--format", shape, container)


def build(tag: str, directory: Path) -> str:
    """An image built from a directory; its tag."""
    output("docker", "build", "--quiet", "--tag", tag, str(directory))
    return tag


def until(fact: Callable[[], bool], pause: float = 0.01) -> float:
    """Wait until a fact is true; the moment at which it was seen."""
    deadline = time.monotonic() + DEADLINE
    while not fact():
        if time.monotonic() > deadline:
            raise SystemExit(f"it did not happen within {DEADLINE:.0f} s")
        time.sleep(pause)
    return time.monotonic()


def free_port() -> int:
    """A free port of the loopback address."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
