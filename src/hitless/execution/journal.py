"""The lock of an application and its journal: who holds the one writes the other."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from hitless.domain.common import redact
from hitless.domain.common.errors import DockerFailed, HitlessError, LockLost
from hitless.domain.common.events import (
    Began,
    Ended,
    Event,
    Operation,
    Outcome,
    Planned,
    StepBegan,
    StepProgress,
    Undone,
    Waiting,
    as_json,
)
from hitless.domain.common.foreign import Json
from hitless.ports import Ports


@contextmanager
def journaled(ports: Ports, application: str, holder: str, wait: float) -> Iterator[Ports]:
    """Hold the application's lock; the ports that come back write every event to its journal as well.

    Where another command has it, it is waited for `wait` seconds. Raises `Locked`.
    """

    def taken(by: str) -> None:
        ports.emit(Waiting(application, by))

    with ports.state.lock(application, holder, wait, taken) as held:

        def emit(event: Event) -> None:
            ports.emit(event)
            if not isinstance(event, StepProgress):
                held.write(json.dumps(as_json(event, ports.clock.utc())))
            if isinstance(event, Began | StepBegan):
                insist()

        def insist() -> None:
            if not held.is_held():
                raise LockLost(application)

        yield replace(ports, emit=emit, insist=insist)


@contextmanager
def discreet(ports: Ports, *models: Json) -> Iterator[Ports]:
    """Show no secret of these Compose models, neither in an event nor in an error."""
    hidden = redact.secrets(*models)
    try:
        yield replace(ports, emit=lambda event: ports.emit(redact.redact(event, hidden)))
    except HitlessError as error:
        error.message, error.hint = redact.redact((error.message, error.hint), hidden)
        error.args = (error.message,)
        raise


def _lost(ports: Ports) -> LockLost | None:
    try:
        ports.insist()
    except LockLost as lost:
        return lost
    except HitlessError:
        return None  # the gateway does not answer, which is told by the error that led here
    return None


@contextmanager
def ended(
    ports: Ports, operation: Operation, application: str, began: float, is_whole: bool = True
) -> Iterator[Ports]:
    """Say at the end how it ended: the last event of every command, whatever happens.

    A failure is `failed` where no step was begun or all of them are undone, else `unfinished`, as it is
    where the lock has gone, for then nobody knows what is there. `is_whole` is False where something was done
    before, and stays.
    """

    def emit(event: Event) -> None:
        nonlocal is_whole
        is_whole = isinstance(event, Undone) or (is_whole and not isinstance(event, Planned))
        ports.emit(event)

    outcome = Outcome.SUCCESSFUL
    try:
        yield replace(ports, emit=emit)
    except BaseException as error:
        lost = _lost(ports) if isinstance(error, HitlessError) else None
        outcome = Outcome.FAILED if is_whole and not lost else Outcome.UNFINISHED
        if isinstance(error, HitlessError):
            error.is_unfinished = outcome is Outcome.UNFINISHED
            if lost and not isinstance(error, LockLost | DockerFailed):
                lost.is_unfinished = True
                raise lost from error
        raise
    finally:
        ports.emit(Ended(operation, application, outcome, ports.clock.now() - began))
