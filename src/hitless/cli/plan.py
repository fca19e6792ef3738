"""hitless plan"""

from __future__ import annotations

import click

from hitless.cli.options import Options, json_option, pass_options, strict_option


@click.command()
@strict_option
@json_option
@pass_options
def plan(options: Options, strict: bool, as_json: bool) -> None:
    """Show what deploy would do, and every problem. Changes nothing.

    Ends with 1 if deploy would refuse.
    """
    from hitless.cli.console import ignore
    from hitless.cli.views.plan import show_plan
    from hitless.execution.deploy import DeployOptions
    from hitless.execution.preview import preview

    host = options.host()
    application, findings = options.application(host)
    asked = DeployOptions(findings=findings, is_strict=strict)
    found_plan, found = preview(host.ports(ignore), application, asked)
    show_plan(application, found_plan, found, as_json)
    raise click.exceptions.Exit(int(found_plan is None))
