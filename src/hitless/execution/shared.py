"""Look at the shared services, and start them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from hitless.domain.application.model import Application, Role
from hitless.domain.common.errors import HitlessError
from hitless.domain.common.findings import Finding
from hitless.domain.host.shared import Shared, shared_services
from hitless.domain.host.world import World
from hitless.domain.plan.shared import plan_shared
from hitless.domain.release import compose_models
from hitless.domain.routing.model import Routes
from hitless.execution.session import Session
from hitless.ports import Ports


def shared(ports: Ports, application: Application, world: World) -> tuple[Shared, ...]:
    """The state of the application's shared services, and how they differ from the file."""
    services = application.having(Role.SHARED)
    as_written = compose_models.base_model(application)
    as_started = compose_models.base_model(application, world.gateway)
    # a service that gets a route stays as it is
    before = compose_models.base_model(replace(application, routes=Routes()), world.gateway)
    models: list[dict[str, Any]] = []
    for model in (as_written, before, as_started):
        if model["services"] not in [one["services"] for one in models]:
            models.append(model)
    digests = [ports.projects.digests(model) for model in models] if services and world.base else []
    return shared_services(application, world, digests)


def start_shared(
    session: Session,
    application: Application,
    findings: Sequence[Finding],
    services: Sequence[str],
    recreate: bool,
) -> bool:
    """Start these shared services (empty: all) if they do not run. `recreate`: create changed ones again.

    `findings` are from reading the file. Returns whether there was anything to do.
    """
    session.hide(application.model)
    names = [service.name for service in application.having(Role.SHARED)]
    if unknown := sorted(set(services) - set(names)):
        raise HitlessError(
            f"{', '.join(unknown)} is not a shared service of {application.name}",
            f"shared services: {', '.join(names) or 'none'}; hitless plan says why",
        )
    _, world = session.open()
    session.refuse(findings, warn=False)
    found = shared(session.ports, application, world) if recreate else ()
    recreated = [one.service for one in found if one.changes]
    plan = plan_shared(application, world, services or names, recreated)
    if plan.steps:
        session.begin(plan.release)
        session.perform(plan)
    return bool(plan.steps)
