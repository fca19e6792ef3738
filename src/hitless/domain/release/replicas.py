"""The services of a release whose containers stay. Pure.

Which containers these are, and what they are called, the engine says once it has created them.
"""

from __future__ import annotations

from hitless.domain.application.model import Application, Role


def services(application: Application) -> tuple[str, ...]:
    """Those that run as long as the release is live."""
    return tuple(service.name for service in application.having(Role.WEB, Role.WORKER))


def exclusive(application: Application) -> tuple[str, ...]:
    """Those of them that must not run beside another colour's."""
    only = {service.name for service in application.services if service.exclusive}
    return tuple(name for name in services(application) if name in only)


def early(application: Application) -> tuple[str, ...]:
    """Those of them that may run beside another colour's."""
    late = exclusive(application)
    return tuple(name for name in services(application) if name not in late)
