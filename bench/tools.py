"""The ways to deploy that are compared: each with its own gateway, on the same application.

These are our own versions of what each does, not its code. Every one gets what its users can give it: a
Docker health check that Traefik waits for, an application that finishes its requests after SIGTERM, and a
grace period longer than any request.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from bench.host import APP, ROOT, TRAEFIK, HostError, run, socket_path, until

SERVICES: Final = ("web", "grpc")
ARTICLE_SLEEP: Final = 5.0
"""Seconds that the article's script gives the new containers, whatever they need."""
DRAIN_SLEEP: Final = 10.0
"""Seconds that the drain hook of the rolling update gives the old container."""
DRAIN_DEADLINE: Final = 15.0
"""Seconds after the cutover until hitless gives up on a WebSocket (bench/app/compose.yaml)."""


class Tool(Protocol):
    """One way to deploy."""

    @property
    def key(self) -> str:
        """A part of all names that it gives."""
        ...

    @property
    def title(self) -> str:
        """Its name in tables."""
        ...

    @property
    def commands(self) -> tuple[str, ...]:
        """The commands of a deployment, for the reader."""
        ...

    @property
    def drain_deadline(self) -> float | None:
        """Seconds after the cutover until it gives up on requests in flight; None: it promises nothing."""
        ...

    def up(self, port: int) -> None:
        """Start a gateway on this port of loopback, and release 1 behind it, which may not be ready yet.

        Raises HostError.
        """
        ...

    def deploy(self, release: int) -> None:
        """Replace what runs by this release. Raises HostError."""
        ...

    def down(self) -> None:
        """Remove all that the two made; nothing if they made nothing."""
        ...


@dataclass(frozen=True)
class ByLabels:
    """An application whose containers Traefik finds by their labels, through its Docker provider."""

    key: str
    title: str
    commands: tuple[str, ...]
    roll: Callable[[ByLabels, int], None]
    overlays: tuple[str, ...] = ()
    projects: tuple[str, ...] = ("app",)
    drain_deadline: float | None = None

    def up(self, port: int) -> None:
        """As in the protocol."""
        gateway = f"bench-{self.key}"
        run("docker", "network", "create", gateway)
        run(
            *("docker", "run", "--detach", "--name", gateway, "--network", gateway),
            *("--publish", f"127.0.0.1:{port}:80"),
            *("--volume", f"{socket_path()}:/var/run/docker.sock:ro"),
            TRAEFIK,
            "--global.checknewversion=false",
            "--global.sendanonymoususage=false",
            "--entrypoints.web.address=:80",
            "--providers.docker.exposedbydefault=false",
            f"--providers.docker.network={gateway}",
            f"--providers.docker.constraints=Label(`hitless.bench`,`{self.key}`)",
        )
        self.compose(self.projects[0], 1, "up", "--detach")

    def deploy(self, release: int) -> None:
        """As in the protocol."""
        self.roll(self, release)

    def down(self) -> None:
        """As in the protocol."""
        gateway = f"bench-{self.key}"
        for project in self.projects:
            self.compose(project, 0, "down", "--timeout", "1")
        run("docker", "rm", "--force", gateway)
        if run("docker", "network", "ls", "--quiet", "--filter", f"name=^{gateway}$"):
            run("docker", "network", "rm", gateway)

    def compose(self, project: str, release: int, *arguments: str) -> str:
        """Run Compose on one of the projects, with the release in its environment."""
        files = ("compose.yaml", "compose.labels.yaml", *self.overlays)
        environment = {"BENCH_TOOL": self.key, "RELEASE": str(release)}
        return run(
            *("docker", "compose", "--project-name", f"bench-{self.key}-{project}"),
            *(part for file in files for part in ("--file", str((APP / file).relative_to(ROOT)))),
            *arguments,
            env=environment,
        )


def recreate(site: ByLabels, release: int) -> None:
    """What everybody does first."""
    site.compose("app", release, "up", "--detach")


def stop_start(site: ByLabels, release: int) -> None:
    """The old copy ends before the new one begins, as by hand."""
    site.compose("app", release, "stop")
    site.compose("app", release, "up", "--detach")


def two_projects(site: ByLabels, release: int) -> None:
    """The article's script: start the other colour, sleep, stop this one."""
    blue_runs = bool(run("docker", "ps", "--quiet", "--filter", f"name=bench-{site.key}-blue"))
    new, old = ("green", "blue") if blue_runs else ("blue", "green")
    site.compose(new, release, "up", "--detach")
    time.sleep(ARTICLE_SLEEP)
    site.compose(old, release, "stop")


def rolling(site: ByLabels, release: int) -> None:
    """A second container beside the first, service by service; then the first is stopped."""
    _roll(site, release, drain=lambda _: None)


def rolling_drained(site: ByLabels, release: int) -> None:
    """The same with the usual hook: first unhealthy, so that the gateway stops requests, then time to end."""

    def drain(old: str) -> None:
        run("docker", "exec", old, "touch", "/tmp/drain")
        time.sleep(DRAIN_SLEEP)

    _roll(site, release, drain)


def _roll(site: ByLabels, release: int, drain: Callable[[str], None]) -> None:
    for service in SERVICES:
        old = site.compose("app", release, "ps", "--quiet", service).split()
        up = ("up", "--detach", "--no-deps", "--no-recreate", "--scale", f"{service}=2", service)
        site.compose("app", release, *up)
        new = set(site.compose("app", release, "ps", "--quiet", service).split()) - set(old)
        until(lambda ids=tuple(new): all(map(_healthy, ids)), f"{service} healthy", every=0.5)  # type: ignore[misc]
        for container in old:
            drain(container)
            run("docker", "stop", container)
            run("docker", "rm", container)


def _healthy(container: str) -> bool:
    return run("docker", "inspect", "--format", "{{.State.Health.Status}}", container) == "healthy"


@dataclass(frozen=True)
class Hitless:
    """hitless itself, as its users run it."""

    key: str = "hitless"
    title: str = "hitless"
    commands: tuple[str, ...] = ("hitless -f compose.yaml deploy",)
    drain_deadline: float | None = DRAIN_DEADLINE
    boot: str = "3"
    webs: str = "1"
    options: tuple[str, ...] = ()
    files: tuple[str, ...] = ("compose.yaml",)

    def up(self, port: int) -> None:
        """As in the protocol."""
        self.hitless(0, "gateway", "up", "--http-port", str(port), "--bind", "127.0.0.1")
        self.deploy(1)

    def deploy(self, release: int) -> None:
        """As in the protocol."""
        self.hitless(release, "deploy", *self.options)

    def down(self) -> None:
        """As in the protocol."""
        # each of them refuses without a gateway
        for verb in (("down",), ("gateway", "down", "--volumes", "--force")):
            with suppress(HostError):
                self.hitless(0, *verb)

    def hitless(self, release: int, *verb: str) -> str:
        """Run one verb on the application."""
        environment: Mapping[str, str] = {
            "HITLESS_GATEWAY": f"hitless-bench-{self.key}",
            "RELEASE": str(release),
            "BOOT_SECONDS": self.boot,
            "WEBS": self.webs,
        }
        script = Path(sys.executable).with_name("hitless")
        files = (("-f", os.fspath((APP / file).relative_to(ROOT))) for file in self.files)
        words = (word for pair in files for word in pair)
        return run(str(script), "-p", f"bench-{self.key}", *words, *verb, env=environment)
