"""`gateway up --like`: the options of `gateway up` from a Traefik that the user runs himself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.core import ParameterSource

if TYPE_CHECKING:
    from hitless.cli.options import Options
    from hitless.domain.common.findings import Finding
    from hitless.domain.gateway.like_model import Like, Setting

_F = TypeVar("_F", bound=Callable[..., Any])
_OWN = ("like", "without", "dry_run")


def like_options(function: _F) -> _F:
    """Add the options; `take` reads them."""
    for option in reversed(
        (
            click.option(
                "--like",
                multiple=True,
                metavar="FILE",
                help="Take the settings of your own Traefik, from its Compose file, traefik.yml or "
                "traefik.toml; may be repeated. Options of the command line win.",
            ),
            click.option(
                "--without",
                multiple=True,
                metavar="SETTING",
                help="Do without this setting of --like and all below it, as "
                "entrypoints.web.http.middlewares; may be repeated.",
            ),
            click.option(
                "--dry-run", is_flag=True, help="Show what --like makes of each setting, and touch nothing."
            ),
        )
    ):
        function = option(function)
    return function


def is_only_shown(ctx: click.Context, params: dict[str, Any]) -> bool:
    """Whether it starts nothing. Raises `UsageError` where there is nothing to show."""
    if (params["without"] or params["dry_run"]) and not params["like"]:
        raise click.UsageError("--without and --dry-run are for --like FILE", ctx)
    return bool(params["dry_run"])


def take(
    ctx: click.Context,
    options: Options,
    params: dict[str, Any],
    as_json: bool,
    tell: Callable[[tuple[Finding, ...]], None] = lambda _: None,
) -> None:
    """Put into `params` what the files of `--like` say, and show it. Options of the command line win.

    With `as_json`, `tell` gets what is wrong with the files or open, and what the gateway will be without.
    Raises `HitlessError` if a file is wrong or a question is open.
    """
    from hitless import wiring
    from hitless.cli.console import console
    from hitless.cli.views.findings import show_findings
    from hitless.cli.views.like import show_like
    from hitless.domain.common.errors import HitlessError
    from hitless.domain.gateway import like as reading

    files, without, is_dry = (params.pop(name) for name in _OWN)
    if not files:
        return
    own, findings = wiring.own_traefik(options.host(), files, options.compose())
    if own is None:
        tell(findings) if as_json else show_findings(console(stderr=True), findings)
        count = f"{len(findings)} error{'s' if findings[1:] else ''}"
        raise HitlessError(f"refused, nothing changed: {count} in the files of --like", "see above")
    found = _checked(ctx, reading.read(own, _given(ctx), without))
    show_like(found, as_json and is_dry, is_silent=as_json and not is_dry)
    if as_json and (findings := tuple(_findings(found))):
        tell(findings)
    if found.open:
        raise _open(found)
    for name, value in _values(ctx, found).items():
        # what is repeated adds to it, and what comes last wins
        params[name] = (*value, *params[name]) if isinstance(value, tuple) else value


def _findings(found: Like) -> Iterator[Finding]:
    from hitless.domain.common.findings import Finding

    for one in found.open:
        yield Finding(one.name, "needs an answer", one.said)
    for one in found.left:
        yield Finding(one.name, "is not taken over", one.said, is_error=False)


def _given(ctx: click.Context) -> set[str]:
    """The options that the command line has."""
    return {
        option
        for param in ctx.command.params
        if param.name and ctx.get_parameter_source(param.name) is ParameterSource.COMMANDLINE
        for option in param.opts
    }


def _param(ctx: click.Context, setting: Setting) -> click.Parameter:
    return next(param for param in ctx.command.params if setting.option in param.opts)


def _checked(ctx: click.Context, found: Like) -> Like:
    """The same; a value that an option does not take is a question."""
    from hitless.domain.gateway.like_model import Kind

    def checked(one: Setting) -> Setting:
        if one.kind is not Kind.OPTION or not one.value:
            return one
        try:
            _param(ctx, one).type.convert(one.value, None, ctx)
        except click.BadParameter as error:
            said = f"{error.message}: pass {one.option}"
            return replace(one, kind=Kind.OPEN, value="", said=said)
        return one

    return replace(found, settings=tuple(map(checked, found.settings)))


def _values(ctx: click.Context, found: Like) -> dict[str, Any]:
    """The parameters of `gateway up`."""
    from hitless.domain.gateway.like_model import Kind

    values: dict[str, Any] = {}
    for one in found.settings:
        if one.kind is not Kind.OPTION:
            continue
        param = _param(ctx, one)
        name = str(param.name)
        if one.option == "--acme-dns-env":
            values[name] = "".join(f"{key}={value}\n" for key, value in found.variables.items()).encode()
            continue
        value = param.type.convert(one.value, None, ctx) if one.value else True
        values[name] = (*values.get(name, ()), value) if param.multiple else value
    return values


def _open(found: Like) -> Exception:
    from hitless.domain.common.errors import HitlessError

    count = len(found.open)
    said = "1 setting needs an answer" if count == 1 else f"{count} settings need an answer"
    return HitlessError(
        f"refused, nothing changed: {said}",
        "see above; --without SETTING starts the gateway without it",
    )
