"""How a command ends, as its exit code."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """The README has a table of them, for users."""

    DONE = 0
    # refused, or failed and undone: the release that was live is live
    FAILED = 1
    # click's own
    WRONG_USAGE = 2
    BUG = 3
    # something is left for `hitless resume`, `abort`, or the next deployment
    UNFINISHED = 4
    # another command works on the application, or on the gateway
    LOCKED = 5
    # done, but a hook after the cutover failed
    HOOK_FAILED = 6
    # `hitless prove`: a request or a session was lost
    LOST = 7
    INTERRUPTED = 130
