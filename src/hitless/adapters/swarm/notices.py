"""The notices port on a Swarm, where nobody can be told yet."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from hitless.domain.common.errors import HitlessError
from hitless.domain.host.notices import Notice
from hitless.domain.host.receivers import Receiver


class NoNotices:
    """No receivers."""

    def receivers(self) -> Mapping[str, Receiver | None]:
        """None."""
        return {}

    def keep_receiver(self, receiver: Receiver) -> None:
        """Raise `HitlessError`."""
        raise HitlessError("on a Swarm nobody can be told yet", "on one host hitless gateway notify works")

    def forget_receiver(self, name: str) -> None:
        """Do nothing: there is none."""

    def claim(self, ids: Sequence[str]) -> Collection[str]:
        """None: nobody is told."""
        return ()

    def host_name(self) -> str:
        """No name: nobody is told."""
        return ""

    def tell(self, due: Mapping[Receiver, Sequence[Notice]]) -> Mapping[str, str]:
        """Tell nobody."""
        return {}
