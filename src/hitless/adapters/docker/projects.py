"""The projects port on Docker's and Compose's command lines."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass

from hitless.adapters.docker.cli import AT_ONCE, LONG, DockerCli
from hitless.adapters.docker.compose import compose
from hitless.adapters.docker.image_output import BuildOutput
from hitless.adapters.docker.networks import DockerNetworks
from hitless.adapters.docker.queries import listed
from hitless.adapters.docker.volumes import create_volumes
from hitless.domain.common.errors import DockerFailed
from hitless.domain.common.foreign import Json
from hitless.domain.common.names import COMPOSE_PROJECT as PROJECT
from hitless.domain.common.names import LABEL_APPLICATION, LABEL_GATEWAY, Colour
from hitless.domain.release.networks import Network

# Seconds that a busy engine itself may need to start containers, without the time that they wait for.
_BUSY = 30.0
# Compose does this at the start of a container, and `docker start` does not.
_STARTED_BY_COMPOSE = ("depends_on", "configs", "secrets", "post_start")


@dataclass(frozen=True)
class DockerProjects:
    """The Compose projects of this engine; `gateway` is the gateway's project name."""

    cli: DockerCli
    gateway: str

    @property
    def networks(self) -> DockerNetworks:
        """Their networks."""
        return DockerNetworks(self.cli, self.gateway)

    def build(self, model: Json, progress: Callable[[str], None], wrote: Callable[[str, str], None]) -> None:
        """Build every service of the model under its own image reference."""
        heard = BuildOutput(progress, wrote).heard
        compose(self.cli.change, model, "build", timeout=LONG, inherits=False, heard=heard)

    def digests(self, model: Json) -> dict[str, str]:
        """Compose's digest of each service's configuration: service -> digest."""
        rows = compose(self.cli.run, model, "config", "--hash", "*").splitlines()
        return dict(row.split(" ", 1) for row in rows if " " in row)

    def up(
        self,
        model: Json,
        volumes: Json,
        networks: Sequence[Network],
        services: Sequence[str],
        recreate: bool = False,
    ) -> None:
        """Start services of the base project, with what they wait for, and the volumes and networks."""
        create_volumes(self.cli, model["name"], model, volumes)
        self.networks.create(networks)
        words = ("--detach", "--quiet-pull", "--no-deps" if recreate else "--no-recreate")
        compose(self.cli.change, model, "up", *words, *services, timeout=LONG, inherits=False)

    def create(self, model: Json, volumes: Json, networks: Sequence[Network]) -> None:
        """Create a colour's containers (stopped), and the networks and volumes that are missing.

        Those that exist stay as they are: in a command that comes late they are another deployment's.
        """
        create_volumes(self.cli, _application(model), model, volumes)
        self.networks.create(networks)
        compose(self.cli.change, model, "create", "--no-build", "--no-recreate")

    def start(self, model: Json, containers: Mapping[str, Sequence[str]], timeout: float) -> None:
        """Start a colour's containers (service -> ids) in the order of their `depends_on`.

        Raises `TimedOut`.
        """
        services = [model["services"][service] for service in containers]
        if any(service.get(key) for service in services for key in _STARTED_BY_COMPOSE):
            compose(self.cli.change, model, "start", *containers, timeout=timeout + _BUSY)
        else:
            # a tenth of a second less than Compose, and a deployment waits for it; one command starts one
            # container after the other
            ids = [one for found in containers.values() for one in found]
            with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
                list(pool.map(lambda one: self.cli.change("start", one), ids))

    def remove(
        self, application: str, colour: Colour, containers: Sequence[str], with_networks: bool
    ) -> tuple[str, ...]:
        """Remove these containers of a colour, and its networks if it will have none.

        Returns the names of those networks that others are on: they stay, and the next release uses them.
        """
        if containers:
            self.cli.change("rm", "--force", "--volumes", *containers)
        if not with_networks:
            return ()
        left = self.networks.remove_of_colour(application, colour)
        labels = [f"{LABEL_APPLICATION}={application}", f"{LABEL_GATEWAY}={self.gateway}"]
        if not listed(self.cli, "container", *labels):
            self.networks.remove_way(application)
        return left

    def remove_base(self, application: str, containers: Sequence[str]) -> None:
        """Remove these containers of the base project, and its networks if nothing is left on them."""
        self.cli.change("rm", "--force", *containers)
        for network in listed(self.cli, "network", f"{PROJECT}={application}"):
            # others of the project that hitless did not make may be on it
            with suppress(DockerFailed):
                self.cli.change("network", "rm", network)

    def volumes_of(self, application: str) -> tuple[str, ...]:
        """The names of the volumes that were created for the application."""
        labels = [f"{PROJECT}={application}", f"{LABEL_APPLICATION}={application}"]
        return listed(self.cli, "volume", *labels)

    def remove_volumes(self, application: str) -> tuple[str, ...]:
        """Remove the volumes that were created for the application; their names."""
        volumes = self.volumes_of(application)
        if volumes:
            self.cli.change("volume", "rm", *volumes)
        return volumes


def _application(model: Json) -> str:
    """The application that a colour's model belongs to."""
    label: str = next(iter(model["services"].values()))["labels"][LABEL_APPLICATION]
    return label
