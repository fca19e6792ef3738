"""Find the containers of a plan's services. A plan names services; the engine names containers."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from hitless.domain.application.replicas import replicas
from hitless.domain.common.errors import HitlessError
from hitless.domain.common.names import Colour
from hitless.domain.host.world import Replica
from hitless.domain.plan.steps import Create
from hitless.domain.release.requirements import Readiness
from hitless.domain.routing.split import Routing
from hitless.ports.containers import Containers

_T = TypeVar("_T")


@dataclass(frozen=True)
class Replicas:
    """The containers of each colour that a plan works on. It looks at each colour once.

    A later release reuses the names of a colour's containers; an id belongs to one container only. Every
    command takes the lock before it changes anything. So an id found under the lock is still the same
    container, or the container is gone.
    """

    containers: Containers
    _known: dict[Colour, tuple[Replica, ...]] = field(default_factory=dict)
    # when requests have begun to wait, by the clock; empty if they do not
    waiting_since: list[float] = field(default_factory=list)
    # ids of containers whose own health check has passed when hitless ran it, before the engine did
    passed: set[str] = field(default_factory=set)

    def meet(self, step: Create) -> tuple[Replica, ...]:
        """Look at the containers that were created: from now on they are the containers of that colour.

        Raises `HitlessError` if there are fewer than the model asks for.
        """
        there = self._look(step.application, step.colour)
        for service, model in step.model["services"].items():
            count, wanted = sum(one.service == service for one in there), replicas(model)
            if count < wanted:
                raise HitlessError(
                    f"{service} has {count} of its {wanted} containers in {step.colour}",
                    "did somebody remove one? deploy again",
                )
        found = tuple(one for one in there if one.id not in (step.beside or ()))
        self._known[step.colour] = found
        return found

    def of(
        self, application: str, colour: Colour, services: Collection[str]
    ) -> dict[str, tuple[Replica, ...]]:
        """The containers of these services, in order: service -> containers."""
        if services and colour not in self._known:
            self._known[colour] = self._look(application, colour)
        known = self._known.get(colour, ())
        return {service: tuple(one for one in known if one.service == service) for service in services}

    def ids(self, application: str, colour: Colour, services: Collection[str]) -> tuple[str, ...]:
        """The ids of the containers of these services."""
        return tuple(one.id for found in self.of(application, colour, services).values() for one in found)

    def each(self, application: str, colour: Colour, said: Mapping[str, _T]) -> dict[str, _T]:
        """A value for each service (service -> value), given to each of its containers: id -> value."""
        found = self.of(application, colour, said)
        return {one.id: said[service] for service, those in found.items() for one in those}

    def ready(self, application: str, colour: Colour, wanted: Sequence[Readiness]) -> tuple[Readiness, ...]:
        """What each of the containers of these services must show."""
        found = self.of(application, colour, [one.service for one in wanted])
        return tuple(one.of(container.name) for one in wanted for container in found[one.service])

    def served(self, routing: Routing | None) -> Routing | None:
        """A plan's routing with the servers that it waits for."""
        if routing is None:
            return None
        colours = {
            colour: part.met(self._names(routing.application, colour, part.awaited))
            for colour, part in routing.colours.items()
        }
        return replace(routing, colours=colours)

    def _names(
        self, application: str, colour: Colour, services: Collection[str]
    ) -> dict[str, tuple[str, ...]]:
        found = self.of(application, colour, services)
        return {service: tuple(one.name for one in those) for service, those in found.items()}

    def _look(self, application: str, colour: Colour) -> tuple[Replica, ...]:
        found = self.containers.replicas(application, colour)
        return tuple(sorted(found, key=lambda one: (one.service, one.number, one.name)))
