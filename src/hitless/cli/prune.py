"""hitless prune"""

from __future__ import annotations

from collections.abc import Sequence

import click

from hitless.cli.command import command
from hitless.cli.options import Options, json_option, pass_options, wait_options


@click.command()
@click.option("--dry-run", is_flag=True, help="Show what nobody needs, and remove nothing.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask before it begins.")
@wait_options
@json_option
@pass_options
def prune(options: Options, wait: float, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Remove what hitless has made and nobody needs.

    Images of releases that are not kept, networks of what is gone, logs older than 30 days. It touches
    nothing that hitless did not make, nothing that another gateway may need, and no data. With --json it
    removes only with --yes.
    """
    from hitless.cli.console import ignore
    from hitless.cli.views.prune import show_found, show_pruned
    from hitless.domain.common.errors import HitlessError
    from hitless.execution import prune as execution

    host = options.host()
    found = execution.look(host.ports(ignore), host.engine(), options.gateway)
    is_only_shown = dry_run or not found.leftovers or (as_json and not yes)
    if not as_json:
        show_found(found)
    pruned = execution.Pruned(free=found.free)
    if not is_only_shown:
        if not (yes or _is_wanted()):
            raise HitlessError("cancelled, nothing changed", "--yes skips the question")
        with command(options, "prune", wait, is_silent=as_json) as (there, session):
            session.application = ""
            project, engine = there.gateway_project(), there.engine()
            pruned = execution.prune(session, project, engine, options.gateway, found.leftovers)
    if as_json or not is_only_shown:
        show_pruned(found, pruned, as_json)


def quietly(options: Options) -> Sequence[str]:
    """Remove it without a question; a line for each thing that was removed, or why nothing was."""
    from hitless.cli.console import ignore
    from hitless.domain.common.errors import HitlessError
    from hitless.execution import prune as execution

    try:
        host = options.host()
        found = execution.look(host.ports(ignore), host.engine(), options.gateway)
        if not found.leftovers:
            return ()
        with command(options, "prune", is_silent=True) as (there, session):
            session.application = ""
            project, engine = there.gateway_project(), there.engine()
            pruned = execution.prune(session, project, engine, options.gateway, found.leftovers)
        return [f"removed the {one.kind} {one.name}: {one.why}" for one in pruned.removed]
    except HitlessError as error:
        return [f"left what nobody needs: {error.message}"]


def _is_wanted() -> bool:
    """Whether a person agrees; nobody who can't answer does."""
    try:
        return click.confirm("Remove it?", err=True)
    except click.Abort:
        return False
