"""The plan of a deployment, computed from what is wanted and what is there, and from nothing else. Pure."""

from __future__ import annotations

from dataclasses import replace

from hitless.domain.application.model import Role, When
from hitless.domain.common.names import Colour
from hitless.domain.gateway.model import Gateway
from hitless.domain.host.world import World
from hitless.domain.plan import callers, exclusive, jobs, releases
from hitless.domain.plan import shared as shared_steps
from hitless.domain.plan.model import Action, Plan, in_phase
from hitless.domain.plan.phases import Phase
from hitless.domain.plan.recover import tidying, undone
from hitless.domain.plan.releases import latest_promotion, releases_over
from hitless.domain.plan.retire import leave
from hitless.domain.plan.routing_steps import Bake, CutOver, Gate, Restore, Show
from hitless.domain.plan.steps import Create, Drain, Forget, Record, Remove, Start, Step
from hitless.domain.release import compose_models, compose_networks, replicas, requirements, restart
from hitless.domain.release import connections as connecting
from hitless.domain.release.colour_routing import colour_routing
from hitless.domain.release.model import Release
from hitless.domain.release.prepared import Prepared
from hitless.domain.routing.split import Routing, all_to


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

    beside = colour_routing(application, release.number, replicas.services(application), {})
    staged = routing.next(all_to(live), {**routing.colours, candidate: beside})
    switched = staged.next(all_to(candidate), staged.colours)
    early = replicas.early(application)
    wanted = requirements.of_services(application, release.images, early)
    routes = requirements.of_routes(application, candidate, gateway)
    policies = restart.restart_policies(application, early)
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
    start = Start(name, candidate, model, early, requirements.longest_timeout(application))
    going = leave(switched, live, drain_timeout, drain_first=True)[0] if live else []
    forgotten = releases_over(world, name, release.number, application.settings.keep, undone(world))
    actions = (
        *in_phase(Phase.TIDY, steps),
        *in_phase(Phase.START, starting),
        *in_phase(Phase.START, shared_steps.connect_shared(application, world)),
        *in_phase(Phase.START, callers.attach_again(name, world) if starting else ()),
        Action(
            Create(
                application=name,
                colour=candidate,
                release=release.number,
                model=model,
                volumes=compose_models.own_volumes(application.model),
                networks=compose_networks.colour_networks(model, application, gateway),
                connect=connecting.connections(application, release, gateway),
            ),
            Phase.START,
            undo=(*hooks[When.ON_FAILURE], Remove(name, candidate)),
        ),
        # what may take minutes may be interrupted, and only a release that is written down can be resumed
        *in_phase(Phase.START, record if preparing else ()),
        *in_phase(Phase.START, preparing),
        *in_phase(Phase.START, [start]),
        # the two that follow cost nothing: meanwhile the application starts
        Action(
            Show(name, candidate, before, staged, claims=application.routes.routers),
            Phase.START,
            undo=(Restore(name, before, harmless=staged), Drain(name, candidate, drain_timeout)),
        ),
        *in_phase(Phase.START, () if preparing else record),
        *in_phase(Phase.GATE, [Gate(name, candidate, wanted, routes), *hooks[When.BEFORE_CUTOVER]]),
        *in_phase(Phase.CUT_OVER, [CutOver(staged, switched, wanted, policies)]),
        *in_phase(Phase.BAKE, callers.attach(application, candidate, promoted.promoted, gateway)),
        Action(
            Bake(name, candidate, wanted, application.settings.bake, routes),
            Phase.BAKE,
            undo=_go_back(application, switched, before, candidate, world),
        ),
        # without a live colour nothing is left by now to run beside
        *in_phase(
            Phase.BAKE,
            exclusive.hand_over(
                application, release, candidate, exclusive.exclusive_there(world, live) if live else (), model
            ),
        ),
        *in_phase(Phase.PROMOTE, [Record(name, promoted), *hooks[When.AFTER_CUTOVER]]),
        *in_phase(Phase.RETIRE, [*going, *hooks[When.AFTER_RETIRE]]),
        *in_phase(Phase.RETIRE, [Forget(name, forgotten)] if forgotten else ()),
    )
    # of a release that never was live nothing is kept; one that was brought back is kept as it was
    kept_of_it = () if release.promoted else (Forget(name, (release.number,)),)
    first = replace(actions[0], undo=(*actions[0].undo, *kept_of_it))
    return Plan(name, release.number, candidate, (first, *actions[1:]))


def _go_back(
    application: Prepared,
    switched: Routing,
    before: Routing | None,
    candidate: Colour,
    world: World,
) -> tuple[Step, ...]:
    """The steps that bring the previous release back while it is warm; none without one."""
    if before is None or before.live is None:
        return ()
    name = application.name
    back = switched.next(before.split, switched.colours)
    kept = world.kept_release(before.colours[before.live].release)
    return (
        # without another look at it: whatever it is, it is better than what was found bad
        CutOver(switched, back, (), {}),
        *callers.detach(application, candidate),
        # those of the candidate may run by now
        *(
            exclusive.hand_over_again(kept, before.live, replicas.exclusive(application), world)
            if kept
            else ()
        ),
        # its servers stay in the routing file until the last request is answered
        Drain(name, candidate, application.settings.drain_timeout),
    )
