"""Stop containers in the order of their dependencies, and the others at the same time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from hitless.domain.host.world import ComposeContainer, Container
from hitless.domain.plan.stop_order import stops
from hitless.ports.containers import Containers


def stop(port: Containers, containers: Iterable[Container | ComposeContainer]) -> None:
    """Stop each container when all that depend on it have ended. Each has its own grace period."""

    def carry_out(together: Sequence[str], after: Sequence[Future[None]]) -> None:
        for earlier in after:
            earlier.result()  # if this fails, containers that need these may still work
        port.stop(together)

    planned = stops(containers)
    under_way: list[Future[None]] = []
    with ThreadPoolExecutor(max_workers=max(len(planned), 1)) as pool:
        for one in planned:
            after = [under_way[place] for place in one.after]
            under_way.append(pool.submit(carry_out, one.containers, after))
    for future in under_way:
        future.result()
