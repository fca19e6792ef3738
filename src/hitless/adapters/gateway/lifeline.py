"""Shows the gateway that hitless is there, and which commands hitless began.

The process in the gateway that holds the lock ends with its standard input. That input must not end while a
Docker command is at work that a killed hitless has begun. But the next command must be able to tell such a
command, for which it can wait, from a hitless that is at work. So a process here passes on what hitless
writes. The kernel tells it when hitless has ended. Then it says so, and waits until every command that has
`commands` has ended.
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
    """`commands` is the file descriptor that commands get, `end` that of its output."""

    process: subprocess.Popen[bytes]
    commands: int

    @property
    def end(self) -> int:
        """The file descriptor of its output."""
        assert self.process.stdout
        return self.process.stdout.fileno()

    def write(self, text: bytes) -> None:
        """Pass this on; perhaps nobody is there any longer."""
        assert self.process.stdin
        with suppress(OSError, ValueError):
            self.process.stdin.write(text)
            self.process.stdin.flush()

    def passed_on(self) -> None:
        """From now on only the other process reads its output."""
        assert self.process.stdout
        self.process.stdout.close()

    def cut(self) -> None:
        """End it, as far as hitless itself holds it."""
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
        # neither Ctrl-C nor the end of the terminal may end it
        start_new_session=True,
    )
    os.close(last)
    return Lifeline(process, commands)
