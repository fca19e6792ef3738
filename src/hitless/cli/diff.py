"""hitless diff"""

from __future__ import annotations

import click

from hitless.cli.complete import releases
from hitless.cli.options import Options, json_option, pass_options


@click.command()
@click.argument("before", type=click.IntRange(min=1), required=False, shell_complete=releases)
@click.argument("after", type=click.IntRange(min=1), required=False, shell_complete=releases)
@json_option
@pass_options
def diff(options: Options, before: int | None, after: int | None, as_json: bool) -> None:
    """Show what changes: from the live release to the file.

    With BEFORE: from that kept release to the live one. With AFTER: from one kept release to the other. Of
    the environment it shows the names alone, and secrets are hidden.
    """
    from hitless.cli.console import ignore
    from hitless.cli.views.difference import show_differences
    from hitless.execution import difference

    host = options.host()
    ports = host.ports(ignore)
    if before is None:
        application, _ = options.application(host)
        live, found = difference.of_file(ports, application)
        show_differences(application.name, live, "the file", found, as_json)
        return
    name = options.application_to_show(host)
    last, found = difference.of_releases(ports, name, before, after)
    show_differences(name, f"release {before}", last, found, as_json)
