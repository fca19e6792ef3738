"""Names for the shell's completion: of applications, services and releases on the host. Few imports."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import wraps
from typing import TYPE_CHECKING, TypeAlias

import click

from hitless.cli.options import Options

if TYPE_CHECKING:
    from hitless import wiring
    from hitless.domain.host.world import World

Complete: TypeAlias = Callable[[click.Context, click.Parameter, str], list[str]]
Names: TypeAlias = Callable[[Options, "wiring.Host"], Iterable[str]]


def _completion(names: Names) -> Complete:
    """A completion by what is on the host; without an answer there is nothing to complete."""

    @wraps(names)
    def complete(ctx: click.Context, _: click.Parameter, begun: str) -> list[str]:
        with suppress(Exception):  # a traceback in the middle of somebody's line would help nobody
            given = ctx.find_root().params
            fields = {name: given.get(name) for name in Options.__dataclass_fields__}
            fields |= {name: fields[name] or () for name in ("files", "env_files", "profiles")}
            options = Options(**{**fields, "gateway": fields["gateway"] or "traefik"})  # type: ignore[arg-type]
            return [name for name in names(options, options.host()) if name.startswith(begun)]
        return []

    return complete


@_completion
def applications(_: Options, host: wiring.Host) -> Iterable[str]:
    """The applications on the gateway."""
    from hitless.cli.console import ignore

    return sorted(host.ports(ignore).state.read(None).routings)


@_completion
def releases(options: Options, host: wiring.Host) -> Iterable[str]:
    """The kept releases of the application."""
    return [str(one.number) for one in reversed(_world(options, host).releases)]


@_completion
def services(options: Options, host: wiring.Host) -> Iterable[str]:
    """The services of what runs of the application."""
    return _services(options, host)


@_completion
def shared_services(options: Options, host: wiring.Host) -> Iterable[str]:
    """The shared services that have a container."""
    return sorted({one.service for one in _world(options, host).base if one.is_ours})


@_completion
def scaled(options: Options, host: wiring.Host) -> Iterable[str]:
    """The same with the sign after which a number comes."""
    return [f"{name}=" for name in _services(options, host)]


def _services(options: Options, host: wiring.Host) -> list[str]:
    found = _world(options, host).containers
    return sorted({one.service for one in found if not one.service.startswith("hook-")})


def _world(options: Options, host: wiring.Host) -> World:
    from hitless.cli.console import ignore
    from hitless.execution import observe

    return observe.world(host.ports(ignore), options.application_to_complete(host))
