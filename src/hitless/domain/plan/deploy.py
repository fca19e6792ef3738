"""The plan of a deployment, computed from what is wanted and what is there, and from nothing else. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hitless.domain.application.model import Role, When
from hitless.domain.common.names import Colour
from hitless.domain.gateway.model import Gateway
from hitless.domain.host.world import World
from hitless.domain.plan import callers, exclusive, jobs, releases
from hitless.domain.plan import shared as shared_steps
from hitless.domain.plan.recover import tidying
from hitless.domain.plan.releases import latest_promotion, releases_over
from hitless.domain.plan.retire import leave
from hitless.domain.plan.steps import (
    Bake,
    Create,
    CutOver,
    Drain,
    Forget,
    Gate,
    Plan,
    Record,
    Remove,
    Restore,
    Show,
    Start,
    Step,
    Withdraw,
)
from hitless.domain.release import compose_models, compose_networks, requirements, restart
from hitless.domain.release import connections as connecting
from hitless.domain.release import replicas as replica_names
from hitless.domain.release.colour_routing import colour_routing
from hitless.domain.release.model import Release
from hitless.domain.release.prepared import Prepared
from hitless.domain.routing.split import Routing


def plan_deploy(application: Prepared, release: Release, world: World, gateway: Gateway) -> Plan:
    """Bring a release up beside the live one, cut over, and retire what was live.

    Serves the first deployment, every later one, a rollback (the release is then a kept one), a proof (it is
    the live one itself), and what an interrupted command left behind: everything that is not live goes first.
    """
    name = application.name
    found = world.live(name)
    live = found[0] if found else None
    candidate = live.other if live else Colour.BLUE
    drain_timeout = application.settings.drain_timeout
    is_again = found is not None and found[1] == release.number
    if is_again:  # it has been promoted, whatever is written down: a kill may have come before that
        release = replace(release, promoted=releases.promotion(release, world))

    steps, routing = tidying(name, world, drain_timeout)
    promotions = sum(isinstance(step, Record) for step in steps)
    promoted = replace(release, promoted=latest_promotion(world) + promotions + 1)
    before = routing if routing.colours else None

    containers = replica_names.replicas(application, candidate)
    beside = colour_routing(application, release.number, containers)
    staged = routing.next(live, {**routing.colours, candidate: beside})
    switched = staged.next(candidate, staged.colours)
    early = replica_names.early(application, candidate)
    wanted = requirements.of_containers(application, release.images, early)
    routes = requirements.of_routes(application, candidate, gateway)
    policies = restart.restart_policies(application, candidate)
    model = compose_models.colour_model(
        application, promoted, candidate, gateway, live, bool(release.promoted)
    )
    shared = [service.name for service in application.having(Role.SHARED)]
    starting = shared_steps.start_shared(application, world, shared)
    hooks = jobs.hooks(application, release, candidate, live, model)
    preparing = (*hooks[When.BEFORE_START], *jobs.jobs(application, release, candidate, model))
    # What is live already is promoted ahead of its cutover: the shared services' network is named after the
    # promotion (project.live_network), and after a kill it is found by the number that is written down
    record = (Record(name, promoted),) if is_again else () if release.promoted else (Record(name, release),)
    steps += [
        *starting,
        *shared_steps.connect_shared(application, world),
        *(callers.attach_again(name, world) if starting else ()),
        Create(
            application=name,
            colour=candidate,
            release=release.number,
            model=model,
            volumes=compose_models.own_volumes(application.model),
            networks=compose_networks.colour_networks(model, application, gateway),
            connect=connecting.connections(application, release, candidate, gateway),
        ),
        # what may take minutes may be interrupted, and only a release that is written down can be resumed
        *(record if preparing else ()),
        *preparing,
        Start(name, candidate, model, early, requirements.longest_timeout(application)),
        # the two that follow cost nothing: meanwhile the application starts
        Show(name, candidate, before, staged, claims=application.routes.routers),
        *(() if preparing else record),
        Gate(name, candidate, wanted, routes),
        *hooks[When.BEFORE_CUTOVER],
        CutOver(staged, switched, wanted, restart.only(policies, early)),
        *callers.attach(application, candidate, promoted.promoted, gateway),
        Bake(name, candidate, wanted, application.settings.bake, routes),
        # without a live colour nothing is left by now to run beside
        *exclusive.hand_over(
            application, release, candidate, exclusive.exclusive_there(world, live) if live else (), model
        ),
        Record(name, promoted),
        *hooks[When.AFTER_CUTOVER],
    ]
    if live:
        leaving, _ = leave(switched, live, drain_timeout, drain_first=True)
        steps += leaving
    steps += hooks[When.AFTER_RETIRE]
    forgotten = releases_over(world, name, release.number, application.settings.keep)
    if forgotten:
        steps.append(Forget(name, forgotten))
    # of a release that never was live nothing is kept; one that was brought back is kept as it was
    and_all_of_it = () if release.promoted else (Forget(name, (release.number,)),)
    return Plan(
        application=name,
        release=release.number,
        colour=candidate,
        steps=tuple(steps),
        undo=(
            Restore(name, before, harmless=staged),
            Drain(name, candidate, drain_timeout),
            *hooks[When.ON_FAILURE],
            Remove(name, candidate),
            *and_all_of_it,
        ),
        revert=(
            *_revert(application, switched, before, candidate, world, hooks[When.ON_FAILURE]),
            *and_all_of_it,
        ),
    )


def _revert(
    application: Prepared,
    switched: Routing,
    before: Routing | None,
    candidate: Colour,
    world: World,
    hooks: Sequence[Step],
) -> tuple[Step, ...]:
    """The steps that bring the former colour back while it is warm, and take the candidate away.

    The hooks run as long as the candidate is there.
    """
    name, timeout = application.name, application.settings.drain_timeout
    if before is None or before.live is None:
        away = Withdraw(name, switched, before, candidate)
        return (away, Drain(name, candidate, timeout), *hooks, Remove(name, candidate))
    back = switched.next(before.live, switched.colours)
    leaving, _ = leave(back, candidate, timeout, drain_first=True)
    kept = world.kept_release(before.colours[before.live].release)
    # they were created since the host was looked at, and may run by now
    late = tuple(name for names in replica_names.exclusive(application, candidate).values() for name in names)
    return (
        # without another look at it: whatever it is, it is better than what was found bad
        CutOver(switched, back, (), {}),
        *callers.detach(application, candidate),
        *(exclusive.hand_over_again(kept, before.live, late, world) if kept else ()),
        *leaving[:-1],
        *hooks,
        leaving[-1],
    )
