"""What clients of the Docker host see, from this machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, TypeAlias


class Speaks(StrEnum):
    """What is spoken on a port: a connection alone is no answer, because Docker may accept it for nobody."""

    HTTP = "http"
    HTTPS = "https"
    TCP = "tcp"


@dataclass(frozen=True)
class Watched:
    """A port of the host that clients use, on this address of the host ("" for all).

    `host` is the name that they ask for, "" if they need none.
    """

    port: int
    address: str
    speaks: Speaks
    host: str = ""


Gaps: TypeAlias = Mapping[int, float | None]
"""Port -> the longest time, in seconds, in which nobody was answered; None where it can't be measured."""


class Outside(Protocol):
    """Requests to the Docker host from this machine."""

    def watching(self, ports: Sequence[Watched]) -> AbstractContextManager[Callable[[], Gaps]]:
        """Ask these ports again and again until the block ends; the function tells the gaps up to now.

        It never raises: a port that did not answer before the first gap is not measured.
        """
        ...
