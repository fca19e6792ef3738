"""hitless shared"""

from __future__ import annotations

import click

from hitless.cli.ending import ending
from hitless.cli.options import Options, holder, json_option, pass_options, wait_options


@click.group()
def shared() -> None:
    """The services that run once: databases, caches, and what else no release has a copy of."""


@shared.command()
@click.argument("services", nargs=-1)
@click.option("--recreate", is_flag=True, help="Recreate what has changed in the file; it is away meanwhile.")
@wait_options
@json_option
@pass_options
def up(options: Options, services: tuple[str, ...], recreate: bool, wait: float, as_json: bool) -> None:
    """Start shared services that do not run (without a name: all of them).

    What runs is left alone, whatever has changed in the file: see `hitless shared status`, and --recreate.
    """
    from hitless.cli.console import events
    from hitless.execution import operations

    with ending("shared up", options.project_name, as_json) as end:
        host = options.host()
        application, findings = options.application(host)
        end.application = application.name
        with events(as_json) as emit:
            is_done = operations.start_shared(
                host.ports(end.heard(emit)),
                application,
                operations.Request(holder=holder(), wait=wait, findings=findings),
                services,
                recreate,
            )
    if not is_done and not as_json:
        click.echo("nothing to do: they run; hitless shared status says what has changed")


@shared.command()
@json_option
@pass_options
def status(options: Options, as_json: bool) -> None:
    """What runs, what has changed in the file since it was started, and what recreating it would cost."""
    from hitless.cli.console import ignore
    from hitless.cli.report import show_shared
    from hitless.execution import operations

    host = options.host()
    application, _ = options.application(host)
    show_shared(application.name, operations.shared(host.ports(ignore), application), as_json)
