"""What the journal of an application says: one run for each command, from its events. Pure.

A line is an event as JSON with its time. A line that can't be read is left out: a killed writer leaves at
most half a line, and a line that a full disk swallowed is lost.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from hitless.domain.common.durations import ago, duration
from hitless.domain.common.events import Outcome, StepId, StepKind
from hitless.domain.common.foreign import Json
from hitless.domain.common.names import Colour


@dataclass(frozen=True)
class Run:
    """One command's work on an application, as its journal has it.

    `release` is 0 for a command that concerns none; `began` is an ISO time in UTC; `step` is the first step
    that failed, or else the last that began: "" before the first, and a sentence if an older hitless wrote
    it. `reason` is why that step failed, or "". `outcome` is that of the `Ended` event; without one it is "",
    and the command is at work, or was killed. `events` are all of them, with their times.
    """

    operation: str
    release: int
    holder: str
    revision: str
    began: str
    step: StepId | str
    outcome: str
    seconds: float
    events: tuple[Json, ...]
    reason: str = ""

    @property
    def is_left(self) -> bool:
        """Whether something is left of it, if it is over at all."""
        return self.outcome in ("", "unfinished")


@dataclass(frozen=True)
class Holder:
    """Who has the application's lock: for how many seconds, and how long ago it last gave a sign of life.

    `has_ended`: hitless itself has ended, and a Docker command that it began is still at work.
    """

    name: str
    seconds: float
    quiet: float
    has_ended: bool = False

    def describe(self) -> str:
        """Who, since when, and whether it still shows signs of life."""
        if self.has_ended:
            return f"{self.name}, which has ended, and left a Docker command at work"
        return f"{self.name}, for {duration(self.seconds)}, last sign of life {ago(self.quiet)}"


@dataclass(frozen=True)
class Waited:
    """How long the first request waited, in seconds, while a release changed over."""

    release: int
    seconds: float


def runs(journal: str) -> tuple[Run, ...]:
    """Every run whose beginning is in the text, the oldest first."""
    found: list[list[Json]] = []
    for event in _events(journal.splitlines()):
        if event["event"] == "began":
            found.append([])
        if found:
            found[-1].append(event)
    return tuple(_run(events) for events in found)


def last_waited(runs: Sequence[Run]) -> Waited | None:
    """How long requests waited at the last changeover that went well; None: the journal knows of none.

    The events must have all steps: those of a `World` do not.
    """
    for run in reversed(runs):
        seconds = _waited(run.events) if run.outcome == Outcome.SUCCESSFUL else None
        if seconds is not None:
            return Waited(run.release, seconds)
    return None


def took(runs: Sequence[Run], operation: str) -> float:
    """How many seconds the last such command took that went well; 0 if there is none."""
    such = (run for run in reversed(runs) if run.operation == operation and run.outcome == Outcome.SUCCESSFUL)
    return next((run.seconds for run in such), 0.0)


def _waited(events: Iterable[Json]) -> float | None:
    """The seconds of the steps from the wait to the answer, of the last such ones."""
    since = found = None
    for event in events:
        step = step_of(event.get("step")) if event["event"] == "step_done" else ""
        if not isinstance(step, StepId):
            continue
        if step.kind is StepKind.LET_WAIT:
            since = 0.0
        if since is not None:
            since += float(event.get("seconds") or 0)
        if since is not None and step.kind is StepKind.ANSWER:
            found, since = since, None
    return found


def step_of(value: object) -> StepId | str:
    """A step as an event of the journal has it; a sentence if an older hitless wrote it."""
    if not isinstance(value, dict):
        return str(value or "")
    try:
        return StepId(
            kind=StepKind(value["kind"]),
            colour=Colour(value["colour"]) if value.get("colour") else None,
            release=int(value.get("release") or 0),
            subjects=tuple(map(str, value.get("subjects") or ())),
            to=tuple(map(str, value.get("to") or ())),
            seconds=float(value.get("seconds") or 0),
        )
    except (LookupError, ValueError, TypeError):  # a newer hitless wrote it
        return str(value.get("kind") or "")


def _events(lines: Iterable[str]) -> Iterable[Json]:
    for line in lines:
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict) and isinstance(event.get("event"), str):
            yield event


def _run(events: list[Json]) -> Run:
    began: dict[str, Any] = dict(events[0])
    began_steps = [event for event in events if event["event"] == "step_began"]
    failed = [event for event in events if event["event"] == "step_failed"]
    steps = failed[:1] or began_steps[-1:]
    ended = [event for event in events if event["event"] == "ended"]
    release = began.get("release")
    return Run(
        operation=str(began.get("operation", "")),
        release=release if isinstance(release, int) else 0,
        holder=str(began.get("holder", "")),
        revision=str(began.get("revision", "")),
        began=str(began.get("time", "")),
        step=step_of(steps[0].get("step")) if steps else "",
        outcome=str(ended[-1].get("outcome", "")) if ended else "",
        seconds=float(ended[-1].get("seconds") or 0) if ended else 0.0,
        events=tuple(events),
        reason=str(failed[0].get("message", "")) if failed else "",
    )
