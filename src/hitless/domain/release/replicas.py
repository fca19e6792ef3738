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


def makes_wait(application: Application) -> bool:
    """Whether requests must wait while exclusive services change over: one has a route, or others need it."""
    only = {*exclusive(application)}
    needed = {name for one in application.having(Role.WEB, Role.WORKER) for name in one.depends_on}
    return any(application.is_web(name) or name in needed for name in only)


def late(application: Application) -> tuple[str, ...]:
    """Those of these `services` that start when the other colour's exclusive ones have stopped.

    If requests wait for that, what waits for an exclusive service is among them.
    """
    found = {*exclusive(application)}
    waiting = {one.name: one.depends_on for one in application.services} if makes_wait(application) else {}
    while more := {name for name, others in waiting.items() if found & {*others}} - found:
        found |= more
    return tuple(name for name in services(application) if name in found)


def early(application: Application) -> tuple[str, ...]:
    """Those of these `services` that may run beside the other colour's."""
    later = late(application)
    return tuple(name for name in services(application) if name not in later)
