"""The instances of Traefik in a gateway's container, in memory."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field

from hitless.domain.common.errors import HitlessError
from hitless.domain.gateway.acme import Names
from hitless.domain.gateway.instances import Health, Instances
from hitless.domain.gateway.settings import GatewaySettings
from hitless.domain.host.metrics import Counted, Look, Side
from hitless.domain.routing.split import Routing


@dataclass
class FakeInstances:
    """Each with its settings; `violations` are what would have lost a request."""

    live: int = 0
    # None: as the container was made
    running: dict[int, GatewaySettings | None] = field(default_factory=lambda: {0: None})
    # what the container starts with
    settled: GatewaySettings | None = None
    unable: str = ""
    # instances that end at once
    broken: bool = False
    # how many connections each has, and how many of them end between two looks
    connections: dict[int, int] = field(default_factory=dict)
    ending: int = 1
    closing: set[int] = field(default_factory=set)
    # those over HTTP/3, and what tells their clients to go
    quic: dict[int, int] = field(default_factory=dict)
    diverting: set[int] = field(default_factory=set)
    # one that ends only when it is killed
    stubborn: int | None = None
    # bytes, 0 for no limit
    memory_limit: int = 0
    memory: int = 64 << 20
    # certificates that new ones are begun without, and those that they must serve
    forgotten: list[Names] = field(default_factory=list)
    served: list[Names] = field(default_factory=list)
    # what the live one has counted; None: it does not count
    counts: dict[Side, Counted] | None = None
    verbs: list[str] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    before: Callable[[str], None] = lambda _: None

    def instances(self) -> Instances:
        return Instances(self.live, tuple(sorted(self.running)))

    def health(self) -> Health:
        return Health(not self.broken, self.memory, "2026-11-26T12:00:00Z", 0)

    def version(self) -> str:
        return "3.7.15"

    def metrics(self) -> str:
        return "traefik_open_connections 1"

    def counted(self, at: float) -> Look:
        if self.counts is None:
            raise HitlessError("the gateway has no metrics", "run: hitless gateway up --metrics")
        return Look(at, 1.0, self.counts)

    def unable_to_switch(self) -> str:
        return self.unable

    def begin_instance(
        self, number: int, settings: GatewaySettings, forgotten: Collection[Names] = ()
    ) -> None:
        self.forgotten += forgotten
        self._verb(f"begin {number}")
        if number in self.running:
            raise HitlessError(f"instance {number} is there")
        self.running[number] = settings
        limits = (self.memory_limit, settings.memory_limit)
        self.memory_limit = max(limits) if all(limits) else 0

    def instance_answers(self, number: int, certificates: Collection[Names] = ()) -> bool:
        self.served += certificates
        if self.broken:
            del self.running[number]
            raise HitlessError("the new Traefik has ended", "see `hitless gateway logs`")
        return True

    def switch_to(self, number: int) -> None:
        self._verb(f"switch to {number}")
        if number not in self.running:
            self.violations.append(f"new connections go to {number}, which is not there")
        self.live = number

    def settle(self, settings: GatewaySettings) -> None:
        self._verb("settle")
        self.settled = settings

    def close_instance(self, number: int, routings: Iterable[Routing]) -> None:
        self._verb(f"close {number}")
        if number == self.live:
            self.violations.append(f"the live instance {number} closes its connections")
        self.closing.add(number)

    def divert(self, number: int, routings: Iterable[Routing], is_over: bool = False) -> None:
        self._verb(f"divert {number}{' no more' if is_over else ''}")
        (self.diverting.discard if is_over else self.diverting.add)(number)

    def quic_connections(self, number: int) -> int:
        left = self.quic.get(number, 0)
        if number in self.diverting:
            self.quic[number] = max(left - self.ending, 0)
        return left

    def instance_connections(self, number: int) -> int:
        left = self.connections.get(number, 0)
        if number in self.closing:
            self.connections[number] = max(left - self.ending, 0)
        return left

    def end_instance(self, number: int, is_killed: bool) -> None:
        self._verb(f"{'kill' if is_killed else 'end'} {number}")
        if number == self.live:
            self.violations.append(f"the live instance {number} ends")
        if is_killed or number != self.stubborn:
            self.running.pop(number, None)

    def fit_memory(self) -> None:
        if len(self.running) > 1:
            self.violations.append(f"{len(self.running)} instances get the memory of one")
        settings = self.running[self.live]
        self.memory_limit = settings.memory_limit if settings else 0

    def _verb(self, verb: str) -> None:
        self.before(verb)
        self.verbs.append(verb)
