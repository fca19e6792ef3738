"""hitless adopt"""

from __future__ import annotations

import click

from hitless.cli.ending import ending
from hitless.cli.options import (
    Options,
    drain_timeout_option,
    holder,
    json_option,
    pass_options,
    timeout_option,
    wait_options,
)


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
    """Take over an application that runs under plain `docker compose up`.

    A release starts beside what runs and gets its requests; then what ran goes. A port of the host that the
    application publishes itself, or that another Traefik in front of it has, changes hands meanwhile.
    """
    from hitless import wiring
    from hitless.cli.console import events, ignore, show_adoption
    from hitless.domain.common.errors import Refused
    from hitless.domain.common.events import Found, Planned
    from hitless.domain.release.prepared import Timeouts
    from hitless.execution import adopt as adopting
    from hitless.execution import operations

    # what is only shown is one document, and no event
    with ending("adopt", options.project_name, as_json and not dry_run) as end:
        host = options.host()
        application, findings = options.application(host)
        end.application = application.name
        gateway = host.gateway_project()
        adoption, found = adopting.look(host.ports(ignore), gateway, options.gateway, application)
        found = tuple(dict.fromkeys((*findings, *found)))
        with events(as_json and not dry_run) as emit:
            heard = end.heard(emit)
            if as_json and not dry_run:
                heard(Found(found))
                heard(Planned(adoption.step_ids))
            else:
                show_adoption(application, adoption, found, as_json)
            if any(finding.is_error for finding in found):
                raise Refused(found)
            if dry_run:
                return
            if not yes:
                _ask()
            request = operations.Request(
                holder=holder(),
                wait=wait,
                findings=findings,
                revision=wiring.revision(options.source_directory()),
                timeouts=Timeouts(timeout, drain_timeout),
            )
            adopting.adopt(host.ports(heard), gateway, application, request, adoption)


def _ask() -> None:
    """Go on where a person says so."""
    from hitless.domain.common.errors import HitlessError

    try:
        is_wanted = click.confirm("Go ahead?", err=True)
    except click.Abort:  # nobody is there to answer, or Ctrl-C
        is_wanted = False
    if not is_wanted:
        raise HitlessError("nothing was touched: nobody said yes", "--yes does not ask")
