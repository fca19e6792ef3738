"""The Docker engine itself, and what on it has hitless's names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from hitless.domain.host.facts import Engine as About
from hitless.domain.host.facts import Usage
from hitless.domain.host.leftovers import Belongings


class Engine(Protocol):
    """The Docker engine itself. Every verb raises `DockerFailed`, or `TimedOut`.

    What removes something raises `LockLost` as soon as a lock that was held (`State.lock`) is lost.
    """

    def about(self) -> tuple[About, float]:
        """What it is, and the Unix time of its clock."""
        ...

    def compose_version(self) -> str:
        """The version of Compose on this machine, "" without one."""
        ...

    def usage(self) -> tuple[Usage, ...]:
        """What has how much of Docker's disk."""
        ...

    def belongings(self) -> Belongings:
        """All that has hitless's names or labels, and which gateways know which applications."""
        ...

    def remove_images(self, references: Sequence[str]) -> None:
        """Remove these names of images; an image without a name goes. One that is in use stays."""
        ...

    def remove_networks(self, names: Sequence[str]) -> None:
        """Remove these networks. One with containers on it stays, except for the gateway's own container."""
        ...
