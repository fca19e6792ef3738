"""What an interrupted command left: the steps that finish it, and those that undo it. Pure."""

from __future__ import annotations

from dataclasses import replace

from hitless.domain.common.names import Colour
from hitless.domain.host.world import World
from hitless.domain.plan import callers, exclusive, releases
from hitless.domain.plan import replicas as replica_steps
from hitless.domain.plan.releases import known_releases, latest_promotion, releases_over
from hitless.domain.plan.retire import has_remains, leave
from hitless.domain.plan.steps import CutOver, Forget, Plan, Record, Restore, Step
from hitless.domain.release import replicas as replica_names
from hitless.domain.release import restart
from hitless.domain.routing.split import Routing


def plan_tidy(application: str, world: World, drain_timeout: float, keep: int) -> Plan:
    """What is live stays, and everything else goes: what an interrupted command left to do, or to undo."""
    live = world.live(application)
    steps, _ = tidying(application, world, drain_timeout)
    forgotten = releases_over(world, application, live[1], keep) if live else known_releases(world)
    if forgotten:
        steps.append(Forget(application, forgotten))
    return Plan(application, live[1] if live else 0, live[0] if live else None, tuple(steps))


def plan_abort(
    application: str, world: World, drain_timeout: float, forgotten: tuple[int, ...]
) -> Plan | None:
    """Go back to the colour that was live before: a cutover was made and what was live is still warm.

    None where there is no such colour any more, with a running container for each of its servers.
    """
    routing = world.routings.get(application)
    if routing is None or routing.live is None or routing.live.other not in routing.colours:
        return None
    live, former = routing.live, routing.live.other
    running = {container.name for container in world.of(former) if container.is_running}
    if not {server.host for server in routing.colours[former].servers} <= running:
        return None
    release = routing.colours[former].release
    back = routing.next(former, routing.colours)
    kept = world.kept_release(release)
    early = replica_names.early(kept.application, former) if kept else {}
    policies = restart.only(restart.restart_policies(kept.application, former), early) if kept else {}
    leaving, _ = leave(back, live, drain_timeout, drain_first=True)
    steps: list[Step] = [CutOver(routing, back, (), policies)]
    if kept and kept.release.promoted < latest_promotion(world):
        steps.append(Record(application, replace(kept.release, promoted=latest_promotion(world) + 1)))
    if kept:
        steps += callers.detach(kept.application, live)
        steps += exclusive.hand_over_again(kept, former, exclusive.exclusive_there(world, live), world)
    steps += leaving
    if forgotten:
        steps.append(Forget(application, forgotten))
    return Plan(application, release, former, tuple(steps))


def tidying(application: str, world: World, drain_timeout: float) -> tuple[list[Step], Routing]:
    """The steps that bring to its end what an interrupted command left, and the routing that remains."""
    there = world.routings.get(application)
    routing = there or Routing(application, 0, None, {})
    taking: list[Step] = []
    for colour in Colour:
        if colour is not routing.live and has_remains(world, routing, colour):
            leaving, routing = leave(routing, colour, drain_timeout)
            taking += leaving
    if live := world.live_release(application):
        leaving, routing = replica_steps.shrink(live.application, routing, world, drain_timeout)
        taking += leaving
    # a command that could not confirm what it wrote has left the gateway with another routing than the file's
    sure = [Restore(application, there, is_check=True)] if taking else []
    return [
        *sure,
        *_unfinished_promotion(application, world),
        *(callers.attach_again(application, world) if world.left else ()),
        *exclusive.unfinished_hand_over(application, world),
        *taking,
    ], routing


def _unfinished_promotion(application: str, world: World) -> list[Step]:
    """A command that was killed right after its cutover has left the live release not promoted last."""
    live = world.live_release(application)
    if live is None:
        return []
    promoted = releases.promotion(live.release, world)
    is_unfinished = promoted != live.release.promoted
    return [Record(application, replace(live.release, promoted=promoted))] if is_unfinished else []
