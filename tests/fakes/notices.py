"""Receivers in memory: who is told what, and who does not answer."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from hitless.domain.host.notices import Notice
from hitless.domain.host.receivers import Receiver


@dataclass
class FakeNotices:
    """`told` are the notices by receiver; `failing` maps a receiver to why it is not told."""

    there: dict[str, Receiver | None] = field(default_factory=dict)
    told: dict[str, list[Notice]] = field(default_factory=dict)
    failing: dict[str, str] = field(default_factory=dict)
    claimed: set[str] = field(default_factory=set)
    # called before anybody is told
    before: Callable[[], None] = lambda: None

    def receivers(self) -> dict[str, Receiver | None]:
        return dict(self.there)

    def keep_receiver(self, receiver: Receiver) -> None:
        self.there[receiver.name] = receiver

    def forget_receiver(self, name: str) -> None:
        self.there.pop(name, None)

    def claim(self, ids: Sequence[str]) -> Collection[str]:
        new = set(ids) - self.claimed
        self.claimed |= new
        return new

    def host_name(self) -> str:
        return "far"

    def tell(self, due: Mapping[Receiver, Sequence[Notice]]) -> Mapping[str, str]:
        self.before()
        for receiver, notices in due.items():
            self.told.setdefault(receiver.name, []).extend(notices)
        return {one.name: self.failing[one.name] for one in due if one.name in self.failing}
