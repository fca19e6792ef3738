"""The state port on a Swarm: every gateway keeps all of it, and a command holds the lock in each.

So what one gateway loses, the others have; and a lock ends with its holder's process, as on one host
(docs/decisions/0057-swarm.md).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

from hitless.adapters.gateway.shell import GatewayShell
from hitless.adapters.gateway.state import GatewayState
from hitless.adapters.swarm.edges import Edge, Edges
from hitless.domain.common.errors import GatewayDown, HitlessError
from hitless.domain.host.facts import Overview
from hitless.domain.host.journal import Holder
from hitless.domain.host.logs import KeptLog
from hitless.domain.release.model import Release
from hitless.ports.state import Alone, HeldLock, Stored

T = TypeVar("T")

_LOOKS = 3
_PAUSE = 0.3  # seconds between them


@dataclass(frozen=True)
class HeldEverywhere:
    """A lock that is held in every gateway."""

    locks: Sequence[HeldLock]

    def write(self, line: str) -> None:
        """Append a line to each journal."""
        for lock in self.locks:
            lock.write(line)

    def is_held(self) -> bool:
        """Whether it is still there in all of them."""
        return all(lock.is_held() for lock in self.locks)


@dataclass(frozen=True)
class SwarmState:
    """The state in all gateways of a Swarm."""

    edges: Edges

    def read(self, application: str | None) -> Stored:
        """All that is stored. Raises `HitlessError` where gateways differ: one of them is stale."""
        edges = self._edges()
        for _ in range(_LOOKS - 1):
            found = self._each(lambda state: state.read(application))
            if not any(_difference(found[0], other) for other in found[1:]):
                return _merged(found)
            time.sleep(_PAUSE)  # a command that is at work reaches one gateway before the other
        found = self._each(lambda state: state.read(application))
        for edge, other in zip(edges[1:], found[1:], strict=True):
            if what := _difference(found[0], other):
                raise HitlessError(
                    f"the gateways on {edges[0].node.name} and {edge.node.name} have different {what}",
                    "one of them was away during a deployment; to keep what the first has: hitless nodes "
                    f"remove {edge.node.name}, then add it again and deploy each application",
                )
        return _merged(found)

    def heal(self) -> tuple[str, ...]:
        """Restore the routing files that are damaged or gone and have a copy; their names."""
        return tuple(dict.fromkeys(name for one in self._each(GatewayState.heal) for name in one))

    def record(self, application: str, release: Release) -> None:
        """Keep a release in every gateway."""
        self._each(lambda state: state.record(application, release))

    def forget(self, application: str, releases: Sequence[int]) -> None:
        """Stop keeping these releases."""
        self._each(lambda state: state.forget(application, releases))

    def journal(self, application: str) -> str:
        """The whole journal that is kept of an application. Raises `GatewayDown`."""
        return self._first().journal(application)

    def keep_log(self, application: str, log: KeptLog, text: str) -> None:
        """Keep what a container has written."""
        self._each(lambda state: state.keep_log(application, log, text))

    def kept_logs(self, application: str) -> tuple[KeptLog, ...]:
        """The logs that are kept of an application. Raises `GatewayDown`."""
        return self._first().kept_logs(application)

    def logs_of(self, application: str, release: int) -> dict[KeptLog, str]:
        """The logs that are kept of a release."""
        return self._first().logs_of(application, release)

    def overview(self) -> Overview:
        """What is stored of all applications at once."""
        return self._first().overview()

    def drop_old_logs(self) -> None:
        """Remove the kept logs that are older than they are kept."""
        self._each(GatewayState.drop_old_logs)

    def unlock(self, application: str) -> Holder | None:
        """End the processes that hold the application's lock; None if there is none. Raises `GatewayDown`."""
        return next((one for one in self._each(lambda state: state.unlock(application)) if one), None)

    @contextmanager
    def lock(
        self, application: str, holder: str, wait: float, taken: Callable[[str], None]
    ) -> Iterator[HeldEverywhere]:
        """Hold the application's lock in every gateway, in the order of their nodes. Raises `Locked`.

        In one order: of two commands at once one gets the first lock, and then all of them.
        """
        shells = self._shells()
        with ExitStack() as stack:
            locks = [
                stack.enter_context(GatewayState(shell).lock(application, holder, wait, taken))
                for shell in shells
            ]
            _share(stack, shells)
            yield HeldEverywhere(locks)

    @contextmanager
    def alone(self, holder: str, but: str) -> Iterator[Alone]:
        """Have nobody begin to work on any application; who works on which already. Raises `Locked`."""
        shells = self._shells()
        with ExitStack() as stack:
            found = [stack.enter_context(GatewayState(shell).alone(holder, but)) for shell in shells]
            _share(stack, shells)
            locks = [one.lock for one in found if one.lock]
            at_work = {name: who for one in found for name, who in one.at_work.items()}
            yield Alone(HeldEverywhere(locks) if len(locks) == len(found) else None, at_work)

    def _edges(self) -> Sequence[Edge]:
        if not self.edges.all:
            raise GatewayDown
        return self.edges.all

    def _shells(self) -> Sequence[GatewayShell]:
        return [edge.shell for edge in self._edges()]

    def _first(self) -> GatewayState:
        return GatewayState(self._shells()[0])

    def _each(self, action: Callable[[GatewayState], T]) -> list[T]:
        return each(self._edges(), lambda edge: action(GatewayState(edge.shell)))


def each(edges: Sequence[Edge], action: Callable[[Edge], T]) -> list[T]:
    """What the action returns for each, all at once. Raises the first error when all have ended."""
    with ThreadPoolExecutor(max_workers=max(len(edges), 1)) as pool:
        running = [pool.submit(partial(action, edge)) for edge in edges]
    return [one.result() for one in running]


def _share(stack: ExitStack, shells: Sequence[GatewayShell]) -> None:
    """Have the shells of every gateway hold the locks of all, until just before the first is released.

    A shell inherits all locks that are held when it is opened. So one that is left open in the first gateway
    would keep the lock of the second.
    """

    def close() -> None:
        for shell in shells:
            shell.close()

    close()
    stack.callback(close)


def _merged(found: Sequence[Stored]) -> Stored:
    """What gateways that agree have: who works in any of them, the least room, every damaged file."""
    return replace(
        found[0],
        restored={path: what for one in found for path, what in one.restored.items()},
        holder=next((one.holder for one in found if one.holder), None),
        free=min((one.free for one in found if one.free is not None), default=None),
    )


def _difference(one: Stored, other: Stored) -> str:
    if (one.routings, one.broken, one.configs) != (other.routings, other.broken, other.configs):
        return "routes"
    if (one.releases, one.damaged) != (other.releases, other.damaged):
        return "releases"
    return ""
