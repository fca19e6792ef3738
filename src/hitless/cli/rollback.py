"""hitless rollback"""

from __future__ import annotations

import click

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
@click.argument("release", type=click.IntRange(min=1), required=False)
@timeout_option
@drain_timeout_option
@wait_options
@json_option
@pass_options
def rollback(
    options: Options,
    wait: float,
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
            operations.Request(holder=holder(), wait=wait),
            number=release,
            timeouts=(timeout, drain_timeout),
        )
