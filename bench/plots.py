"""The comparison as plots, each as PNG and as SVG."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from bench.tools import Tool
from bench.turn import BIN, Turn, summary

_OLD, _NEW, _LOST = "#4c78a8", "#54a24b", "#e45756"


def draw(tools: Sequence[Tool], turns: Sequence[Turn], folder: Path, name: str) -> None:
    """Write NAME-lost and NAME-timeline, each as .png and .svg, into an existing folder."""
    # the same figures give the same file: no date, no random ids, text as text
    mpl.rcParams.update({"svg.hashsalt": "hitless", "svg.fonttype": "none", "font.size": 9})
    shown = [
        (tool, mine)
        for tool in tools
        if (mine := [turn for turn in turns if turn.tool == tool.key and not turn.failed])
    ]
    for what, figure in (("lost", _lost(shown)), ("timeline", _timelines(shown))):
        figure.savefig(folder / f"{name}-{what}.png", dpi=120)
        drawn = folder / f"{name}-{what}.svg"
        figure.savefig(drawn, metadata={"Date": None})
        plt.close(figure)
        # matplotlib leaves blanks at line ends
        lines = drawn.read_text(encoding="utf-8").splitlines()
        drawn.write_text("\n".join(line.rstrip() for line in lines) + "\n", encoding="utf-8")


def _lost(shown: Sequence[tuple[Tool, Sequence[Turn]]]) -> Figure:
    figure, axes = plt.subplots(figsize=(8, 0.5 + 0.45 * len(shown)), layout="constrained")
    rows = [summary(turns) for _, turns in shown]
    shares = [row.lost / row.deployments for row in rows]
    axes.barh([tool.title for tool, _ in shown], shares, color=_LOST)
    for place, (row, share) in enumerate(zip(rows, shares, strict=True)):
        axes.text(share, place, f" {share:,.0f}" if row.lost != 0 else " 0", va="center")
    axes.invert_yaxis()
    axes.margins(x=0.12)
    axes.set_xscale("symlog", linthresh=1)
    axes.set_xlabel("requests lost at a deployment, mean")
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def _timelines(shown: Sequence[tuple[Tool, Sequence[Turn]]]) -> Figure:
    figure, grid = plt.subplots(
        len(shown),
        1,
        figsize=(8, 1.35 * len(shown)),
        sharex=True,
        sharey=True,
        squeeze=False,
        layout="constrained",
    )
    for axes, (tool, turns) in zip(grid[:, 0], shown, strict=True):
        turn = next((turn for turn in turns if not turn.held), turns[0])
        at = [point.at for point in turn.timeline]
        stacked = [
            [point.old / BIN for point in turn.timeline],
            [point.new / BIN for point in turn.timeline],
            [point.lost / BIN for point in turn.timeline],
        ]
        axes.stackplot(
            at, *stacked, step="post", colors=(_OLD, _NEW, _LOST), labels=("old release", "new", "lost")
        )
        axes.axvspan(0, turn.took, ymin=0, ymax=0.04, color="black")
        axes.set_title(f"{tool.title}: {turn.lost:,} lost", loc="left", fontsize=9)
        axes.spines[["top", "right"]].set_visible(False)
    grid[0, 0].legend(loc="upper right", ncols=3, fontsize=7)
    grid[-1, 0].set_xlabel("seconds from the command; black: it runs")
    grid[len(shown) // 2, 0].set_ylabel("requests begun a second, by who answered")
    return figure
