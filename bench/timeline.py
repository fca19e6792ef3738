"""One deployment as a timeline: each command that hitless runs, and each step, from beginning to end.

    python -m bench.timeline --record FILE -- <arguments of hitless>

Nothing in the product knows of this: what runs commands is wrapped from outside. Each line of the file is one
`Span` as JSON; `draw` makes a picture of them. `bench.times` does both in its part `timeline`.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

_KINDS = {
    "docker": ("#4c78a8", "docker processes"),
    "gateway": ("#54a24b", "lines to a shell in the gateway"),
    "question": ("#e45756", "questions to the engine's API"),
}
_OBJECTS = ("container", "image", "network", "volume", "context")


@dataclass(frozen=True)
class Span:
    """What has a beginning and an end, by the monotonic clock. `kind`: step, docker, question or gateway."""

    kind: str
    name: str
    began: float
    ended: float


def read(file: Path) -> list[Span]:
    """What was recorded, by its beginning."""
    spans = [Span(**json.loads(line)) for line in file.read_text().splitlines()]
    return sorted(spans, key=lambda one: one.began)


def draw(spans: Sequence[Span], began: float, live: float, file: Path) -> None:
    """Write the picture (SVG): a row for each step, and in it what ran in its time, by who did it.

    `began` is when the command began, and `live` the first answer of the new release.
    """
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt
    from matplotlib.patches import Rectangle

    # the same figures give the same file: no date, no random ids, text as text
    mpl.rcParams.update({"svg.hashsalt": "hitless", "svg.fonttype": "none", "font.size": 8})
    steps = [one for one in spans if one.kind == "step"]
    rows = [Span("step", "before the first step", began, steps[0].began), *steps]
    figure, axes = plt.subplots(figsize=(9, 0.42 * len(rows) + 1), layout="constrained")
    for place, row in enumerate(rows):
        axes.barh(place, row.ended - row.began, left=row.began - began, height=0.9, color="#e8e8e8")
    for lane, (kind, (colour, _)) in enumerate(_KINDS.items()):
        mine = [one for one in spans if one.kind == kind]
        places = [_row(rows, one) - 0.3 + 0.3 * lane for one in mine]
        lengths = [max(one.ended - one.began, 0.004) for one in mine]
        axes.barh(places, lengths, left=[one.began - began for one in mine], height=0.26, color=colour)
    labels = [f"{text}: {sum(one.kind == kind for one in spans)}" for kind, (_, text) in _KINDS.items()]
    bars = [Rectangle((0, 0), 1, 1, color=colour) for colour, _ in _KINDS.values()]
    axes.legend(bars, labels, loc="lower left", fontsize=8)
    axes.axvline(live - began, color="black", linewidth=0.8)
    axes.text(live - began, -0.6, " first new answer", va="bottom")
    axes.set_yticks(range(len(rows)), [row.name for row in rows])
    axes.invert_yaxis()
    axes.set_xlim(left=0)
    axes.set_xlabel("seconds from the command")
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(file, metadata={"Date": None})
    plt.close(figure)
    # matplotlib leaves blanks at line ends
    lines = file.read_text(encoding="utf-8").splitlines()
    file.write_text("\n".join(line.rstrip() for line in lines) + "\n", encoding="utf-8")


def _row(rows: Sequence[Span], one: Span) -> int:
    """The row of the step in which it began."""
    return max((place for place, row in enumerate(rows) if row.began <= one.began), default=0)


def main() -> None:
    """Run hitless and record."""
    parser = argparse.ArgumentParser(prog="python -m bench.timeline")
    parser.add_argument("--record", type=Path, required=True)
    parser.add_argument("arguments", nargs="*")
    options = parser.parse_args()
    watch(options.record)
    from hitless import __main__

    sys.argv = ["hitless", *options.arguments]
    __main__.main()


def watch(file: Path) -> None:
    """From now on, write every command and every step to the file."""
    from hitless.adapters.docker.cli import DockerCli
    from hitless.adapters.gateway.shell import GatewayShell
    from hitless.domain.common.events import Event, StepBegan, StepDone, StepFailed
    from hitless.wiring import Host

    def note(kind: str, name: str, began: float) -> None:
        with file.open("a") as out:  # a line in one write
            out.write(json.dumps(asdict(Span(kind, name, began, time.monotonic()))) + "\n")

    def timed(kind: str, method: Callable[..., Any], named: Callable[..., str]) -> Callable[..., Any]:
        def watched(self: Any, *arguments: Any, **options: Any) -> Any:
            began = time.monotonic()
            try:
                return method(self, *arguments, **options)
            finally:
                note(kind, named(*arguments), began)

        return watched

    unwatched = Host.ports
    started: dict[str, float] = {}

    def ports(host: Host, emit: Callable[[Event], None]) -> Any:
        def heard(event: Event) -> None:
            match event:
                case StepBegan(step):
                    started[str(step.kind)] = time.monotonic()
                case StepDone(step) | StepFailed(step):
                    note("step", str(step.kind), started[str(step.kind)])
                case _:
                    pass
            emit(event)

        return unwatched(host, heard)

    DockerCli.ask = timed("question", DockerCli.ask, lambda path, **_: path)  # type: ignore[method-assign]
    DockerCli.run_bytes = timed("docker", DockerCli.run_bytes, words)  # type: ignore[method-assign]
    GatewayShell.run = timed("gateway", GatewayShell.run, lambda *function, **_: function[0])  # type: ignore[method-assign]
    Host.ports = ports  # type: ignore[assignment, method-assign]


def words(*arguments: str) -> str:
    """What a docker command is, in one or two words."""
    if arguments[0] == "compose":
        known = ("config", "build", "create", "start", "up")
        return " ".join(("compose", *(one for one in arguments if one in known)))
    return " ".join(arguments[:2]) if arguments[0] in _OBJECTS else arguments[0]


if __name__ == "__main__":
    main()
