"""The steps of one command, as far as they are, from its events in the journal. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from hitless.domain.common.events import StepId
from hitless.domain.host.journal import Run, step_of


class StepState(StrEnum):
    """How far a step is. `left`: it had begun when its command ended; `skipped`: it never began."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    LEFT = "left"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class StepSeen:
    """A step of a command; a sentence in place of its id if an older hitless wrote it.

    `began` is an ISO time in UTC, "" before; `seconds` is how long it took, 0 before its end. `detail` is
    what it told, `message` and `hint` are why it failed, `logs` maps container -> last lines.
    """

    step: StepId | str
    state: StepState
    began: str = ""
    seconds: float = 0.0
    detail: str = ""
    message: str = ""
    hint: str = ""
    logs: Mapping[str, str] = field(default_factory=dict)


def steps(run: Run, is_under_way: bool) -> tuple[StepSeen, ...]:
    """The steps in the order in which they began, and then those that are planned.

    `is_under_way`: the command is at work. If it is not, and has not told its end, it was interrupted.
    """
    found: list[StepSeen] = []
    for event in run.events:
        match event["event"]:
            case "planned":
                planned = (step_of(one) for one in event.get("steps") or ())
                known = {one.step for one in found}
                found += [StepSeen(one, StepState.WAITING) for one in planned if one not in known]
            case "step_began":
                step = step_of(event.get("step"))
                _begin(found, StepSeen(step, StepState.RUNNING, str(event.get("time", ""))))
            case "step_done":
                _end(found, event.get("step"), StepState.DONE, event)
            case "step_failed":
                _end(found, event.get("step"), StepState.FAILED, event)
            case _:
                pass
    is_over = bool(run.outcome) or not is_under_way
    over = {StepState.RUNNING: StepState.LEFT, StepState.WAITING: StepState.SKIPPED}
    return tuple(replace(one, state=over.get(one.state, one.state)) if is_over else one for one in found)


def _begin(found: list[StepSeen], begun: StepSeen) -> None:
    """It takes the place of the planned one. Others, as those of an undo, come before what is planned."""
    for place, one in enumerate(found):
        if one.step == begun.step and one.state is StepState.WAITING:
            found[place] = begun
            return
    waiting = (place for place, one in enumerate(found) if one.state is StepState.WAITING)
    found.insert(next(waiting, len(found)), begun)


def _end(found: list[StepSeen], step: object, state: StepState, event: Mapping[str, object]) -> None:
    ended = step_of(step)
    for place, one in reversed(list(enumerate(found))):
        if one.step == ended and one.state is StepState.RUNNING:
            found[place] = replace(
                one,
                state=state,
                seconds=_number(event.get("seconds")),
                detail=str(event.get("detail") or ""),
                message=str(event.get("message") or ""),
                hint=str(event.get("hint") or ""),
                logs=_texts(event.get("logs")),
            )
            return


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _texts(value: object) -> dict[str, str]:
    return {str(name): str(text) for name, text in value.items()} if isinstance(value, dict) else {}
