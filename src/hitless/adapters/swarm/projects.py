"""The projects port on a Swarm: each colour is a stack."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from hitless.adapters.docker.cli import DockerCli
from hitless.adapters.docker.compose_yaml import dump
from hitless.adapters.docker.projects import DockerProjects
from hitless.adapters.docker.queries import inspect, labelled, listed, options, rows
from hitless.adapters.swarm.networks import SwarmNetworks
from hitless.adapters.swarm.queries import is_gone, tasks
from hitless.adapters.swarm.tasks import SwarmContainers
from hitless.domain.common.errors import DockerFailed, HitlessError, TimedOut
from hitless.domain.common.foreign import Json
from hitless.domain.common.names import COMPOSE_PROJECT, LABEL_APPLICATION, Colour, colour_project
from hitless.domain.release.networks import Network
from hitless.domain.release.stack_models import StackFile, file_paths, stack_files, stack_model

_PAUSE = 0.1
_GONE = 30.0  # seconds in which the networks of tasks that have ended are free


@dataclass(frozen=True)
class SwarmProjects:
    """The stacks of applications behind the gateway of this name. `manager` is the Swarm's."""

    manager: DockerCli
    gateway: str

    @property
    def containers(self) -> SwarmContainers:
        """Their slots."""
        return SwarmContainers(self.manager, self.gateway)

    @property
    def networks(self) -> SwarmNetworks:
        """Their networks."""
        return SwarmNetworks(self.manager, self.gateway)

    def build(self, model: Json, progress: Callable[[str], None], wrote: Callable[[str, str], None]) -> None:
        """Build every service of the model on the manager's engine."""
        DockerProjects(self.manager, self.gateway).build(model, progress, wrote)

    def digests(self, model: Json) -> dict[str, str]:
        """Compose's digest of each service's configuration: service -> digest."""
        return DockerProjects(self.manager, self.gateway).digests(model)

    def up(
        self,
        model: Json,
        volumes: Json,
        networks: Sequence[Network],
        services: Sequence[str],
        recreate: bool = False,
    ) -> None:
        """Raise `HitlessError`: shared services have no stack yet."""
        raise HitlessError(f"shared services are not deployed on a Swarm yet: {', '.join(services)}")

    def create(self, model: Json, volumes: Json, networks: Sequence[Network]) -> None:
        """Create a colour's services without a task, and the networks that are missing."""
        self.networks.create(networks)
        references = [str(one["image"]) for one in model["services"].values()]
        images = {name: self._image(name) for name in dict.fromkeys(references)}
        files = stack_files(model, _application(model), _contents(file_paths(model)))
        for one in files:
            self._keep(one)
        text = dump(stack_model(model, images, files, volumes))
        words = ("stack", "deploy", "--resolve-image", "never", "--compose-file", "-", model["name"])
        self.manager.change(*words, stdin=text)

    def start(self, model: Json, containers: Mapping[str, Sequence[str]], timeout: float) -> None:
        """Start a colour's services (service -> ids of its slots) in the order of their `depends_on`.

        Raises `TimedOut` after `timeout` seconds.
        """
        deadline = time.monotonic() + timeout
        ids = {service: found[0].rpartition(".")[0] for service, found in containers.items() if found}
        for step in in_order({name: model["services"][name] for name in ids}):
            self.containers.fill([ids[name] for name in step])
            waited = [
                ids[name]
                for name in step
                if any(name in (model["services"][other].get("depends_on") or {}) for other in ids)
            ]
            self._until_running(waited, deadline, timeout)

    def remove(
        self, application: str, colour: Colour, containers: Sequence[str], with_networks: bool
    ) -> tuple[str, ...]:
        """Remove these services of a colour, and its networks if it will have none.

        Returns the names of those networks that stay, because others are on them.
        """
        services = sorted({one.rpartition(".")[0] for one in containers})
        for service in services:
            try:
                self.manager.change("service", "rm", service)
            except DockerFailed as error:
                if not is_gone(error):
                    raise
        if not with_networks:
            return ()
        stack = colour_project(application, colour)
        self._forget_files(application)
        return self._remove_networks(f"{COMPOSE_PROJECT}={stack}", f"{LABEL_APPLICATION}={application}")

    def remove_base(self, application: str, containers: Sequence[str]) -> None:
        """Do nothing: there is no base project on a Swarm."""

    def volumes_of(self, application: str) -> tuple[str, ...]:
        """None: hitless creates no volumes on a Swarm."""
        return ()

    def remove_volumes(self, application: str) -> tuple[str, ...]:
        """None."""
        return ()

    def _keep(self, file: StackFile) -> None:
        """Create a secret or a config, if it is not there: its name says what is in it."""
        labels = options(label=file.labels)
        self.manager.insist()
        try:
            self.manager.run_bytes(file.kind, "create", *labels, file.name, "-", stdin=file.data)
        except DockerFailed as error:
            if "already exists" not in error.output.lower():
                raise

    def _forget_files(self, application: str) -> None:
        """Remove the secrets and configs of the application that no service uses: Docker keeps the others."""
        for kind in ("secret", "config"):
            for one in self.manager.run(
                kind, "ls", "--quiet", *labelled(f"{LABEL_APPLICATION}={application}")
            ).split():
                with suppress(DockerFailed):
                    self.manager.change(kind, "rm", one)

    def _image(self, reference: str) -> str:
        found = inspect(self.manager, "image", (reference,))
        if not found:
            raise HitlessError(f"there is no image {reference} on the manager", "deploy again")
        return str(found[0]["Id"])

    def _until_running(self, ids: Sequence[str], deadline: float, timeout: float) -> None:
        """Wait until the tasks that others wait for run: on a Swarm, that they are healthy, too."""
        while ids:
            there = tasks(self.manager, ids, running=True)
            begun = {one["ServiceID"] for one in there}
            if begun >= {*ids} and all(one["Status"]["State"] in ("running", "complete") for one in there):
                return
            if time.monotonic() > deadline:
                raise TimedOut(
                    f"what others wait for was not ready within {timeout:.0f} s",
                    "see its log; or pass a longer --timeout",
                )
            time.sleep(_PAUSE)

    def _remove_networks(self, *labels: str) -> tuple[str, ...]:
        """Remove the networks with these labels; a task that has ended leaves its own a moment later."""
        deadline = time.monotonic() + _GONE
        while there := listed(self.manager, "network", *labels):
            for network in there:
                with suppress(DockerFailed):
                    self.manager.change("network", "rm", network)
            if time.monotonic() > deadline:
                return tuple(name for (name,) in rows(self.manager, "network", "Name", labels=labels))
            time.sleep(_PAUSE)
        return ()


def _application(model: Json) -> str:
    """The application that a colour's model belongs to."""
    label: str = next(iter(model["services"].values()))["labels"][LABEL_APPLICATION]
    return label


def _contents(paths: Iterable[str]) -> dict[str, bytes]:
    """What is in these files of this machine. Raises `HitlessError` for one that can't be read."""
    found = {}
    for path in paths:
        try:
            found[path] = Path(path).read_bytes()
        except OSError as error:
            raise HitlessError(
                f"{path} can't be read: {error.strerror}", "a secret or a config is in it"
            ) from error
    return found


def in_order(services: Mapping[str, Json]) -> Iterable[tuple[str, ...]]:
    """The services in groups: each after those that its `depends_on` names."""
    left = dict(services)
    while left:
        ready = [
            name
            for name, service in left.items()
            if not any(other in left and other != name for other in service.get("depends_on") or {})
        ] or [*left]  # Compose refuses a circle
        yield tuple(ready)
        for name in ready:
            del left[name]
