"""The containers of a colour, by the names that Compose gives them. Pure."""

from __future__ import annotations

from hitless.domain.application.model import Application, Role
from hitless.domain.common.names import Colour, colour_project


def replicas(application: Application, colour: Colour) -> dict[str, tuple[str, ...]]:
    """The names that Compose gives the containers of a colour that are to stay: service -> names."""
    project = colour_project(application.name, colour)
    return {
        service.name: tuple(f"{project}-{service.name}-{number}" for number in range(1, service.replicas + 1))
        for service in application.having(Role.WEB, Role.WORKER)
    }


def exclusive(application: Application, colour: Colour) -> dict[str, tuple[str, ...]]:
    """Those of them that must not run beside another colour's: service -> names."""
    only = {service.name for service in application.services if service.exclusive}
    return {name: names for name, names in replicas(application, colour).items() if name in only}


def runs_once(application: Application, colour: Colour, service: str) -> str:
    """The name of the one container of a job or a hook in a colour."""
    return f"{colour_project(application.name, colour)}-{service}-1"


def early(application: Application, colour: Colour) -> dict[str, tuple[str, ...]]:
    """A colour's containers that may run beside another colour's: service -> names."""
    late = exclusive(application, colour)
    return {name: names for name, names in replicas(application, colour).items() if name not in late}
