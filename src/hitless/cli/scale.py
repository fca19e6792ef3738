"""hitless scale"""

from __future__ import annotations

import click

from hitless.cli.command import on_application
from hitless.cli.complete import scaled
from hitless.cli.options import Number, Options, json_option, pass_options, wait_options


@click.command()
@click.argument(
    "services", type=Number(), nargs=-1, required=True, metavar="SERVICE=NUMBER...", shell_complete=scaled
)
@wait_options
@json_option
@pass_options
def scale(options: Options, wait: float, services: tuple[tuple[str, int], ...], as_json: bool) -> None:
    """Change how many containers are live.

    For example: hitless scale web=5 worker=2. New containers get requests when they are ready; removed ones
    have answered theirs. The next deployment uses the number in the Compose file, or its own --scale.
    """
    from hitless.execution import scale as execution

    with on_application(options, "scale", wait, as_json) as session:
        is_new = execution.scale(session, dict(services))
    if not is_new and not as_json:
        click.echo(f"nothing to do: {have(services)} already")


def have(services: tuple[tuple[str, int], ...]) -> str:
    """`web has 5 containers, worker has 1 container`."""
    return ", ".join(
        f"{name} has {number} container{'' if number == 1 else 's'}" for name, number in services
    )
