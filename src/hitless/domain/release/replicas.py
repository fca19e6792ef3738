"""The services of a release whose containers keep running. Pure.

The engine says which containers these are, and their names, when it has created them.
"""

from __future__ import annotations

from collections.abc import Collection

from hitless.domain.application import mounts
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
    found = _late(application)
    return tuple(name for name in services(application) if name in found)


def late_jobs(application: Application) -> frozenset[str]:
    """The jobs that run when the other colour's exclusive services have stopped.

    They are those that mount what these write to, and those that wait for one of them.
    """
    found = _late(application)
    return frozenset(job.name for job in application.having(Role.JOB) if job.name in found)


def written(application: Application, names: Collection[str]) -> frozenset[str]:
    """The sources of the mounts that these services write to."""
    services = application.model["services"]
    return frozenset(str(one["source"]) for name in names for one in mounts.writable(services[name]))


def _late(application: Application) -> set[str]:
    found = {*exclusive(application)}
    if not makes_wait(application):
        return found
    data = written(application, found)
    for job in application.having(Role.JOB):
        mounted = application.model["services"][job.name].get("volumes") or ()
        if data & {str(one.get("source")) for one in mounted}:
            found.add(job.name)
    waiting = {one.name: one.depends_on for one in application.services}
    while more := {name for name, others in waiting.items() if found & {*others}} - found:
        found |= more
    return found


def early(application: Application) -> tuple[str, ...]:
    """Those of these `services` that may run beside the other colour's."""
    later = late(application)
    return tuple(name for name in services(application) if name not in later)
