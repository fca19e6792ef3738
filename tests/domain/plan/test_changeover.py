"""Deployments of services that must not run twice: requests wait while they change over."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from hitless.domain.common.errors import HitlessError
from hitless.domain.common.events import StepKind
from hitless.domain.common.foreign import Json
from hitless.domain.common.names import Colour
from hitless.domain.host.world import World
from hitless.domain.plan.deploy import plan_deploy
from hitless.domain.plan.model import Plan
from hitless.domain.plan.phases import Phase
from hitless.domain.plan.routing_steps import Answer, CutOver, Gate, LetWait
from hitless.domain.plan.steps import Drain, HandOver, Start, Stop
from hitless.domain.release.model import Release
from hitless.domain.routing.split import BackendRouting, Server
from tests.domain.builders import (
    GATEWAY,
    compose,
    container,
    image,
    part,
    prepared,
    router,
    routing,
    unrouted,
    web,
    world,
)
from tests.domain.plan.situations import of

BEHIND = replace(GATEWAY, networks={GATEWAY.network_of("shop"): "10.213.0.2"})
DATA = {"type": "volume", "source": "data", "target": "/data"}
ALONE = web(volumes=[DATA])


def release_of(services: Json, number: int, **keys: Any) -> Release:
    images = {name: image(8000) for name in services}
    return Release(number, "2026-01-01T00:00:00Z", "", images, compose(services, **keys), promoted=number)


def live_world(services: Json, *, has_record: bool = True) -> World:
    """Release 1 is live on blue, with a container for each service."""
    backend = BackendRouting((Server("http://shop-blue-app-1:8000"),))
    live = routing(Colour.BLUE, {Colour.BLUE: part(1, router(), backends={"shop": backend})})
    found = world(
        live,
        releases=(release_of(services, 1),) if has_record else (),
        containers=tuple(container(Colour.BLUE, 1, name) for name in services),
    )
    return replace(found, gateway=BEHIND)


def plan(services: Json, found: World | None = None, **keys: Any) -> Plan:
    release = replace(release_of(services, 2, **keys), promoted=0)
    return plan_deploy(prepared(services, **keys), release, found or live_world(services), BEHIND)


def kinds(made: Plan) -> list[StepKind]:
    return [step.id.kind for step in made.steps]


def after(made: Plan, kind: StepKind) -> list[StepKind]:
    return kinds(made)[kinds(made).index(kind) + 1 :]


def test_the_old_one_stops_before_the_new_one_starts_and_requests_wait() -> None:
    made = plan({"app": ALONE})
    assert kinds(made)[:9] == [
        *(StepKind.CREATE, StepKind.SHOW_ROUTES, StepKind.RECORD, StepKind.LET_WAIT, StepKind.DRAIN),
        *(StepKind.STOP_EXCLUSIVE, StepKind.HAND_OVER, StepKind.GATE, StepKind.CUT_OVER),
    ]
    assert after(made, StepKind.CUT_OVER)[0] is StepKind.ANSWER
    [wait], [answer] = of(made.steps, LetWait), of(made.steps, Answer)
    assert (wait.routing.live, wait.routing.waiting.address) == (Colour.BLUE, "10.213.0.2")
    assert (answer.routing.live, answer.routing.waiting) == (Colour.GREEN, None)
    assert of(made.steps, Stop)[0].services == ("app",)
    # of those that waited at a changeover before, some may still be answered
    assert of(made.steps, Drain)[0].waited == ("10.213.0.2",)
    assert of(made.steps, Drain)[1].waited == ()


def test_without_a_live_release_nobody_waits() -> None:
    made = plan({"app": ALONE}, replace(world(), gateway=BEHIND))
    assert not {StepKind.LET_WAIT, StepKind.HAND_OVER, StepKind.ANSWER} & {*kinds(made)}
    assert of(made.steps, Start)[0].services == ("app",)


def test_if_two_may_write_nobody_waits() -> None:
    services = {"app": web(volumes=[DATA], x_hitless={"concurrent_writes": True})}
    # the live release was exclusive: it is not stopped while it answers
    made = plan(services, live_world({"app": ALONE}))
    assert not {StepKind.LET_WAIT, StepKind.HAND_OVER, StepKind.STOP_EXCLUSIVE} & {*kinds(made)}


def test_what_may_run_beside_the_old_one_is_ready_before_requests_wait() -> None:
    made = plan({"app": ALONE, "worker": unrouted("shop:2", build={"context": "."})})
    assert of(made.steps, Start)[0].services == ("worker",)
    assert kinds(made).index(StepKind.GATE) < kinds(made).index(StepKind.LET_WAIT)
    [early, late] = of(made.steps, Gate)
    assert [one.service for one in early.readiness] == ["worker"]
    assert [one.service for one in late.readiness] == ["app"]


def test_what_waits_for_an_exclusive_service_changes_over_with_it() -> None:
    proxy = web(depends_on={"app": {"condition": "service_started"}})
    app = unrouted(volumes=[DATA], x_hitless={"exclusive": True, "role": "worker"})
    made = plan({"proxy": proxy, "app": app})
    assert of(made.steps, Stop)[0].services == ("app",)  # the proxy keeps nothing
    assert of(made.steps, HandOver)[0].services == ("proxy", "app")


def test_a_worker_that_nobody_needs_is_handed_over_after_the_cutover() -> None:
    made = plan({"app": web(), "beat": unrouted(command=["celery", "beat"])})
    assert StepKind.LET_WAIT not in kinds(made)
    assert StepKind.HAND_OVER in after(made, StepKind.CUT_OVER)


def test_what_works_on_its_volumes_does_so_when_the_old_one_has_stopped() -> None:
    ends = {"condition": "service_completed_successfully"}
    services = {
        "app": web(volumes=[DATA], depends_on={"migrate": ends, "fetch": ends}),
        "migrate": unrouted(volumes=[DATA]),
        "fetch": unrouted(),
    }
    hooks = {
        "before-start": {"service": "app", "command": "backup"},
        "before-cutover": {"service": "app", "command": "smoke"},
    }
    made = plan(services, x_hitless={"hooks": hooks})
    run = [step.id for step in made.steps if step.id.kind in (StepKind.RUN_JOB, StepKind.RUN_HOOK)]
    stop = kinds(made).index(StepKind.STOP_EXCLUSIVE)
    late = [made.steps.index(step) > stop for step in made.steps if step.id in run]
    assert [one.subjects[0] for one in run] == [
        *("fetch", "hook-before-start-1", "migrate", "hook-before-cutover-1")
    ]
    assert late == [False, True, True, True]
    assert kinds(made).index(StepKind.HAND_OVER) < made.steps.index(
        made.steps[kinds(made).index(StepKind.CUT_OVER)]
    )


def test_an_undo_starts_the_old_one_again_and_runs_each_hook_once() -> None:
    made = plan({"app": ALONE}, x_hitless={"hooks": {"on-failure": {"local": "./alarm.sh"}}})
    undo = [step.id.kind for step in made.undo(kinds(made).index(StepKind.CUT_OVER))]
    assert undo[:5] == [
        *(StepKind.STOP_EXCLUSIVE, StepKind.RUN_LOCAL_HOOK, StepKind.HAND_OVER, StepKind.CUT_OVER),
        StepKind.ANSWER,
    ]
    assert undo.count(StepKind.RUN_LOCAL_HOOK) == 1
    # the old one may have stopped, and there is nothing to put back yet
    drained = [step.id.kind for step in made.undo(kinds(made).index(StepKind.STOP_EXCLUSIVE) + 1)]
    assert drained[:4] == [*(StepKind.HAND_OVER, StepKind.CUT_OVER, StepKind.ANSWER, StepKind.RESTORE_ROUTES)]
    # and if nobody waits yet, the hook still runs
    early = [step.id.kind for step in made.undo(1)]
    assert early[0] is StepKind.RUN_LOCAL_HOOK


def test_a_release_that_fails_in_its_bake_changes_over_in_the_other_direction() -> None:
    made = plan({"app": ALONE})
    bake = kinds(made).index(StepKind.BAKE) + 1
    assert made.actions[bake - 1].phase is Phase.BAKE
    undo = made.undo(bake)
    assert [step.id.kind for step in undo][:7] == [
        *(StepKind.LET_WAIT, StepKind.DRAIN, StepKind.STOP_EXCLUSIVE, StepKind.HAND_OVER),
        *(StepKind.CUT_OVER, StepKind.ANSWER, StepKind.RESTORE_ROUTES),
    ]
    [back] = of(undo, CutOver)
    assert back.routing.live is Colour.BLUE
    # a generation that was there before would be taken for this one
    assert back.routing.generation > of(made.steps, CutOver)[0].routing.generation


def test_a_live_release_that_could_not_be_brought_back_is_not_stopped() -> None:
    services = {"app": ALONE}
    with pytest.raises(HitlessError, match="could not be brought back"):
        plan(services, live_world(services, has_record=False))
