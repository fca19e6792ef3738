"""The phases of a deployment in a table: what comes next, what a failure does, what a killed command leaves.

Plans name the phase of each step. Execution reads in the table what a failure undoes. `resume` and `abort`
read in it what to do. `make docs` draws docs/reference/phases.md from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from hitless.domain.common.events import StepKind


class Phase(StrEnum):
    """A part of a deployment between two facts."""

    PREPARE = "prepare"
    TIDY = "tidy"
    START = "start"
    GATE = "gate"
    CUT_OVER = "cut-over"
    BAKE = "bake"
    PROMOTE = "promote"
    RETIRE = "retire"
    FINISH = "finish"


class OnFailure(StrEnum):
    """What happens to the work up to now if a step of the phase fails or is interrupted."""

    UNDO = "undo"  # all of it is undone
    GO_BACK = "go back"  # if the release is bad it is undone; if not, it stays for the next command
    KEEP = "keep"  # it stays, and the next command continues from there


class Recovery(StrEnum):
    """What `resume` or `abort` do after a command that was killed."""

    DEPLOY = "deploy"  # the release is deployed again, from its record
    TIDY = "tidy"  # what is live stays, everything else is removed
    GO_BACK = "go back"  # cut over to the previous release, as long as its containers run


@dataclass(frozen=True)
class Row:
    """One phase.

    `steps` are the kinds of steps that can be in it. `fact` is true when the phase is over. `leaves` is what
    a killed command leaves.
    """

    phase: Phase
    steps: frozenset[StepKind]
    next: Phase | None
    fact: str
    on_failure: OnFailure
    leaves: str
    resume: Recovery
    abort: Recovery


_K = StepKind
_HOOKS = {_K.RUN_HOOK, _K.RUN_LOCAL_HOOK}
_LEAVING = {_K.DRAIN, _K.WITHDRAW_ROUTES, _K.RETIRE, _K.DRAIN_INSTANCE, _K.END_INSTANCE}

TABLE: tuple[Row, ...] = (
    Row(
        Phase.PREPARE,
        frozenset({_K.BUILD, _K.PULL, _K.TAG}),
        Phase.TIDY,
        "every image of the release is on the host, under a name of its own",
        OnFailure.UNDO,
        "image tags",
        Recovery.DEPLOY,
        Recovery.TIDY,
    ),
    Row(
        Phase.TIDY,
        frozenset(
            {_K.CONFIRM_ROUTES, _K.PROMOTE, _K.ATTACH, _K.HAND_OVER, _K.CUT_OVER, _K.ANSWER, *_LEAVING}
        ),
        Phase.START,
        "what an earlier command left is gone",
        OnFailure.UNDO,
        "a part of what the earlier command left",
        Recovery.DEPLOY,
        Recovery.TIDY,
    ),
    Row(
        Phase.START,
        frozenset(
            {_K.START_SHARED, _K.CONNECT_SHARED, _K.ATTACH, _K.CREATE, _K.RECORD, _K.PROMOTE}
            | {_K.RUN_JOB, *_HOOKS, _K.START, _K.SHOW_ROUTES, _K.START_INSTANCE}
        ),
        Phase.GATE,
        "the candidate is started, and the gateway alone can reach it by its routes",
        OnFailure.UNDO,
        "containers and networks of the candidate, its routes, its record",
        Recovery.DEPLOY,
        Recovery.TIDY,
    ),
    Row(
        Phase.GATE,
        frozenset({_K.GET_CERTIFICATES, _K.GATE, _K.PROVE_INSTANCE, *_HOOKS}),
        Phase.CUT_OVER,
        "the candidate is ready",
        OnFailure.UNDO,
        "the candidate, without requests",
        Recovery.DEPLOY,
        Recovery.TIDY,
    ),
    Row(
        Phase.CUT_OVER,
        frozenset(
            {_K.CUT_OVER, _K.ADD_REPLICAS, _K.SWITCH_INSTANCE, _K.LET_WAIT, _K.DRAIN, _K.STOP_EXCLUSIVE}
            | {_K.RUN_JOB, *_HOOKS, _K.HAND_OVER, _K.GATE}
        ),
        Phase.BAKE,
        "every new request goes to the candidate",
        OnFailure.UNDO,
        "the candidate, without requests, or requests that wait for an exclusive service",
        Recovery.DEPLOY,
        Recovery.TIDY,
    ),
    Row(
        Phase.BAKE,
        frozenset({_K.ANSWER, _K.ATTACH, _K.BAKE, _K.HAND_OVER}),
        Phase.PROMOTE,
        "the candidate is still well, and works alone where two must not",
        OnFailure.GO_BACK,
        "the candidate live, and the previous release warm",
        Recovery.TIDY,
        Recovery.GO_BACK,
    ),
    Row(
        Phase.PROMOTE,
        frozenset({_K.RECORD, _K.PROMOTE, _K.SETTLE, *_HOOKS}),
        Phase.RETIRE,
        "the release is written down as live",
        OnFailure.KEEP,
        "the candidate live, and the previous release warm",
        Recovery.TIDY,
        Recovery.GO_BACK,
    ),
    Row(
        Phase.RETIRE,
        frozenset({*_LEAVING, *_HOOKS, _K.FORGET}),
        None,
        "the previous release has answered its last request, and is gone",
        OnFailure.KEEP,
        "the candidate live, and what remains of the previous release",
        Recovery.TIDY,
        Recovery.GO_BACK,
    ),
    Row(
        Phase.FINISH,
        frozenset(StepKind),
        None,
        "all is done; resume, abort, down, adopt and shared up have only this phase, and are never undone",
        OnFailure.KEEP,
        "a part of it",
        Recovery.TIDY,
        Recovery.TIDY,
    ),
)
"""The phases in the order of a deployment; `FINISH` is not part of a deployment."""


def row(phase: Phase) -> Row:
    """The row of this phase."""
    return next(one for one in TABLE if one.phase is phase)


def is_live_after(phase: Phase) -> bool:
    """Whether the release of a command is live when the phase begins."""
    order = [one.phase for one in TABLE]
    return order.index(Phase.CUT_OVER) < order.index(phase) < order.index(Phase.FINISH)
