"""hitless resume"""

from __future__ import annotations

import click

from hitless.cli.options import Options, holder, json_option, pass_options, wait_options


@click.command()
@wait_options
@json_option
@pass_options
def resume(options: Options, wait: float, as_json: bool) -> None:
    """Finish what an interrupted command left: a deployment, a rollback, a down, an abort."""
    from hitless.cli.console import events
    from hitless.execution import operations

    host = options.host()
    name = options.application_name(host)
    with events(as_json) as emit:
        operations.resume(host.ports(emit), name, operations.Request(holder=holder(), wait=wait))
