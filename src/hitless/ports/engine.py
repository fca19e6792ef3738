"""The Docker engine, as execution needs it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from hitless.domain.common.foreign import Json
from hitless.domain.common.names import Colour
from hitless.domain.host.world import ComposeContainer, Container, Neighbour
from hitless.domain.proof.observations import Ending
from hitless.domain.release.model import Image
from hitless.domain.release.networks import Network


class Engine(Protocol):
    """The Docker engine and Compose. Every verb raises `DockerFailed` with the command's last lines.

    While a lock is held (`State.lock`), what changes something raises `LockLost` as soon as that has gone.
    Containers that are there are named by their ids: a name may be another deployment's container by now.
    """

    def containers(self, application: str | None) -> tuple[Container, ...]:
        """All containers of the application's colours, running or not; None: of all on this gateway."""
        ...

    def named(self, containers: Sequence[str]) -> tuple[Container, ...]:
        """Those of these containers that there are, running or not."""
        ...

    def ids(self, application: str, colour: Colour) -> dict[str, str]:
        """The containers of a colour, running or not: name -> id."""
        ...

    def images(self, references: Mapping[str, str]) -> dict[str, Image]:
        """Those of the references (service -> image reference) that are on the host."""
        ...

    def build(self, model: Json) -> None:
        """Build every service of the model under its own image reference."""
        ...

    def pull(self, reference: str, platform: str | None) -> None:
        """Pull an image from its registry, for a platform of its own where one is named."""
        ...

    def tag(self, references: Mapping[str, str]) -> None:
        """Give images a second name (new reference -> present one)."""
        ...

    def composed(self, application: str) -> tuple[ComposeContainer, ...]:
        """The containers in the application's and its colours' Compose projects that are no release's."""
        ...

    def networked(self, application: str) -> frozenset[Colour]:
        """The colours of the application that have networks, with or without containers."""
        ...

    def neighbours(self) -> tuple[Neighbour, ...]:
        """Every running container of the host."""
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
        """Start services of the base project, with what they wait for, and what is missing beside them.

        What runs is left alone. `recreate`: these alone, replaced where their configuration is another.
        """
        ...

    def tagged(self, application: str) -> frozenset[int]:
        """The numbers of the application's releases that have image tags."""
        ...

    def untag(self, application: str, releases: Sequence[int]) -> None:
        """Take away the image tags that keep these releases; an image without a name goes."""
        ...

    def ranges(self) -> dict[str, tuple[str, ...]]:
        """The address ranges (CIDR) of every network of the engine: network -> ranges."""
        ...

    def create(self, model: Json, volumes: Json, networks: Sequence[Network]) -> None:
        """Create a colour's containers (stopped), and the networks and volumes that are missing.

        Those that are there are left as they are.
        """
        ...

    def connect(self, network: str, containers: Sequence[str]) -> None:
        """Connect containers to a network under their own names only."""
        ...

    def connect_shared(
        self, networks: Sequence[Network], members: Mapping[str, Mapping[str, Sequence[str]]]
    ) -> None:
        """Connect shared services to networks, which are created where they are missing.

        `members` maps network -> container (id) -> the names by which it is found there.
        """
        ...

    def restart(self, policies: Mapping[str, str]) -> None:
        """Set the restart policies (container -> policy in `docker update`'s words) of running containers."""
        ...

    def start(self, model: Json, containers: Mapping[str, Sequence[str]], timeout: float) -> None:
        """Start a colour's containers (service -> ids) in the order of their `depends_on`.

        Raises `TimedOut` after `timeout` seconds.
        """
        ...

    def stop(self, containers: Sequence[str]) -> None:
        """Stop containers, each with its own grace period."""
        ...

    def start_again(self, containers: Sequence[str]) -> None:
        """Start containers that were stopped."""
        ...

    def logs(self, container: str, lines: int) -> str:
        """The last lines of a container's log."""
        ...

    def endings(self, application: str, seconds: float, now: float) -> tuple[Ending, ...]:
        """The application's containers that ended in the last seconds, as far as the engine remembers.

        `now` is this moment on the clock that their moments are to be on.
        """
        ...

    def remove(
        self, application: str, colour: Colour, containers: Sequence[str], with_networks: bool
    ) -> tuple[str, ...]:
        """Remove these containers of a colour, and where it is to have none any more its networks.

        The network between the gateway and the application goes with the last of its containers. Returns the
        names of the colour's networks that stay, since containers of others are on them.
        """
        ...

    def attach(
        self,
        application: str,
        network: Network,
        services: Sequence[str],
        names: Mapping[str, Sequence[str]],
    ) -> None:
        """Have shared services find a colour's containers (id -> names) on a network made for it."""
        ...

    def detach(self, application: str, colour: Colour) -> None:
        """Disconnect the shared services from that network; what they have open to that colour is cut."""
        ...

    def remove_base(self, application: str, containers: Sequence[str]) -> None:
        """Remove these containers of the base project, and its networks where nobody is left."""
        ...

    def remove_volumes(self, application: str) -> tuple[str, ...]:
        """Remove the volumes that were created for the application; their names."""
        ...
