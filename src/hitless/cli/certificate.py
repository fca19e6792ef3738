"""hitless gateway certificate list | add | remove"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import click

from hitless.cli.command import command
from hitless.cli.options import File, Options, json_option, pass_options
from hitless.cli.visible import echo

if TYPE_CHECKING:
    from pathlib import Path


class Name(click.ParamType):  # type: ignore[type-arg]  # generic in the stubs alone
    """The name of a certificate in the gateway, which is that of a file there."""

    name = "name"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The name."""
        if not re.fullmatch("[a-z0-9][a-z0-9._-]{0,99}", str(value)):
            self.fail(
                f"{value} is not like shop.example: use small letters, digits, dot, - and _", param, ctx
            )
        return str(value)


@click.group()
def certificate() -> None:
    """The certificates that the gateway serves for HTTPS."""


@certificate.command()
@click.argument("certificate", type=File())
@click.argument("key", type=File())
@click.option("--name", type=Name(), help="Its name in the gateway.  [its first host name]")
@json_option
@pass_options
def add(options: Options, certificate: Path, key: Path, name: str | None, as_json: bool) -> None:
    """Serve a certificate: its chain, and its private key, in PEM.

    One that is there under this name is replaced, and no connection is cut.
    """
    from hitless.execution import certificates as execution

    with command(options, "gateway certificate add", as_json=as_json) as (host, session):
        session.application = ""
        made = execution.add(
            session, host.gateway_project(), name or "", certificate.read_bytes(), key.read_bytes()
        )
    if not as_json:
        echo(f"the gateway serves {', '.join(made.names)} until {made.not_after[:10]}, as {made.name}")


@certificate.command()
@click.argument("name", type=Name())
@click.option("--force", is_flag=True, help="Even if an application needs it, and is then unreachable.")
@json_option
@pass_options
def remove(options: Options, name: str, force: bool, as_json: bool) -> None:
    """Serve a certificate no more."""
    from hitless.execution import certificates as execution

    with command(options, "gateway certificate remove", as_json=as_json) as (host, session):
        session.application = ""
        execution.remove(session, host.gateway_project(), name, force)
    if not as_json:
        echo(f"the gateway serves {name} no more")


@certificate.command(name="list")
@json_option
@pass_options
def list_(options: Options, as_json: bool) -> None:
    """Show them: names, issuer, how long each is valid, and who uses it."""
    from hitless.cli.console import ignore
    from hitless.cli.views.certificates import show_certificates
    from hitless.domain.host.certificates import certificate_statuses
    from hitless.execution import observe

    world = observe.world(options.host().ports(ignore), None)
    show_certificates(certificate_statuses(world), as_json)
