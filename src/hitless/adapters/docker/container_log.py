"""A container's log: the last of it when it leaves, and all of it as Compose shows it."""

from __future__ import annotations

import math
import os
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from hitless.adapters.docker.cli import DockerCli, chunks, failed, kill
from hitless.domain.common.errors import TimedOut
from hitless.domain.host.logs import MOST_BYTES, MOST_LINES, Wanted, merged

_ERASE = b"\x1b[2K"  # what Compose 2.26 writes before each line, also into a file


def last_lines(
    cli: DockerCli,
    container: str,
    deadline: float,
    lines: int = MOST_LINES,
    since: str = "",
    is_interrupted: bool = True,
) -> str:
    """What a container has written last, each line with its time. "" if nobody can read it in time.

    `since` is the time of the first line that counts, "" for all. `is_interrupted` is as in `DockerCli.open`.
    """
    words = ("--timestamps", "--tail", str(lines), *(("--since", since) if since else ()))
    process = cli.open("logs", *words, container, inherits=False, is_interrupted=is_interrupted)
    tails = (_Tail(), _Tail())
    try:
        _give(process, b"")
        for stream, data in chunks(process, deadline):
            tails[stream].add(data)
        return "" if process.wait() else merged(*(tail.lines() for tail in tails))
    except TimeoutError:
        return ""
    finally:
        _end(process)


class _Tail:
    """The end of a stream: a container can write more than there is memory for."""

    def __init__(self) -> None:
        self._kept = bytearray()
        self._is_cut = False

    def add(self, data: bytes) -> None:
        self._kept += data
        if len(self._kept) > 2 * MOST_BYTES:
            self._is_cut = True
            del self._kept[:-MOST_BYTES]

    def lines(self) -> bytes:
        """Its last whole lines."""
        return bytes(self._kept).partition(b"\n")[2] if self._is_cut else bytes(self._kept)


@dataclass(frozen=True)
class ComposeLogs:
    """The logs of Compose projects of this engine, by `docker compose logs`."""

    cli: DockerCli

    def lines(self, project: str, services: Sequence[str], wanted: Wanted) -> Iterator[str]:
        """The lines as Compose prints them, `web-1  | text`, until they end. Raises `DockerFailed`."""
        from hitless.adapters.docker.compose_yaml import dump  # as in compose.py

        # a model of these services alone: without one, Compose would read a file that happens to lie here
        model = dump({"services": {name: {"image": "any"} for name in services}})
        words = [
            *("compose", "--env-file", os.devnull, "--project-name", project, "--file", "-"),
            *("--ansi", "never", "logs", "--no-color"),
            *(("--follow",) if wanted.follows else ()),
            *(("--timestamps",) if wanted.has_times else ()),
            *(("--since", wanted.since) if wanted.since else ()),
            *(() if wanted.tail is None else ("--tail", str(wanted.tail))),
        ]
        deadline = math.inf if wanted.follows else time.monotonic() + self.cli.most
        process = self.cli.open(*words, inherits=False)
        try:
            _give(process, model.encode())
            rest, said = b"", bytearray()
            for stream, data in chunks(process, deadline):
                if stream:
                    said += data
                    continue
                *whole, rest = (rest + data).split(b"\n")
                for line in whole:
                    yield line.removeprefix(_ERASE).decode(errors="replace")
            if rest:
                yield rest.decode(errors="replace")
            if code := process.wait():
                error = failed(self.cli.argv(*words), code, said.decode(errors="replace"))
                raise self.cli.hinted(error)
        except TimeoutError as error:
            raise TimedOut(
                "`docker compose logs` did not end in time", "does the Docker engine answer? try: docker info"
            ) from error
        finally:
            _end(process)


def _give(process: subprocess.Popen[bytes], text: bytes) -> None:
    if process.stdin:
        with suppress(OSError):  # it has ended, and says why
            process.stdin.write(text)
            process.stdin.close()


def _end(process: subprocess.Popen[bytes]) -> None:
    kill(process)
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe:
            with suppress(OSError):
                pipe.close()
    process.wait()
