"""The services of a release whose containers keep running. Pure.

The engine says which containers these are, and their names, when it has created them.
"""

from __future__ import annotations

from hitless.domain.application.model import Application, Role


def services(application: Application) -> tuple[str, ...]:
    """The services that run as long as the release is live."""
    return tuple(service.name for service in application.having(Role.WEB, Role.WORKER))


def exclusive(application: Application) -> tuple[str, ...]:
    """Those of these `services` that must not run beside the other colour's."""
    only = {service.name for service in application.services if service.exclusive}
    return tuple(name for name in services(application) if name in only)


def early(application: Application) -> tuple[str, ...]:
    """Those of these `services` that may run beside the other colour's."""
    late = exclusive(application)
    return tuple(name for name in services(application) if name not in late)
