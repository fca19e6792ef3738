"""The engine port on Docker's and Compose's command lines."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from hitless.adapters.docker.cli import DockerCli
from hitless.adapters.docker.compose_yaml import dump
from hitless.adapters.docker.events import endings
from hitless.adapters.docker.inspected import DEPENDS_ON, composed, container, image, is_ours, neighbour
from hitless.adapters.docker.networks import DockerNetworks
from hitless.domain.common.errors import DockerFailed, HitlessError
from hitless.domain.common.foreign import Json
from hitless.domain.common.names import (
    COMPOSE_NETWORK,
    LABEL_APPLICATION,
    LABEL_COLOUR,
    LABEL_GATEWAY,
    LABEL_SERVICE,
    LIVE_NETWORK,
    Colour,
    colour_project,
)
from hitless.domain.common.names import COMPOSE_PROJECT as PROJECT
from hitless.domain.host.world import ComposeContainer, Container, Neighbour
from hitless.domain.proof.observations import Ending
from hitless.domain.release.model import Image
from hitless.domain.release.networks import Network

_DIGEST = "com.docker.compose.config-hash"
_ONE_OFF = "com.docker.compose.oneoff"
_FILES = "com.docker.compose.project.config_files"
_COLUMNS = ("{{.ID}}", "{{.Names}}", "{{.State}}", "{{.Status}}", "{{.Image}}", "{{.Networks}}")


_VOLUME = "com.docker.compose.volume"
# Builds and pulls take what they take; a hanging one ends all the same.
_LONG = 3600.0
# Seconds that a busy engine may take itself to start containers, beside what they wait for.
_BUSY = 30.0
# What Compose does at the start of a container, and `docker start` does not.
_STARTED_BY_COMPOSE = ("depends_on", "configs", "secrets", "post_start")


# How many commands of one kind run at once.
_AT_ONCE = 4
# The longest grace period that a stop waits for.
_STOP_TIMEOUT = 900.0


@dataclass(frozen=True)
class DockerEngine:
    """`gateway` is the gateway's project name."""

    cli: DockerCli
    gateway: str

    @property
    def networks(self) -> DockerNetworks:
        """The networks of its applications."""
        return DockerNetworks(self.cli, self.gateway)

    def ranges(self) -> dict[str, tuple[str, ...]]:
        """The address ranges (CIDR) of every network of the engine: network -> ranges."""
        return self.networks.ranges()

    def containers(self, application: str | None) -> tuple[Container, ...]:
        """All containers of the application's colours, running or not; None: of all on this gateway."""
        labels = [LABEL_APPLICATION, f"{LABEL_GATEWAY}={self.gateway}"]
        if application is not None:
            labels = [f"{LABEL_APPLICATION}={application}"]
        ids = self._listed("ps", "--all", "--no-trunc", labels=labels)
        inspected = self._inspected("container", ids)
        return tuple(container(found) for found in inspected if is_ours(found))

    def named(self, containers: Sequence[str]) -> tuple[Container, ...]:
        """Those of these containers that there are: one command where `containers` takes two."""
        inspected = self._inspected("container", containers)
        return tuple(container(found) for found in inspected if is_ours(found))

    def ids(self, application: str, colour: Colour) -> dict[str, str]:
        """The containers of a colour, running or not: name -> id."""
        labels = [
            f"{LABEL_APPLICATION}={application}",
            f"{LABEL_COLOUR}={colour}",
            f"{LABEL_GATEWAY}={self.gateway}",
        ]
        filters = [word for label in labels for word in ("--filter", f"label={label}")]
        shape = ("--format", "{{.Names}} {{.ID}}")
        rows = self.cli.run("ps", "--all", "--no-trunc", *filters, *shape).splitlines()
        return dict(row.split(" ") for row in rows)

    def images(self, references: Mapping[str, str]) -> dict[str, Image]:
        """Those of the references (service -> image reference) that are on the host."""
        wanted = tuple(dict.fromkeys(references.values()))
        inspected = self._inspected("image", wanted)
        if len(inspected) == len(wanted):  # in the order in which they were asked for
            found = dict(zip(wanted, map(image, inspected), strict=True))
        else:  # what is left out has no place of its own in the answer
            one_by_one = ((name, self._inspected("image", (name,))) for name in wanted)
            found = {name: image(there[0]) for name, there in one_by_one if there}
        return {service: found[name] for service, name in references.items() if name in found}

    def build(self, model: Json) -> None:
        """Build every service of the model under its own image reference."""
        self._changed(model, "build", timeout=_LONG, inherits=False)

    def pull(self, reference: str, platform: str | None) -> None:
        """Pull an image from its registry, for a platform of its own where one is named."""
        words = ("--platform", platform) if platform else ()
        self.cli.change("pull", "--quiet", *words, reference, timeout=_LONG, inherits=False)

    def tag(self, references: Mapping[str, str]) -> None:
        """Give images a second name (new reference -> present one)."""
        with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
            list(pool.map(lambda new: self.cli.change("tag", references[new], new), references))

    def composed(self, application: str) -> tuple[ComposeContainer, ...]:
        """The containers in the application's and its colours' Compose projects that are no release's."""
        projects = {application, *(colour_project(application, colour) for colour in Colour)}
        labels = (PROJECT, LABEL_SERVICE, _DIGEST, LABEL_APPLICATION, _ONE_OFF, _FILES, DEPENDS_ON)
        columns = [*(f'{{{{.Label "{label}"}}}}' for label in labels), *_COLUMNS]
        # a gateway of the application's name is no part of it
        columns[labels.index(LABEL_APPLICATION)] += f'{{{{.Label "{LABEL_GATEWAY}"}}}}'
        rows = self.cli.run(
            "ps", "--all", "--no-trunc", "--filter", f"label={PROJECT}", "--format", "\t".join(columns)
        ).splitlines()
        return tuple(
            found for row in rows if (found := composed(row.split("\t"))) and found.project in projects
        )

    def networked(self, application: str) -> frozenset[Colour]:
        """The colours of the application that have networks."""
        shape = ("--format", f'{{{{.Label "{PROJECT}"}}}}')
        label = f"label={LABEL_APPLICATION}={application}"
        projects = self.cli.run("network", "ls", "--filter", label, *shape).split()
        return frozenset(colour for colour in Colour if colour_project(application, colour) in projects)

    def neighbours(self) -> tuple[Neighbour, ...]:
        """Every running container of the host."""
        return tuple(
            map(neighbour, self._inspected("container", self._listed("ps", "--no-trunc", labels=())))
        )

    def digests(self, model: Json) -> dict[str, str]:
        """Compose's digest of each service's configuration: service -> digest."""
        rows = self._compose(model, "config", "--hash", "*").splitlines()
        return dict(row.split(" ", 1) for row in rows if " " in row)

    def up(
        self,
        model: Json,
        volumes: Json,
        networks: Sequence[Network],
        services: Sequence[str],
        recreate: bool = False,
    ) -> None:
        """Start services of the base project, with what they wait for, the volumes and networks, too."""
        self._create_volumes(model["name"], model, volumes)
        self.networks.create(networks)
        words = ("--detach", "--quiet-pull", "--no-deps" if recreate else "--no-recreate")
        self._changed(model, "up", *words, *services, timeout=_LONG, inherits=False)

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
            self.cli.change("rmi", *tags)

    def create(self, model: Json, volumes: Json, networks: Sequence[Network]) -> None:
        """Create a colour's containers (stopped), and the networks and volumes that are missing.

        Those that are there are left as they are: in a command that comes late they are another deployment's.
        """
        self._create_volumes(_application(model), model, volumes)
        self.networks.create(networks)
        self._changed(model, "create", "--no-build", "--no-recreate")

    def connect(self, network: str, containers: Sequence[str]) -> None:
        """Connect containers to a network under their own names only."""
        with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
            list(pool.map(lambda name: self.cli.change("network", "connect", network, name), containers))

    def connect_shared(
        self, networks: Sequence[Network], members: Mapping[str, Mapping[str, Sequence[str]]]
    ) -> None:
        """Connect containers to networks, created where missing: network -> id -> its names there."""
        self.networks.create(networks)
        for network, found in members.items():
            for one, names in found.items():
                self.networks.join(network, one, names)

    def start(self, model: Json, containers: Mapping[str, Sequence[str]], timeout: float) -> None:
        """Start a colour's containers (service -> ids) in the order of their `depends_on`.

        Raises `TimedOut`.
        """
        services = [model["services"][service] for service in containers]
        if any(service.get(key) for service in services for key in _STARTED_BY_COMPOSE):
            self._changed(model, "start", *containers, timeout=timeout + _BUSY)
        else:
            # a tenth of a second less than Compose, which a deployment is waiting for; one command starts one
            # container after the other
            ids = [one for found in containers.values() for one in found]
            with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
                list(pool.map(lambda one: self.cli.change("start", one), ids))

    def stop(self, containers: Sequence[str]) -> None:
        """Stop containers, each with its own grace period."""
        self.cli.change("stop", *containers, timeout=_STOP_TIMEOUT, inherits=False)

    def start_again(self, containers: Sequence[str]) -> None:
        """Start containers that were stopped."""
        self.cli.change("start", *containers)

    def restart(self, policies: Mapping[str, str]) -> None:
        """Set the restart policies (container -> policy in `docker update`'s words) of containers."""
        with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
            list(pool.map(lambda policy: self._restart(policies, policy), set(policies.values())))

    def _restart(self, policies: Mapping[str, str], policy: str) -> None:
        names = [container for container, wanted in policies.items() if wanted == policy]
        self.cli.change("update", f"--restart={policy}", *names)

    def logs(self, container: str, lines: int) -> str:
        """The last lines of a container's log, standard output and error; "" where there is none."""
        try:
            output, said = self.cli.run_bytes("logs", "--tail", str(lines), container)
        except DockerFailed:
            return ""
        return (output.decode(errors="replace") + said).strip()

    def endings(self, application: str, seconds: float, now: float) -> tuple[Ending, ...]:
        """The application's containers that ended in the last seconds, as far as the engine remembers.

        It keeps its latest 256 events, and every health check takes three: so this is to be asked soon.
        """
        # as moments: of a span like `5s` Docker's command line takes whole seconds, without the latest
        until = time.time()
        kinds = [word for kind in ("kill", "die") for word in ("--filter", f"event={kind}")]
        rows = self.cli.run(
            "events",
            *("--since", f"{until - seconds:.6f}", "--until", f"{until:.6f}"),
            *kinds,
            *("--filter", f"label={LABEL_APPLICATION}={application}", "--format", "{{json .}}"),
        ).splitlines()
        return endings([json.loads(row) for row in rows], now - time.time())

    def remove(
        self, application: str, colour: Colour, containers: Sequence[str], with_networks: bool
    ) -> tuple[str, ...]:
        """Remove these containers of a colour, and where it is to have none any more its networks.

        Returns the names of those networks that others are on: they stay, and serve the next release there.
        """
        if containers:
            self.cli.change("rm", "--force", "--volumes", *containers)
        if not with_networks:
            return ()
        project = colour_project(application, colour)
        labels = [f"{PROJECT}={project}", f"{LABEL_APPLICATION}={application}"]
        shape = f'{{{{.Name}}}} {{{{.Label "{COMPOSE_NETWORK}"}}}}'
        filters = [word for label in labels for word in ("--filter", f"label={label}")]
        rows = self.cli.run("network", "ls", *filters, "--format", shape).splitlines()
        networks = dict(row.split(" ") for row in rows)
        self._empty([network for network, key in networks.items() if key == LIVE_NETWORK])
        left = tuple(network for network in networks if not self.networks.remove(network))
        labels = [f"{LABEL_APPLICATION}={application}", f"{LABEL_GATEWAY}={self.gateway}"]
        if not self._listed("ps", "--all", labels=labels):
            self.networks.remove_way(application)
        return left

    def attach(
        self,
        application: str,
        network: Network,
        services: Sequence[str],
        names: Mapping[str, Sequence[str]],
    ) -> None:
        """Have shared services find a colour's containers (container -> names) on a network made for it.

        The shared ones are connected first: Docker answers for a name before the connection is ready to be
        used, on either side, and a call that leaves by another network in that instant is lost, while one
        that only has to find the address waits for it (measured, docs/decisions/0019-live-network.md).
        """
        found = [
            one.id
            for one in self.composed(application)
            if one.project == application and one.service in services
        ]
        self.networks.create((network,))
        for caller in found:
            self.networks.join(network.name, caller)
        for called, aliases in names.items():
            self.networks.join(network.name, called, aliases)

    def detach(self, application: str, colour: Colour) -> None:
        """Disconnect the shared services from that network; what they have open to that colour is cut."""
        self._empty(self._live_networks(application, colour), besides=colour_project(application, colour))

    def _live_networks(self, application: str, colour: Colour) -> tuple[str, ...]:
        project = colour_project(application, colour)
        labels = [
            f"{PROJECT}={project}",
            f"{COMPOSE_NETWORK}={LIVE_NETWORK}",
            f"{LABEL_APPLICATION}={application}",
        ]
        filters = [word for label in labels for word in ("--filter", f"label={label}")]
        return tuple(self.cli.run("network", "ls", *filters, "--format", "{{.Name}}").split())

    def _empty(self, networks: Sequence[str], besides: str = "") -> None:
        """Disconnect the containers of these networks, but for those of one Compose project."""
        for network in self._inspected("network", networks):
            for id_, endpoint in (network.get("Containers") or {}).items():
                if not (besides and endpoint["Name"].startswith(f"{besides}-")):
                    # of a container that has gone, its endpoint has the name alone
                    one = endpoint["Name"] if id_.startswith("ep-") else id_
                    self.cli.change("network", "disconnect", "--force", network["Id"], one)

    def remove_base(self, application: str, containers: Sequence[str]) -> None:
        """Remove these containers of the base project, and its networks where nobody is left."""
        self.cli.change("rm", "--force", *containers)
        for network in self._listed("network", "ls", labels=[f"{PROJECT}={application}"]):
            # others of the project that hitless did not make may be on it
            with suppress(DockerFailed):
                self.cli.change("network", "rm", network)

    def remove_volumes(self, application: str) -> tuple[str, ...]:
        """Remove the volumes that were created for the application; their names."""
        labels = [f"{PROJECT}={application}", f"{LABEL_APPLICATION}={application}"]
        volumes = self._listed("volume", "ls", labels=labels)
        if volumes:
            self.cli.change("volume", "rm", *volumes)
        return volumes

    def _create_volumes(self, application: str, model: Json, volumes: Json) -> None:
        """Create the volumes of a model that are missing, as the application's."""
        names = {key: volume["name"] for key, volume in model["volumes"].items() if key in volumes}
        if names:
            rows = self.cli.run(
                "volume", "ls", "--format", '{{.Name}} {{.Label "' + LABEL_APPLICATION + '"}}'
            )
            present = {name: owner for name, _, owner in (row.partition(" ") for row in rows.splitlines())}
            for key, name in names.items():
                if name not in present:
                    self._create_volume(application, key, name, volumes[key])
                elif present[name] not in ("", application):
                    raise HitlessError(
                        f"the volume {name} belongs to the application {present[name]}",
                        f"give the volume {key} a `name:` of its own, or make it external to share it",
                    )

    def _create_volume(self, application: str, key: str, name: str, volume: Json) -> None:
        labels = {
            **(volume.get("labels") or {}),
            # Compose's own labels, so that plain `docker compose` knows the volume as the base project's
            PROJECT: application,
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
        self.cli.change("volume", "create", *driver, *words, name)

    def _compose(self, model: Json, *arguments: str) -> str:
        return self.cli.run(*_composing(model), *arguments, stdin=dump(model))

    def _changed(self, model: Json, *arguments: str, timeout: float = 300.0, inherits: bool = True) -> None:
        self.cli.change(*_composing(model), *arguments, stdin=dump(model), timeout=timeout, inherits=inherits)

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


def _application(model: Json) -> str:
    """The application that a colour's model belongs to."""
    label: str = next(iter(model["services"].values()))["labels"][LABEL_APPLICATION]
    return label


def _composing(model: Json) -> tuple[str, ...]:
    return (
        "compose",
        # or Compose would read a .env that happens to lie here
        *("--env-file", os.devnull),
        *("--project-name", model["name"]),
        *("--progress", "plain"),
        *("--file", "-"),
    )
