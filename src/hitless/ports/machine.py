"""What this machine knows of names, addresses and programs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class Machine(Protocol):
    """The machine on which hitless runs, as `doctor` looks at it. No verb takes longer than its seconds."""

    def resolve(self, names: Sequence[str], seconds: float) -> dict[str, tuple[str, ...] | None]:
        """The addresses of these host names; () for a name without one, None without an answer in time."""
        ...

    def addresses(self) -> tuple[str, ...]:
        """The Docker host's own addresses, as far as they are known; loopback and link-local are left out."""
        ...

    def listener(self, port: int) -> str:
        """The program that listens on a TCP port of the Docker host; "" for none, or if nobody can tell."""
        ...

    def is_over(self, holder: str) -> bool:
        """Whether the holder of a lock (`ann@far, process 17`) is a process that has ended here."""
        ...
