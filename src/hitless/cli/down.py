"""hitless down"""

from __future__ import annotations

import click

from hitless.cli.options import (
    Options,
    drain_timeout_option,
    holder,
    json_option,
    pass_options,
    wait_options,
)


@click.command()
@click.option("--volumes", is_flag=True, help="Remove the volumes that hitless created, too.")
@drain_timeout_option
@wait_options
@json_option
@pass_options
def down(options: Options, wait: float, volumes: bool, drain_timeout: float | None, as_json: bool) -> None:
    """Take the application away: its routes, its containers, its kept releases."""
    from hitless.cli.console import events
    from hitless.execution import operations

    host = options.host()
    name = options.application_name(host)
    with events(as_json) as emit:
        operations.down(
            host.ports(emit),
            name,
            operations.Request(holder=holder(), wait=wait),
            drain_timeout=drain_timeout,
            volumes=volumes,
        )
