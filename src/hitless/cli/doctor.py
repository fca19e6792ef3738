"""hitless doctor"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hitless.cli.exit_codes import ExitCode
from hitless.cli.options import Options, json_option, pass_options

if TYPE_CHECKING:
    from hitless import wiring
    from hitless.domain.host.facts import File


@click.command()
@click.option("--fix", is_flag=True, help="Put right what is safe: dead locks, damaged files, leftovers.")
@json_option
@pass_options
@click.pass_context
def doctor(ctx: click.Context, options: Options, fix: bool, as_json: bool) -> None:
    """Say what is wrong on the Docker host, and what helps.

    It changes nothing without --fix, and works without a gateway, too. Ends with 1 if there is an error.
    """
    from hitless.cli.console import ignore
    from hitless.cli.prune import quietly
    from hitless.cli.views.diagnosis import show_diagnoses
    from hitless.domain.host.diagnosis import Level, diagnose
    from hitless.execution import doctor as execution
    from hitless.wiring import kill_running

    host = options.host()
    bounded = host.bounded(execution.LONGEST)
    seen = execution.Doctor(
        bounded.ports(ignore),
        bounded.gateway_project(),
        bounded.engine(),
        bounded.machine(),
        options.gateway,
        lambda: _file(options, bounded),
    )
    facts = execution.look(seen)
    fixed: list[str] = []
    if fix and facts.engine:
        fixed += execution.fix(seen, facts, lambda: quietly(options))
        facts = execution.look(seen)
    kill_running()  # what has not answered in time
    found = diagnose(facts)
    show_diagnoses(options.gateway, found, fixed, as_json)
    ctx.exit(ExitCode.FAILED if any(one.level is Level.ERROR for one in found) else ExitCode.DONE)


def _file(options: Options, host: wiring.Host) -> File | None:
    """The Compose file here; None if there is none, and no option names one."""
    from hitless.domain.common.errors import HitlessError
    from hitless.domain.host.facts import File

    try:
        application, _ = options.application(host)
    except HitlessError as error:
        if "no configuration file provided" in error.message:
            return None
        return File("", " ".join(error.message.split()))
    return File(application.name)
