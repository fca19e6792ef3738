"""The engine port on Docker's command line."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from hitless.adapters.docker.cli import DockerCli
from hitless.adapters.docker.inspected import number
from hitless.adapters.docker.networks import DockerNetworks
from hitless.adapters.docker.queries import filtered, inspect, labelled
from hitless.domain.common.errors import DockerFailed, HitlessError
from hitless.domain.common.names import (
    COMPOSE_PROJECT,
    LABEL_APPLICATION,
    LABEL_GATEWAY,
    LABEL_RELEASE,
)
from hitless.domain.gateway.compose_model import STATE, TRAEFIK
from hitless.domain.gateway.model import container_name
from hitless.domain.gateway.settings import LABEL_SETTINGS
from hitless.domain.host.facts import Engine, Usage
from hitless.domain.host.leftovers import AnyContainer, Belongings, OwnImage, OwnNetwork

_VOLUME = "com.docker.compose.volume"
_OF_A_GATEWAY = {"routes", "state", "acme"}  # the volumes that Compose makes for each (`compose_model`)
# of what only looks; it may read what belongs to root, and has no network. A registry may have a stranger's
# image of that name
_CONFINED = ("run", "--rm", "--pull", "never", "--read-only", "--cap-drop", "ALL", "--network", "none")
_LIST = 'for one in */; do [ ! -d "$one" ] || echo "${one%/}"; done'


@dataclass(frozen=True)
class DockerEngine:
    """The engine of this command line; `gateway` is the gateway's project name, `image` its own image."""

    cli: DockerCli
    gateway: str
    image: str

    def about(self) -> tuple[Engine, float]:
        """What it is, and the Unix time of its clock."""
        found = json.loads(self.cli.run("info", "--format", "{{json .}}"))
        if errors := found.get("ServerErrors"):  # the command succeeds without an engine, too
            raise DockerFailed("docker info", 1, " ".join(map(str, errors)), "docker version")
        server = json.loads(self.cli.run("version", "--format", "{{json .Server}}"))
        about = Engine(
            version=str(server.get("Version") or ""),
            api=str(server.get("ApiVersion") or ""),
            system=str(found.get("OperatingSystem") or ""),
            root=str(found.get("DockerRootDir") or ""),
        )
        return about, datetime.fromisoformat(found["SystemTime"]).timestamp()

    def compose_version(self) -> str:
        """The version of Compose on this machine, "" without one."""
        try:
            return self.cli.run("compose", "version", "--short").strip()
        except DockerFailed:
            return ""

    def usage(self) -> tuple[Usage, ...]:
        """What has how much of Docker's disk."""
        rows = map(json.loads, self.cli.run("system", "df", "--format", "{{json .}}").splitlines())
        return tuple(
            Usage(str(one["Type"]).lower(), int(one["TotalCount"]), one["Size"], one["Reclaimable"])
            for one in rows
        )

    def belongings(self) -> Belongings:
        """All that has hitless's names or labels, and which gateways know which applications."""
        with ThreadPoolExecutor(max_workers=4) as pool:
            images, networks = pool.submit(self._images), pool.submit(self._networks)
            volumes, containers = pool.submit(self._volumes), self._containers()
            others = self._others(volumes.result())
            own = {
                name: labels[LABEL_APPLICATION]
                for name, labels in volumes.result().items()
                if labels[LABEL_APPLICATION]
            }
            return Belongings(images.result(), networks.result(), containers, own, others, self.image)

    def remove_images(self, references: Sequence[str]) -> None:
        """Remove these names of images. One that is in use stays."""
        for reference in references:
            try:
                self.cli.change("rmi", reference)
            except DockerFailed as error:
                if not (error.is_missing or "conflict" in error.output.lower()):
                    raise

    def remove_networks(self, names: Sequence[str]) -> None:
        """Remove these networks. One with others' containers on it stays."""
        for name in names:
            with suppress(DockerFailed):  # the gateway was never on it
                self.cli.change("network", "disconnect", "--force", name, container_name(self.gateway))
            DockerNetworks(self.cli, self.gateway).remove(name)

    def _images(self) -> tuple[OwnImage, ...]:
        ours = filtered("reference", ("hitless:*", "hitless-gateway:*"))
        found = self.cli.run("images", "--no-trunc", "--quiet", *ours).split()
        ids = tuple(dict.fromkeys(found))
        return tuple(
            OwnImage(name, int(one.get("Size") or 0), (*one["RepoTags"], *(one.get("RepoDigests") or ())))
            for one in inspect(self.cli, "image", ids)
            for name in one.get("RepoTags") or ()
            if name.startswith(("hitless:", "hitless-gateway:"))
        )

    def _networks(self) -> tuple[OwnNetwork, ...]:
        columns = ("{{.Name}}", *_said((LABEL_APPLICATION, COMPOSE_PROJECT, LABEL_GATEWAY)))
        found = self._rows("network", "ls", *labelled(LABEL_APPLICATION), columns=columns)
        return tuple(OwnNetwork(*row) for row in found)

    def _containers(self) -> tuple[AnyContainer, ...]:
        labels = (COMPOSE_PROJECT, LABEL_APPLICATION, LABEL_RELEASE)
        columns = ("{{.Names}}", "{{.Image}}", "{{.Networks}}", *_said(labels))
        found = self._rows("ps", "--all", "--no-trunc", columns=columns)
        return tuple(
            AnyContainer(name, image, tuple(on.split(",")), project, application, number(release))
            for name, image, on, project, application, release in found
        )

    def _volumes(self) -> dict[str, dict[str, str]]:
        labels = (COMPOSE_PROJECT, _VOLUME, LABEL_APPLICATION)
        rows = self._rows("volume", "ls", columns=("{{.Name}}", *_said(labels)))
        return {name: dict(zip(labels, rest, strict=True)) for name, *rest in rows}

    def _others(self, volumes: dict[str, dict[str, str]]) -> dict[str, frozenset[str] | None]:
        """The applications that each other gateway knows, by its state; None: it can't be asked."""
        gateways = labelled(LABEL_GATEWAY, LABEL_SETTINGS)
        running = {name for [name] in self._rows("ps", *gateways, columns=_said((LABEL_GATEWAY,)))}
        stored: dict[str, dict[str, str]] = {}
        for name, labels in volumes.items():
            stored.setdefault(labels[COMPOSE_PROJECT], {})[labels[_VOLUME]] = name
        asleep = {project: one["state"] for project, one in stored.items() if one.keys() >= _OF_A_GATEWAY}
        others = sorted((running | {*asleep}) - {self.gateway, ""})
        with ThreadPoolExecutor(max_workers=4) as pool:
            known = pool.map(lambda one: self._known_by(one, one in running, asleep.get(one, "")), others)
            return dict(zip(others, known, strict=True))

    def _known_by(self, gateway: str, is_running: bool, volume: str) -> frozenset[str] | None:
        shell = ("sh", "-c", f"cd {STATE} && {_LIST}")
        place = f"type=volume,source={volume},target={STATE},readonly"
        look = (
            ("exec", "--user", f"0:{TRAEFIK}", container_name(gateway), *shell)
            if is_running
            else (*_CONFINED, "--mount", place, "--entrypoint", "sh", self.image, *shell[1:])
        )
        try:
            return frozenset(self.cli.run(*look).split())
        except HitlessError:
            return None

    def _rows(self, *command: str, columns: Iterable[str]) -> list[list[str]]:
        """The rows of a list. A label may hold anything, also the ends of rows: those are left out."""
        wanted = tuple(columns)
        shape = "\t".join(f"{{{{json ({one[2:-2]})}}}}" for one in wanted)
        found = []
        for row in self.cli.run(*command, "--format", shape).splitlines():
            cells = [json.loads(cell) for cell in row.split("\t")]
            if len(cells) == len(wanted):
                found.append([str(cell) for cell in cells])
        return found


def _said(labels: Iterable[str]) -> tuple[str, ...]:
    return tuple(f'{{{{.Label "{label}"}}}}' for label in labels)
