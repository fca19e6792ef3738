"""The plan of a deployment: from the application, the release, the world and the gateway alone. Pure."""

from __future__ import annotations

from dataclasses import replace

from hitless.domain.application.model import Role, When
from hitless.domain.common.names import Colour
from hitless.domain.gateway.model import Gateway
from hitless.domain.host.world import World
from hitless.domain.plan import callers, changeover, exclusive, jobs, releases
from hitless.domain.plan import shared as shared_steps
from hitless.domain.plan.certificates import get_certificates
from hitless.domain.plan.model import Action, Plan, in_phase
from hitless.domain.plan.phases import Phase
from hitless.domain.plan.recover import tidying, undone
from hitless.domain.plan.releases import latest_promotion, releases_over
from hitless.domain.plan.retire import leave
from hitless.domain.plan.routing_steps import Answer, Bake, CutOver, Gate, Restore, Show
from hitless.domain.plan.steps import Create, Drain, Forget, Needs, Record, Remove, RunHere, Start, Step, Stop
from hitless.domain.release import compose_models, compose_networks, replicas, requirements, restart
from hitless.domain.release import connections as connecting
from hitless.domain.release.colour_routing import colour_routing
from hitless.domain.release.model import Release
from hitless.domain.release.prepared import Prepared
from hitless.domain.routing.split import Routing, all_to


def plan_deploy(application: Prepared, release: Release, world: World, gateway: Gateway) -> Plan:
    """Start a release beside the live one, cut over, and retire the colour that was live.

    This one plan is for the first deployment and every later one, for a rollback (of a kept release) and for
    a proof (of the live release itself). It starts with a removal: what an interrupted command left and is
    not live goes first.
    """
    name = application.name
    found = world.live(name)
    live = found[0] if found else None
    candidate = live.other if live else Colour.BLUE
    drain_timeout = application.settings.drain_timeout
    is_again = found is not None and found[1] == release.number
    if is_again:  # it has been live: only a kill can be the reason if its record does not say so
        release = replace(release, promoted=releases.promotion(release, world))

    steps, routing = tidying(name, world, drain_timeout, Needs.NOTHING)
    promotions = sum(isinstance(step, Record) for step in steps)
    promoted = replace(release, promoted=latest_promotion(world) + promotions + 1)
    before = routing if routing.colours else None

    # the release that stops before this one starts, while requests wait
    former = changeover.before_it(application, live, world)
    beside = colour_routing(application, release.number, replicas.services(application), {})
    staged = routing.next(all_to(live), {**routing.colours, candidate: beside})
    held = changeover.held(staged, former.colour, application, gateway) if former else None
    last = held.routing if held else staged
    switched = last.next(all_to(candidate), staged.colours)
    # without a release that must stop first, nothing keeps those from starting that answer requests
    is_alone = replicas.makes_wait(application) and not former
    early = replicas.services(application) if is_alone else replicas.early(application)
    late = replicas.late(application) if former else ()
    wanted = requirements.of_services(application, release.images, early)
    routes = requirements.of_routes(application, candidate, gateway, early)
    ready = requirements.of_services(application, release.images, (*early, *late))
    all_routes = requirements.of_routes(application, candidate, gateway, (*early, *late))
    policies = restart.restart_policies(application, early)
    model = compose_models.colour_model(
        application, promoted, candidate, gateway, live, bool(release.promoted)
    )
    shared = [service.name for service in application.having(Role.SHARED)]
    starting = shared_steps.start_shared(application, world, shared)
    hooks = jobs.hooks(application, release, candidate, live, model)
    failed = tuple(hooks[When.ON_FAILURE])
    preparing = (*hooks[When.BEFORE_START], *jobs.jobs(application, release, candidate, model))
    changing: tuple[Action, ...] = ()
    restored: tuple[Step, ...] = ()
    there: tuple[str, ...] = ()
    if former and held:
        # what works on the volumes of the old release does so when that has stopped
        during = jobs.on_its_volumes(application, preparing)
        preparing = tuple(step for step in preparing if step not in during)
        starting_alone = exclusive.hand_over(application, release, candidate, (), model)
        there = changeover.leaving(application, former, world)
        undo = changeover.come_back(former.kept, held, former.colour, there, world)
        let_wait, *stopping = changeover.go(application, staged, held, there)
        its_routes = requirements.of_routes(application, candidate, gateway, late)
        proofs = requirements.of_services(application, release.images, late)
        copying = tuple(step for step in during if step in hooks[When.BEFORE_START])
        changes = (*(step for step in during if step not in copying), *starting_alone)
        restored = changeover.restoring(application, release, failed)
        alone = (Stop(name, candidate, replicas.exclusive(application)), *restored)
        failed = tuple(step for step in failed if isinstance(step, RunHere))
        changing = (
            Action(let_wait, Phase.CUT_OVER, undo),
            *in_phase(Phase.CUT_OVER, (*stopping, *copying)),
            # from here on the old release's data may have changed
            Action(changes[0], Phase.CUT_OVER, (*alone, *undo)),
            *in_phase(Phase.CUT_OVER, changes[1:]),
            *in_phase(Phase.CUT_OVER, [Gate(name, candidate, proofs, its_routes)] if its_routes else ()),
            *in_phase(Phase.CUT_OVER, hooks[When.BEFORE_CUTOVER]),
        )
    # Promote the live release before its second cutover. The shared services' network has its name from the
    # promotion (`live_network`): after a kill, the number in the record leads to that network
    record = (Record(name, promoted),) if is_again else () if release.promoted else (Record(name, release),)
    start = Start(name, candidate, model, early, requirements.longest_timeout(application))
    # what has waited in this deployment has the new release at that address, and before it the old one
    waited = (gateway.address_for(name),) if gateway.address_for(name) and not former else ()
    going = leave(switched, live, drain_timeout, drain_first=True, waited=waited)[0] if live else []
    back = _go_back(application, switched, before, candidate, world, gateway, restored, there)
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
            undo=(*failed, Remove(name, candidate)),
        ),
        # jobs may take minutes, so somebody may interrupt them: resume needs the release's record
        *in_phase(Phase.START, record if preparing else ()),
        *in_phase(Phase.START, preparing),
        *in_phase(Phase.START, [start] if early else ()),
        # the next two steps take no extra time: the application starts while they run
        Action(
            Show(name, candidate, before, staged, claims=application.routes.routers),
            Phase.START,
            undo=(Restore(name, before, harmless=staged), Drain(name, candidate, drain_timeout)),
        ),
        *in_phase(Phase.START, () if preparing else record),
        # the application starts while the CA looks
        *in_phase(Phase.GATE, get_certificates(application, world)),
        *in_phase(Phase.GATE, [Gate(name, candidate, wanted, routes)] if early else ()),
        *in_phase(Phase.GATE, hooks[When.BEFORE_CUTOVER] if not former else ()),
        *changing,
        Action(CutOver(last, switched, ready, policies), Phase.CUT_OVER, back if held else ()),
        *in_phase(Phase.BAKE, [Answer(held.waiting, switched)] if held else ()),
        *in_phase(Phase.BAKE, callers.attach(application, candidate, promoted.promoted, gateway)),
        Action(
            Bake(name, candidate, ready, application.settings.bake, all_routes),
            Phase.BAKE,
            undo=back if not held else (),
        ),
        # without a live colour, `tidying` has removed everything that this must not run beside
        *in_phase(
            Phase.BAKE,
            exclusive.hand_over(
                application, release, candidate, exclusive.unneeded(world, live) if live else (), model
            )
            if not replicas.makes_wait(application)
            else (),
        ),
        *in_phase(Phase.PROMOTE, [Record(name, promoted), *hooks[When.AFTER_CUTOVER]]),
        *in_phase(Phase.RETIRE, [*going, *hooks[When.AFTER_RETIRE]]),
        *in_phase(Phase.RETIRE, [Forget(name, forgotten)] if forgotten else ()),
    )
    # keep nothing of a release that never was live; a release that was brought back stays as it was
    kept_of_it = () if release.promoted else (Forget(name, (release.number,)),)
    first = replace(actions[0], undo=(*actions[0].undo, *kept_of_it))
    return Plan(name, release.number, candidate, (first, *actions[1:]))


def _go_back(
    application: Prepared,
    switched: Routing,
    before: Routing | None,
    candidate: Colour,
    world: World,
    gateway: Gateway,
    restored: tuple[Step, ...],
    stopped: tuple[str, ...],
) -> tuple[Step, ...]:
    """The steps that bring the previous release back; none if nothing was live before.

    `stopped` are its services that have stopped for this release, and `restored` the hooks that run before
    they start again.
    """
    if before is None or before.live is None:
        return ()
    name = application.name
    back = switched.next(before.split, switched.colours)
    kept = world.kept_release(before.colours[before.live].release)
    if kept and replicas.makes_wait(application):
        there = changeover.held(switched, candidate, application, gateway)
        services = replicas.exclusive(application)
        return (
            *changeover.go(application, switched, there, services),
            *restored,
            *callers.detach(application, candidate),
            *changeover.come_back(kept, there, before.live, stopped, world),
        )
    return (
        # no readiness: the previous release is better than the candidate, which has just failed
        CutOver(switched, back, (), {}),
        *callers.detach(application, candidate),
        # the candidate's exclusive services may already run
        *(
            exclusive.hand_over_again(kept, before.live, replicas.exclusive(application), world)
            if kept
            else ()
        ),
        # the candidate's servers stay in the routing file until the last request is answered
        Drain(name, candidate, application.settings.drain_timeout),
    )
