"""hitless rollback"""

from __future__ import annotations

import click

from hitless.cli.command import on_application
from hitless.cli.complete import releases
from hitless.cli.options import (
    Options,
    drain_timeout_option,
    json_option,
    pass_options,
    timeout_option,
    wait_options,
)


@click.command()
@click.argument("release", type=click.IntRange(min=1), required=False, shell_complete=releases)
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
    """Redeploy a kept release (default: the previous one).

    RELEASE is its number.
    """
    from hitless.domain.release.prepared import Timeouts
    from hitless.execution import rollback as execution

    with on_application(options, "rollback", wait, as_json) as session:
        execution.rollback(session, release, Timeouts(timeout, drain_timeout))
