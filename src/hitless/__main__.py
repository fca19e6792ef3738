"""`python -m hitless`, and the one place where errors become exit codes."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from io import TextIOWrapper
from types import FrameType
from typing import NoReturn

from hitless.cli.exit_codes import ExitCode
from hitless.cli.main import hitless
from hitless.domain.common.errors import HitlessError, HookFailed, Locked

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_MOMENT = 0.01
_ended: list[bool] = []  # for each interrupt, whether it has ended a Docker command that was under way
_dropped: list[object] = []  # interrupts that Python has dropped


def main() -> None:
    """Run the command line; end the process with its exit code (2 is click's, for wrong usage)."""
    for number in _SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:  # `nohup` sets it to that
            signal.signal(number, _interrupt)
    sys.unraisablehook = _insist
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # a character that a terminal can't show is no reason to end in the middle
            stream.reconfigure(errors="replace")
    try:
        # without standalone mode click returns the code of a verb that ended itself
        sys.exit(hitless(prog_name="hitless", standalone_mode=False) or ExitCode.DONE)
    except HitlessError as error:
        signal.setitimer(signal.ITIMER_REAL, 0)
        from hitless.cli.console import complain

        with suppress(OSError):  # nobody reads it any longer
            complain(error)
        if _dropped and not error.is_unfinished:  # it is of a command that the interrupt has ended
            _end_interrupted()
        sys.exit(_exit_code(error))
    except KeyboardInterrupt:
        _end_interrupted()
    except Exception as error:
        _click_or_bug(error)


def _exit_code(error: HitlessError) -> ExitCode:
    match error:
        case Locked():
            return ExitCode.LOCKED
        case HookFailed():
            return ExitCode.HOOK_FAILED
        case _:
            return ExitCode.UNFINISHED if error.is_unfinished else ExitCode.FAILED


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    """The first time, undo what was begun, or leave it if that fails; the second time, stop at once.

    An undo that is under way is not ended: nobody else would do it.
    """
    from hitless.cli.interrupts import say, undo_limit
    from hitless.wiring import kill_running

    for number in _SIGNALS:
        if signal.getsignal(number) is _interrupt:
            signal.signal(number, _stop)
    limit = undo_limit()
    if limit is not None:
        takes = f", which may take {limit:.0f} s" if limit else ""
        say(f"interrupted: hitless undoes what was done{takes} (again: it stops at once)")
        return
    _ended.append(kill_running())
    say("interrupted: hitless ends in order now (again: it stops at once)")
    raise KeyboardInterrupt


def _insist(lost: sys.UnraisableHookArgs) -> None:
    """Interrupt again, a moment later, if Python dropped it: in a finalizer nobody can raise anything."""
    if lost.exc_type is not KeyboardInterrupt:
        sys.__unraisablehook__(lost)
        return
    _dropped.append(lost)
    if any(_ended):
        return  # the command that was under way fails, and what it belongs to is undone for that

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, _MOMENT)


def _stop(_signal: int, _frame: FrameType | None) -> None:
    """End as a kill would, which is safe at any point: the next command sees what is there."""
    from hitless.cli.interrupts import say_last
    from hitless.wiring import kill_running

    say_last("stopped at once; see hitless status, then hitless resume, abort, or deploy again")
    kill_running()
    os._exit(ExitCode.INTERRUPTED)


def _end_interrupted() -> NoReturn:
    with suppress(OSError):
        print("interrupted", file=sys.stderr)
    sys.exit(ExitCode.INTERRUPTED)


def _click_or_bug(error: Exception) -> None:
    import click

    if isinstance(error, click.ClickException):
        error.show()
        sys.exit(error.exit_code)
    # click raises Abort for a KeyboardInterrupt, and CPython 3.11 a RuntimeError for one in `__set_name__`
    if isinstance(error, click.Abort) or isinstance(error.__cause__, KeyboardInterrupt):
        _end_interrupted()
    import traceback

    from hitless.cli.visible import visible

    print(visible("".join(traceback.format_exception(error))), file=sys.stderr)
    print("\nThis is a bug in hitless; please report it with the lines above.", file=sys.stderr)
    sys.exit(ExitCode.BUG)


if __name__ == "__main__":
    main()
