"""hitless rollback"""

from __future__ import annotations

import click

from hitless.cli.deploy import drain_timeout_option, timeout_option
from hitless.cli.options import Options, holder, json_option, pass_options


@click.command()
@click.argument("release", type=click.IntRange(min=1), required=False)
@timeout_option
@drain_timeout_option
@json_option
@pass_options
def rollback(
    options: Options,
    release: int | None,
    timeout: float | None,
    drain_timeout: float | None,
    as_json: bool,
) -> None:
    """Bring a former release back, by the same way it came. RELEASE is its number; else the one before."""
    from hitless.cli.console import events
    from hitless.execution import operations

    host = options.host()
    name = options.application_name(host)
    with events(as_json) as emit:
        operations.rollback(
            host.ports(emit),
            name,
            operations.Request(holder=holder()),
            number=release,
            timeouts=(timeout, drain_timeout),
        )
