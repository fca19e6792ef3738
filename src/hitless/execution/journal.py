"""The lock of an application and its journal: who holds the one writes the other."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from hitless.domain import redact
from hitless.domain.errors import HitlessError, LockLost
from hitless.domain.events import Ended, Event, Planned, StepBegan, StepProgress, Undone, Waiting, as_json
from hitless.domain.model import Json
from hitless.ports import Ports


@contextmanager
def journaled(ports: Ports, application: str, holder: str, wait: float) -> Iterator[Ports]:
    """Hold the application's lock; the ports that come back write every event to its journal as well.

    Where another command has it, it is waited for `wait` seconds. Raises `Locked`.
    """

    def taken(by: str) -> None:
        ports.emit(Waiting(application, by))

    with ports.store.lock(application, holder, wait, taken) as held:

        def emit(event: Event) -> None:
            ports.emit(event)
            if not isinstance(event, StepProgress):
                held.write(json.dumps({"time": ports.clock.utc(), **as_json(event)}))
            if isinstance(event, StepBegan):
                insist()

        def insist() -> None:
            if not held.is_held():
                raise LockLost(
                    f"the lock of {application} went away: was the gateway restarted, the connection cut, "
                    "or the lock taken away with hitless unlock?",
                    "see what is there with hitless status; then hitless resume, abort, or deploy again",
                )

        yield replace(ports, emit=emit, insist=insist)


@contextmanager
def discreet(ports: Ports, *models: Json) -> Iterator[Ports]:
    """Show no secret of these Compose models, neither in an event nor in an error."""
    hidden = frozenset(secret for model in models for secret in redact.secrets(model))
    try:
        yield replace(ports, emit=lambda event: ports.emit(redact.redact(event, hidden)))
    except HitlessError as error:
        error.message, error.hint = redact.redact((error.message, error.hint), hidden)
        error.args = (error.message,)
        raise


@contextmanager
def ended(ports: Ports, operation: str, application: str, began: float) -> Iterator[Ports]:
    """Say at the end how it ended: the last event of every command, whatever happens.

    A failure is `failed` where no step was begun or all of them are undone, else `unfinished`.
    """
    is_whole = True

    def emit(event: Event) -> None:
        nonlocal is_whole
        is_whole = isinstance(event, Undone) or (is_whole and not isinstance(event, Planned))
        ports.emit(event)

    outcome = "successful"
    try:
        yield replace(ports, emit=emit)
    except BaseException as error:
        outcome = "failed" if is_whole else "unfinished"
        if isinstance(error, HitlessError):
            error.is_unfinished = not is_whole
        raise
    finally:
        ports.emit(Ended(operation, application, outcome, ports.clock.now() - began))
