"""Load on an application while something else is done to it.

As a library::

    with Load("http://127.0.0.1:8080", host="flask.localhost") as load:
        deploy()
    assert load.report().lost == 0

From the shell (status 1 if a request was lost)::

    python -m bench.load --url http://127.0.0.1:8080 --host flask.localhost --seconds 20 --json
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import resource
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self, cast

from bench.generator import (
    DEFAULT_MIX,
    EVERY_KIND,
    LONGEST_REQUEST,
    MAX_OUTSTANDING,
    Generator,
    NotReadyError,
    Settings,
)
from bench.report import Kind, Latency, Report, Sample, Switch

__all__ = [
    "DEFAULT_MIX",
    "EVERY_KIND",
    "Kind",
    "Latency",
    "Load",
    "LoadError",
    "Report",
    "Sample",
    "Settings",
    "Switch",
    "main",
]

PROCESS_START: Final = 30.0
"""Seconds that the generator's process gets to start, on a busy machine."""


class LoadError(RuntimeError):
    """The load could not begin, or its generator ended without a report."""


class Load:
    """A load in its own process, while the ``with`` block does its work.

    Entering returns when the load has begun. With ``wait_ready``, that is after every quick kind had a right
    answer (those answers are not in the report), for which it waits ``ready_deadline`` seconds. Leaving
    begins no more requests, waits for the outstanding ones (25 s at most, with long uploads 90 s), and
    collects. The load ends by itself after ``seconds``: look at ``report().ended_by`` if the block may take
    longer. It also ends when this process dies.

    Raises ValueError for an address that is not loopback, LoadError when the load cannot begin.
    """

    def __init__(
        self,
        url: str,
        *,
        host: str | None = None,
        rate: float = 140.0,
        seconds: float = 300.0,
        mix: Mapping[Kind, float] = DEFAULT_MIX,
        wait_ready: bool = True,
        ready_deadline: float = 30.0,
        held: int = 0,
        long: int = 0,
        patience: float = 0.0,
    ) -> None:
        """Check the settings; nothing is sent yet."""
        self._settings = Settings(
            url, host, rate, seconds, mix, ready_deadline if wait_ready else 0.0, held, long, patience
        )
        self._process: subprocess.Popen[bytes] | None = None
        self._report: Report | None = None

    def __enter__(self) -> Self:
        """Start the generator and return when the load has begun."""
        self._process = process = subprocess.Popen(
            (sys.executable, "-m", "bench.load", "--worker", *_arguments(self._settings)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # `-m` finds this package first there, wherever the caller was started.
            cwd=Path(__file__).resolve().parents[1],
            bufsize=0,
        )
        try:
            self._await_beginning(process)
        except BaseException:
            _end(process)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop the load, and collect its report unless the block has failed."""
        assert self._process is not None
        try:
            # Closes the generator's standard input, which tells it to stop.
            patience = LONGEST_REQUEST + self._settings.patience + PROCESS_START
            out, _ = self._process.communicate(timeout=patience)
        except BaseException:
            _end(self._process)
            raise
        if self._process.returncode == 0 and out:
            self._report = Report.from_json(out)
        elif error is None:
            raise LoadError(f"the load ended with status {self._process.returncode}, no report")

    def report(self) -> Report:
        """Return what the load saw, after the block has ended."""
        if self._report is None:
            raise LoadError("there is no report before the load has ended")
        return self._report

    def _await_beginning(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        patience = self._settings.wait_ready + LONGEST_REQUEST + PROCESS_START
        if not select.select([process.stdout], [], [], patience)[0]:
            raise LoadError(f"the load did not begin within {patience:g} s")
        line = process.stdout.readline()
        if not line:
            raise LoadError(f"the load's process ended with status {process.wait()}")
        if problem := json.loads(line).get("error"):
            raise LoadError(problem)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a load from the shell; return 0, 1 (something was lost) or 2 (it could not begin)."""
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        settings = Settings(
            options.url,
            options.host,
            options.rate,
            options.seconds,
            options.mix,
            wait_ready=options.wait_ready,
            held=options.held,
            long=options.long,
            patience=options.patience,
        )
    except ValueError as error:
        parser.error(str(error))
    _allow_open_files()
    # What is imported by now stays for good: the collector need not search it again and again.
    gc.freeze()
    if options.worker:
        return asyncio.run(_work(settings))
    try:
        report = asyncio.run(_run(Generator(settings)))
    except NotReadyError as error:
        print(error, file=sys.stderr)
        return 2
    print(json.dumps(report.summary(), indent=2) if options.json else _text(report))
    return 1 if report.lost else 0


async def _work(settings: Settings) -> int:
    """Be the process behind a Load: one JSON line at the beginning, the report at the end."""
    generator = Generator(settings)

    def begun() -> None:
        print(json.dumps({"began": time.monotonic()}), flush=True)

    def told() -> None:
        # End of file: the caller has left its block, or is dead.
        asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
        generator.stop()

    asyncio.get_running_loop().add_reader(sys.stdin.fileno(), told)
    try:
        report = await _run(generator, begun)
    except NotReadyError as error:
        print(json.dumps({"error": str(error)}), flush=True)
        return 2
    try:
        print(report.to_json(), flush=True)
    except BrokenPipeError:
        # The caller died: nobody reads the report. Python would try once more at its exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


async def _run(generator: Generator, begun: Callable[[], None] = lambda: None) -> Report:
    loop = asyncio.get_running_loop()
    # Ctrl-C ends the load, and not its report.
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, generator.stop)
    return await generator.run(begun)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.load", description="Mixed load.")
    parser.add_argument("--url", required=True, help="http://ADDRESS:PORT, loopback only")
    parser.add_argument("--host", help="the Host header (default: the URL's)")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--rate", type=float, default=140.0, help="requests per second, in all")
    parser.add_argument(
        "--mix", type=_mix, default=DEFAULT_MIX, help="shares, such as kept=60,fresh=20,post=20"
    )
    parser.add_argument("--wait-ready", type=float, default=0.0, help="first wait so long for right answers")
    parser.add_argument("--held", type=int, default=0, help="WebSockets to keep open during the load")
    parser.add_argument("--patience", type=float, default=0.0, help="seconds that clients wait longer")
    parser.add_argument("--long", type=int, default=0, help="uploads of 66 s that begin with the load")
    parser.add_argument("--json", action="store_true", help="print the summary as JSON")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    return parser


def _mix(text: str) -> Mapping[Kind, float]:
    shares = (item.partition("=") for item in text.split(","))
    return {cast("Kind", kind): float(share) for kind, _, share in shares}


def _arguments(settings: Settings) -> tuple[str, ...]:
    mix = ",".join(f"{kind}={share!r}" for kind, share in settings.mix.items())
    host = () if settings.host is None else ("--host", settings.host)
    return (
        *("--url", settings.url, *host, "--mix", mix),
        *("--rate", repr(settings.rate), "--seconds", repr(settings.seconds)),
        *("--wait-ready", repr(settings.wait_ready), "--held", str(settings.held)),
        *("--long", str(settings.long), "--patience", repr(settings.patience)),
    )


def _allow_open_files() -> None:
    """Raise the limit of open files, if allowed, so that a stall is not our error."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_OUTSTANDING + 256
    if soft != resource.RLIM_INFINITY and soft < wanted:
        ceiling = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, ceiling), hard))


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.communicate()


def _text(report: Report) -> str:
    lines = [f"{report.sent} requests, {report.lost} lost"]
    lines += [f"  {count} {kind}: {cause}" for (kind, cause), count in report.lost_by.items()]
    lines += [
        f"{s.before} -> {s.after}: both answered new requests for {s.seconds:.3f} s ({s.requests} requests)"
        for s in report.switches()
    ]
    if latency := report.latency():
        lines.append(
            f"quick requests: p50 {latency.p50 * 1000:.1f} ms,"
            f" p99 {latency.p99 * 1000:.1f} ms, max {latency.max * 1000:.1f} ms"
        )
    lines.append(
        f"generator: late by {report.max_lag * 1000:.1f} ms at most, {report.cpu_seconds:.1f} s of CPU"
    )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
