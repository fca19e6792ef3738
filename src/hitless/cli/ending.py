"""What `--json` ends with, however a command ends."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hitless.domain.common.events import Event


@dataclass
class Ending:
    """Whether the end of a command has been told; `application` is its name as far as it is known."""

    application: str
    is_told: bool = False

    def heard(self, emit: Callable[[Event], None]) -> Callable[[Event], None]:
        """The same function for events, which is listened to."""

        def hearing(event: Event) -> None:
            emit(event)
            self.is_told = type(event).__name__ == "Ended"

        return hearing


@contextmanager
def ending(operation: str, application: str | None, as_json: bool) -> Iterator[Ending]:
    """Tell a program how the command ended where no event has: it was refused, or had nothing to do."""
    began = time.monotonic()
    it = Ending(application or "")
    outcome = "SUCCESSFUL"
    try:
        yield it
    except BaseException as error:
        outcome = "UNFINISHED" if getattr(error, "is_unfinished", False) else "FAILED"
        raise
    finally:
        if as_json and not it.is_told:
            import json
            from datetime import UTC, datetime

            from hitless.domain.common.events import Ended, Operation, Outcome
            from hitless.domain.common.events import as_json as as_object

            ended = Ended(Operation(operation), it.application, Outcome[outcome], time.monotonic() - began)
            with suppress(OSError):  # nobody reads it any more
                print(
                    json.dumps(as_object(ended, datetime.now(UTC).isoformat(timespec="milliseconds"))),
                    flush=True,
                )
