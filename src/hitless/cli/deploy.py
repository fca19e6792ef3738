"""hitless deploy"""

from __future__ import annotations

import click

from hitless.cli.command import command
from hitless.cli.options import (
    Number,
    Options,
    drain_timeout_option,
    json_option,
    pass_options,
    strict_option,
    timeout_option,
    wait_options,
)


@click.command()
@timeout_option
@drain_timeout_option
@click.option(
    "--pull",
    type=click.Choice(["always", "missing", "never"]),
    help="When to pull images; else as each service's pull_policy says.",
)
@click.option(
    "--scale", type=Number(), multiple=True, help="How many containers a service gets; may be repeated."
)
@strict_option
@wait_options
@json_option
@pass_options
def deploy(
    options: Options,
    wait: float,
    timeout: float | None,
    drain_timeout: float | None,
    pull: str | None,
    scale: tuple[tuple[str, int], ...],
    strict: bool,
    as_json: bool,
) -> None:
    """Deploy the application as a new release.

    It starts beside the live one. When it is ready, every new request goes to it. Then hitless drains and
    stops the old one.
    """
    from concurrent.futures import ThreadPoolExecutor

    from hitless import wiring

    compose = options.host()
    with ThreadPoolExecutor(max_workers=3) as pool:
        reading = pool.submit(options.application, compose, dict(scale))
        revision = pool.submit(wiring.revision, options.source_directory())
        # loaded while Compose reads the file: both take about a tenth of a second
        from hitless.domain.release.prepared import Timeouts
        from hitless.execution import deploy as execution

        with command(options, "deploy", wait, as_json) as (_, session):
            # the gateway is the same for every application, so nobody waits for the file here
            gateway = pool.submit(session.gateway)
            application, findings = reading.result()
            session.application = application.name
            asked = execution.DeployOptions(
                findings=findings,
                revision=revision.result(),
                pull=pull,
                is_strict=strict,
                timeouts=Timeouts(timeout, drain_timeout),
            )
            execution.deploy(session, application, asked, gateway.result)
