"""The promise on this machine, in a minute: deploy the example under load, and count what was lost.

    python -m bench.demo        start a gateway, deploy release 1, then release 2 under load
    python -m bench.demo down   remove all that it made

Ends with 1 if a request was lost, or if both releases answered new requests.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.load import Load
from bench.report import Report

ROOT = Path(__file__).resolve().parents[1]
COMPOSE_FILE = ROOT / "examples" / "flask" / "docker-compose.yml"
GATEWAY = "hitless-demo"
APPLICATION = "hitless-demo-app"
HOST = "flask.localhost"
# What a real application takes to start, so that there is something to wait for.
BOOT_SECONDS = "3"

console = Console(highlight=False)


def main(arguments: list[str]) -> int:
    """Run the demonstration or remove it; the exit code."""
    if arguments == ["down"]:
        return down()
    if arguments:
        print(__doc__, file=sys.stderr)
        return 2
    if _is_there():
        down()
    port = _free_port()
    _hitless("gateway", "up", "--http-port", str(port), "--bind", "127.0.0.1")
    _hitless("deploy", release=1)
    console.print("\n[bold]Now release 2, while requests keep coming:[/]")
    with Load(f"http://127.0.0.1:{port}", host=HOST) as load:
        began = time.monotonic()
        _hitless("deploy", release=2)
        took = time.monotonic() - began
    report = load.report()
    show(report, began, took)
    if report.lost or report.mixed():
        return 1
    console.print(
        f"\nIt keeps running: curl -H 'Host: {HOST}' http://127.0.0.1:{port}/\n"
        "The commands above work in this shell after:\n"
        f'  export PATH="$PWD/.venv/bin:$PATH" HITLESS_GATEWAY={GATEWAY}\n'
        "Remove it with: make demo-down"
    )
    return 0


def down() -> int:
    """Remove the application, the gateway, and all that they keep; the engine and its base images stay."""
    if not _is_there():
        print("the demo is not running")
        return 0
    running = subprocess.run(_argv("-p", APPLICATION, "down"), env=_environment(), check=False)
    gone = subprocess.run(_argv("gateway", "down", "--volumes", "--force"), env=_environment(), check=False)
    return running.returncode or gone.returncode


def show(report: Report, began: float, took: float) -> None:
    """Print what the load saw."""
    kinds = Table(title="What the clients saw", title_justify="left")
    for column in ("requests", "sent", "lost"):
        kinds.add_column(column, justify="left" if column == "requests" else "right")
    sent = Counter(sample.kind for sample in report.samples)
    names = {
        "kept": "GET, kept-alive connection",
        "fresh": "GET, new connection",
        "post": "POST with a 4 KB body",
        "slow": "request of 3 s",
        "stream": "stream of 5 s",
    }
    for kind, count in sent.items():
        lost = sum(sample.kind == kind and sample.failure is not None for sample in report.samples)
        kinds.add_row(names[kind], f"{count:,}", str(lost))
    kinds.add_section()
    kinds.add_row("all", f"{report.sent:,}", f"[bold]{report.lost}[/]")
    console.print()
    console.print(kinds)
    for (kind, cause), count in report.lost_by.items():
        console.print(f"[red]lost: {count} x {names[kind]}: {cause}[/]")
    first = report.first_answer("2")
    console.print(f"both releases answered new requests for [bold]{report.mixed_seconds():.1f} s[/]")
    if first is not None:
        console.print(
            f"from the command to the first answer of release 2: [bold]{first - began:.1f} s[/], "
            f"and the application's own start takes at least {BOOT_SECONDS} s of that"
        )
    console.print(f"from the command to its end: [bold]{took:.1f} s[/] (the longest request takes 5 s)")
    if latency := report.latency():
        console.print(
            f"quick requests in that time: p50 {latency.p50 * 1000:.0f} ms, p99 {latency.p99 * 1000:.0f} ms"
        )


def _hitless(*verb: str, release: int = 0) -> None:
    shown = " ".join(verb)
    console.print(f"[dim]$ {'RELEASE=2 ' if release == 2 else ''}hitless {shown}[/]")
    done = subprocess.run(_argv("-p", APPLICATION, *verb), env=_environment(release), check=False)
    if done.returncode:
        sys.exit(done.returncode)


def _is_there() -> bool:
    argv = _argv("gateway", "status", "--json")
    done = subprocess.run(argv, env=_environment(), stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)["gateway"]["settings"] is not None


def _argv(*arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "hitless", "-f", str(COMPOSE_FILE), *arguments)


def _environment(release: int = 0) -> dict[str, str]:
    return {
        **os.environ,
        "HITLESS_GATEWAY": GATEWAY,
        "RELEASE": str(release),
        "BOOT_SECONDS": BOOT_SECONDS,
    }


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
