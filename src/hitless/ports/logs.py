"""The logs of containers that are there, as Compose shows them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from hitless.domain.host.logs import Wanted


class Logs(Protocol):
    """The logs of Compose projects."""

    def lines(self, project: str, services: Sequence[str], wanted: Wanted) -> Iterator[str]:
        """The lines of these services as Compose prints them: `web-1  | text`.

        If they are followed, they end when the last of the containers has ended. Raises `DockerFailed`.
        """
        ...
