"""The engine port on Docker's and Compose's command lines."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from hitless.adapters.compose_yaml import dump
from hitless.adapters.docker_cli import DockerCli
from hitless.domain.errors import DockerFailed
from hitless.domain.gateway import network_name
from hitless.domain.model import Colour, Image, Json, colour_project
from hitless.domain.project import (
    LABEL_APPLICATION,
    LABEL_COLOUR,
    LABEL_GATEWAY,
    LABEL_RELEASE,
    LABEL_SERVICE,
)
from hitless.domain.world import Container

_PROJECT = "com.docker.compose.project"
_VOLUME = "com.docker.compose.volume"
# Builds and pulls take what they take; a hanging one ends all the same.
_LONG = 3600.0
# What Compose does at the start of a container, and `docker start` does not.
_STARTED_BY_COMPOSE = ("depends_on", "configs", "secrets", "post_start")
# The longest grace period that a stop waits for.
_STOP_TIMEOUT = 900.0


@dataclass(frozen=True)
class DockerEngine:
    """`gateway` is the gateway's project name: containers tell their address on its network."""

    cli: DockerCli
    gateway: str

    def containers(self, application: str | None) -> tuple[Container, ...]:
        """All containers of the application's colours, running or not; None: of all on this gateway."""
        labels = [LABEL_APPLICATION, f"{LABEL_GATEWAY}={self.gateway}"]
        if application is not None:
            labels = [f"{LABEL_APPLICATION}={application}"]
        ids = self._listed("ps", "--all", "--no-trunc", labels=labels)
        network = network_name(self.gateway)
        return tuple(container(found, network) for found in self._inspected("container", ids))

    def images(self, references: Mapping[str, str]) -> dict[str, Image]:
        """Those of the references (service -> image reference) that are on the host."""
        found = {}
        for service, reference in references.items():
            if inspected := self._inspected("image", (reference,)):
                found[service] = image(inspected[0])
        return found

    def build(self, model: Json) -> None:
        """Build every service of the model under its own image reference."""
        self._compose(model, "build", timeout=_LONG, inherits=False)

    def pull(self, reference: str, platform: str | None) -> None:
        """Pull an image from its registry, for a platform of its own where one is named."""
        words = ("--platform", platform) if platform else ()
        self.cli.run("pull", "--quiet", *words, reference, timeout=_LONG, inherits=False)

    def tag(self, reference: str, new: str) -> None:
        """Give an image a second name."""
        self.cli.run("tag", reference, new)

    def foreign(self, application: str) -> tuple[str, ...]:
        """Names of containers in the Compose project of one of its colours that hitless did not make."""
        projects = {colour_project(application, colour) for colour in Colour}
        shape = "\t".join(f'{{{{.Label "{label}"}}}}' for label in (_PROJECT, LABEL_APPLICATION))
        rows = self.cli.run(
            "ps", "--all", "--filter", f"label={_PROJECT}", "--format", shape + "\t{{.Names}}"
        ).splitlines()
        found = (row.split("\t") for row in rows)
        return tuple(name for project, ours, name in found if project in projects and not ours)

    def tagged(self, application: str) -> frozenset[int]:
        """The numbers of the application's releases that have image tags."""
        shape = ("--filter", f"reference=hitless:{application}.r*", "--format", "{{.Tag}}")
        # <application>.r<number>.<service>: an application's name has no dot
        tags = self.cli.run("images", *shape).split()
        found = (re.fullmatch(r"[^.]+\.r(\d+)\..+", tag) for tag in tags)
        return frozenset(int(match[1]) for match in found if match)

    def untag(self, application: str, releases: Sequence[int]) -> None:
        """Take away the image tags that keep these releases; an image without a name goes."""
        filters = [
            word
            for number in releases
            for word in ("--filter", f"reference=hitless:{application}.r{number}.*")
        ]
        if not filters:
            return
        tags = self.cli.run("images", *filters, "--format", "{{.Repository}}:{{.Tag}}").split()
        if tags:
            self.cli.run("rmi", *tags)

    def create(self, model: Json, volumes: Json) -> None:
        """Create a colour's containers (stopped) and networks, and the volumes that are missing."""
        names = {key: volume["name"] for key, volume in model["volumes"].items() if key in volumes}
        if names:
            present = set(self.cli.run("volume", "ls", "--format", "{{.Name}}").split())
            for key, name in names.items():
                if name not in present:
                    self._create_volume(model, key, name, volumes[key])
        self._compose(model, "create", "--no-build", "--force-recreate")

    def connect(self, network: str, containers: Sequence[str]) -> None:
        """Connect containers to a network under their own names only."""
        with ThreadPoolExecutor(max_workers=4) as pool:
            list(pool.map(lambda name: self.cli.run("network", "connect", network, name), containers))

    def start(self, model: Json, containers: Sequence[str], timeout: float) -> None:
        """Start a colour's containers, in the order of their `depends_on`. Raises `TimedOut`."""
        if any(service.get(key) for service in model["services"].values() for key in _STARTED_BY_COMPOSE):
            self._compose(model, "start", timeout=timeout)
        else:
            # a tenth of a second less than Compose, which a deployment is waiting for
            self.cli.run("start", *containers, timeout=timeout)

    def restart(self, policies: Mapping[str, str]) -> None:
        """Set the restart policies (container -> policy in `docker update`'s words) of containers."""
        with ThreadPoolExecutor(max_workers=4) as pool:
            list(pool.map(lambda policy: self._restart(policies, policy), set(policies.values())))

    def _restart(self, policies: Mapping[str, str], policy: str) -> None:
        names = [container for container, wanted in policies.items() if wanted == policy]
        self.cli.run("update", f"--restart={policy}", *names)

    def logs(self, container: str, lines: int) -> str:
        """The last lines of a container's log, standard output and error; "" where there is none."""
        try:
            output, said = self.cli.run_bytes("logs", "--tail", str(lines), container)
        except DockerFailed:
            return ""
        return (output.decode(errors="replace") + said).strip()

    def remove(self, application: str, colour: Colour) -> None:
        """Stop a colour with its own grace period, then remove its containers and networks."""
        project = colour_project(application, colour)
        containers = self._listed(
            "ps",
            "--all",
            labels=[f"{LABEL_APPLICATION}={application}", f"{LABEL_COLOUR}={colour}"],
        )
        if containers:
            self.cli.run("stop", *containers, timeout=_STOP_TIMEOUT, inherits=False)
            self.cli.run("rm", "--force", "--volumes", *containers)
        labels = [f"{_PROJECT}={project}", f"{LABEL_APPLICATION}={application}"]
        networks = self._listed("network", "ls", labels=labels)
        if networks:
            self.cli.run("network", "rm", *networks)

    def remove_volumes(self, application: str) -> tuple[str, ...]:
        """Remove the volumes that were created for the application; their names."""
        labels = [f"{_PROJECT}={application}", f"{LABEL_APPLICATION}={application}"]
        volumes = self._listed("volume", "ls", labels=labels)
        if volumes:
            self.cli.run("volume", "rm", *volumes)
        return volumes

    def _create_volume(self, model: Json, key: str, name: str, volume: Json) -> None:
        application = next(iter(model["services"].values()))["labels"][LABEL_APPLICATION]
        labels = {
            **(volume.get("labels") or {}),
            # Compose's own labels, so that plain `docker compose` knows the volume as the base project's
            _PROJECT: application,
            _VOLUME: key,
            LABEL_APPLICATION: application,
        }
        options = {"label": labels, "opt": volume.get("driver_opts") or {}}
        words = [
            word
            for option, pairs in options.items()
            for pair, value in pairs.items()
            # in a Compose model a literal $ is written $$
            for word in (f"--{option}", f"{pair}={value}".replace("$$", "$"))
        ]
        driver = ("--driver", volume["driver"]) if volume.get("driver") else ()
        self.cli.run("volume", "create", *driver, *words, name)

    def _compose(self, model: Json, *arguments: str, timeout: float = 300.0, inherits: bool = True) -> None:
        self.cli.run(
            "compose",
            # or Compose would read a .env that happens to lie here
            "--env-file",
            os.devnull,
            "--project-name",
            model["name"],
            "--progress",
            "plain",
            "--file",
            "-",
            *arguments,
            stdin=dump(model),
            timeout=timeout,
            inherits=inherits,
        )

    def _listed(self, *command: str, labels: Sequence[str]) -> tuple[str, ...]:
        filters = [word for label in labels for word in ("--filter", f"label={label}")]
        return tuple(self.cli.run(*command, "--quiet", *filters).split())

    def _inspected(self, kind: str, names: Sequence[str]) -> list[dict[str, Any]]:
        """What `docker inspect` says of those that exist; the command fails where one of them has gone."""
        if not names:
            return []
        try:
            found: list[dict[str, Any]] = json.loads(self.cli.run(kind, "inspect", *names))
        except DockerFailed as error:
            if not error.is_missing:
                raise
            if len(names) == 1:
                return []
            return [one for name in names for one in self._inspected(kind, (name,))]
        return found


def container(found: Json, network: str) -> Container:
    """A container from what `docker inspect` says of it."""
    labels = found["Config"].get("Labels") or {}
    state = found["State"]
    networks = found["NetworkSettings"].get("Networks") or {}
    return Container(
        id=found["Id"],
        name=found["Name"].removeprefix("/"),
        gateway=labels.get(LABEL_GATEWAY, ""),
        application=labels[LABEL_APPLICATION],
        service=labels.get(LABEL_SERVICE, ""),
        colour=Colour(labels[LABEL_COLOUR]),
        release=int(labels[LABEL_RELEASE]),
        state=state["Status"],
        health=(state.get("Health") or {}).get("Status", ""),
        restarts=found.get("RestartCount", 0),
        exit_code=state.get("ExitCode", 0),
        address=(networks.get(network) or {}).get("IPAddress", ""),
        ran_out_of_memory=state.get("OOMKilled", False),
    )


def image(found: Json) -> Image:
    """An image from what `docker image inspect` says of it."""
    config = found.get("Config") or {}
    check = (config.get("Healthcheck") or {}).get("Test") or []
    ports = [port.split("/") for port in config.get("ExposedPorts") or {}]
    return Image(
        id=found["Id"],
        ports=tuple(sorted(int(port[0]) for port in ports if port[-1] != "udp")),
        healthcheck=bool(check) and check[0] != "NONE",
        volumes=tuple(sorted(config.get("Volumes") or {})),
    )
