"""What every verb that works on an application does first."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from hitless.cli.ending import ending
from hitless.cli.options import Options, holder

if TYPE_CHECKING:
    from hitless.execution.operations import Request
    from hitless.ports import Ports


@contextmanager
def on_application(
    options: Options, operation: str, wait: float, as_json: bool
) -> Iterator[tuple[Ports, str, Request]]:
    """The ports, which show every event, the application's name, and who asks."""
    from hitless.cli.console import events
    from hitless.execution.operations import Request

    with ending(operation, options.project_name, as_json) as end:
        host = options.host()
        name = end.application = options.application_name(host)
        with events(as_json) as emit:
            yield host.ports(end.heard(emit)), name, Request(holder=holder(), wait=wait)
