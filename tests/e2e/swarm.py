"""A Swarm of three nodes of the tests' own (dev/swarm): a manager, and two edges for the gateway.

It lives in namespaces, so nothing of it reaches this machine's own engine or network. One Swarm is for all
tests of a run: each removes what it has made.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.relay import relay
from hitless.adapters.gateway.programs import gateway_image
from hitless.domain.gateway.image import TRAEFIK_IMAGE
from tests.e2e.conftest import GATEWAY, ROOT, Cli

MANAGER, *EDGES = ADDRESSES = {"n1": "10.99.0.11", "n2": "10.99.0.12", "n3": "10.99.0.13"}
_COMMAND = 120.0  # seconds


@dataclass(frozen=True)
class Application:
    """An application on the Swarm, and its host name."""

    name: str
    host: str
    cli: Cli


@dataclass(frozen=True)
class Swarm:
    """The Swarm. `environment` has what leads to it; each node has a context of its own name in there."""

    environment: dict[str, str]

    @property
    def cli(self) -> Cli:
        """hitless on the Swarm, by its manager."""
        return Cli(("--engine", "swarm", "--context", MANAGER), self.environment)

    def application(self, name: str, text: str, folder: Path) -> Application:
        """An application from a Compose file's text."""
        file = folder / f"{name}.yml"
        host = f"{name}.localhost"
        file.write_text(text.replace("HOST", host))
        options = (*self.cli.options, "-p", name, "-f", str(file))
        return Application(name, host, Cli(options, {**self.environment, "RELEASE": "1"}))

    def relayed(self, stack: ExitStack) -> list[str]:
        """A loopback address for each edge, as a client on the switch reaches it."""
        space = self._run("space")
        return [
            f"http://127.0.0.1:{stack.enter_context(relay(space, f'{ADDRESSES[edge]}:80'))}" for edge in EDGES
        ]

    def docker(self, node: str, *arguments: str) -> str:
        """What the engine of a node says."""
        return self._run("docker", node, *arguments)

    def node(self, verb: str, name: str) -> None:
        """Kill, start, power or repower a node, as dev/swarm has it."""
        self._run(verb, name)

    def load(self, *images: str) -> None:
        """Copy images of this machine's engine to every node."""
        self._run("load", *images)

    def load_on(self, node: str, *images: str) -> None:
        """Copy images of this machine's engine to one node."""
        copy_images(self, (node,), *images)

    def services(self, application: str) -> list[str]:
        """The names of an application's services."""
        label = f"label=hitless.application={application}"
        return sorted(
            self.docker(MANAGER, "service", "ls", "--filter", label, "--format", "{{.Name}}").split()
        )

    def leftovers(self, application: str) -> list[str]:
        """Everything of an application on any node."""
        label = ("--filter", f"label=hitless.application={application}")
        found = self.services(application)
        for kind in ("network", "secret", "config"):
            found += self.docker(MANAGER, kind, "ls", "--quiet", *label).split()
        for node in ADDRESSES:
            found += self.docker(node, "ps", "--all", "--quiet", *label).split()
            shape = ("--filter", f"reference=hitless:{application}.*", "--format", "{{.Tag}}")
            found += self.docker(node, "images", *shape).split()
        return found

    def get(self, node: str, host: str, path: str = "/") -> str:
        """What a client gets from a node's port 80."""
        url = f"http://{ADDRESSES[node]}{path}"
        return self.switch("curl", "-s", "-m", "5", "-H", f"Host: {host}", url)

    def switch(self, *command: str) -> str:
        """Run a command where a client of the cluster is, and return what it writes. It ends with 0."""
        return self._run("switch", *command)

    def on_switch(self, *command: str) -> subprocess.Popen[str]:
        """Start a command there, a load for example; Python finds `bench` and `tests`."""
        return subprocess.Popen(
            (*_SCRIPT, "switch", *command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=self._environment(),
        )

    def status(self, node: str, host: str = "", path: str = "/") -> int:
        """The HTTP status that a client gets from a node's port 80; 0 for no answer."""
        url = f"http://{ADDRESSES[node]}{path}"
        words = ("-s", "-o", "/dev/null", "-w", "%{http_code}", "-m", "5", "-H", f"Host: {host or node}", url)
        done = subprocess.run(
            (*_SCRIPT, "switch", "curl", *words), capture_output=True, text=True, env=self._environment()
        )
        return int(done.stdout or 0)

    def _run(self, *words: str) -> str:
        done = subprocess.run(
            (*_SCRIPT, *words), capture_output=True, text=True, timeout=_COMMAND, env=self._environment()
        )
        assert done.returncode == 0, f"dev/swarm {' '.join(words)}: {done.stdout}{done.stderr}"
        return done.stdout.strip()

    def _environment(self) -> dict[str, str]:
        return {**os.environ, **self.environment}


_SCRIPT = (str(ROOT / "dev" / "swarm"),)


@contextmanager
def running(folder: Path) -> Iterator[Swarm]:
    """A Swarm with the gateway's images on its manager alone; without a gateway, and without edges.

    Its contexts are in this folder, not among the user's.
    """
    # a short path: a socket's has at most 108 bytes
    state = f"{tempfile.gettempdir()}/{GATEWAY}-swarm"
    made = Swarm({"HITLESS_SWARM": state, "DOCKER_CONFIG": str(folder), "DOCKER_HOST": ""})
    made._run("up")
    try:
        for node in ADDRESSES:
            host = made._run("host", node)
            _docker(made, "context", "create", node, "--docker", f"host={host}")
        copy_images(made, (MANAGER,), gateway_image(), TRAEFIK_IMAGE)
        yield made
    finally:
        made._run("down")


def copy_images(swarm: Swarm, nodes: Sequence[str], *images: str) -> None:
    """Copy images of this machine's engine to some nodes."""
    for node in nodes:
        saving = subprocess.Popen(("docker", "save", *images), stdout=subprocess.PIPE)
        assert saving.stdout
        words = ("docker", "--host", swarm._run("host", node), "load", "--quiet")
        subprocess.run(words, stdin=saving.stdout, capture_output=True, check=True)
        saving.stdout.close()
        assert saving.wait() == 0


@contextmanager
def gateway_on(swarm: Swarm, *options: str) -> Iterator[None]:
    """A gateway on both edges, removed at the end with all that it keeps."""
    try:
        for edge in EDGES:
            swarm.cli.run("nodes", "add", edge, "--context", edge, "--edge")
        swarm.cli.run("gateway", "up", *options)
        yield
    finally:
        swarm.cli.run("gateway", "down", "--volumes", "--force")
        for edge in EDGES:
            swarm.cli.run("nodes", "remove", edge)


def _docker(swarm: Swarm, *arguments: str) -> str:
    done = subprocess.run(
        ("docker", *arguments), capture_output=True, text=True, env=swarm._environment(), check=False
    )
    assert done.returncode == 0, f"docker {' '.join(arguments)}: {done.stderr}"
    return done.stdout.strip()
