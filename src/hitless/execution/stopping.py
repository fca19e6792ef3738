"""Stop containers in their order, and at once where they have none."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from hitless.domain.host.world import ComposeContainer, Container
from hitless.domain.plan.stop_order import stops
from hitless.ports.containers import Containers


def stop(port: Containers, containers: Iterable[Container | ComposeContainer]) -> None:
    """Stop each when all that depend on it have ended, each with its own grace period."""

    def carry_out(together: Sequence[str], after: Sequence[Future[None]]) -> None:
        for earlier in after:
            earlier.result()  # where that failed, what needs these may be at work still
        port.stop(together)

    planned = stops(containers)
    under_way: list[Future[None]] = []
    with ThreadPoolExecutor(max_workers=max(len(planned), 1)) as pool:
        for one in planned:
            after = [under_way[place] for place in one.after]
            under_way.append(pool.submit(carry_out, one.containers, after))
    for future in under_way:
        future.result()
