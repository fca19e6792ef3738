"""What `hitless plan` prints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, TypedDict

from rich.console import Console
from rich.markup import escape

from hitless.cli.console import console
from hitless.cli.views.documents import Document, print_document
from hitless.cli.views.findings import show_findings
from hitless.cli.views.words import step_text
from hitless.domain.application.model import Application, Role
from hitless.domain.common.events import StepJson, step_json
from hitless.domain.common.findings import Finding
from hitless.domain.common.foreign import Json
from hitless.domain.common.names import Colour
from hitless.domain.host.journal import Waited
from hitless.domain.plan.preview import Preview


class PlannedService(TypedDict):
    """A service: its role, the reason for it, and whether two of it must never run at a time."""

    service: str
    role: Role
    exclusive: bool
    reason: str


class PlannedStep(StepJson):
    """A step, with a line for people."""

    text: str


class PlannedWait(TypedDict):
    """How long requests will wait: about as long as when this `release` went live; null: not known yet."""

    seconds: float | None
    release: int | None


class PlannedRelease(TypedDict):
    """What the deployment would do, in order. The steps that get the images come first.

    `waiting` is null if no request will wait.
    """

    application: str
    release: int
    colour: Colour | None
    steps: list[PlannedStep]
    waiting: PlannedWait | None


class PlanDocument(TypedDict):
    """What `hitless deploy` would do. `plan` is null if it would refuse, and `findings` say why."""

    application: str
    is_refused: bool
    services: list[PlannedService]
    findings: list[Annotated[Json, Finding]]
    plan: PlannedRelease | None


def show_plan(
    application: Application, preview: Preview | None, findings: Sequence[Finding], as_json_text: bool
) -> None:
    """What `hitless plan` prints."""
    if as_json_text:
        print_document(Document.PLAN, plan_document(application, preview, findings))
        return
    out = console()
    show_services(out, application)
    show_findings(out, findings)
    if preview is None:
        out.print("hitless deploy would refuse; nothing would be touched")
        return
    plan = preview.deployment
    out.print(f"deploy [bold]{application.name}[/] release {plan.release} as [bold]{plan.colour}[/]:")
    for number, step in enumerate(preview.steps, start=1):
        out.print(f"  {number}. {escape(step_text(step))}")
    if preview.lets_wait:
        out.print(_waiting(preview.waited, application.settings.wait_timeout))


def _waiting(waited: Waited | None, timeout: float) -> str:
    if waited is None:
        return "requests will wait; for how long is not known yet"
    said = f"requests will wait for about {waited.seconds:.0f} s, as for release {waited.release}"
    if waited.seconds > timeout:
        return f"{said}; after {timeout:g} s (`wait_timeout`) they get 503"
    return said


def show_services(out: Console, application: Application) -> None:
    """Every service with its role, and the reason."""
    width = max(len(service.name) for service in application.services)
    for service in application.services:
        role = f"{service.role}, exclusive" if service.exclusive else str(service.role)
        out.print(f"[bold]{escape(service.name):<{width}}[/]  {role:<7} [dim]{escape(service.reason)}[/]")


def plan_document(
    application: Application, preview: Preview | None, findings: Sequence[Finding]
) -> PlanDocument:
    """The same as one JSON object."""
    return {
        "application": application.name,
        "is_refused": preview is None,
        "services": [
            {
                "service": service.name,
                "role": service.role,
                "exclusive": bool(service.exclusive),
                "reason": service.reason,
            }
            for service in application.services
        ],
        "findings": [vars(finding) for finding in findings],
        "plan": _release(preview) if preview else None,
    }


def _release(preview: Preview) -> PlannedRelease:
    """The plan without the models, which hold environment values."""
    plan = preview.deployment
    steps: list[PlannedStep] = [{**step_json(step), "text": step_text(step)} for step in preview.steps]
    return {
        "application": plan.application,
        "release": plan.release,
        "colour": plan.colour,
        "steps": steps,
        "waiting": _wait(preview.waited) if preview.lets_wait else None,
    }


def _wait(waited: Waited | None) -> PlannedWait:
    if waited is None:
        return {"seconds": None, "release": None}
    return {"seconds": waited.seconds, "release": waited.release}
