"""The options that every verb takes, and what follows from them. Few imports: `--help` must be quick."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeAlias

import click

if TYPE_CHECKING:
    from pathlib import Path

    from hitless import wiring
    from hitless.domain.application.model import Application
    from hitless.domain.common.errors import HitlessError
    from hitless.domain.common.findings import Finding

# One Traefik has 115 MB with 200 applications, and there are two while it is replaced
_LEAST_MEMORY = 128 * 2**20
_MOST_MEMORY = 2**44
ENGINES = ("docker", "swarm")
# the commands that know a Swarm
ON_A_SWARM = (
    *("gateway up", "gateway status", "gateway down", "nodes add", "nodes list", "nodes remove"),
    *("plan", "deploy", "status", "rollback", "resume", "abort", "history", "show", "unlock", "down"),
)
Command: TypeAlias = Callable[..., Any]


class Seconds(click.ParamType):  # type: ignore[type-arg]  # generic in the stubs alone
    """A duration as Compose writes it: 90s, 1m30s, or a number of seconds."""

    name = "duration"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The duration in seconds."""
        from hitless.domain.common.durations import seconds

        try:
            return seconds(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class Bytes(click.ParamType):  # type: ignore[type-arg]
    """An amount of memory as Compose writes it: 512m, 1.5g, or a number of bytes; 0 for no limit."""

    name = "memory"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The number of bytes."""
        units = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30}
        found = re.fullmatch(r"([0-9]{1,15}(?:\.[0-9]+)?)([kmg]?)b?", str(value).strip().lower())
        if found is None:
            self.fail(f"{value} is not like 512m or 1g", param, ctx)
        number = int(float(found[1]) * units[found[2]])
        if number > _MOST_MEMORY:
            self.fail(f"{value} is more than any host has; 0 is for no limit", param, ctx)
        if 0 < number < _LEAST_MEMORY:
            self.fail(f"{value} is too little: at least {_LEAST_MEMORY >> 20}m, for two Traefiks", param, ctx)
        return number


class File(click.Path):
    """A file that is there."""

    def __init__(self) -> None:
        super().__init__(exists=True, dir_okay=False)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """Its path."""
        from pathlib import Path

        return Path(str(super().convert(value, param, ctx)))


class Alias(click.ParamType):  # type: ignore[type-arg]
    """Another name of an entry point of the gateway: tls=websecure, or postgres=5432 for a published port."""

    name = "name=entry-point"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        """The two."""
        from hitless.domain.routing import entry_points
        from hitless.domain.routing.entry_points import HIGHEST, WEB, WEBSECURE

        name, _, meant = str(value).partition("=")
        if name in (WEB, WEBSECURE) or entry_points.port_of(name):
            self.fail(f"{name} is an entry point's own name", param, ctx)
        number, over_udp = _port(meant)
        is_port = 0 < number <= HIGHEST
        if not re.fullmatch("[A-Za-z0-9_-]+", name) or not (is_port or meant in (WEB, WEBSECURE)):
            like = f"tls={WEBSECURE}, plain={WEB}, postgres=5432 or dns=53/udp"
            self.fail(f"{value} is not like {like}", param, ctx)
        named = entry_points.udp_entry_point if over_udp else entry_points.entry_point
        return name, named(number) if is_port else meant


class Number(click.ParamType):  # type: ignore[type-arg]
    """A service and how many containers it will have: web=3."""

    name = "service=number"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, int]:
        """The two."""
        service, _, number = str(value).rpartition("=")
        if not service or not re.fullmatch("[0-9]{1,4}", number):
            self.fail(f"{value} is not like web=3", param, ctx)
        return service, int(number)


class HostPort(click.ParamType):  # type: ignore[type-arg]
    """A port of the host, with an address or on all of them: 8080, 127.0.0.1:8080, 53/udp."""

    name = "[address:]port[/udp]"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, str, bool]:
        """The port, the address, and whether it is of UDP."""
        from hitless.domain.routing.entry_points import HIGHEST

        address, _, text = str(value).rpartition(":")
        port, over_udp = _port(text)
        if not 0 < port <= HIGHEST:
            self.fail(
                f"{value} is not like 8080, 127.0.0.1:8080 or 53/udp, with a port of at most {HIGHEST}",
                param,
                ctx,
            )
        return port, "" if address == "*" else address.strip("[]"), over_udp


def _port(text: str) -> tuple[int, bool]:
    """The number of a port, and whether it is of UDP: 53, 53/tcp, 53/udp. 0 for what is no port."""
    number, _, protocol = text.partition("/")
    is_right = number.isdecimal() and text in (number, f"{number}/tcp", f"{number}/udp")
    return int(number) if is_right else 0, protocol == "udp"


class HostAddress(click.ParamType):  # type: ignore[type-arg]
    """An address of the host, or all of them: 127.0.0.1, ::1, all."""

    name = "address"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The address, "" for all."""
        import ipaddress

        text = str(value).strip("[]")
        if text in ("", "all", "*"):
            return ""
        try:
            return str(ipaddress.ip_address(text))
        except ValueError:
            self.fail(f"{value} is no address of a host, like 127.0.0.1 or ::1; all is every one", param, ctx)


class AddressRange(click.ParamType):  # type: ignore[type-arg]
    """A range of IPv4 addresses with room for the smallest networks, at least: 10.213.0.0/16."""

    name = "range"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The range as text."""
        from ipaddress import IPv4Network

        try:
            found = IPv4Network(str(value))
        except ValueError as error:
            self.fail(f"{value} is no range of IPv4 addresses, as 10.213.0.0/16 is: {error}", param, ctx)
        if found.is_loopback or found.is_multicast or found.is_link_local or found.is_unspecified:
            self.fail(f"{value} is not for networks of containers: take a private range", param, ctx)
        if found.prefixlen > 20:
            self.fail(f"{value} is too small: a prefix of at most /20 is needed", param, ctx)
        return str(found)


class TrustedProxies(click.ParamType):  # type: ignore[type-arg]
    """Addresses and ranges of proxies in front, with commas between them; none for nobody."""

    name = "address[,address/bits…]"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        """Each as Traefik takes it."""
        import ipaddress

        found = []
        for text in (part.strip() for part in str(value).split(",")) if str(value) != "none" else ():
            try:
                network = ipaddress.ip_network(text, strict=False)
            except ValueError:
                self.fail(f"{text} is neither an address (10.0.0.5) nor a range (10.0.0.0/24)", param, ctx)
            if network.prefixlen == 0:
                self.fail(f"{text} would make the gateway believe every visitor", param, ctx)
            if network.is_loopback:
                self.fail(
                    f"{text} is the gateway's own container to the gateway; a proxy on the Docker host comes "
                    "from an address of Docker's: see docs/behind-a-proxy.md",
                    param,
                    ctx,
                )
            is_one = network.prefixlen == network.max_prefixlen
            found.append(str(network.network_address if is_one else network))
        return tuple(found)


@dataclass(frozen=True)
class Options:
    """The global options, as they were given."""

    files: tuple[str, ...]
    project_name: str | None
    project_directory: str | None
    env_files: tuple[str, ...]
    profiles: tuple[str, ...]
    context: str | None
    gateway: str
    quiet: bool = False
    engine: str = ENGINES[0]

    def words(self) -> str:
        """What a command about the same application needs before its verb: ` -p shop`, or "" for nothing."""
        given = (("--context", self.context), ("-p", self.project_name))
        found = [f" {option} {value}" for option, value in given if value]
        if not self.project_name:
            found += [f" -f {shlex.quote(file)}" for file in self.files]
        if self.gateway != os.environ.get("HITLESS_GATEWAY", "traefik"):
            found.append(f" --gateway {self.gateway}")
        if self.engine != os.environ.get("HITLESS_ENGINE", ENGINES[0]):
            found.append(f" --engine {self.engine}")
        return "".join(found)

    def host(self) -> wiring.Host:
        """The Docker host that is meant, or the Swarm. Raises `HitlessError` for what no Swarm has yet."""
        from hitless import wiring

        if self.engine == "swarm":
            _refuse_on_a_swarm()
        return wiring.host(self.context, self.gateway, self.source_directory(), self.engine)

    def application(
        self, host: wiring.Host, scale: Mapping[str, int] | None = None
    ) -> tuple[Application, tuple[Finding, ...]]:
        """The application that the Compose files describe, with these numbers of containers."""
        from hitless import wiring

        return wiring.application(host, self.compose(), scale or {})

    def compose(self) -> wiring.ComposeOptions:
        """Those of Compose's own."""
        from hitless import wiring

        return wiring.ComposeOptions(
            self.files, self.project_name, self.project_directory, self.env_files, self.profiles
        )

    def application_name(self, host: wiring.Host) -> str:
        """The application's name alone, for what changes it: as given, or else from the Compose file."""
        name, error = self._name(host)
        if error:
            # a guess may be another application's name
            error.hint = f"correct the file; or, for the application {name}, say so: -p {name}"
            raise error
        return name

    def application_to_show(self, host: wiring.Host) -> str:
        """The same for what only looks: it gets by with a file that can't be read, and says so."""
        name, error = self._name(host)
        if error:
            from hitless.cli.visible import echo

            echo(
                f"hitless: the Compose file can't be read; by its folder, or its own `name:`, it is {name}'s "
                f"(-p NAME is for another): {' '.join(error.message.split())}",
                err=True,
            )
        return name

    def application_to_complete(self, host: wiring.Host) -> str:
        """The same without a word."""
        return self._name(host)[0]

    def _name(self, host: wiring.Host) -> tuple[str, HitlessError | None]:
        from hitless import wiring

        return (self.project_name, None) if self.project_name else wiring.name(host, self.compose())

    def source_directory(self) -> str | None:
        """The directory of the application's source: that of its first Compose file."""
        if self.project_directory or not self.files:
            return self.project_directory
        from pathlib import Path

        return str(Path(self.files[0]).parent)


def _refuse_on_a_swarm() -> None:
    """Raise `HitlessError` if the command that runs just now does not know a Swarm."""
    from hitless.domain.common.errors import HitlessError

    command = click.get_current_context().command_path.partition(" ")[2]
    if command not in ON_A_SWARM:
        raise HitlessError(
            f"hitless {command} does not work on a Swarm yet", f"there is: {', '.join(ON_A_SWARM)}"
        )


def valid_name(ctx: click.Context, param: click.Parameter, name: str | None) -> str | None:
    """A name as Compose takes it for a project; it becomes part of paths, labels and filters."""
    if name is not None and not re.fullmatch(r"[a-z0-9][a-z0-9_-]*", name):
        raise click.BadParameter("use lower-case letters, digits, - and _ only", ctx, param)
    return name


pass_options = click.make_pass_decorator(Options)

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")

strict_option = click.option("--strict", is_flag=True, help="Take every warning for an error, and refuse.")

timeout_option = click.option(
    "--timeout", type=Seconds(), help="How long the new release may take to get ready."
)
drain_timeout_option = click.option(
    "--drain-timeout", type=Seconds(), help="How long requests in flight may take to end."
)


def wait_options(command: Command) -> Command:
    """`--wait` and `--wait-timeout`: the command is called with `wait`, in seconds, 0 for not at all."""

    @click.option("--wait", is_flag=True, help="Wait while another command works on the application.")
    @click.option(
        "--wait-timeout", type=Seconds(), default="10m", show_default=True, help="How long --wait may take."
    )
    @wraps(command)
    def waiting(*arguments: Any, wait: bool, wait_timeout: float, **options: Any) -> Any:
        return command(*arguments, wait=wait_timeout if wait else 0.0, **options)

    return waiting


def holder() -> str:
    """Who runs the command, and from where: a second deployer sees this of the first."""
    import getpass
    import socket

    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}, process {os.getpid()}"
