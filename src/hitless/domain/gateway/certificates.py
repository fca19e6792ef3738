"""The certificates that the gateway has, and which of them a host name can be served with. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Certificate:
    """A certificate: the host names that it is for (`*.shop.example` among them), and who issued it.

    `name` is that of its file in the gateway. `not_before` and `not_after` are ISO times in UTC.
    `is_renewed`: the gateway has got it from a CA, and renews it by itself.
    """

    name: str
    names: tuple[str, ...]
    issuer: str
    not_before: str
    not_after: str
    is_renewed: bool = False

    def covers(self, host: str) -> bool:
        """Whether it is for this host name; a `*` stands for one label (RFC 6125, 6.4.3)."""
        parent = host.partition(".")[2]
        wanted = {host.lower(), f"*.{parent.lower()}" if parent else host.lower()}
        return bool(wanted & {name.lower() for name in self.names})

    def days_left(self, now: str) -> int:
        """For how many more days it is valid; below 0 since its end. `now` is an ISO time in UTC."""
        end, moment = (datetime.fromisoformat(text[:19]) for text in (self.not_after, now))
        return (end - moment).days

    def is_valid(self, now: str) -> bool:
        """Whether its time has come and not gone; `now` is an ISO time in UTC, with seconds."""
        # the second is the last place that all of them have
        return self.not_before[:19] <= now[:19] < self.not_after[:19]


def covering(certificates: Iterable[Certificate], host: str, now: str) -> Certificate | None:
    """The valid certificate for a host name that is good for longest; None without one."""
    found = (one for one in certificates if one.is_valid(now) and one.covers(host))
    return max(found, key=lambda one: one.not_after, default=None)
