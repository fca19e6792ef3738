"""The Compose projects of an application, as execution needs them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from hitless.domain.common.foreign import Json
from hitless.domain.common.names import Colour
from hitless.domain.release.networks import Network


class Projects(Protocol):
    """The Compose projects of an application: one for each colour, and the base project.

    Every verb raises `DockerFailed` with the command's last lines. A verb that changes something raises
    `LockLost` as soon as a lock that was held (`State.lock`) is lost.
    """

    def build(self, model: Json, progress: Callable[[str], None], wrote: Callable[[str, str], None]) -> None:
        """Build every service of the model under its own image reference.

        `progress` gets what is built just now, as the builder says it; `wrote` each line that a command of a
        Dockerfile writes, after the name of its service.
        """
        ...

    def digests(self, model: Json) -> dict[str, str]:
        """Compose's digest of each service's configuration: service -> digest."""
        ...

    def up(
        self,
        model: Json,
        volumes: Json,
        networks: Sequence[Network],
        services: Sequence[str],
        recreate: bool = False,
    ) -> None:
        """Start services of the base project, with what they wait for, and create what they lack.

        What runs stays as it is. `recreate`: only these, replaced if their configuration has changed.
        """
        ...

    def create(self, model: Json, volumes: Json, networks: Sequence[Network]) -> None:
        """Create a colour's containers (stopped), and the networks and volumes that are missing.

        Those that exist stay as they are.
        """
        ...

    def start(self, model: Json, containers: Mapping[str, Sequence[str]], timeout: float) -> None:
        """Start a colour's containers (service -> ids) in the order of their `depends_on`.

        Raises `TimedOut` after `timeout` seconds.
        """
        ...

    def remove(
        self, application: str, colour: Colour, containers: Sequence[str], with_networks: bool
    ) -> tuple[str, ...]:
        """Remove these containers of a colour, and its networks if it will have none.

        The network between the gateway and the application goes with the last of its containers. Returns the
        names of the colour's networks that stay, because containers of others are on them.
        """
        ...

    def remove_base(self, application: str, containers: Sequence[str]) -> None:
        """Remove these containers of the base project, and its networks if nothing is left on them."""
        ...

    def volumes_of(self, application: str) -> tuple[str, ...]:
        """The names of the volumes that were created for the application."""
        ...

    def remove_volumes(self, application: str) -> tuple[str, ...]:
        """Remove the volumes that were created for the application; their names."""
        ...
