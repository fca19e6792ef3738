"""hitless scale"""

from __future__ import annotations

import click

from hitless.cli.command import on_application
from hitless.cli.options import Number, Options, json_option, pass_options, wait_options


@click.command()
@click.argument("services", type=Number(), nargs=-1, required=True, metavar="SERVICE=NUMBER...")
@wait_options
@json_option
@pass_options
def scale(options: Options, wait: float, services: tuple[tuple[str, int], ...], as_json: bool) -> None:
    """Have more or fewer containers of what is live: `hitless scale web=5 worker=2`.

    New ones get requests once they are ready, and those that go have answered theirs. The next deployment
    has as many as the Compose file says, or its own --scale.
    """
    from hitless.execution import scale as execution

    with on_application(options, "scale", wait, as_json) as session:
        is_new = execution.scale(session, dict(services))
    if not is_new and not as_json:
        click.echo("nothing to do: there are as many already")
