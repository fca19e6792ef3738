"""hitless deploy"""

from __future__ import annotations

import click

from hitless.cli.options import Options, holder, json_option, pass_options


class Seconds(click.ParamType):  # type: ignore[type-arg]  # generic in the stubs alone
    """A duration as Compose writes it: 90s, 1m30s, or a number of seconds."""

    name = "duration"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The duration in seconds."""
        from hitless.domain.spec import seconds

        try:
            return seconds(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


timeout_option = click.option(
    "--timeout", type=Seconds(), help="How long the new release may take to get ready."
)
drain_timeout_option = click.option(
    "--drain-timeout", type=Seconds(), help="How long requests in flight may take to end."
)


@click.command()
@timeout_option
@drain_timeout_option
@click.option(
    "--pull",
    type=click.Choice(["always", "missing", "never"]),
    help="When to pull images; else as each service's pull_policy says.",
)
@json_option
@pass_options
def deploy(
    options: Options,
    timeout: float | None,
    drain_timeout: float | None,
    pull: str | None,
    as_json: bool,
) -> None:
    """Start the new release beside the old one, cut over, retire the old one."""
    from concurrent.futures import ThreadPoolExecutor

    from hitless import wiring

    host = options.host()
    with ThreadPoolExecutor(max_workers=2) as pool:
        reading = pool.submit(options.application, host)
        revision = pool.submit(wiring.revision, options.source_directory())
        # loaded while Compose reads the file: both take about a tenth of a second
        from hitless.cli.console import events
        from hitless.domain.spec import with_timeouts
        from hitless.execution import operations
    application, findings = reading.result()
    with events(as_json) as emit:
        operations.deploy(
            host.ports(emit),
            with_timeouts(application, timeout, drain_timeout),
            operations.Request(
                holder=holder(),
                findings=findings,
                revision=revision.result(),
                pull=pull,
            ),
        )
