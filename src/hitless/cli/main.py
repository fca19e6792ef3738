"""The root command: global options, and the verbs."""

from __future__ import annotations

import click

from hitless.cli.abort import abort
from hitless.cli.adopt import adopt
from hitless.cli.complete import applications
from hitless.cli.config import config
from hitless.cli.dashboard import dashboard
from hitless.cli.deploy import deploy
from hitless.cli.diff import diff
from hitless.cli.doctor import doctor
from hitless.cli.down import down
from hitless.cli.gateway import gateway
from hitless.cli.history import history
from hitless.cli.init import init
from hitless.cli.install_plugin import install_plugin
from hitless.cli.logs import logs
from hitless.cli.nodes import nodes
from hitless.cli.open import open_address
from hitless.cli.options import ENGINES, Options, valid_name
from hitless.cli.plan import plan
from hitless.cli.prove import prove
from hitless.cli.prune import prune
from hitless.cli.resume import resume
from hitless.cli.rollback import rollback
from hitless.cli.root import Root
from hitless.cli.scale import scale
from hitless.cli.shared import shared
from hitless.cli.show import show
from hitless.cli.status import status
from hitless.cli.unlock import unlock
from hitless.cli.version import version_options


@click.group(cls=Root, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("-f", "--file", "files", multiple=True, help="A Compose file; may be repeated.")
@click.option(
    "-p",
    "--project-name",
    callback=valid_name,
    shell_complete=applications,
    help="The application's name.",
)
@click.option("--project-directory", help="What relative paths in the Compose file start from.")
@click.option("--env-file", "env_files", multiple=True, help="A file of variables; may be repeated.")
@click.option("--profile", "profiles", multiple=True, help="A profile to enable; may be repeated.")
@click.option("-c", "--context", "context", help="The Docker context to work on; else DOCKER_HOST counts.")
@click.option(
    "--gateway",
    default="traefik",
    envvar="HITLESS_GATEWAY",
    show_default=True,
    show_envvar=True,
    callback=valid_name,
    help="The gateway's name, for more than one on a host.",
)
@click.option(
    "--engine",
    type=click.Choice(ENGINES),
    default=ENGINES[0],
    envvar="HITLESS_ENGINE",
    show_default=True,
    show_envvar=True,
    help="One Docker host, or the Docker Swarm that the context is a manager of.",
)
@version_options
@click.option("-q", "--quiet", is_flag=True, help="Print only errors, and the result in one line.")
@click.pass_context
def hitless(
    ctx: click.Context,
    /,
    files: tuple[str, ...],
    project_name: str | None,
    project_directory: str | None,
    env_files: tuple[str, ...],
    profiles: tuple[str, ...],
    context: str | None,
    gateway: str,
    engine: str,
    quiet: bool,
) -> None:
    """Deploy Docker Compose applications with zero downtime.

    Once per host: hitless gateway up. Once per application: hitless init. Then, for the first and every
    later release: hitless deploy. The options below may also stand after the command.
    """
    ctx.obj = Options(
        files=files,
        project_name=project_name,
        project_directory=project_directory,
        env_files=env_files,
        profiles=profiles,
        context=context,
        gateway=gateway,
        quiet=quiet,
        engine=engine,
    )


for verb in (
    gateway,
    init,
    deploy,
    adopt,
    plan,
    diff,
    config,
    status,
    open_address,
    rollback,
    scale,
    prove,
    resume,
    abort,
    shared,
    history,
    show,
    logs,
    dashboard,
    unlock,
    down,
    doctor,
    prune,
    nodes,
    install_plugin,
):
    hitless.add_command(verb)
