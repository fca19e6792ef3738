"""The comparison as a page of Markdown. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bench.tools import Tool
from bench.turn import Summary, Turn, summary

_NONE = "-"
ALONE = "alone"  # an application that must not run twice
_OUTAGES = (
    "Seconds, the longest of all deployments: from the first request that was lost to the last one; and of a "
    "quick request, until its answer:\n"
)


def page(
    tools: Sequence[Tool], turns: Sequence[Turn], facts: Mapping[str, str], method: str, name: str
) -> str:
    """Return the whole page: what was lost, when what happened, how, on which machine.

    ``name`` is the name of its files.
    """
    by_tool = {tool.key: [turn for turn in turns if turn.tool == tool.key] for tool in tools}
    rows = [(tool, summary(by_tool[tool.key])) for tool in tools if by_tool[tool.key]]
    outages = [_outage(tool, row, by_tool[tool.key]) for tool, row in rows]
    command = "make bench" if name == "comparison" else f"make bench BENCH_OPTIONS=--{name}"
    parts = [
        "# Who loses how much\n",
        f"Written by `{command}`; the raw figures are in [{name}.json]({name}.json).\n",
        _table(
            (
                "tool",
                "deployments",
                "requests",
                "lost",
                "a deployment",
                "WebSockets held, closed",
                "held, cut",
            ),
            [_losses(tool, row, by_tool[tool.key]) for tool, row in rows],
        ),
        *([_OUTAGES, _table(("tool", "outage", "longest request"), outages)] if name == ALONE else []),
        f"![lost requests]({name}-lost.svg)\n",
        "Seconds, medians of the deployments without held WebSockets, if there are any:\n",
        _table(
            ("tool", "both releases answer", "first new answer", "last old answer", "end of the command"),
            [_times(tool, row) for tool, row in rows],
        ),
        f"![who answered when]({name}-timeline.svg)\n",
        "p99 of quick requests, ms, medians; the longest during a deployment; the machine's load average:\n",
        _table(
            ("tool", "before", "during", "after", "longest", "load average"),
            [_latencies(tool, row) for tool, row in rows],
        ),
        "## What was lost\n",
        _table(("tool", "kind", "lost, by cause"), _causes(rows)),
        method,
        "## Commands\n",
        *(f"{tool.title}:\n\n```\n{chr(10).join(tool.commands)}\n```\n" for tool, _ in rows),
        "## Machine\n",
        _table(("what", "which"), list(facts.items())),
    ]
    return "\n".join(parts)


def _losses(tool: Tool, row: Summary, turns: Sequence[Turn]) -> tuple[str, ...]:
    if not row.deployments:
        return (tool.title, "0", _NONE, f"can't: {row.failed}", _NONE, _NONE, _NONE)
    lost = [turn.lost for turn in turns if not turn.failed]
    spread = str(lost[0]) if min(lost) == max(lost) else f"{min(lost)} to {max(lost)}"
    number = f"{row.deployments}" + (f" (1 of {len(turns)} failed: {row.failed})" if row.failed else "")
    return (
        tool.title,
        number,
        f"{row.sent:,}",
        f"**{row.lost:,}**",
        spread,
        str(row.framed),
        str(row.unframed),
    )


def _outage(tool: Tool, row: Summary, turns: Sequence[Turn]) -> tuple[str, ...]:
    if not row.deployments:
        return (tool.title, *(_NONE,) * 2)
    return (tool.title, f"{max(turn.outage for turn in turns):.1f}", _seconds(row.longest))


def _times(tool: Tool, row: Summary) -> tuple[str, ...]:
    if not row.deployments:
        return (tool.title, *(_NONE,) * 4)
    return (
        tool.title,
        f"{row.mixed_seconds:.1f}",
        _seconds(row.first_new),
        _seconds(row.last_old),
        _seconds(row.took),
    )


def _latencies(tool: Tool, row: Summary) -> tuple[str, ...]:
    figures = [_NONE if value is None else f"{value * 1000:.0f}" for value in (*row.p99, row.longest)]
    return (tool.title, *figures, _seconds(row.load_average))


def _causes(rows: Sequence[tuple[Tool, Summary]]) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    for tool, row in rows:
        for kind, causes in row.lost_by.items():
            told = ", ".join(f"{count} x {cause}" for cause, count in causes.items())
            found.append((tool.title, kind, told))
    return found or [("all", _NONE, "nothing")]


def _seconds(value: float | None) -> str:
    return _NONE if value is None else f"{value:.1f}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
