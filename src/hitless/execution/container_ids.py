"""Which containers a plan means by their names."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from hitless.domain.common.errors import HitlessError
from hitless.domain.common.names import Colour
from hitless.ports.containers import Containers


@dataclass(frozen=True)
class ContainerIds:
    """The ids of the containers that a plan works on, looked up once by their names.

    The names of a colour's containers are the same for each release, an id is of one container alone. Every
    command that changes something asks for the lock first: so what an id was looked up for under the lock is
    what the command meets, or it meets nothing.
    """

    containers: Containers
    _known: dict[str, str] = field(default_factory=dict)

    def look_at(self, application: str, colour: Colour) -> None:
        """Look at a colour whose containers have just been created."""
        self._known.update(self.containers.ids(application, colour))

    def of(self, names: Iterable[str]) -> tuple[str, ...]:
        """The ids of these containers, in this order. Raises `HitlessError` where one is not there."""
        names = tuple(names)
        unknown = [name for name in names if name not in self._known]
        if unknown:
            self._known.update({one.name: one.id for one in self.containers.named(unknown)})
        if missing := [name for name in names if name not in self._known]:
            raise HitlessError(f"{', '.join(missing)} is gone", "was it removed by somebody? deploy again")
        return tuple(self._known[name] for name in names)
