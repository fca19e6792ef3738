"""hitless shared"""

from __future__ import annotations

import click

from hitless.cli import complete
from hitless.cli.command import command
from hitless.cli.options import Options, json_option, pass_options, wait_options


@click.group()
def shared() -> None:
    """Services that run once for all releases, like databases."""


@shared.command()
@click.argument("services", nargs=-1, shell_complete=complete.shared_services)
@click.option("--recreate", is_flag=True, help="Recreate changed services (they are down for that time).")
@wait_options
@json_option
@pass_options
def up(options: Options, services: tuple[str, ...], recreate: bool, wait: float, as_json: bool) -> None:
    """Start shared services that do not run.

    Without a name, all of them. Services that run stay as they are, even if the file has changed: see
    `hitless shared status`, and --recreate.
    """
    from hitless.execution.shared import start_shared

    with command(options, "shared up", wait, as_json) as (host, session):
        application, findings = options.application(host)
        session.application = application.name
        is_done = start_shared(session, application, findings, services, recreate)
    if not is_done and not as_json:
        click.echo("nothing to do: they run; hitless shared status says what has changed")


@shared.command()
@json_option
@pass_options
def status(options: Options, as_json: bool) -> None:
    """Show what runs, and what changed in the file since.

    Also what it would cost to recreate a changed service.
    """
    from hitless.cli.console import ignore
    from hitless.cli.views.shared import show_shared
    from hitless.execution import observe
    from hitless.execution import shared as execution

    host = options.host()
    application, _ = options.application(host)
    ports = host.ports(ignore)
    world = observe.world(ports, application.name)
    show_shared(application.name, execution.shared(ports, application, world), as_json)
