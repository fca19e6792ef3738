"""`python -m hitless`, and the one place where errors become exit codes."""

from __future__ import annotations

import signal
import sys
from types import FrameType
from typing import NoReturn

from hitless.cli.main import hitless
from hitless.domain.errors import HitlessError

FAILED = 1  # your input or your environment; what was live is live
BUG = 3
INTERRUPTED = 130


def main() -> None:
    """Run the command line; end the process with its exit code (2 is click's, for wrong usage)."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        # without standalone mode click returns the code of a verb that ended itself
        sys.exit(hitless(standalone_mode=False) or 0)
    except HitlessError as error:
        from hitless.cli.console import complain

        complain(error)
        sys.exit(FAILED)
    except KeyboardInterrupt:
        _end_interrupted()
    except Exception as error:
        _click_or_bug(error)


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    from hitless.wiring import kill_running

    kill_running()
    raise KeyboardInterrupt


def _end_interrupted() -> NoReturn:
    print("interrupted", file=sys.stderr)
    sys.exit(INTERRUPTED)


def _click_or_bug(error: Exception) -> None:
    import click

    if isinstance(error, click.ClickException):
        error.show()
        sys.exit(error.exit_code)
    if isinstance(error, click.Abort):  # what click makes of a KeyboardInterrupt
        _end_interrupted()
    import traceback

    traceback.print_exception(error)
    print("\nThis is a bug in hitless; please report it with the lines above.", file=sys.stderr)
    sys.exit(BUG)


if __name__ == "__main__":
    main()
