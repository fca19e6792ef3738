"""hitless show"""

from __future__ import annotations

import click

from hitless.cli.complete import releases
from hitless.cli.options import Options, json_option, pass_options


@click.command()
@click.argument("release", type=click.IntRange(min=1), required=False, shell_complete=releases)
@json_option
@pass_options
def show(options: Options, release: int | None, as_json: bool) -> None:
    """Show every event of a release, or of the last command."""
    from hitless.cli.console import ignore
    from hitless.cli.views.history import show_runs
    from hitless.execution import observe

    host = options.host()
    name = options.application_to_show(host)
    show_runs(name, release, observe.journal_of(host.ports(ignore), name), as_json)
