"""`docker service update --update-order start-first`, for the comparison.

It runs only if the engine is already a Swarm manager: `docker swarm init` changes an engine for all who use
it, and a benchmark must not do that. Names stand for the tasks' own addresses and not for a virtual one, so
that a kernel without IPVS can run it; Traefik sends to the tasks themselves either way.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import yaml

from bench.host import APP, IMAGE, TRAEFIK, HostError, run, socket_path, until
from bench.tools import SERVICES

GATEWAY: Final = "bench-swarm"


@dataclass(frozen=True)
class Swarm:
    """Services of one task each, found by Traefik's Swarm provider."""

    key: str = "swarm"
    title: str = "docker service update, start-first"
    commands: tuple[str, ...] = (
        "docker service update --update-order start-first --env-add RELEASE=2 web",
        "docker service update --update-order start-first --env-add RELEASE=2 grpc",
    )
    drain_deadline: float | None = None

    def up(self, port: int) -> None:
        """As in the protocol of tools."""
        if run("docker", "info", "--format", "{{.Swarm.ControlAvailable}}") != "true":
            raise HostError("the engine is no Swarm manager (docker swarm init)")
        run("docker", "network", "create", "--driver", "overlay", "--attachable", GATEWAY)
        run(
            *("docker", "run", "--detach", "--name", GATEWAY, "--network", GATEWAY),
            *("--publish", f"127.0.0.1:{port}:80"),
            *("--volume", f"{socket_path()}:/var/run/docker.sock:ro"),
            TRAEFIK,
            "--global.checknewversion=false",
            "--global.sendanonymoususage=false",
            "--entrypoints.web.address=:80",
            "--providers.swarm.exposedbydefault=false",
            f"--providers.swarm.network={GATEWAY}",
            # by default it looks every 15 s only
            "--providers.swarm.refreshseconds=1",
        )
        document = yaml.safe_load((APP / "compose.yaml").read_text(encoding="utf-8"))
        # by its id, because no engine tries to pull that
        image = run("docker", "image", "inspect", "--format", "{{.Id}}", IMAGE)
        for service in SERVICES:
            run("docker", "service", "create", *_options(service, document["services"][service], image))

    def deploy(self, release: int) -> None:
        """As in the protocol of tools."""
        for service in SERVICES:
            options = (
                "--update-order",
                "start-first",
                "--env-add",
                f"RELEASE={release}",
                "--no-resolve-image",
            )
            run("docker", "service", "update", *options, _name(service))

    def down(self) -> None:
        """As in the protocol of tools."""
        for service in SERVICES:
            with suppress(HostError):
                run("docker", "service", "rm", _name(service))
        running = ("docker", "ps", "--quiet", "--filter", f"name={GATEWAY}-")
        until(lambda: not run(*running), "the tasks of the services end")
        run("docker", "rm", "--force", GATEWAY)
        with suppress(HostError):
            until(_network_gone, "the network goes")


def _network_gone() -> bool:
    """Remove the network; a task that has just ended may hold it for a moment."""
    with suppress(HostError):
        run("docker", "network", "rm", GATEWAY)
    return not run("docker", "network", "ls", "--quiet", "--filter", f"name=^{GATEWAY}$")


def _name(service: str) -> str:
    return f"{GATEWAY}-{service}"


def _options(service: str, model: dict[str, Any], image: str) -> tuple[str, ...]:
    """The options of a service, its image and its command, as the Compose file has them."""
    check = model["healthcheck"]
    return (
        *("--detach", "--no-resolve-image", "--name", _name(service), "--network", GATEWAY),
        *("--endpoint-mode", "dnsrr", "--env", "RELEASE=1", "--env", "BOOT_SECONDS=3"),
        *("--env", f"ABRUPT={os.environ.get('ABRUPT', '')}"),
        *("--stop-grace-period", model["stop_grace_period"], "--health-cmd", check["test"][1]),
        *("--health-interval", check["interval"], "--health-retries", str(check["retries"])),
        *("--health-start-period", check["start_period"]),
        *("--health-start-interval", check["start_interval"]),
        *(part for label in model["labels"] for part in ("--label", label)),
        image,
        *model.get("command", ()),
    )
