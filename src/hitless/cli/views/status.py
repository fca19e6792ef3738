"""What `hitless status` prints of one application."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, TypedDict

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from hitless.cli.console import console
from hitless.cli.views.documents import Document, print_document
from hitless.cli.views.times import local
from hitless.cli.views.words import any_step_json, any_step_text
from hitless.domain.common import durations
from hitless.domain.common.errors import Elsewhere, GatewayDown, HitlessError
from hitless.domain.common.events import Operation, StepJson
from hitless.domain.common.foreign import Json
from hitless.domain.common.names import Colour
from hitless.domain.host.status import (
    ApplicationStatus,
    CommandStatus,
    ContainerStatus,
    LiveStatus,
    Problem,
    ProblemKind,
    ReleaseStatus,
)


class CommandDocument(TypedDict):
    """The command that works on the application, or the last one if it was interrupted.

    A command that has written nothing yet has "", 0 and null. `seconds_since` is since its last sign of life.
    """

    operation: str
    release: int
    step: StepJson | str | None
    began: str
    by: str
    is_under_way: bool
    seconds_since: float


class ContainerDocument(TypedDict):
    """A container. `colour` and `release` are "" for a shared service; `health` is "-" without a check."""

    colour: Colour | Literal[""]
    release: int | Literal[""]
    service: str
    container: str
    state: str
    health: str


class StatusDocument(TypedDict):
    """One application: what is live, where, its containers, its kept releases, the latest first."""

    application: str
    live: Annotated[Json, LiveStatus] | None
    addresses: list[str]
    deployment: CommandDocument | None
    problems: list[str]
    containers: list[ContainerDocument]
    releases: list[Annotated[Json, ReleaseStatus]]


def show_status(status: ApplicationStatus, as_json: bool) -> None:
    """One application: what is live, its releases, its containers, its address."""
    if as_json:
        print_document(Document.STATUS, status_document(status))
        return
    for problem in status.problems:
        if problem.kind is ProblemKind.GATEWAY_DOWN and not status.containers:
            raise GatewayDown(problem.subject.split(", ") if problem.subject else ())
        if problem.kind is ProblemKind.OTHER_GATEWAY and not status.live:
            raise Elsewhere(status.application, problem.subject)
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
        out.print(f"  [yellow]{escape(command_text(status.command))}[/]")
    for problem in status.problems:
        out.print(f"  [red]{escape(problem_text(problem))}[/]")
    if status.containers:
        _show_containers(out, status.containers)
    for release in status.releases:
        revision = f"  {escape(release.revision)}" if release.revision else ""
        mark = " (live)" if status.live and status.live.release == release.number else ""
        at_work = status.command if status.command and status.command.is_under_way else None
        if not (mark or release.promoted):
            is_coming = at_work is not None and at_work.release == release.number
            mark = " (not live yet)" if is_coming else " (never was live)"
        out.print(f"  release {release.number}  {local(release.created)}{revision}{mark}")


def _live_text(status: ApplicationStatus) -> str:
    if status.live:
        return f"live: [bold green]{status.live.colour}[/], release {status.live.release}"
    return "[bold red]nothing is live[/]" if status.is_sure else "[bold red]what is live can't be told[/]"


def _show_containers(out: Console, containers: Sequence[ContainerStatus]) -> None:
    table = Table(box=SIMPLE_HEAD)
    for column in ("colour", "release", "service", "container", "state", "health"):
        table.add_column(column)
    for one in containers:
        table.add_row(*(escape(str(value)) for value in _container(one).values()))
    out.print(table)


def status_document(status: ApplicationStatus) -> StatusDocument:
    """The same as one JSON object."""
    return {
        "application": status.application,
        "live": vars(status.live) if status.live else None,
        "addresses": list(status.addresses),
        "deployment": command_document(status.command) if status.command else None,
        "problems": [problem_text(problem) for problem in status.problems],
        "containers": [_container(one) for one in status.containers],
        "releases": [vars(release) for release in status.releases],
    }


def _container(one: ContainerStatus) -> ContainerDocument:
    return {
        "colour": one.colour or "",
        "release": one.release or "",
        "service": one.service,
        "container": one.name,
        "state": one.state,
        "health": one.health or "-",
    }


def command_document(command: CommandStatus) -> CommandDocument:
    """The same as one JSON object."""
    return {
        "operation": command.operation,
        "release": command.release,
        "step": any_step_json(command.step),
        "began": command.began,
        "by": command.by,
        "is_under_way": command.is_under_way,
        "seconds_since": command.seconds,
    }


def command_text(command: CommandStatus) -> str:
    """In one line, the command that is under way, or that was interrupted, with what helps."""
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


def problem_text(problem: Problem) -> str:
    """A problem in one line, with what helps."""
    subject, detail = problem.subject, problem.detail
    match problem.kind:
        case ProblemKind.GATEWAY_DOWN:
            meant = f" (others run: {subject}; --gateway NAME is for one of these)" if subject else ""
            return f"the gateway is not up; run: hitless gateway up{meant}"
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
        case ProblemKind.REQUESTS_WAIT:
            waits = f"nobody answers now: requests wait for {detail} s, and then get 503"
            return f"{waits}; run: hitless abort, hitless resume or hitless deploy"
        case ProblemKind.CERTIFICATE_ENDS:
            ends = f"the certificate for {subject} is good for {detail} more days"
            return f"{ends}: add the next one with hitless gateway certificate add"
        case ProblemKind.RENEWAL_FAILS:
            ends = (
                f"the certificate for {subject} is good for {detail} more days, and should have been renewed"
            )
            return f"{ends}: see hitless gateway logs"
        case ProblemKind.LEFTOVER:
            return f"{subject} is there but not live; hitless abort or the next hitless deploy removes it"
