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


@click.command()
@click.option("--volumes", is_flag=True, help="Remove the volumes that hitless created, too.")
@drain_timeout_option
@wait_options
@json_option
@pass_options
def down(options: Options, wait: float, volumes: bool, drain_timeout: float | None, as_json: bool) -> None:
    """Remove the application: routes, containers, kept releases."""
    from rich.markup import escape

    from hitless.cli.console import console, say
    from hitless.execution import down as execution

    with on_application(options, "down", wait, as_json) as session:
        left = execution.down(session, drain_timeout=drain_timeout, volumes=volumes)
    if as_json:
        return
    out = console()
    say(out, "what its containers wrote last is kept for 30 days: hitless logs --release NUMBER")
    if left:
        kept = escape(", ".join(left))
        say(out, f"the volumes are left, with their data: {kept}; hitless down --volumes removes them")
