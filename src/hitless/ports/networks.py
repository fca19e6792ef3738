"""The networks of the Docker host, as execution needs them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from hitless.domain.common.names import Colour
from hitless.domain.release.networks import Network, Networked


class Networks(Protocol):
    """The networks of the Docker host.

    Every verb raises `DockerFailed` with the command's last lines. A verb that changes something raises
    `LockLost` as soon as a lock that was held (`State.lock`) is lost.
    """

    def networked(self, application: str) -> Networked:
        """The networks that the application has, with or without containers, and the names of all."""
        ...

    def ranges(self) -> dict[str, tuple[str, ...]]:
        """The address ranges (CIDR) of every network of the engine: network -> ranges."""
        ...

    def connect(self, network: str, containers: Sequence[str]) -> None:
        """Connect containers to a network under their own names only."""
        ...

    def connect_shared(
        self, networks: Sequence[Network], members: Mapping[str, Mapping[str, Sequence[str]]]
    ) -> None:
        """Connect shared services to networks, and create those that are missing.

        `members` maps network -> container (id) -> the names by which others find it there.
        """
        ...

    def attach(
        self,
        application: str,
        network: Network,
        services: Sequence[str],
        names: Mapping[str, Sequence[str]],
    ) -> None:
        """Let shared services find a colour's containers (id -> names) on a network made for it."""
        ...

    def detach(self, application: str, colour: Colour) -> None:
        """Disconnect the shared services from that network, which cuts what they have open to that colour."""
        ...
