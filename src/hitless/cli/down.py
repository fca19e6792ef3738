"""hitless down"""

from __future__ import annotations

import click

from hitless.cli.command import on_application
from hitless.cli.options import (
    Options,
    drain_timeout_option,
    json_option,
    pass_options,
    wait_options,
)
from hitless.cli.visible import echo


@click.command()
@click.option("--volumes", is_flag=True, help="Remove the volumes that hitless created, too.")
@drain_timeout_option
@wait_options
@json_option
@pass_options
def down(options: Options, wait: float, volumes: bool, drain_timeout: float | None, as_json: bool) -> None:
    """Remove the application: routes, containers, kept releases."""
    from hitless.execution import down as execution

    with on_application(options, "down", wait, as_json) as session:
        left = execution.down(session, drain_timeout=drain_timeout, volumes=volumes)
    if not as_json:
        echo("what its containers wrote last is kept for 30 days: hitless logs --release NUMBER")
    if left and not as_json:
        echo(f"the volumes are left, with their data: {', '.join(left)}; hitless down --volumes removes them")
