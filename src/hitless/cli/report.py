"""What `hitless status`, `shared status` and `gateway status` print."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from hitless.cli.console import console
from hitless.cli.views.words import any_step_json, any_step_text
from hitless.domain.common import durations
from hitless.domain.common.errors import HitlessError
from hitless.domain.common.events import Operation
from hitless.domain.host.shared import Shared
from hitless.domain.host.status import (
    ApplicationStatus,
    CommandStatus,
    ContainerStatus,
    GatewayStatus,
    HostStatus,
    LiveStatus,
    Problem,
    ProblemKind,
)
from hitless.domain.routing import entry_points


def show_status(status: ApplicationStatus, as_json: bool) -> None:
    """One application: what is live, its releases, its containers, its address."""
    if as_json:
        print(json.dumps(application_json(status)))
        return
    if not status.containers and Problem(ProblemKind.GATEWAY_DOWN) in status.problems:
        raise HitlessError("the gateway is not up on this Docker host", "run: hitless gateway up")
    if not status.is_known:
        raise HitlessError(
            f"{status.application} is not deployed here",
            "run: hitless deploy, or see hitless status --all",
        )
    out = console()
    out.print(f"[bold]{escape(status.application)}[/]  {_live_text(status)}")
    for address in status.addresses:
        out.print(f"  {escape(address)}")
    if status.command:
        out.print(f"  [yellow]{escape(_command_text(status.command))}[/]")
    for problem in status.problems:
        out.print(f"  [red]{escape(_problem_text(problem))}[/]")
    if status.containers:
        _show_containers(out, status.containers)
    for release in status.releases:
        revision = f"  {escape(release.revision)}" if release.revision else ""
        mark = " (live)" if status.live and status.live.release == release.number else ""
        mark = mark or ("" if release.promoted else " (never was live)")
        out.print(f"  release {release.number}  {release.created[:19]}Z{revision}{mark}")


def _live_text(status: ApplicationStatus) -> str:
    if status.live:
        return f"live: [bold green]{status.live.colour}[/], release {status.live.release}"
    return "[bold red]nothing is live[/]" if status.is_sure else "[bold red]what is live can't be told[/]"


def _show_containers(out: Console, containers: Sequence[ContainerStatus]) -> None:
    table = Table(box=SIMPLE_HEAD)
    for column in ("colour", "release", "service", "container", "state", "health"):
        table.add_column(column)
    for one in containers:
        table.add_row(*(escape(str(value)) for value in _container_json(one).values()))
    out.print(table)


def application_json(status: ApplicationStatus) -> dict[str, Any]:
    """The same as one JSON object."""
    return {
        "application": status.application,
        "live": _live_json(status.live),
        "addresses": list(status.addresses),
        "deployment": _command_json(status.command) if status.command else None,
        "problems": [_problem_text(problem) for problem in status.problems],
        "containers": [_container_json(one) for one in status.containers],
        "releases": [vars(release) for release in status.releases],
    }


def _live_json(live: LiveStatus | None) -> dict[str, Any] | None:
    return vars(live) if live else None


def _container_json(one: ContainerStatus) -> dict[str, Any]:
    return {
        "colour": one.colour or "",
        "release": one.release or "",
        "service": one.service,
        "container": one.name,
        "state": one.state,
        "health": one.health or "-",
    }


def _command_json(command: CommandStatus) -> dict[str, Any]:
    return {
        "operation": command.operation,
        "release": command.release,
        "step": any_step_json(command.step),
        "began": command.began,
        "by": command.by,
        "is_under_way": command.is_under_way,
        "seconds_since": command.seconds,
    }


def _command_text(command: CommandStatus) -> str:
    release = f" of release {command.release}" if command.release else ""
    at = f", at {any_step_text(command.step)}" if command.step else ""
    since = durations.ago(command.seconds)
    if command.is_under_way:
        what = f"{command.operation or 'a command'}{release} is under way{at}, by {command.by}"
        return f"{what}, last sign of life {since}"
    if command.operation == Operation.ADOPT:
        return f"interrupted adopt{at}, by {command.by}, {since}; go on with hitless adopt"
    return (
        f"interrupted {command.operation}{release}{at}, by {command.by}, {since}; finish it with "
        "hitless resume, undo it with hitless abort, or run hitless deploy"
    )


def _problem_text(problem: Problem) -> str:
    subject, detail = problem.subject, problem.detail
    match problem.kind:
        case ProblemKind.GATEWAY_DOWN:
            return "the gateway is not up; run: hitless gateway up"
        case ProblemKind.BROKEN_FILE:
            return f"{subject}: {detail}"
        case ProblemKind.RESTORED_FILE:
            return f"{detail}; hitless gateway up puts it back"
        case ProblemKind.OTHER_GATEWAY:
            return f"it runs behind the gateway {subject}; use --gateway {subject}"
        case ProblemKind.DAMAGED_RECORD:
            return f"the record of release {subject} is damaged; the next hitless deploy removes it"
        case ProblemKind.NOTHING_RUNS:
            return f"no container of the live colour {subject} is running; run: hitless deploy"
        case ProblemKind.LEFTOVER:
            return f"{subject} is there but not live; hitless abort or the next hitless deploy takes it away"


def show_applications(status: HostStatus, as_json: bool) -> None:
    """The gateway and every application on it."""
    if as_json:
        applications = [
            {"application": one.application, "live": _live_json(one.live), "addresses": list(one.addresses)}
            for one in status.applications
        ]
        print(json.dumps({"gateway": _gateway_json(status.gateway), "applications": applications}))
        return
    out = console()
    if status.gateway.settings is None:
        out.print("the gateway is not there; run: hitless gateway up")
        return
    _show_gateway(out, status.gateway)
    for one in status.applications:
        what = f"{one.live.colour}, release {one.live.release}" if one.live else "not live"
        out.print(f"  [bold]{escape(one.application)}[/]  {what}  {escape(', '.join(one.addresses))}")


def _gateway_json(gateway: GatewayStatus) -> dict[str, Any]:
    return {
        "running": gateway.is_running,
        "settings": vars(gateway.settings) if gateway.settings else None,
        "newer_image": gateway.newer_image,
        "broken": {**gateway.broken, **gateway.restored},
    }


def _show_gateway(out: Console, gateway: GatewayStatus) -> None:
    settings = gateway.settings
    assert settings
    state = "[green]up[/]" if gateway.is_running else "[red]down[/]"
    also = "".join(f", {entry_points.shown(address, port)}" for port, address in settings.ports.items())
    at = entry_points.shown(settings.bind, settings.http_port)
    out.print(f"gateway {state}: http://{escape(at)}{escape(also)}, {settings.image}")
    if gateway.newer_image:
        newer = f"hitless's own image of Traefik is {gateway.newer_image} now"
        out.print(f"  [yellow]{newer}; hitless gateway up --replace takes it[/]")
    if settings.held:
        held = ", ".join(map(str, settings.held))
        out.print(f"  [yellow]port {held} is another's still: see hitless adopt, or gateway up --replace[/]")
    for path, problem in gateway.broken.items():
        out.print(f"  [red]{escape(path)}: {escape(problem)}[/]")
    for problem in gateway.restored.values():
        out.print(f"  [yellow]{escape(problem)}; hitless gateway up puts it back[/]")


def show_shared(application: str, found: Sequence[Shared], as_json: bool) -> None:
    """What `hitless shared status` prints."""
    rows = [
        {
            "service": one.service,
            "reason": one.reason,
            "container": one.container.name if one.container else "",
            "state": one.container.state if one.container else "missing",
            "health": (one.container.health if one.container else "") or "-",
            "changes": one.changes,
            "cost": one.cost,
        }
        for one in found
    ]
    if as_json:
        print(json.dumps({"application": application, "shared": rows}))
        return
    out = console()
    if not rows:
        out.print(f"{application} has no shared service; hitless plan says what each is, and why")
        return
    table = Table(box=SIMPLE_HEAD)
    columns = ("service", "container", "state", "health")
    for column in columns:
        table.add_column(column)
    for row in rows:
        table.add_row(*(escape(row[column]) for column in columns))
    out.print(table)
    for row in rows:
        if row["changes"]:
            out.print(
                f"  [yellow]{escape(row['service'])} has changed in the file: {escape(row['changes'])}[/]"
            )
            out.print(f"    hitless shared up --recreate {escape(row['service'])}: {escape(row['cost'])}")
