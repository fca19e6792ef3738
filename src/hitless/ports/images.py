"""The images of the Docker host, as execution needs them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from hitless.domain.release.model import Image


class Images(Protocol):
    """The images of the Docker host.

    Every verb raises `DockerFailed` with the command's last lines. A verb that changes something raises
    `LockLost` as soon as a lock that was held (`State.lock`) is lost.
    """

    def present(self, references: Mapping[str, str]) -> dict[str, Image]:
        """Those of the references (service -> image reference) that are on the host."""
        ...

    def pull(self, reference: str, platform: str | None, progress: Callable[[str], None]) -> None:
        """Pull an image from its registry, for a certain platform if one is named.

        `progress` gets how much of it is there.
        """
        ...

    def tag(self, references: Mapping[str, str]) -> None:
        """Give images a second name (new reference -> present one)."""
        ...

    def tagged(self, application: str) -> frozenset[int]:
        """The numbers of the application's releases that have image tags."""
        ...

    def untag(self, application: str, releases: Sequence[int]) -> None:
        """Remove the image tags that keep these releases; an image without a name goes."""
        ...
