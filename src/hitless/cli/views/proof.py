"""What `hitless prove` prints."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Annotated, TypedDict

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from hitless.cli.console import console
from hitless.cli.views.documents import Document, print_document
from hitless.domain.common.events import Outcome
from hitless.domain.common.foreign import Json
from hitless.domain.proof.observations import Period, Timeline
from hitless.domain.proof.verdict import Cause, Fault, Latency, Proof, Side


class PeriodDocument(TypedDict):
    """The requests of one period. `lost` and `as_before` map what came instead of an answer to its count."""

    period: Period
    requests: int
    lost: Mapping[str, int]
    as_before: Mapping[str, int]
    latency: Annotated[Json, Latency] | None


class FaultDocument(TypedDict):
    """One cause of a loss, or a note: whose fault it is, what was seen, and what to do about it.

    `requests` is how many it cost, and 0 for a note.
    """

    cause: Cause
    by: Side
    is_loss: bool
    requests: int
    message: str
    detail: str
    remedy: str


class DeploymentDocument(TypedDict):
    """One of the deployments. Times are seconds since it began, or null if it did not come so far.

    `exit_codes` maps each container that ended to its exit code.
    """

    outcome: Outcome
    problem: str
    live_after: float | None
    ended_after: float | None
    start_took: float
    cutover_took: float | None
    stop_took: float | None
    in_flight: int
    cut: int
    exit_codes: dict[str, int]


class ProofDocument(TypedDict):
    """What `hitless prove` found. Times are seconds.

    `as_before` counts the wrong answers that the application gives without a deployment, too.
    `mixed` is null: it can't be seen (docs/prove.md). `idle_closed_after` maps each service to the seconds
    after which it closed an idle connection.
    """

    application: str
    release: int
    is_lossless: bool
    verdict: str
    requests: int
    rate: float
    paths: list[str]
    lost: int
    as_before: int
    lost_by_deployments: int
    sessions: int
    sessions_lost: int
    mixed: None
    periods: list[PeriodDocument]
    faults: list[FaultDocument]
    deployments_wanted: int
    deployments: list[DeploymentDocument]
    idle_closed_after: dict[str, float]
    sent_late_by: float


def show_proof(proof: Proof, as_json: bool) -> None:
    """What was sent and lost in each period, how long it took, the faults with remedies, and the verdict."""
    if as_json:
        print_document(Document.PROVE, report(proof), indent=2)
        return
    out = console()
    out.print()
    for target in proof.observed.targets:
        out.print(f"  GET {escape(target.url)}")
    _show_periods(out, proof)
    _show_times(out, proof)
    for fault in proof.faults:
        _show_fault(out, fault)
    out.print(f"[bold {'green' if proof.is_lossless else 'red'}]{escape(verdict(proof))}[/]")


def verdict(proof: Proof) -> str:
    """One line: what was lost, in how many deployments, and by whom."""
    done = [timeline for timeline in proof.observed.timelines if not timeline.problem]
    deployments = f"{len(done)} deployment{'' if len(done) == 1 else 's'} of release {proof.observed.release}"
    lost = sum(fault.lost for fault in proof.faults if fault.is_loss)
    asked = f"{proof.requests:,} requests"
    own = f" ({proof.as_before:,} answered as before any deployment)" if proof.as_before else ""
    if proof.is_lossless:
        return f"nothing lost: {asked}, {deployments}{own}"
    sides = ", ".join(dict.fromkeys(fault.side for fault in proof.faults if fault.is_loss))
    what = [f"{lost:,} of {asked}"] if lost else []
    sessions = sum(session.is_lost for session in proof.observed.sessions)
    if sessions:
        what.append(f"{sessions} of {len(proof.observed.sessions)} sessions")
    return f"lost: {' and '.join(what)}, in {deployments}{own}; by {sides}"


def report(proof: Proof) -> ProofDocument:
    """The same as one JSON object."""
    observed = proof.observed
    return {
        "application": observed.application,
        "release": observed.release,
        "is_lossless": proof.is_lossless,
        "verdict": verdict(proof),
        "requests": proof.requests,
        "rate": observed.rate,
        "paths": [target.url for target in observed.targets],
        "lost": proof.lost,
        "as_before": proof.as_before,
        "lost_by_deployments": sum(fault.lost for fault in proof.faults if fault.is_loss),
        "sessions": len(observed.sessions),
        "sessions_lost": sum(session.is_lost for session in observed.sessions),
        "mixed": None,
        "periods": [
            {
                "period": row.period,
                "requests": row.requests,
                "lost": dict(row.lost),
                "as_before": dict(row.as_before),
                "latency": _rounded(row.latency),
            }
            for row in proof.rows
        ],
        "faults": [
            {
                "cause": fault.cause,
                "by": fault.side,
                "is_loss": fault.is_loss,
                "requests": fault.lost,
                "message": fault.message,
                "detail": fault.detail,
                "remedy": fault.remedy,
            }
            for fault in proof.faults
        ],
        "deployments_wanted": observed.wanted,
        "deployments": [_deployment(timeline) for timeline in observed.timelines],
        "idle_closed_after": {service: round(after, 2) for service, after in observed.idle.items()},
        "sent_late_by": round(observed.lag, 3),
    }


def _deployment(timeline: Timeline) -> DeploymentDocument:
    return {
        "outcome": Outcome.FAILED if timeline.problem else Outcome.SUCCESSFUL,
        "problem": timeline.problem,
        "live_after": _since(timeline, timeline.live),
        "ended_after": _since(timeline, timeline.ended),
        "start_took": round(timeline.gate, 3),
        "cutover_took": _between(timeline.cutting, timeline.live),
        "stop_took": _between(timeline.stopping, timeline.stopped),
        "in_flight": timeline.in_flight,
        "cut": timeline.cut,
        "exit_codes": {ending.container: ending.exit_code for ending in timeline.endings},
    }


def _since(timeline: Timeline, moment: float | None) -> float | None:
    return _between(timeline.began, moment)


def _between(begin: float | None, end: float | None) -> float | None:
    return None if begin is None or end is None else round(end - begin, 3)


def _rounded(latency: Latency | None) -> dict[str, float] | None:
    return {key: round(value, 4) for key, value in vars(latency).items()} if latency else None


def _show_periods(out: Console, proof: Proof) -> None:
    table = Table(box=SIMPLE_HEAD)
    table.add_column("period")
    for column in ("requests", "lost", "as before", "p50", "p99", "longest"):
        if column != "as before" or proof.as_before:
            table.add_column(column, justify="right")
    table.add_column("lost how")
    for row in proof.rows:
        times = vars(row.latency).values() if row.latency else ()
        table.add_row(
            row.period,
            f"{row.requests:,}",
            *_counts(proof, row.lost, row.as_before),
            *(f"{seconds * 1000:.0f} ms" for seconds in times),
            *([""] * (0 if times else 3)),
            _listed(row.lost),
        )
    table.add_section()
    lost = sum((Counter(row.lost) for row in proof.rows), Counter[str]())
    own = sum((Counter(row.as_before) for row in proof.rows), Counter[str]())
    table.add_row("in all", f"{proof.requests:,}", *_counts(proof, lost, own), "", "", "", _listed(lost))
    out.print(table)


def _counts(proof: Proof, lost: Mapping[str, int], own: Mapping[str, int]) -> tuple[str, ...]:
    """How many were lost, and how many were as before any deployment, if the table has a column for it."""
    return (str(sum(lost.values())), *([str(sum(own.values()))] if proof.as_before else []))


def _listed(lost: Mapping[str, int]) -> str:
    return ", ".join(f"{count} x {what}" for what, count in lost.items())


def _show_times(out: Console, proof: Proof) -> None:
    table = Table(box=SIMPLE_HEAD)
    table.add_column("deployment")
    for column in ("live after", "done after", "its own start", "cutover within", "in flight", "cut"):
        table.add_column(column, justify="right")
    for number, timeline in enumerate(proof.observed.timelines, start=1):
        table.add_row(
            f"{number} {'[red]failed[/]' if timeline.problem else ''}",
            *(
                "-" if seconds is None else f"{seconds:.{digits}f} s"
                for seconds, digits in (
                    (_since(timeline, timeline.live), 1),
                    (_since(timeline, timeline.ended), 1),
                    (timeline.gate, 1),
                    (_between(timeline.cutting, timeline.live), 2),
                )
            ),
            str(timeline.in_flight),
            str(timeline.cut),
        )
    if proof.observed.timelines:
        out.print(table)
        out.print(
            "[dim]Both releases are the same, so which of them answered can't be seen: the time of the "
            "cutover bounds how long both did.[/]\n"
        )


def _show_fault(out: Console, fault: Fault) -> None:
    mark = "[red]lost[/]" if fault.is_loss else "[yellow]note[/]"
    count = f" {fault.lost} request{'' if fault.lost == 1 else 's'}" if fault.is_loss and fault.lost else ""
    out.print(f"{mark}{count}, by {fault.side}: {escape(fault.message)}")
    if fault.detail:
        out.print(f"      {escape(fault.detail)}")
    out.print(f"      next: {escape(fault.remedy)}")
