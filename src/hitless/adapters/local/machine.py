"""Commands on the machine on which hitless runs: the hooks that are `local`."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from hitless.domain.common.errors import CommandFailed

_SHOWN_LINES = 20
_GOODBYE = 5.0  # seconds that a command gets to end after hitless has told it to


@dataclass(frozen=True)
class LocalMachine:
    """`directory` is where commands run: that of the Compose file; None: where hitless itself runs."""

    directory: str | None = None

    def run(self, command: Sequence[str], environment: Mapping[str, str], timeout: float) -> str:
        """Run a command to its end; what it wrote. Raises `CommandFailed`, also after `timeout` seconds."""
        try:
            process = subprocess.Popen(
                command,
                cwd=self.directory,
                env={**os.environ, **environment},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                # Ctrl-C is for hitless alone, which undoes in order
                start_new_session=True,
            )
        except OSError as error:
            raise CommandFailed(
                f"can't be run here: {command[0]}: {error.strerror}", "is it there, and on PATH?", ""
            ) from error
        try:
            output, _ = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired as error:
            text = _text(_end(process))
            raise CommandFailed(
                f"did not end within {timeout:.0f} s here", "`timeout` of the hook gives it longer", text
            ) from error
        except BaseException:
            _end(process)
            raise
        if process.returncode:
            raise CommandFailed(
                f"ended with exit code {process.returncode} here",
                "see its log above",
                _text(output),
            )
        return _text(output)


def _end(process: subprocess.Popen[bytes]) -> bytes:
    """End a command with all that it has started; returns what it wrote."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            return process.communicate(timeout=_GOODBYE)[0]
    return b""


def _text(output: bytes) -> str:
    return "\n".join(output.decode(errors="replace").strip().splitlines()[-_SHOWN_LINES:])
