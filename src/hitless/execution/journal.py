"""The lock of an application and its journal: who holds the one writes the other."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from hitless.domain.errors import LockLost
from hitless.domain.events import Ended, Event, Live, StepBegan, StepFailed, StepProgress, as_json
from hitless.ports import Ports


@contextmanager
def journaled(ports: Ports, application: str, holder: str) -> Iterator[Ports]:
    """Hold the application's lock; the ports that come back write every event to its journal as well."""
    with ports.store.lock(application, holder) as held:

        def emit(event: Event) -> None:
            ports.emit(event)
            if not isinstance(event, StepProgress):
                held.write(json.dumps({"time": ports.clock.utc(), **as_json(event)}))
            if isinstance(event, StepBegan) and not held.is_held():
                raise LockLost(
                    f"the lock of {application} went away: was the gateway restarted, or the connection cut?",
                    "see what is there with hitless status; the next hitless deploy puts it right",
                )

        yield replace(ports, emit=emit)


@contextmanager
def ended(ports: Ports, operation: str, application: str, began: float) -> Iterator[Ports]:
    """Say at the end how it ended: the last event of every command, whatever happens.

    A failure is `unfinished` where the new release is live all the same, or where the undo failed as well.
    """
    seen: list[Event] = []

    def emit(event: Event) -> None:
        seen.append(event)
        ports.emit(event)

    outcome = "failed"
    try:
        yield replace(ports, emit=emit)
        outcome = "successful"
    except BaseException:
        failures = sum(isinstance(event, StepFailed) for event in seen)
        if failures > 1 or any(isinstance(event, Live) for event in seen):
            outcome = "unfinished"
        raise
    finally:
        ports.emit(Ended(operation, application, outcome, ports.clock.now() - began))
