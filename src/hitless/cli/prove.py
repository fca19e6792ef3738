"""hitless prove"""

from __future__ import annotations

import re

import click

from hitless.cli.command import command
from hitless.cli.exit_codes import ExitCode
from hitless.cli.options import Options, Seconds, json_option, pass_options, wait_options

_LONGEST_BASELINE = 600.0  # seconds


class Path(click.ParamType):  # type: ignore[type-arg]  # generic in the stubs alone
    """A path as it is in a request: /cart?item=7."""

    name = "path"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The path, of characters that need no quoting."""
        if not re.fullmatch("/[!-~]*", str(value)):
            self.fail(f"{value} is not like /cart?item=7", param, ctx)
        return str(value)


def _bounded(_: click.Context, param: click.Parameter, seconds: float) -> float:
    """A time for which the load may run before the first deployment."""
    if seconds > _LONGEST_BASELINE:
        raise click.BadParameter(f"{_LONGEST_BASELINE:.0f} s at most", param=param)
    return seconds


@click.command()
@click.option(
    "-n",
    "--deployments",
    type=click.IntRange(1, 50),
    default=3,
    show_default=True,
    help="How often to deploy what is live again.",
)
@click.option(
    "--rate",
    type=click.IntRange(1, 200),
    default=20,
    show_default=True,
    help="Requests a second, in all.",
)
@click.option(
    "--path",
    "paths",
    type=Path(),
    multiple=True,
    help="A path to ask for, on every host that has it; may be repeated. Else an example of each route.",
)
@click.option(
    "--baseline",
    type=Seconds(),
    default="5s",
    callback=_bounded,
    show_default=True,
    help="How long to ask before the first deployment: errors in that time are the application's own.",
)
@wait_options
@json_option
@pass_options
@click.pass_context
def prove(
    ctx: click.Context,
    options: Options,
    deployments: int,
    rate: int,
    paths: tuple[str, ...],
    baseline: float,
    wait: float,
    as_json: bool,
) -> None:
    """Deploy the live release repeatedly under load.

    Then tell what was lost, why, and what to do.

    The same release: nothing is built, no job runs again, and every kept release is kept; hooks run. GET
    requests go to the gateway's published port, so run it on the Docker host. Ends with 7 if a request or a
    session was lost to a deployment, and with 1 if a deployment failed. --json prints one report.
    """
    from hitless.cli.views.proof import show_proof
    from hitless.execution import prove as execution

    with command(options, "prove", wait, is_brief=True, is_silent=as_json) as (host, session):
        session.application = options.application_name(host)
        wanted = execution.Wanted(deployments, rate, paths, baseline)
        proof, problem = execution.prove(session, host.load(), wanted)
    show_proof(proof, as_json)
    if problem is not None:
        raise problem
    ctx.exit(ExitCode.DONE if proof.is_lossless else ExitCode.LOST)
