"""The plans after an interrupted command: one finishes what it left, the other one undoes it. Pure."""

from __future__ import annotations

from dataclasses import replace

from hitless.domain.application.model import Settings, When
from hitless.domain.common.errors import HitlessError
from hitless.domain.common.events import Operation, StepId, StepKind
from hitless.domain.common.names import SHARED, Colour
from hitless.domain.host.journal import Run
from hitless.domain.host.world import KeptRelease, World
from hitless.domain.plan import callers, changeover, exclusive, jobs, releases
from hitless.domain.plan import replicas as replica_steps
from hitless.domain.plan.changeover import Held
from hitless.domain.plan.down import plan_down
from hitless.domain.plan.model import Plan, in_phase
from hitless.domain.plan.phases import Phase, Recovery, row
from hitless.domain.plan.releases import known_releases, latest_promotion, releases_over
from hitless.domain.plan.retire import has_remains, leave, way_left
from hitless.domain.plan.routing_steps import CutOver, Restore
from hitless.domain.plan.steps import Forget, Needs, Record, Remove, RunOnce, Step, Stop
from hitless.domain.release import compose_models, replicas, restart
from hitless.domain.routing.split import NOBODY, Routing, all_to


def resume(application: str, world: World) -> KeptRelease | Plan:
    """How to finish what an interrupted command left: a release to deploy again, or a plan.

    Raises `HitlessError` if that is impossible.
    """
    run = world.left
    if run and run.operation == Operation.ADOPT:
        raise HitlessError(f"the adoption of {application} was interrupted", "hitless adopt continues it")
    if run and run.operation == Operation.ABORT:
        return abort(application, world)
    if run and run.operation == Operation.DOWN:
        return plan_down(application, world, settings_of_live(application, world).drain_timeout)
    if run and run.release and row(reached(run, application, world)).resume is Recovery.DEPLOY:
        kept = world.kept_release(run.release)
        if kept is None:
            raise HitlessError(
                f"release {run.release} was interrupted before it was written down",
                "run hitless deploy again, or hitless abort to remove what is left of it",
            )
        return kept
    plan = _tidy(application, world)
    if run is None and plan.steps:
        # a removal undoes something, and the user has not asked for that
        raise HitlessError(
            f"the journal of {application} has no interrupted command, but there is more on the host than "
            "what is live",
            "hitless abort, or the next hitless deploy, removes what is not live",
        )
    return plan


def abort(application: str, world: World) -> Plan:
    """The plan that undoes what an interrupted command left. Raises `HitlessError` if that is impossible."""
    run = interrupted(world)
    if run and run.operation == Operation.DOWN:
        raise HitlessError(
            "a `down` was interrupted; what it removed can't be brought back",
            "hitless resume finishes it, hitless deploy starts the application again",
        )
    forgotten = _not_kept(run)
    if run is None or _abort(run, application, world) is Recovery.TIDY:
        return _tidy(application, world, undone=forgotten)
    drain_timeout = settings_of_live(application, world).drain_timeout
    plan = plan_abort(application, world, drain_timeout, forgotten)
    if plan is None:
        raise HitlessError(
            f"release {run.release} is live, and the release before it is already gone",
            "hitless resume finishes it; then hitless rollback brings an earlier release back",
        )
    return plan


def interrupted(world: World) -> Run | None:
    """The interrupted command that an abort must undo: the last one, without interrupted aborts."""
    run = next((run for run in reversed(world.runs) if run.operation != Operation.ABORT), None)
    return run if world.left and run and run.is_left else None


def undone(world: World) -> tuple[int, ...]:
    """The release that an interrupted abort had to undo; () if the last command left was no such abort."""
    is_abort = world.left is not None and world.left.operation == Operation.ABORT
    return _not_kept(interrupted(world)) if is_abort else ()


def reached(run: Run, application: str, world: World) -> Phase:
    """The earliest phase in which the command can have been killed, by whether its release is live."""
    live = world.live(application)
    return Phase.BAKE if live and live[1] == run.release else Phase.START


def settings_of_live(application: str, world: World) -> Settings:
    """The settings of the live release; the defaults if there is no record of it."""
    live = world.live_release(application)
    return live.application.settings if live else Settings()


def _not_kept(run: Run | None) -> tuple[int, ...]:
    # a release that was brought back stays kept, as before
    return (run.release,) if run and run.operation == Operation.DEPLOY else ()


def _abort(run: Run, application: str, world: World) -> Recovery:
    live = world.live(application)
    # the live release was deployed again (a proof, a rollback to it): the other colour has the same release,
    # which may not be ready
    is_twice = live is not None and any(one.release == live[1] for one in world.of(live[0].other))
    if is_twice or run.operation in (Operation.SCALE, Operation.PROVE, Operation.ADOPT):
        return Recovery.TIDY
    return row(reached(run, application, world)).abort


def _tidy(application: str, world: World, undone: tuple[int, ...] = ()) -> Plan:
    if problem := world.broken.get(f"{application}.yml"):
        raise HitlessError(
            f"hitless can't tell which colour of {application} is live: {problem}",
            "put the file back as it was, or remove the application with hitless down",
        )
    settings = settings_of_live(application, world)
    return plan_tidy(application, world, settings.drain_timeout, settings.keep, undone)


def plan_tidy(
    application: str, world: World, drain_timeout: float, keep: int, undone: tuple[int, ...] = ()
) -> Plan:
    """Keep what is live, remove everything else, and finish what an interrupted command left.

    Releases that are `undone` are not kept, although they may have been live for a moment.
    """
    live = world.live(application)
    steps, _ = tidying(application, world, drain_timeout)
    if live is None and not any(isinstance(step, Remove) for step in steps):
        steps += way_left(application, world)
    forgotten = releases_over(world, application, live[1], keep, undone) if live else known_releases(world)
    if forgotten:
        steps.append(Forget(application, forgotten))
    return Plan(application, live[1] if live else 0, live[0] if live else None, in_phase(Phase.FINISH, steps))


def plan_abort(
    application: str, world: World, drain_timeout: float, forgotten: tuple[int, ...]
) -> Plan | None:
    """Go back, after a cutover, to the colour that was live before it.

    None if that colour is not warm any more: each of its servers needs a running container.
    """
    routing = world.routings.get(application)
    if routing is None or routing.live is None or routing.live.other not in routing.colours:
        return None
    live, former = routing.live, routing.live.other
    release = routing.colours[former].release
    kept = world.kept_release(release)
    held = None
    there = [one.application for one in (kept, world.kept_release(routing.colours[live].release)) if one]
    if kept and world.gateway and any(map(replicas.makes_wait, there)):
        held = changeover.held(routing, live, kept.application, world.gateway)
    # those that must not run twice have stopped, and start again
    stopped = exclusive.stopped_there(world, former, kept.application) if kept and held else ()
    warm = {one.name for one in world.of(former) if one.is_running or one.service in stopped}
    hosts = {server.host for server in routing.colours[former].servers}
    if not {host for host in hosts if not host.endswith(SHARED)} <= warm:
        return None
    steps: list[Step] = []
    if kept and held:
        services = exclusive.exclusive_there(world, live)
        steps += changeover.go(kept.application, routing, held, services)
        steps += _restored(live, world) if stopped else ()
        steps += changeover.come_back(kept, held, former, stopped, world)
        back = held.routing.next(all_to(former), routing.colours)
    else:
        back = routing.next(all_to(former), routing.colours)
        early = replicas.early(kept.application) if kept else ()
        policies = restart.restart_policies(kept.application, early) if kept else {}
        steps.append(CutOver(routing, back, (), policies))
    leaving, _ = leave(back, live, drain_timeout, drain_first=True)
    if kept and kept.release.promoted < latest_promotion(world):
        steps.append(Record(application, replace(kept.release, promoted=latest_promotion(world) + 1)))
    if kept:
        steps += callers.detach(kept.application, live)
    if kept and not held:
        steps += exclusive.hand_over_again(kept, former, exclusive.exclusive_there(world, live), world)
    steps += leaving
    if forgotten:
        steps.append(Forget(application, forgotten))
    return Plan(application, release, former, in_phase(Phase.FINISH, steps))


def tidying(
    application: str, world: World, drain_timeout: float, needs: Needs = Needs.RUNNING
) -> tuple[list[Step], Routing]:
    """The steps that finish or remove what an interrupted command left, and the routing after them.

    `needs`: what a live release that starts again must be.
    """
    there = world.routings.get(application)
    routing = there or Routing(application, 0, NOBODY, {})
    waited = changeover.unanswered(application, world)
    held = Held(there, there.live, there.waiting) if there and there.waiting and there.live else None
    if held:
        waited, routing = _answered(application, held, world, needs)
    taking: list[Step] = []
    for colour in Colour:
        if colour is not routing.live and has_remains(world, routing, colour):
            leaving, routing = leave(routing, colour, drain_timeout)
            taking += leaving
    if live := world.live_release(application):
        leaving, routing = replica_steps.shrink(live.application, routing, world, drain_timeout)
        taking += leaving
    # a command that could not confirm its routing may have left another one in force than the file's
    sure = [Restore(application, there, is_check=True)] if taking else []
    return [
        *sure,
        *waited,
        *_unfinished_promotion(application, world),
        *(callers.attach_again(application, world) if world.left else ()),
        *(exclusive.unfinished_hand_over(application, world, _of_live(needs)) if not held else ()),
        *taking,
    ], routing


def _of_live(needs: Needs) -> Needs:
    """What a live release whose requests do not wait must be."""
    return needs if needs is Needs.NOTHING else Needs.READY


def _answered(application: str, there: Held, world: World, needs: Needs) -> tuple[tuple[Step, ...], Routing]:
    """The steps that have the live release answer the requests that wait, and the routing after them.

    Raises `HitlessError` if its record is gone.
    """
    found = world.live_release(application)
    if found is None:
        raise HitlessError(
            f"requests for {application} wait, and the record of its live release is not there or can't be "
            "read: nothing can start it again",
            f"hitless down -p {application}, then deploy: its volumes stay",
        )
    other = there.colour.other
    # jobs and hooks may still be at work
    services = tuple(dict.fromkeys(one.service for one in world.of(other)))
    stopped = exclusive.stopped_there(world, there.colour, found.application)
    # the engine may still be at work on the stop that a killed command has asked for
    step = world.left.step if world.left else ""
    ends: tuple[str, ...] = ()
    if isinstance(step, StepId) and (step.kind, step.colour) == (StepKind.STOP_EXCLUSIVE, there.colour):
        ends = step.subjects
    stopped = tuple(dict.fromkeys((*stopped, *ends)))
    steps = (
        *((Stop(application, there.colour, ends),) if ends else ()),
        *((Stop(application, other, services),) if services else ()),
        *(_restored(other, world) if stopped else ()),
        *changeover.come_back(found.kept, there, there.colour, stopped, world, needs),
    )
    return steps, there.routing.next(there.routing.split, there.routing.colours)


def _restored(colour: Colour, world: World) -> tuple[Step, ...]:
    """The `on-failure` hooks of a release in this colour that a killed command has begun to start.

    There are none if it can't have changed any data, or was live for good.
    """
    run = interrupted(world)
    kept = world.kept_release(run.release) if run and run.operation == Operation.DEPLOY else None
    there = {one.service for one in world.of(colour) if kept and one.release == kept.release.number}
    if run is None or kept is None or world.gateway is None or kept.release.promoted:
        return ()
    writers = {*replicas.late(kept.application), *replicas.late_jobs(kept.application)}
    if not any(one.service in writers and one.state != "created" for one in world.of(colour)):
        return ()
    model = compose_models.colour_model(kept.application, kept.release, colour, world.gateway)
    hooks = jobs.hooks(kept.application, kept.release, colour, colour.other, model)[When.ON_FAILURE]
    return tuple(step for step in hooks if not isinstance(step, RunOnce) or step.service in there)


def _unfinished_promotion(application: str, world: World) -> list[Step]:
    """The record that a command did not write because it was killed right after its cutover.

    Without it, another release than the live one has the latest promotion.
    """
    live = world.live_release(application)
    if live is None:
        return []
    promoted = releases.promotion(live.release, world)
    is_unfinished = promoted != live.release.promoted
    return [Record(application, replace(live.release, promoted=promoted))] if is_unfinished else []
