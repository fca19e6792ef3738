"""What tells the gateway that hitless is there, and that commands are which it began.

The process in the gateway that holds the lock ends with its standard input. That must not end while a Docker
command runs on that a killed hitless has begun; but who comes next must be able to tell such a remnant, for
which it can wait, from a hitless that is at work. So a process here passes on what hitless writes. The kernel
tells it when hitless has ended: then it says so, and waits until every command has ended that has `commands`.
"""

from __future__ import annotations

import os
import subprocess
from contextlib import suppress
from dataclasses import dataclass

LEFT = "left"  # what it says then
_SCRIPT = f'cat; echo {LEFT}; exec cat "/dev/fd/$0"'


@dataclass(frozen=True)
class Lifeline:
    """`commands` is the file descriptor that commands get, `end` that of what comes out of it."""

    process: subprocess.Popen[bytes]
    commands: int

    @property
    def end(self) -> int:
        """The file descriptor of what comes out of it."""
        assert self.process.stdout
        return self.process.stdout.fileno()

    def write(self, text: bytes) -> None:
        """Pass this on; nobody may be there any more."""
        assert self.process.stdin
        with suppress(OSError, ValueError):
            self.process.stdin.write(text)
            self.process.stdin.flush()

    def passed_on(self) -> None:
        """Only the other one reads what comes out of it from now on."""
        assert self.process.stdout
        self.process.stdout.close()

    def cut(self) -> None:
        """End it, for all that hitless itself holds of it."""
        with suppress(OSError):
            os.close(self.commands)
        assert self.process.stdin
        with suppress(OSError):
            self.process.stdin.close()


def lifeline() -> Lifeline:
    """A new one."""
    last, commands = os.pipe()
    process = subprocess.Popen(
        ("sh", "-c", _SCRIPT, str(last)),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        pass_fds=(last,),
        # neither Ctrl-C nor the end of the terminal is for it
        start_new_session=True,
    )
    os.close(last)
    return Lifeline(process, commands)
