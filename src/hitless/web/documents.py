"""What the pages get as JSON: the documents that `--json` prints, and what joins them. Pure.

No program reads these but the pages: they have no schema, and change with the pages.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from hitless.cli.views.gateway import gateway_document
from hitless.cli.views.history import run_document
from hitless.cli.views.status import command_text, problem_text, status_document
from hitless.cli.views.words import any_step_text, openable
from hitless.domain.common.events import StepId
from hitless.domain.common.names import Colour
from hitless.domain.host.certificates import certificate_statuses
from hitless.domain.host.journal import Run
from hitless.domain.host.metrics import Point, Sample, rates, series
from hitless.domain.host.status import (
    ApplicationStatus,
    ProblemKind,
    application_status,
    host_status,
    known_of,
)
from hitless.domain.host.steps import steps
from hitless.execution.watch import ApplicationSeen, HostSeen

Document = dict[str, Any]
_HISTORY = 50  # commands
# what concerns the host as a whole stands once, with the gateway
_OF_THE_HOST = (ProblemKind.BROKEN_FILE, ProblemKind.RESTORED_FILE, ProblemKind.GATEWAY_DOWN)


def host_page(
    seen: HostSeen,
    created: Mapping[str, Mapping[int, str]],
    samples: Sequence[Sample],
    host_name: Callable[[], str],
) -> Document:
    """The gateway, and a row for each application."""
    status = host_status(seen.world, seen.settings, seen.instances, seen.health)
    certificates = certificate_statuses(seen.world)
    applications = []
    for one in status.applications:
        name = one.application
        known = application_status(name, known_of(name, seen.world, seen.overview), seen.settings)
        days = [found.days for found in certificates if name in found.applications]
        live = known.live
        applications.append(
            {
                "application": name,
                "live": vars(live) if live else None,
                "addresses": list(openable(known.addresses, host_name)),
                "created": created.get(name, {}).get(live.release, "") if live else "",
                "health": _health(known),
                "certificate_days": min(days) if days else None,
                "command": command_text(known.command) if known.command else "",
                "is_interrupted": known.command is not None and not known.command.is_under_way,
                "problems": [
                    problem_text(problem) for problem in known.problems if problem.kind not in _OF_THE_HOST
                ],
                "rates": _rates(rates(samples, name)),
            }
        )
    gateway = gateway_document(status)["gateway"]
    return {"gateway": gateway, "others": list(seen.world.others), "applications": applications}


def application_page(name: str, seen: ApplicationSeen, host_name: Callable[[], str]) -> Document | None:
    """All of an application; None if nothing of it is there."""
    status = application_status(name, seen.world, seen.settings)
    if not status.is_known and not seen.runs:
        return None
    document = dict(status_document(status))
    document["addresses"] = list(openable(status.addresses, host_name))
    under_way = seen.world.holder
    latest = seen.runs[-1] if seen.runs else None
    return {
        "status": document,
        "command": command_text(status.command) if status.command else "",
        "latest": _with_steps(latest, _is_at_work(latest, seen)) if latest else None,
        "is_under_way": under_way is not None,
        "history": [_in_history(run) for run in reversed(seen.runs[-_HISTORY:])],
        "releases": [release.number for release in status.releases],
    }


def run_page(began: str, seen: ApplicationSeen) -> Document | None:
    """A command with its steps, by when it began; None if the journal has none."""
    run = next((one for one in reversed(seen.runs) if one.began == began), None)
    return _with_steps(run, _is_at_work(run, seen)) if run else None


def chart(
    name: str,
    seen: ApplicationSeen | None,
    samples: Sequence[Sample],
    since: float,
    until: float,
    width: float,
) -> Document:
    """The lines of both colours, and the deployments between two moments."""
    lines = series(samples, name, width)
    colours = {colour: [_point(one) for one in lines[colour]] for colour in Colour}
    deployments = []
    for run in seen.runs if seen else ():
        began = _unix(run.began)
        is_at_work = seen is not None and _is_at_work(run, seen)
        ended = began + run.seconds if run.outcome else until
        if not run.outcome and not is_at_work:
            ended = max([began, *(_unix(str(event.get("time", ""))) for event in run.events)])
        if began and ended >= since and began <= until:
            deployments.append(_deployment(run, began, ended, is_at_work))
    return {"since": since, "until": until, "width": width, "colours": colours, "deployments": deployments}


def _deployment(run: Run, began: float, ended: float, is_at_work: bool) -> Document:
    live = next((event for event in run.events if event["event"] == "live"), None)
    spans = []
    for one in steps(run, is_at_work):
        if one.began:
            at = _unix(one.began)
            spans.append([at, at + one.seconds if one.seconds else ended, any_step_text(one.step), one.state])
    return {
        "operation": run.operation,
        "release": run.release,
        "outcome": run.outcome,
        "began": began,
        "ended": ended,
        "live": _unix(str(live.get("time", ""))) if live else 0.0,
        "steps": spans,
    }


def _is_at_work(run: Run | None, seen: ApplicationSeen) -> bool:
    """Whether it is the command that has the lock: one that was killed has lost it."""
    holder = seen.world.holder
    return bool(run and holder and not run.outcome and run is seen.runs[-1] and run.holder == holder.name)


def _with_steps(run: Run, is_at_work: bool) -> Document:
    found = [
        {
            "id": str(one.step),
            "kind": one.step.kind if isinstance(one.step, StepId) else "",
            "text": any_step_text(one.step),
            "state": one.state,
            "began": one.began,
            "seconds": one.seconds,
            "detail": one.detail,
            "message": one.message,
            "hint": one.hint,
            "logs": dict(one.logs),
        }
        for one in steps(run, is_at_work)
    ]
    live = next((event for event in run.events if event["event"] == "live"), None)
    findings = [
        f"{one.get('path', '')}: {one.get('message', '')}"
        for event in run.events
        if event["event"] == "found"
        for one in event.get("findings") or ()
        if isinstance(one, dict)
    ]
    return {
        **_in_history(run),
        "is_at_work": is_at_work,
        "steps": found,
        "live_after": live.get("seconds") if live else None,
        "is_undone": any(event["event"] == "undone" for event in run.events),
        "findings": findings,
    }


def _in_history(run: Run) -> Document:
    return {**run_document(run), "step_text": any_step_text(run.step)}


def _health(status: ApplicationStatus) -> Document:
    """How many containers of the live colour there are, how many run, and how many are not well."""
    live = status.live.colour if status.live else None
    own = [one for one in status.containers if one.colour is not None and one.colour is live]
    running = [one for one in own if one.state == "running"]
    unwell = [one for one in running if one.health not in ("", "healthy")]
    return {"containers": len(own), "running": len(running), "unwell": len(unwell)}


def _rates(point: Point | None) -> list[float | None] | None:
    return _point(point)[1:4] if point else None


def _point(point: Point) -> list[float | None]:
    p95 = None if point.p95 is None else round(point.p95, 5)
    return [
        round(point.at, 2),
        round(point.requests, 4),
        round(point.errors, 4),
        p95,
        round(point.seconds, 2),
    ]


def _unix(moment: str) -> float:
    try:
        return datetime.fromisoformat(moment).timestamp()
    except ValueError:
        return 0.0
