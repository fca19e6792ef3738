"""A real engine, the tests' own gateway, and applications on it. Without an engine these tests fail."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from bench.load import Load
from hitless.domain.routing.entry_points import HIGHEST
from tests.reference.published import check_output

if TYPE_CHECKING:
    from tests.e2e.swarm import Swarm

ROOT = Path(__file__).resolve().parents[2]
FLASK = ROOT / "examples" / "flask"
# another name if two runs, or two workers of one run, share an engine
NAMED = os.environ.get("HITLESS_E2E_GATEWAY", "hitless-e2e")
GATEWAY = NAMED + os.environ.get("PYTEST_XDIST_WORKER", "")
IMAGE = "hitless-e2e-tiny:1"


def docker(*arguments: str) -> str:
    """What Docker itself says, to compare with hitless."""
    done = subprocess.run(("docker", *arguments), capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"docker {' '.join(arguments)}: {done.stderr}"
    return done.stdout.strip()


@dataclass(frozen=True)
class Cli:
    """The command line as a user calls it."""

    options: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict)

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """Start a command and come back at once."""
        return subprocess.Popen(
            (str(Path(sys.executable).with_name("hitless")), *self.options, *arguments),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, **self.environment, **environment},
        )

    def run(self, *arguments: str, code: int = 0, **environment: str) -> str:
        """Run a command to its end; its output. Fails on another exit code."""
        process = self.start(*arguments, **environment)
        output, _ = process.communicate(timeout=300)
        assert process.returncode == code, f"exit code {process.returncode}\n{output}"
        if "--json" in arguments:
            check_output(arguments, output)
        return output

    def json(self, *arguments: str, code: int = 0) -> Any:
        """What a command prints with --json."""
        return json.loads(self.run(*arguments, "--json", code=code))


@dataclass(frozen=True)
class Gateway:
    """The tests' gateway, published on a loopback port."""

    cli: Cli
    url: str
    name: str = GATEWAY

    @property
    def container(self) -> str:
        return f"{self.name}-traefik-1"

    def get(self, host: str, path: str = "/", **headers: str) -> httpx.Response:
        """One request through the gateway, with a Host header."""
        return httpx.get(f"{self.url}{path}", headers={"Host": host, **headers}, timeout=10, trust_env=False)


@dataclass(frozen=True)
class App:
    """A test's own Compose application, and its host name."""

    name: str
    host: str
    cli: Cli
    gateway: Gateway

    def get(self, path: str = "/", **headers: str) -> httpx.Response:
        return self.gateway.get(self.host, path, **headers)

    def load(self, **options: Any) -> Load:
        return Load(self.gateway.url, host=self.host, **options)

    def containers(self) -> list[str]:
        label = f"label=hitless.application={self.name}"
        return sorted(docker("ps", "--all", "--filter", label, "--format", "{{.Names}}").split())

    def leftovers(self) -> dict[str, list[str]]:
        """Everything on the engine that has the application's name."""
        name = self.name
        return {
            "containers": self.containers(),
            "networks": sorted(
                n for n in docker("network", "ls", "--format", "{{.Name}}").split() if name in n
            ),
            "volumes": [v for v in docker("volume", "ls", "--format", "{{.Name}}").split() if name in v],
            "images": sorted(
                docker("images", "--filter", f"reference=hitless:{name}.*", "--format", "{{.Tag}}").split()
            ),
        }


def wait_for(fact: Callable[[], bool], seconds: float = 30.0) -> None:
    """Wait until a fact is true."""
    deadline = time.monotonic() + seconds
    while not fact():
        assert time.monotonic() < deadline, "it never came to be"
        time.sleep(0.05)


def free_port() -> int:
    """A free port of the loopback address, which the gateway can publish."""
    while True:
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            port: int = listener.getsockname()[1]
        if port <= HIGHEST:
            return port


@pytest.fixture(scope="session")
def gateway() -> Iterator[Gateway]:
    """The gateway of most tests."""
    with gateway_of_its_own(GATEWAY) as made:
        yield made


@contextmanager
def gateway_of_its_own(name: str, *options: str) -> Iterator[Gateway]:
    """A gateway on a free loopback port, with these options; it first removes what an earlier run left."""
    cli = Cli((), {"HITLESS_GATEWAY": name})
    _remove_gateway(cli)
    port = free_port()
    cli.run("gateway", "up", "--http-port", str(port), "--bind", "127.0.0.1", *options)
    yield Gateway(cli, f"http://127.0.0.1:{port}", name)
    _remove_gateway(cli)


def _remove_gateway(cli: Cli) -> None:
    found = cli.json("gateway", "status")
    for application in found["applications"]:
        cli.run("-p", application["application"], "down", "--volumes", "--drain-timeout", "1")
    if found["gateway"]["settings"]:
        cli.run("gateway", "down", "--volumes", "--force")


@pytest.fixture(scope="session")
def swarm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Swarm]:
    """A Docker Swarm of three nodes, for all tests of this run."""
    from tests.e2e.swarm import running

    with running(tmp_path_factory.mktemp("swarm")) as made:
        yield made


@pytest.fixture(scope="session")
def image() -> str:
    """An image that starts in a fifth of a second, built once: most tests are not about starts."""
    docker("build", "--quiet", "--tag", IMAGE, str(Path(__file__).with_name("tiny")))
    return IMAGE


@pytest.fixture
def app(
    request: pytest.FixtureRequest, gateway: Gateway, image: str, tmp_path: Path
) -> Iterator[Callable[..., App]]:
    """Make an application from a Compose file's text; taken down after the test.

    In the text `IMAGE` and `HOST` are replaced. Without a text it is one routed service `web`.
    """
    made: list[App] = []

    def make(
        text: str | None = None,
        *,
        file: Path | None = None,
        name: str | None = None,
        host: str = "flask.localhost",
    ) -> App:
        stem = "".join(c for c in request.node.name.removeprefix("test_") if c.isalnum())[:20]
        name = name or f"{GATEWAY.removeprefix('hitless-')}-{stem}{len(made) or ''}"
        if file is None:
            host = f"{name}.localhost"
            file = tmp_path / f"{name}.yml"
            file.write_text((text or WEB).replace("IMAGE", image).replace("HOST", host))
        cli = Cli(("-p", name, "-f", str(file)), {"HITLESS_GATEWAY": GATEWAY, "RELEASE": "1"})
        made.append(App(name, host, cli, gateway))
        return made[-1]

    yield make
    for one in made:
        known = [found["application"] for found in gateway.cli.json("status", "--all")["applications"]]
        if one.name in known or one.containers():
            one.cli.run("down", "--volumes", "--drain-timeout", "5")


WEB = """
services:
  web:
    image: IMAGE
    environment:
      RELEASE: ${RELEASE}
      BROKEN: ${BROKEN:-}
      BOOT_SECONDS: ${BOOT_SECONDS:-0}
    labels:
      traefik.http.routers.ROUTER.rule: Host(`HOST`)
      traefik.http.services.ROUTER.loadbalancer.server.port: 8000
      traefik.http.services.ROUTER.loadbalancer.healthcheck.path: /health
      traefik.http.services.ROUTER.loadbalancer.healthcheck.interval: 1s
""".replace("ROUTER", "web")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test beside this file needs the engine."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.e2e)
