"""The steps that start the shared services, and connect them. Pure."""

from __future__ import annotations

from collections.abc import Collection

from hitless.domain.application.model import Application, Role
from hitless.domain.application.roles import ENDED
from hitless.domain.common.names import COMPOSE_NETWORK
from hitless.domain.host.world import World
from hitless.domain.plan import callers
from hitless.domain.plan.model import Plan, in_phase
from hitless.domain.plan.phases import Phase
from hitless.domain.plan.steps import Connect, StartShared, Step
from hitless.domain.release import compose_models, compose_networks
from hitless.domain.release.networks import Network


def plan_shared(
    application: Application, world: World, names: Collection[str], recreated: Collection[str]
) -> Plan:
    """Start those of these shared services that do not run, and recreate those that are `recreated`."""
    others = [name for name in names if name not in recreated]
    changed = [name for name in names if name in recreated]
    steps: list[Step] = [
        *start_shared(application, world, others),
        *start_shared(application, world, changed, recreate=True),
    ]
    if steps:
        steps += callers.attach_again(application.name, world)
    return Plan(application.name, 0, None, in_phase(Phase.FINISH, steps))


def start_shared(
    application: Application, world: World, names: Collection[str], recreate: bool = False
) -> tuple[StartShared, ...]:
    """The step that starts those of these services that are not ready; none if all are ready.

    A service whose end another one waits for is ready when it has ended well. With `recreate`, it is all of
    them.
    """
    ready = {container.service for container in world.base if container.is_ready}
    ended = {container.service for container in world.base if container.has_ended_well}
    waiting = _waited_for_to_end(application)
    wanted = tuple(name for name in names if recreate or name not in (ended if name in waiting else ready))
    if not wanted or world.gateway is None:
        return ()
    return (
        StartShared(
            application=application.name,
            services=wanted,
            model=compose_models.base_model(application, world.gateway),
            volumes=compose_models.own_volumes(application.model),
            networks=compose_networks.base_networks(application, world.gateway),
            ends=tuple(name for name in wanted if name in waiting),
            timeout=max(one.settings.timeout for one in application.having(Role.SHARED)),
            recreate=recreate,
            may_end=tuple(one.name for one in application.services if one.name in wanted and one.ends),
        ),
    )


def connect_shared(application: Application, world: World) -> tuple[Connect, ...]:
    """The step that connects existing shared services to every network where the release looks for them.

    A service that plain Compose or an older hitless started may be on the gateway's network alone, where no
    release looks for it. This does not stop it.
    """
    if world.gateway is None:
        return ()
    names = compose_networks.shared_names(application, world.gateway)
    wanted: list[Network] = []
    members: dict[str, dict[str, tuple[str, ...]]] = {}
    services: set[str] = set()
    for network in compose_networks.base_networks(application, world.gateway):
        known = names[network.labels[COMPOSE_NETWORK]]
        lacking = [one for one in world.base if one.service in known and network.name not in one.networks]
        if lacking:
            wanted.append(network)
            members[network.name] = {one.id: known[one.service] for one in lacking}
            services |= {one.service for one in lacking}
    if not wanted:
        return ()
    return (Connect(application.name, tuple(sorted(services)), tuple(wanted), members),)


def _waited_for_to_end(application: Application) -> set[str]:
    """The services whose end another service waits for."""
    return {
        name
        for service in application.services
        for name, condition in service.depends_on.items()
        if condition == ENDED
    }
