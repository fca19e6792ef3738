"""What hitless runs in the gateway's container: its script, by shells that are kept open for the next line.

A `docker exec` costs a tenth of a second of a core, and over SSH a handshake, too. A line to a shell that is
already there costs a few milliseconds (measured, docs/decisions/0015-gateway-shells.md).
"""

from __future__ import annotations

import os
import re
import selectors
import shlex
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from secrets import token_hex
from threading import Thread

from hitless.adapters.docker.cli import DockerCli, failed, is_open, kill
from hitless.domain.common.errors import DockerFailed, LockLost, TimedOut
from hitless.domain.gateway.compose_model import TRAEFIK
from hitless.domain.gateway.model import container_name

_TIMEOUT = 60.0  # seconds; nothing in the script takes half of it
_GOODBYE = 5.0  # seconds that a `docker exec` gets to end after its output has
_CHUNK = 65536
GATEWAY_LOCK = ".gateway"  # no application's name: the lock that keeps anybody from taking the others
HELD_NO_MORE = 76  # the exit code of functions if the lock that they need is not held


def whose(lock: str) -> str:
    """Who has a lock of this name, in an error: an application, or the gateway itself."""
    return "the gateway" if lock == GATEWAY_LOCK else lock


@dataclass(frozen=True)
class GatewayShell:
    """The shells in this gateway's container: one, or as many as are in use at once.

    `claims` are how the gateway recognizes held locks: application -> claim. `container` is the one with
    the gateway, where it has not the name that Compose gives it.
    """

    cli: DockerCli
    project: str
    claims: dict[str, str] = field(default_factory=dict, compare=False)
    container: str = ""
    _idle: list[_Shell] = field(default_factory=list, compare=False)

    @property
    def name(self) -> str:
        """The name or the id of the gateway's container."""
        return self.container or container_name(self.project)

    def argv(self, *function: str) -> tuple[str, ...]:
        """The arguments of `docker` that run a function of the script in its own process."""
        # root within the container: it owns the routing directory, which Traefik's own user can only read.
        # What it writes belongs to Traefik's group, so that nobody else needs to be able to read it.
        return (
            "exec",
            "-i",
            "-u",
            f"0:{TRAEFIK}",
            self.name,
            "sh",
            "-c",
            script(),
            "sh",
            *function,
        )

    def run(self, *function: str, stdin: bytes = b"", timeout: float = _TIMEOUT) -> tuple[bytes, str]:
        """Run a function of the script; its standard output and error.

        Raises `DockerFailed` if its exit code is not 0 or if the container does not run, `TimedOut`.
        """
        while True:
            is_new, shell = self._shell()
            try:
                answer = shell.run(shlex.join(function), stdin, min(timeout, self.cli.most))
            except BaseException:
                shell.end()
                raise
            if answer is None:
                error = shell.failure(self.cli.argv(*self.argv(*function)[:5], *function))
                if is_new or shell.is_killed:
                    raise self.cli.hinted(error)
                continue  # the container has ended since the last use; there may be another one by now
            exit_code, output, said = answer
            if exit_code == 0:
                self._idle.append(shell)
                return output, said
            shell.end()  # part of its input may be left
            raise failed(self.cli.argv(*self.argv(*function)[:5], *function), exit_code, said)

    def change(
        self, function: str, application: str, *words: str, stdin: bytes = b"", timeout: float = _TIMEOUT
    ) -> None:
        """Run a function that only the holder of the application's lock may. Raises `LockLost`."""
        try:
            claim = self.claims.get(application, "none")
            self.run(function, application, claim, *words, stdin=stdin, timeout=timeout)
        except DockerFailed as error:
            if error.exit_code == HELD_NO_MORE:
                raise LockLost(whose(application)) from error
            raise

    def close(self) -> None:
        """End the idle shells: they would keep open what they have inherited."""
        while self._idle:
            self._idle.pop().end()

    def _shell(self) -> tuple[bool, _Shell]:
        with suppress(IndexError):
            while True:
                shell = self._idle.pop()
                if shell.is_open:
                    return False, shell
                shell.end()  # an interrupt has ended it, or a restart of the gateway
        token = token_hex(16)
        return True, _Shell(self.cli.open(*self.argv("serve", token)), token)


class _Shell:
    """One shell that runs lines. One thread at a time uses it."""

    def __init__(self, process: subprocess.Popen[bytes], token: str) -> None:
        self._process = process
        self._token = token
        self._end = re.compile(rb"\n%s(?: (\d+))?\n\Z" % token.encode())
        self._read = (bytearray(), bytearray())

    def run(self, line: str, stdin: bytes, timeout: float) -> tuple[int, bytes, str] | None:
        """The exit code, standard output and error of a line; None if the shell itself has ended."""
        assert "\n" not in line
        self._read = (bytearray(), bytearray())
        # beside the reading: neither side waits for the other, and an engine that hangs does not stop us
        message = f"{self._token} {line}\n".encode() + stdin
        Thread(target=self._write, args=(message,), daemon=True).start()
        return self._answer(time.monotonic() + timeout, line)

    def failure(self, argv: tuple[str, ...]) -> DockerFailed:
        """Why it has ended."""
        try:
            exit_code = self._process.wait(_GOODBYE)
        except subprocess.TimeoutExpired:
            exit_code = -1
        self.end()
        return failed(argv, exit_code, self._read[1].decode(errors="replace"))

    @property
    def is_open(self) -> bool:
        """Whether it is there, as far as we know."""
        return is_open(self._process)

    @property
    def is_killed(self) -> bool:
        """Whether an interrupt has ended it."""
        return self._process.poll() == -signal.SIGKILL

    def end(self) -> None:
        """End it, whatever it does."""
        kill(self._process)
        self._process.communicate()

    def _write(self, message: bytes) -> None:
        assert self._process.stdin
        with suppress(OSError, ValueError):  # the reading finds that it has ended, and why
            self._process.stdin.write(message)
            self._process.stdin.flush()

    def _answer(self, deadline: float, line: str) -> tuple[int, bytes, str] | None:
        assert self._process.stdout and self._process.stderr
        streams = (self._process.stdout, self._process.stderr)
        ends: dict[int, re.Match[bytes]] = {}
        with selectors.DefaultSelector() as selector:
            for number, stream in enumerate(streams):
                selector.register(stream, selectors.EVENT_READ, number)
            while len(ends) < len(streams):
                if time.monotonic() > deadline:
                    raise TimedOut(
                        f"`{line.split()[0]}` in the gateway did not end in time",
                        "does the Docker engine answer? try: docker info",
                    )
                for key, _ in selector.select(1):
                    data = os.read(key.fd, _CHUNK)
                    read = self._read[key.data]
                    read += data
                    if not data:
                        selector.unregister(key.fileobj)
                        if not selector.get_map():
                            return None
                    elif end := self._end.search(read, max(len(read) - 64, 0)):
                        ends[key.data] = end
        output, said = (bytes(read[: ends[number].start()]) for number, read in enumerate(self._read))
        return int(ends[0][1]), output, said.decode(errors="replace")


@cache
def script() -> str:
    """The text of the script; its last line runs the function that it is called with."""
    parts = (
        Path(__file__).with_name(f"{name}.sh")
        for name in ("state", "routes", "certificates", "instances", "notices")
    )
    return "\n".join(part.read_text("utf-8") for part in parts) + '\n"$@"\n'
