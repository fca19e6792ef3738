"""hitless gateway config list | add | remove"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import click

from hitless.cli.command import command
from hitless.cli.options import File, Options, json_option, pass_options, wait_options
from hitless.cli.visible import echo

if TYPE_CHECKING:
    from pathlib import Path


class ConfigName(click.ParamType):  # type: ignore[type-arg]  # generic in the stubs alone
    """The name of a config in the gateway."""

    name = "name"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The name."""
        if not re.fullmatch("[a-z0-9][a-z0-9_-]{0,62}", str(value)):
            self.fail(f"{value} is not like common: use small letters, digits, - and _", param, ctx)
        return str(value)


@click.group()
def config() -> None:
    """Middlewares for all applications, NAME@file in labels."""


@config.command()
@click.argument("file", type=File())
@click.option("--name", type=ConfigName(), help="Its name in the gateway.  [the file's, without its ending]")
@wait_options
@json_option
@pass_options
def add(options: Options, file: Path, name: str | None, wait: float, as_json: bool) -> None:
    """Offer the middlewares of a file.

    The file is in YAML or TOML, as Traefik's file provider has it.

    One that is there under this name is replaced at once, and no request is lost. One that Traefik can't use
    changes nothing.
    """
    from hitless.execution import configs as execution

    name = name or ConfigName().convert(file.stem.lower(), None, None)
    with command(options, "gateway config add", wait, as_json) as (_, session):
        session.application = ""
        made = execution.add(session, name, file.name, file.read_bytes())
    if not as_json:
        names = ", ".join(f"{one}@file" for one in made.middlewares)
        echo(f"the gateway has {names}, as {made.name}")


@config.command()
@click.argument("name", type=ConfigName())
@wait_options
@json_option
@pass_options
def remove(options: Options, name: str, wait: float, as_json: bool) -> None:
    """Offer them no more; not while an application uses one."""
    from hitless.execution import configs as execution

    with command(options, "gateway config remove", wait, as_json) as (_, session):
        session.application = ""
        execution.remove(session, name)
    if not as_json:
        echo(f"the gateway has {name} no more")


@config.command(name="list")
@json_option
@pass_options
def list_(options: Options, as_json: bool) -> None:
    """Show them: names, kinds, and which applications use them."""
    from hitless.cli.console import ignore
    from hitless.cli.views.configs import show_configs
    from hitless.domain.host.configs import config_statuses
    from hitless.execution import observe

    world = observe.world(options.host().ports(ignore), None)
    show_configs(config_statuses(world), as_json)
