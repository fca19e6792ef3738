"""hitless resume"""

from __future__ import annotations

import click

from hitless.cli.command import on_application
from hitless.cli.options import Options, json_option, pass_options, wait_options


@click.command()
@wait_options
@json_option
@pass_options
def resume(options: Options, wait: float, as_json: bool) -> None:
    """Finish what an interrupted command left."""
    from hitless.execution import resume as execution

    with on_application(options, "resume", wait, as_json) as session:
        execution.resume(session)
