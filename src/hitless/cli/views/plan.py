"""What `hitless plan` prints."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from rich.markup import escape

from hitless.cli.console import console
from hitless.cli.views.findings import show_findings
from hitless.cli.views.words import step_text
from hitless.domain.application.model import Application
from hitless.domain.common.events import step_json
from hitless.domain.common.findings import Finding
from hitless.execution.preview import Preview


def show_plan(
    application: Application, preview: Preview | None, findings: Sequence[Finding], as_json_text: bool
) -> None:
    """What `hitless plan` prints."""
    if as_json_text:
        services = [
            {"service": service.name, "role": service.role, "reason": service.reason}
            for service in application.services
        ]
        found = [vars(finding) for finding in findings]
        print(
            json.dumps({"services": services, "findings": found, "plan": _plan(preview) if preview else None})
        )
        return
    out = console()
    width = max(len(service.name) for service in application.services)
    for service in application.services:
        role = f"{service.role}, exclusive" if service.exclusive else str(service.role)
        out.print(f"[bold]{escape(service.name):<{width}}[/]  {role:<7} [dim]{escape(service.reason)}[/]")
    show_findings(out, findings)
    if preview is None:
        out.print("hitless deploy would refuse; nothing would be touched")
        return
    plan = preview.deployment
    out.print(f"deploy [bold]{application.name}[/] release {plan.release} as [bold]{plan.colour}[/]:")
    for number, step in enumerate(preview.steps, start=1):
        out.print(f"  {number}. {escape(step_text(step))}")


def _plan(preview: Preview) -> dict[str, Any]:
    """The plan without the models, which hold environment values."""
    plan = preview.deployment
    steps = [{**step_json(step), "text": step_text(step)} for step in preview.steps]
    return {"application": plan.application, "release": plan.release, "colour": plan.colour, "steps": steps}
