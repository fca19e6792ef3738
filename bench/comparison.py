"""What a deployment costs its clients, for each tool: the same application, load and machine, in one run.

    python -m bench.comparison [--rounds N] [--tool KEY]... [--to FOLDER] [--abrupt | --alone] [--draw]

Each round measures every tool once, each time in another order; the last round also holds WebSockets open.
It writes comparison.md, comparison.json and plots into the folder, by default docs/benchmarks. It ends with 1
if hitless lost a request. With --abrupt the application ends at once when it is told to stop, as many do; the
files are then called abrupt. With --alone it must not run twice; the files are then called alone.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from bench.contenders import ALONE, TOOLS
from bench.host import HOST, ROOT, HostError, build_app, facts, free_port
from bench.load import EVERY_KIND, Load, LoadError
from bench.report import Kind
from bench.tables import page
from bench.tools import ARTICLE_SLEEP, DRAIN_DEADLINE, DRAIN_SLEEP, Tool
from bench.turn import Turn, turn_of

RATE: Final = 150.0
BEFORE: Final = 11.0
"""Seconds of load before a deployment: the longest request takes 10 s, so that all kinds are in flight."""
AFTER: Final = 5.0
HELD: Final = 8

METHOD: Final = f"""## How

Each deployment: release 1 runs behind the tool's own gateway (Traefik); an open loop of {RATE:.0f}
requests/s begins; after {BEFORE:.0f} s the tool deploys release 2; {AFTER:.0f} s after its end the load
stops and waits for what is outstanding; it does not see what is lost later than that. Requests/s by kind:
{", ".join(f"{kind} {share:g}" for kind, share in EVERY_KIND.items())}.

The last round also holds {HELD} WebSockets open. One that is cut is not lost but counted separately:
"closed" with a close frame, "cut" without. (hitless keeps them for {DRAIN_DEADLINE:.0f} s after the
cutover; one that is cut earlier is lost.)

The application ([bench/app](../../bench/app)) is one uvicorn and one gRPC server. It takes 3 s to
start. {{stop}} Its longest
request takes 10 s. So a lossless deployment takes at least 3 s + 10 s, and the start and the stop of its
containers.

The blue/green script has two Compose projects and sleeps {ARTICLE_SLEEP:.0f} s before it stops the old
one. Its gateway tries each request up to three times, and finds out who is healthy by its own health
checks; in the second row also by Docker's. The drain hook makes the old container unhealthy, so that
Traefik sends it no requests, and sleeps {DRAIN_SLEEP:.0f} s. Rolling updates and Swarm go service by
service. Swarm's services are on an overlay network and found by DNS, not by virtual addresses, which need
IPVS. Traefik's Swarm provider looks every second (15 by default).

A load average above the number of cores shows that other programs also worked on the machine. The raw
figures have the load average of each deployment, and how late the load itself was.
"""


# What people do in front of an application on SQLite; nothing that takes 10 s, and keeps everybody waiting
ALONE_MIX: Final[Mapping[Kind, float]] = {"kept": 90, "fresh": 30, "post": 28, "slow": 2}
ALONE_METHOD: Final = f"""## How

As in [comparison.md](comparison.md), with an application that must not run twice: nobody starts the new
copy beside the old one. `docker compose up -d` does that by itself. "Stop, then start" is by hand; a tool
that starts the new copy beside the old one, such as Kamal, needs it, too. With hitless the service is
`exclusive`, and requests wait ([exclusive.md](../exclusive.md)).

The application takes 1 s to start. {{stop}} Requests/s by kind:
{", ".join(f"{kind} {share:g}" for kind, share in ALONE_MIX.items())}.
A slow request takes 3 s. A client gives up after 10 s, or after 20 s if its request is slow. There are no
streams, no WebSockets and no uploads of 10 s: hitless would let all others wait until those have ended, for
{DRAIN_DEADLINE:.0f} s at most, and clients that give up after 10 s are then lost
([exclusive.md](../exclusive.md#how-long-requests-wait) has the figures).
"""


STOP: Final[dict[str, str]] = {
    "comparison": "When it gets SIGTERM it answers the requests that it has begun, and has 30 s for that.",
    "abrupt": "When it gets SIGTERM it ends at once, as many do.",
}
STOP["alone"] = STOP["comparison"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare; return 1 if hitless lost a request."""
    parser = argparse.ArgumentParser(prog="python -m bench.comparison", description="Compare the tools.")
    parser.add_argument("--rounds", type=int, default=int(os.environ.get("BENCH_ROUNDS") or 3))
    parser.add_argument("--tool", action="append", choices=[one.key for one in (*TOOLS, *ALONE)])
    parser.add_argument("--to", type=Path, default=ROOT / "docs" / "benchmarks")
    parser.add_argument("--draw", action="store_true", help="only draw comparison.json again")
    parser.add_argument("--no-build", action="store_true", help="the engine has the application's image")
    parser.add_argument("--abrupt", action="store_true", help="an application that ends at once on SIGTERM")
    parser.add_argument("--alone", action="store_true", help="an application that must not run twice")
    options = parser.parse_args(arguments)
    all_tools = ALONE if options.alone else TOOLS
    place = options.to / ("alone" if options.alone else "abrupt" if options.abrupt else "comparison")
    if options.draw:
        raw = json.loads(place.with_suffix(".json").read_text(encoding="utf-8"))
        write(all_tools, [Turn.from_json(turn) for turn in raw["turns"]], raw["facts"], place)
        return 0
    os.environ["ABRUPT"] = "1" if options.abrupt else ""
    if options.alone:
        os.environ["BOOT_SECONDS"] = "1"
    tools = [tool for tool in all_tools if not options.tool or tool.key in options.tool]
    if not options.no_build:
        build_app()
    known = facts()
    turns: list[Turn] = []
    for number in range(options.rounds):
        start = number % len(tools)
        for tool in tools[start:] + tools[:start]:
            held = HELD if number == options.rounds - 1 and not options.alone else 0
            mix = ALONE_MIX if options.alone else EVERY_KIND
            turns.append(measure(tool, number + 1, held, mix))
            print(_line(turns[-1]), flush=True)
            write(tools, turns, known, place)
    return int(any(turn.lost or turn.failed for turn in turns if turn.tool == "hitless"))


def measure(tool: Tool, number: int, held: int = 0, mix: Mapping[Kind, float] = EVERY_KIND) -> Turn:
    """Deploy once under load, and remove everything again; a failure is a figure, too."""
    blank = Turn(tool.key, number, held, load_average=os.getloadavg()[0])
    port = free_port()
    try:
        _clean(tool)
        tool.up(port)
        url = f"http://127.0.0.1:{port}"
        with Load(url, host=HOST, rate=RATE, mix=mix, held=held, ready_deadline=60.0) as load:
            time.sleep(BEFORE)
            began = time.monotonic()
            tool.deploy(2)
            ended = time.monotonic()
            time.sleep(AFTER)
        return turn_of(load.report(), blank, began, ended, ("1", "2"), tool.drain_deadline)
    except (HostError, LoadError) as error:
        return Turn(tool.key, number, held, failed=str(error).strip().splitlines()[-1][-200:])
    finally:
        _clean(tool)


def write(tools: Sequence[Tool], turns: Sequence[Turn], known: Mapping[str, str], place: Path) -> None:
    """Write the page, the raw figures and the plots, as far as there are any: PLACE.md, .json, and so on."""
    from bench.plots import draw  # takes a second to import, and the load's process need not wait for it

    place.parent.mkdir(parents=True, exist_ok=True)
    is_alone = place.name == "alone"
    mix = ALONE_MIX if is_alone else EVERY_KIND
    raw = {
        "facts": dict(known),
        "load": {"rate": RATE, "mix": dict(mix), "before": BEFORE, "after": AFTER, "held": HELD},
        "timeline": "seconds from the command, requests answered by the old release, by the new, lost",
        "turns": [turn.to_json() for turn in turns],
    }
    text = json.dumps(raw, separators=(",", ":")).replace('{"tool"', '\n{"tool"')
    place.with_suffix(".json").write_text(text + "\n", encoding="utf-8")
    method = (ALONE_METHOD if is_alone else METHOD).format(stop=STOP[place.name])
    place.with_suffix(".md").write_text(page(tools, turns, known, method, place.name), encoding="utf-8")
    if any(not turn.failed for turn in turns):
        draw(tools, turns, place.parent, place.name)


def _clean(tool: Tool) -> None:
    with suppress(HostError):
        tool.down()


def _line(turn: Turn) -> str:
    if turn.failed:
        return f"round {turn.round} {turn.tool:<16} failed: {turn.failed}"
    times = " ".join(
        f"{name} {value:.1f}" if value is not None else f"{name} -"
        for name, value in (("first", turn.first_new), ("last", turn.last_old), ("end", turn.took))
    )
    return (
        f"round {turn.round} {turn.tool:<16} {turn.lost} of {turn.sent} lost,"
        f" mixed {turn.mixed_seconds:.1f} s, {times}, late by {turn.max_lag * 1000:.0f} ms"
    )


if __name__ == "__main__":
    sys.exit(main())
