"""hitless abort"""

from __future__ import annotations

import click

from hitless.cli.command import on_application
from hitless.cli.options import Options, json_option, pass_options, wait_options


@click.command()
@wait_options
@json_option
@pass_options
def abort(options: Options, wait: float, as_json: bool) -> None:
    """Undo what an interrupted command left.

    This also works after the cutover, while the previous release still runs.
    """
    from hitless.execution import abort as execution

    with on_application(options, "abort", wait, as_json) as session:
        execution.abort(session)
