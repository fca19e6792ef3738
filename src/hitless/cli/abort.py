"""hitless abort"""

from __future__ import annotations

import click

from hitless.cli.options import Options, holder, json_option, pass_options, wait_options


@click.command()
@wait_options
@json_option
@pass_options
def abort(options: Options, wait: float, as_json: bool) -> None:
    """Undo what an interrupted deployment left, also after its cutover while the old release is warm."""
    from hitless.cli.console import events
    from hitless.execution import operations

    host = options.host()
    name = options.application_name(host)
    with events(as_json) as emit:
        operations.abort(host.ports(emit), name, operations.Request(holder=holder(), wait=wait))
