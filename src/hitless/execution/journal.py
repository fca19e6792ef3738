"""The lock of an application and its journal: who holds the one writes the other."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from hitless.domain.events import Ended, Event, StepProgress, as_json
from hitless.ports import Ports


@contextmanager
def journaled(ports: Ports, application: str, holder: str) -> Iterator[Ports]:
    """Hold the application's lock; the ports that come back write every event to its journal as well."""
    with ports.store.lock(application, holder) as write:

        def emit(event: Event) -> None:
            if not isinstance(event, StepProgress):
                write(json.dumps({"time": ports.clock.utc(), **as_json(event)}))
            ports.emit(event)

        yield replace(ports, emit=emit)


@contextmanager
def ended(ports: Ports, operation: str, application: str, began: float) -> Iterator[None]:
    """Say at the end how it ended: the last event of every command, whatever happens."""
    outcome = "failed"
    try:
        yield
        outcome = "successful"
    finally:
        ports.emit(Ended(operation, application, outcome, ports.clock.now() - began))
