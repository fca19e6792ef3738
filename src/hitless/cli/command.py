"""What wraps every verb that changes something: its events are shown, and it ends with `Ended`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

from hitless.cli.options import Options, holder

if TYPE_CHECKING:
    from hitless import wiring
    from hitless.execution.session import Session


@contextmanager
def command(
    options: Options,
    operation: str,
    wait: float = 0.0,
    as_json: bool = False,
    is_brief: bool = False,
    is_silent: bool = False,
) -> Iterator[tuple[wiring.Host, Session]]:
    """The Docker host, and the session of a command that shows every event, or none (`is_silent`).

    `is_brief`: a person sees one line for each deployment, and what fails.
    """
    from hitless.cli.console import ignore
    from hitless.cli.interrupts import hearing
    from hitless.cli.views.events import Shown, events
    from hitless.domain.common.events import Operation
    from hitless.execution.session import Session

    host = options.host()
    shown = Shown(is_brief, options.quiet, options.words(), lambda: host.name())
    with (
        nullcontext(ignore) if is_silent else events(as_json, shown) as emit,
        Session(
            host.ports(hearing(emit)), Operation(operation), options.project_name or "", holder(), wait
        ) as session,
    ):
        yield host, session


@contextmanager
def on_application(options: Options, operation: str, wait: float, as_json: bool) -> Iterator[Session]:
    """The session of a command on an existing application; it needs no more than the name."""
    with command(options, operation, wait, as_json) as (host, session):
        session.application = options.application_name(host)
        yield session
