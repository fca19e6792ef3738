"""hitless history"""

from __future__ import annotations

import click

from hitless.cli.options import Options, json_option, pass_options


@click.command()
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="How many at most.")
@json_option
@pass_options
def history(options: Options, limit: int, as_json: bool) -> None:
    """List the commands on the application.

    Each line says when it began, which release it was for, how it ended, and who ran it.
    """
    from hitless.cli.console import ignore
    from hitless.cli.views.history import show_history
    from hitless.execution import observe

    host = options.host()
    name = options.application_to_show(host)
    found = observe.journal_of(host.ports(ignore), name)
    show_history(name, found[-limit:], as_json)
