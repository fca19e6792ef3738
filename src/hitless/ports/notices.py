"""Receivers: who is told what commands have done."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from hitless.domain.host.notices import Notice
from hitless.domain.host.receivers import Receiver


class Notices(Protocol):
    """The receivers that the gateway keeps, and the way to them from this machine."""

    def receivers(self) -> Mapping[str, Receiver | None]:
        """All of them by name; None for one whose record can't be read."""
        ...

    def keep_receiver(self, receiver: Receiver) -> None:
        """Keep it, in place of one of the same name."""
        ...

    def forget_receiver(self, name: str) -> None:
        """Keep it no more."""
        ...

    def claim(self, ids: Sequence[str]) -> Collection[str]:
        """Those of these notices that nobody has claimed in the last days: from now on they are claimed."""
        ...

    def host_name(self) -> str:
        """The name of the Docker host, for people elsewhere."""
        ...

    def tell(self, due: Mapping[Receiver, Sequence[Notice]]) -> Mapping[str, str]:
        """Send each once, to all receivers at the same time; name -> why that one may not have got it.

        It ends after a few seconds, whatever receivers do, and never raises for what they do.
        """
        ...
