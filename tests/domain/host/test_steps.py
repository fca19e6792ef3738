"""The steps of a command, as far as they are, from its journal."""

from __future__ import annotations

import json
from typing import Any

from hitless.domain.common.events import StepId, StepKind, step_json
from hitless.domain.common.names import Colour
from hitless.domain.host.journal import Run, runs
from hitless.domain.host.steps import StepSeen, StepState, steps

BUILD = StepId(StepKind.BUILD, subjects=("web",))
CREATE = StepId(StepKind.CREATE, Colour.GREEN, 2)
GATE = StepId(StepKind.GATE, Colour.GREEN)
REMOVE = StepId(StepKind.REMOVE, Colour.GREEN)


def event(kind: str, step: StepId | None = None, **more: Any) -> dict[str, Any]:
    of = {"step": step_json(step)} if step else {}
    return {"time": "2026-01-01T00:00:01+00:00", "event": kind, **of, **more}


BEGAN = event("began", operation="deploy", application="shop", release=2, holder="ann@there, process 1")
PLANNED = event("planned", steps=[step_json(one) for one in (CREATE, GATE)])


def run(*events: dict[str, Any]) -> Run:
    return runs("\n".join(map(json.dumps, (BEGAN, *events))))[-1]


def states(found: tuple[StepSeen, ...]) -> list[tuple[object, str]]:
    return [(one.step, one.state) for one in found]


def test_what_has_begun_stands_before_what_is_planned() -> None:
    events = (
        event("step_began", BUILD),
        event("step_done", BUILD, seconds=1.5, detail="cached"),
        PLANNED,
        event("step_began", CREATE),
    )
    found = steps(run(*events), is_under_way=True)
    assert states(found) == [
        (BUILD, StepState.DONE),
        (CREATE, StepState.RUNNING),
        (GATE, StepState.WAITING),
    ]
    assert (found[0].seconds, found[0].detail, found[1].began) == (1.5, "cached", "2026-01-01T00:00:01+00:00")


def test_a_command_that_was_killed_has_left_its_step_and_skipped_the_rest() -> None:
    found = steps(run(PLANNED, event("step_began", CREATE)), is_under_way=False)
    assert states(found) == [(CREATE, StepState.LEFT), (GATE, StepState.SKIPPED)]


def test_a_failure_has_its_cause_and_what_undoes_it_comes_after_it() -> None:
    failed = event("step_failed", GATE, seconds=3, message="503", hint="look", logs={"web-1": "no"})
    events = (
        PLANNED,
        event("step_began", CREATE),
        event("step_done", CREATE, seconds=1),
        event("step_began", GATE),
        failed,
        event("step_began", REMOVE),
        event("step_done", REMOVE, seconds=1),
        event("undone"),
        event("ended", outcome="failed", seconds=5),
    )
    found = steps(run(*events), is_under_way=False)
    assert [one.state for one in found] == [StepState.DONE, StepState.FAILED, StepState.DONE]
    assert (found[1].message, found[1].hint, dict(found[1].logs)) == ("503", "look", {"web-1": "no"})


def test_a_step_that_is_done_twice_stands_twice() -> None:
    twice = [event("step_began", CREATE), event("step_done", CREATE, seconds=1)] * 2
    assert states(steps(run(PLANNED, *twice), True)) == [
        (CREATE, StepState.DONE),
        (CREATE, StepState.DONE),
        (GATE, StepState.WAITING),
    ]


def test_what_another_hitless_wrote_is_shown_as_far_as_it_can_be() -> None:
    events = (
        {"event": "step_began", "time": "", "step": "create green"},
        {"event": "step_done", "step": "create green", "seconds": "soon"},
        {"event": "step_done", "step": "nothing began this"},
        {"event": "planned", "steps": None},
        {"event": "step_failed", "logs": []},
    )
    found = steps(run(*events), True)
    assert found == (StepSeen("create green", StepState.DONE),)
