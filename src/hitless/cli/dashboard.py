"""hitless dashboard"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hitless.cli.options import File, Options, pass_options

if TYPE_CHECKING:
    import socket
    from pathlib import Path

_SHORTEST = 16  # characters of a token
_LONGEST = 10.0  # seconds for one question to the host


class Listen(click.ParamType):  # type: ignore[type-arg]  # generic in the stubs alone
    """An address of this machine and a port: 127.0.0.1:7474, [::1]:7474; port 0 is any free one."""

    name = "address:port"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, int]:
        """The two."""
        import ipaddress

        address, _, port = str(value).rpartition(":")
        try:
            found = ipaddress.ip_address(address.strip("[]"))
        except ValueError:
            self.fail(f"{value} is not like 127.0.0.1:7474 or [::1]:7474", param, ctx)
        if not port.isdecimal() or int(port) > 65535:
            self.fail(f"{value} has no port, like 127.0.0.1:7474", param, ctx)
        return str(found), int(port)


@click.command()
@click.option(
    "--listen",
    type=Listen(),
    default="127.0.0.1:7474",
    show_default=True,
    help="Where to listen: a loopback address, or any with --behind-https.",
)
@click.option(
    "--token-file",
    type=File(),
    help="A file with the token to log in with, for more than one session; else a new one is made for one.",
)
@click.option(
    "--behind-https",
    metavar="HOST",
    callback=lambda _context, _option, value: _bare(value),
    help="The host name of a proxy with HTTPS that passes requests on to this dashboard.",
)
@pass_options
def dashboard(
    options: Options, listen: tuple[str, int], token_file: Path | None, behind_https: str | None
) -> None:
    """Show the host and its applications in the browser.

    It shows them live, and changes nothing. It needs the extra hitless[dashboard]. Ctrl-C ends it. Traefik's
    own dashboard is another one: it shows what Traefik reads, see `hitless gateway up --dashboard`.
    """
    _refuse_in_clear(listen[0], behind_https)
    _insist_on_libraries()
    import secrets
    import time
    from contextlib import suppress

    from hitless.cli.console import ignore
    from hitless.cli.logs import ended_without_a_word
    from hitless.cli.visible import echo
    from hitless.execution import watch
    from hitless.web.access import Gate
    from hitless.web.app import pages
    from hitless.web.reader import Reader
    from hitless.web.recorder import Recorder
    from hitless.web.server import serve

    token = _token(token_file) if token_file else secrets.token_urlsafe(24)
    host = options.host().bounded(_LONGEST)
    ports = host.ports(ignore)
    recorder = Recorder(host.samples(), lambda at: watch.counted(ports, at), time.time)
    name = host.name()  # once: it may take a docker command
    reader = Reader(
        ports, host.gateway_project().settings, host.logs(), recorder, options.gateway, lambda: name
    )
    with _listener(*listen) as listener, ended_without_a_word():
        port = listener.getsockname()[1]
        secret = token.encode() if token_file else secrets.token_bytes(32)
        gate = Gate(token, secret, token_file is None, behind_https or "")
        address = f"https://{behind_https}" if behind_https else _address(listen[0], port)
        if token_file:
            echo(f"the dashboard is at {address}/ (the token is in {token_file}); Ctrl-C ends it")
        else:
            echo(f"open {address}/login#{token}\nit opens one session; Ctrl-C ends the dashboard")
        recorder.start()
        with suppress(KeyboardInterrupt):  # this is how it ends
            serve(pages(reader, gate), listener)
        recorder.stop()


def _bare(host: str | None) -> str | None:
    import re

    if host is not None and not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?", host):
        raise click.BadParameter(f"{host} is no host name, like dash.example.org")
    return host


def _address(address: str, port: int) -> str:
    return f"http://[{address}]:{port}" if ":" in address else f"http://{address}:{port}"


def _refuse_in_clear(address: str, behind_https: str | None) -> None:
    import ipaddress

    from hitless.domain.common.errors import HitlessError

    if not ipaddress.ip_address(address).is_loopback and not behind_https:
        raise HitlessError(
            f"the dashboard does not listen on {address} by itself: the token, and all that it shows, would "
            "go over the network in clear",
            "reach it through SSH: ssh -L 7474:127.0.0.1:7474 HOST; or put a proxy with HTTPS in front, and "
            "give its host name: --behind-https HOST",
        )


def _insist_on_libraries() -> None:
    from importlib.util import find_spec

    from hitless.domain.common.errors import HitlessError

    missing = [name for name in ("starlette", "uvicorn", "jinja2") if find_spec(name) is None]
    if missing:
        raise HitlessError(
            f"the dashboard needs Python packages that are not here: {', '.join(missing)}",
            "install hitless with the extra hitless[dashboard]; one that pipx has installed gets them by: "
            f"pipx inject hitless {' '.join(missing)}",
        )


def _token(file: Path) -> str:
    from hitless.domain.common.errors import HitlessError

    try:
        token = file.read_text("utf-8").strip()
        mode = file.stat().st_mode
    except (OSError, UnicodeDecodeError) as error:
        raise HitlessError(f"the token in {file} can't be read: {error}") from error
    if len(token) < _SHORTEST or not token.isascii() or token.split() != [token]:
        raise HitlessError(
            f"the token in {file} is not one word of at least {_SHORTEST} letters, digits and signs",
            f"make one: (umask 077; openssl rand -hex 24 > {file})",
        )
    if mode & 0o077:
        raise HitlessError(f"others can read the token in {file}, or change it", f"run: chmod 600 {file}")
    return token


def _listener(address: str, port: int) -> socket.socket:
    import socket

    from hitless.domain.common.errors import HitlessError

    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        return socket.create_server((address, port), family=family)
    except OSError as error:
        raise HitlessError(
            f"the dashboard can't listen on {address}, port {port}: {error.strerror}",
            "does another one run? give another port: --listen 127.0.0.1:7475",
        ) from error
