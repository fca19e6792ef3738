"""The options of `gateway up` for certificates from a CA."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeVar

import click

from hitless.cli.options import File

_F = TypeVar("_F", bound=Callable[..., Any])
_FILE = File()


class Email(click.ParamType):  # type: ignore[type-arg]  # generic in the stubs alone
    """An address for the account at the CA, or `none`."""

    name = "email"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The address, "" for none."""
        if value == "none":
            return ""
        if not re.fullmatch(r"[^\s@,]+@[^\s@,]+", str(value)):
            self.fail(f"{value} is not like ann@example.org", param, ctx)
        return str(value)


class Server(click.ParamType):  # type: ignore[type-arg]
    """The ACME address of a CA; `default` or `staging`: Let's Encrypt's."""

    name = "url"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The address, "" for the default one."""
        from urllib.parse import urlsplit

        from hitless.domain.gateway.acme import STAGING

        text = {"default": "", "staging": STAGING}.get(str(value), str(value))
        parts = urlsplit(text)
        # a password in it would be seen in plans and events
        if text and not (parts.scheme == "https" and parts.hostname and parts.username is None):
            self.fail(f"{value} is not like https://acme.example/directory, staging or default", param, ctx)
        return text


class Provider(click.ParamType):  # type: ignore[type-arg]
    """A provider of the DNS, as Traefik names it, or `none`."""

    name = "provider"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Its name, "" for none."""
        if not re.fullmatch("[a-z0-9]+", str(value)):
            self.fail(f"{value} is not like cloudflare or route53", param, ctx)
        return "" if value == "none" else str(value)


class Resolver(click.ParamType):  # type: ignore[type-arg]
    """A DNS server: its address and port."""

    name = "address:port"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The two, "" for none."""
        if value == "none":
            return ""
        if not re.fullmatch(r"[A-Za-z0-9.-]+:\d{1,5}|\[[0-9a-f:]+\]:\d{1,5}", str(value)):
            self.fail(f"{value} is not like 9.9.9.9:53", param, ctx)
        return str(value)


class Content(click.ParamType):  # type: ignore[type-arg]
    """A file, or `none`."""

    name = "file"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> bytes:
        """What is in it; nothing for `none`."""
        return b"" if value == "none" else _FILE.convert(value, param, ctx).read_bytes()


class Variables(click.ParamType):  # type: ignore[type-arg]
    """A file with a variable NAME=VALUE in each line."""

    name = "file"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> bytes:
        """The same without comments, empty lines, and quotes around values."""
        if value == "none":
            return b""
        path = _FILE.convert(value, param, ctx)
        lines: list[str] = []
        for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1):
            found = re.fullmatch(r"(?:export\s+)?([A-Z_][A-Z0-9_]*)=(?:\"(.*)\"|'(.*)'|(.*))", line.strip())
            if found:
                lines.append(f"{found[1]}={found[2] or found[3] or found[4] or ''}\n")
            elif line.strip() and not line.lstrip().startswith("#"):
                # the line itself may be a secret
                self.fail(f"line {number} of {path} is not like NAME=VALUE", param, ctx)
        return "".join(lines).encode()


def acme_options(function: _F) -> _F:
    """Add the options; `acme_changes` reads them."""
    for option in reversed(
        (
            click.option(
                "--acme-email",
                type=Email(),
                help="Get certificates from a CA, with an account of this address; `none`: not.  [none]",
            ),
            click.option(
                "--acme-server",
                type=Server(),
                help="The CA's ACME address, or `staging`: Let's Encrypt's CA for tests.  [Let's Encrypt]",
            ),
            click.option(
                "--acme-ca",
                type=Content(),
                help="The certificates in PEM by which an own CA is known; `none`: as all are.  [none]",
            ),
            click.option(
                "--acme-dns",
                type=Provider(),
                help="Prove names by records in the DNS of this provider (its code in Traefik's list); "
                "`none`: by requests on port 80.  [none]",
            ),
            click.option(
                "--acme-dns-env",
                type=Variables(),
                help="The provider's credentials: a file with NAME=VALUE in each line; or `none`.  [none]",
            ),
            click.option(
                "--acme-dns-resolver",
                "acme_dns_resolvers",
                type=Resolver(),
                multiple=True,
                help="A DNS server by which Traefik looks whether a record is there, as 9.9.9.9:53; may be "
                "repeated, and `none` removes all.  [the host's]",
            ),
            click.option(
                "--forget-certificates",
                is_flag=True,
                help="Leave the CA even if applications need its certificates: nobody reaches them over "
                "HTTPS until they are deployed again.",
            ),
        )
    ):
        function = option(function)
    return function


def take_files(settings: dict[str, Any]) -> dict[str, bytes]:
    """The files for the gateway, name -> content; in the settings their names are in place of them.

    What belongs to a CA or to an account goes with it, unless it is named again.
    """
    files: dict[str, bytes] = {}
    ca, variables = settings.pop("acme_ca"), settings.pop("acme_dns_env")
    resolvers = settings.pop("acme_dns_resolvers")
    settings["acme_dns_resolvers"] = tuple(filter(None, resolvers)) if resolvers else None
    settings |= {"acme_ca": None, "acme_env": None}
    if settings["acme_email"] == "":
        gone = {"acme_server": "", "acme_dns": "", "acme_dns_resolvers": (), "acme_ca": "", "acme_env": ""}
        settings |= {key: one for key, one in gone.items() if settings.get(key) is None}
    if settings["acme_server"] is not None:
        settings["acme_ca"] = ""
    for setting, ending, content in (("acme_ca", "pem", ca), ("acme_env", "env", variables)):
        if content:
            import hashlib

            name = f".acme-{hashlib.sha256(content).hexdigest()[:12]}.{ending}"
            files[name] = content
            settings[setting] = name
        elif content is not None:
            settings[setting] = ""
    return files
