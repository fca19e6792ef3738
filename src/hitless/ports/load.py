"""Requests to the gateway, as its clients make them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from hitless.domain.proof.observations import Sample, Target, Visit


class Sending(Protocol):
    """A load that is under way, or was."""

    @property
    def samples(self) -> Sequence[Sample]:
        """The requests that have ended, in that order; all of them once the load is over."""
        ...

    @property
    def lag(self) -> float:
        """The longest time, in seconds, by which a request was sent later than it was due."""
        ...

    @property
    def is_over(self) -> bool:
        """Whether it has reached its bounds, and sends no more."""
        ...


class Load(Protocol):
    """Requests to the gateway from this machine, as its clients make them."""

    def sending(self, targets: Sequence[Target], rate: float) -> AbstractContextManager[Sending]:
        """Send so many requests a second to these in turn, whether or not the earlier ones have ended.

        Bounded in rate, time and number. At the end of the block it sends no more, and waits for those under
        way.
        """
        ...

    def visit(self, target: Target, cookies: Mapping[str, str]) -> Visit:
        """One request with these cookies, on its own connection."""
        ...
