"""The order in which containers stop. As with Compose, a service stops before those it depends on. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from hitless.domain.host.world import ComposeContainer, Container


@dataclass(frozen=True)
class Stop:
    """Containers (ids) to stop at the same time, after these earlier stops (their places in the order)."""

    containers: tuple[str, ...]
    after: tuple[int, ...]


def stops(containers: Iterable[Container | ComposeContainer]) -> tuple[Stop, ...]:
    """The stops of these containers, each after those that it waits for.

    Stops without an order run at the same time. Services that wait for the same services, and that the same
    services wait for, are one stop. A container that was added later does not say what its service depends
    on; the other containers of the service do.
    """
    of_service: dict[str, list[str]] = {}
    needs: dict[str, set[str]] = {}
    for one in containers:
        of_service.setdefault(one.service, []).append(one.id)
        needs.setdefault(one.service, set()).update(one.depends_on)
    needs = {name: (wanted & of_service.keys()) - {name} for name, wanted in needs.items()}
    needed_by = {name: {other for other in needs if name in needs[other]} for name in needs}
    places: dict[str, int] = {}
    found: list[Stop] = []
    left = dict(of_service)
    while left:
        # in a circle, which Compose refuses, no service can be first
        free = [name for name in left if needed_by[name] <= places.keys()] or list(left)
        alike: dict[tuple[frozenset[str], frozenset[str]], list[str]] = {}
        for name in free:
            alike.setdefault((frozenset(needed_by[name]), frozenset(needs[name])), []).append(name)
        earlier = dict(places)
        for (before, _), names in alike.items():
            after = tuple(sorted({earlier[name] for name in before if name in earlier}))
            places.update(dict.fromkeys(names, len(found)))
            found.append(Stop(tuple(id_ for name in names for id_ in left.pop(name)), after))
    return tuple(found)
