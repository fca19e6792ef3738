"""In which order containers are stopped: as with Compose, who depends on another before that. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from hitless.domain.host.world import ComposeContainer, Container


@dataclass(frozen=True)
class Stop:
    """Containers (ids) that are stopped at once, after all of these earlier stops (their places)."""

    containers: tuple[str, ...]
    after: tuple[int, ...]


def stops(containers: Iterable[Container | ComposeContainer]) -> tuple[Stop, ...]:
    """The stops of these containers, each after those that it waits for.

    What has no order runs at once. Services that wait for the same ones, and are waited for by the same, are
    one stop. A container that was added later does not say what its service depends on; the others do.
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
        # of a circle, which Compose refuses, nobody can be first
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
