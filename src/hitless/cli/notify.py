"""hitless gateway notify list | add | remove | test"""

from __future__ import annotations

import os
import sys

import click

from hitless.cli.command import command
from hitless.cli.gateway_config import ConfigName
from hitless.cli.options import Options, json_option, pass_options, valid_name
from hitless.cli.visible import echo

_KINDS = ("slack", "discord", "matrix", "ntfy", "webhook", "mail")
_OCCASIONS = ("deployed", "failed", "rolled-back", "unfinished", "certificate")
_URL, _SECRET = "HITLESS_NOTIFY_URL", "HITLESS_NOTIFY_SECRET"
_MOST = 100_000  # bytes that are read of a file with one line


def _names(ctx: click.Context, param: click.Parameter, names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(str(valid_name(ctx, param, name)) for name in names)


@click.group()
def notify() -> None:
    """Who is told what commands have done."""


@notify.command()
@click.argument("name", type=ConfigName())
@click.argument("url", required=False)
@click.option("--url-from", metavar="FILE", help=f"A file with the URL, - for standard input.  [${_URL}]")
@click.option(
    "--secret-from",
    metavar="FILE",
    help=f"A file with the token, the password, or a webhook's key, - for standard input.  [${_SECRET}]",
)
@click.option("--as", "kind", type=click.Choice(_KINDS), help="What the receiver speaks.  [by its URL]")
@click.option("--room", default="", help="Matrix: the id of the room, as '!abc:example.org'.")
@click.option("--from", "sender", default="", help="Mail: the address of the sender.")
@click.option("--to", multiple=True, help="Mail: the address of a recipient; may be repeated.")
@click.option(
    "--on",
    type=click.Choice(_OCCASIONS),
    multiple=True,
    help="What it is told about; may be repeated.  [all of them]",
)
@click.option(
    "--application",
    "applications",
    multiple=True,
    callback=_names,
    help="Only about this application; may be repeated.  [all of them]",
)
@json_option
@pass_options
def add(
    options: Options,
    name: str,
    url: str | None,
    url_from: str | None,
    secret_from: str | None,
    kind: str | None,
    room: str,
    sender: str,
    to: tuple[str, ...],
    on: tuple[str, ...],
    applications: tuple[str, ...],
    as_json: bool,
) -> None:
    """Tell a receiver what commands have done, from now on.

    URL: https://hooks.slack.com/…, https://discord.com/api/webhooks/…, https://ntfy.sh/TOPIC, the home server
    of Matrix, smtps://USER@HOST, or the address of a program. Whoever knows it can write there: --url-from
    keeps it out of the shell's history. One that is there under this name is replaced.
    """
    from hitless.domain.host.receivers import Kind, Occasion, Receiver, kind_of
    from hitless.execution import notices as execution

    if url and url_from:
        raise click.UsageError("Give the URL, or --url-from, and not both.")
    if url_from == secret_from == "-":
        raise click.UsageError("Only one of --url-from and --secret-from can come from standard input.")
    where = url or _read("--url-from", url_from, _URL)
    if not where:
        raise click.UsageError(f"Give a URL, --url-from, or ${_URL}.")
    meant = Kind(kind) if kind else kind_of(where)
    receiver = Receiver(
        name=name,
        kind=meant,
        url=where,
        secret=_read("--secret-from", secret_from, _SECRET),
        room=room,
        sender=sender,
        to=to,
        on=tuple(map(Occasion, dict.fromkeys(on))) or tuple(Occasion),
        applications=tuple(dict.fromkeys(applications)),
    )
    with command(options, "gateway notify add", as_json=as_json) as (_, session):
        session.application = ""
        execution.add(session, receiver)
    if not as_json:
        echo(f"{name} ({meant}) is told about: {', '.join(receiver.on)}")
        echo(f"  next: hitless gateway notify test {name}")


@notify.command()
@click.argument("name", type=ConfigName())
@json_option
@pass_options
def remove(options: Options, name: str, as_json: bool) -> None:
    """Tell a receiver no more."""
    from hitless.execution import notices as execution

    with command(options, "gateway notify remove", as_json=as_json) as (_, session):
        session.application = ""
        execution.remove(session, name)
    if not as_json:
        echo(f"{name} is told no more")


@notify.command(name="list")
@json_option
@pass_options
def list_(options: Options, as_json: bool) -> None:
    """Show the receivers, without what is secret of them."""
    from hitless.cli.console import ignore
    from hitless.cli.views.receivers import show_receivers
    from hitless.execution import notices as execution

    show_receivers(execution.listed(options.host().ports(ignore)), as_json)


@notify.command()
@click.argument("name", type=ConfigName(), required=False)
@json_option
@pass_options
def test(options: Options, name: str | None, as_json: bool) -> None:
    """Send a test to a receiver, or to all."""
    from hitless.execution import notices as execution

    with command(options, "gateway notify test", as_json=as_json) as (_, session):
        session.application = ""
        told = execution.test(session, name or "")
    if not as_json:
        echo(f"sent to {', '.join(told)}")


def _read(option: str, file: str | None, variable: str) -> str:
    """What a file, or else a variable, says in one line; "" for nothing."""
    if file is None:
        return os.environ.get(variable, "").strip()
    try:
        if file == "-":
            return sys.stdin.read(_MOST).strip()
        with open(file, encoding="utf-8") as opened:  # noqa: PTH123  # /dev/fd/63, too
            return opened.read(_MOST).strip()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise click.UsageError(f"{option}: {file} can't be read: {reason}") from error
