"""hitless adopt"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hitless.cli.command import command
from hitless.cli.options import (
    Options,
    drain_timeout_option,
    json_option,
    pass_options,
    timeout_option,
    wait_options,
)

if TYPE_CHECKING:
    from hitless import wiring
    from hitless.domain.application.model import Application
    from hitless.domain.common.findings import Finding
    from hitless.domain.plan.adopt import Adoption


@click.command()
@timeout_option
@drain_timeout_option
@click.option("--dry-run", is_flag=True, help="Show what would be done, and touch nothing.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask before it begins.")
@wait_options
@json_option
@pass_options
def adopt(
    options: Options,
    wait: float,
    timeout: float | None,
    drain_timeout: float | None,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Take over what runs under plain `docker compose up`.

    A release starts beside the running containers and gets their requests. Then hitless removes the old
    containers. If the application, or another Traefik in front of it, publishes a port of the host, that port
    moves to the gateway.
    """
    from hitless import wiring
    from hitless.cli.views.adoption import show_adoption
    from hitless.domain.common.events import Found, Planned
    from hitless.domain.release.prepared import Timeouts
    from hitless.execution import adopt as execution
    from hitless.execution.deploy import DeployOptions

    if dry_run:
        # what is only shown is one document, and no event
        application, _, adoption, found = _look(options, options.host())
        show_adoption(application, adoption, found, as_json)
        _refuse(found)
        return
    with command(options, "adopt", wait, as_json) as (host, session):
        application, findings, adoption, found = _look(options, host)
        session.application = application.name
        if as_json:
            session.tell(Found(found))
            if not any(finding.is_error for finding in found):
                session.tell(Planned(adoption.step_ids))
        else:
            show_adoption(application, adoption, found, as_json)
        _refuse(found)
        if not yes:
            _ask()
        asked = DeployOptions(
            findings=findings,
            revision=wiring.revision(options.source_directory()),
            timeouts=Timeouts(timeout, drain_timeout),
        )
        execution.adopt(session, host.gateway_project(), application, asked, adoption, host.outside())


def _look(
    options: Options, host: wiring.Host
) -> tuple[Application, tuple[Finding, ...], Adoption, tuple[Finding, ...]]:
    """The application, what reading it found, what adopting it takes, and all findings."""
    from hitless.cli.console import ignore
    from hitless.execution import adopt as execution

    application, findings = options.application(host)
    adoption, found = execution.look(host.ports(ignore), host.gateway_project(), options.gateway, application)
    return application, findings, adoption, tuple(dict.fromkeys((*findings, *found)))


def _refuse(found: tuple[Finding, ...]) -> None:
    from hitless.domain.common.errors import Refused

    if any(finding.is_error for finding in found):
        raise Refused(found)


def _ask() -> None:
    """Continue if a person agrees."""
    from hitless.domain.common.errors import HitlessError

    try:
        is_wanted = click.confirm("Go ahead?", err=True)
    except click.Abort:  # nobody can answer, or Ctrl-C
        is_wanted = False
    if not is_wanted:
        raise HitlessError("cancelled, nothing changed", "--yes skips the question")
