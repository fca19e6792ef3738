"""An engine and a machine in memory, for what `doctor` and `prune` ask them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from hitless.domain.common.errors import HitlessError
from hitless.domain.host.facts import Engine, Usage
from hitless.domain.host.leftovers import Belongings


@dataclass
class FakeEngine:
    """`problem` is why it does not answer. `time` is its clock, `used` are images that somebody uses."""

    there: Belongings = field(default_factory=Belongings)
    problem: str = ""
    time: float = 1767225600.0  # that of `FakeClock`
    compose: str = "2.30.0"
    used: tuple[str, ...] = ()

    def about(self) -> tuple[Engine, float]:
        self._insist()
        return Engine("26.1.5", "1.45", "Debian", "/var/lib/docker"), self.time

    def compose_version(self) -> str:
        return self.compose

    def usage(self) -> tuple[Usage, ...]:
        self._insist()
        return (Usage("build cache", 12, "1.4GB", "1.4GB"),)

    def belongings(self) -> Belongings:
        self._insist()
        return self.there

    def remove_images(self, references: Sequence[str]) -> None:
        gone = {*references} - {*self.used}
        left = tuple(one for one in self.there.images if one.reference not in gone)
        self.there = replace(self.there, images=left)

    def remove_networks(self, names: Sequence[str]) -> None:
        left = tuple(one for one in self.there.networks if one.name not in names)
        self.there = replace(self.there, networks=left)

    def _insist(self) -> None:
        if self.problem:
            raise HitlessError(self.problem)


@dataclass
class FakeMachine:
    """`dns` maps host name -> addresses; a name that is not there has none. `over` are dead holders."""

    dns: dict[str, tuple[str, ...] | None] = field(default_factory=dict)
    own: tuple[str, ...] = ("9.9.9.9", "10.0.0.5")
    listeners: dict[int, str] = field(default_factory=dict)
    over: tuple[str, ...] = ()

    def resolve(self, names: Sequence[str], seconds: float) -> dict[str, tuple[str, ...] | None]:
        return {name: self.dns.get(name, ()) for name in names}

    def addresses(self) -> tuple[str, ...]:
        return self.own

    def listener(self, port: int) -> str:
        return self.listeners.get(port, "")

    def is_over(self, holder: str) -> bool:
        return holder in self.over
