"""hitless --version, and with --verbose also the versions of what it works with"""

from __future__ import annotations

from collections.abc import Sequence

import click

from hitless import __version__
from hitless.cli.options import Command, Options

_WORDS, _IS_DUE, _IS_VERBOSE = "hitless.words", "hitless.version", "hitless.verbose"


def version_options(command: Command) -> Command:
    """`--version`, and `--verbose` before or after it."""
    for name, note, words in (
        ("--verbose", _note, "With --version: also of Python, engine, Compose and gateway."),
        ("--version", _show, "Show the version and exit."),
    ):
        command = click.option(
            name, is_flag=True, is_eager=True, expose_value=False, callback=note, help=words
        )(command)
    return command


def begin(ctx: click.Context, words: Sequence[str]) -> None:
    """Note the words of the command line: whether `--verbose` comes after `--version`."""
    ctx.meta[_WORDS] = tuple(words)


def end(ctx: click.Context) -> None:
    """Show all versions if they are asked for, when the other options are known, and exit."""
    if ctx.meta.get(_IS_DUE):
        _show_all(ctx)
        ctx.exit()
    if ctx.meta.get(_IS_VERBOSE):
        raise click.UsageError("--verbose is for --version alone.", ctx)


def _note(ctx: click.Context, _: click.Parameter, is_given: bool) -> None:
    ctx.meta[_IS_VERBOSE] = is_given


def _show(ctx: click.Context, _: click.Parameter, is_wanted: bool) -> None:
    if not is_wanted or ctx.resilient_parsing:
        return
    if "--verbose" in ctx.meta[_WORDS]:
        ctx.meta[_IS_DUE] = True
    else:
        click.echo(f"hitless {__version__}")
        ctx.exit()


def _show_all(ctx: click.Context) -> None:
    """What answers within a few seconds; of the rest why it does not."""
    import platform

    from hitless.cli.console import ignore
    from hitless.cli.visible import echo
    from hitless.execution import versions
    from hitless.wiring import kill_running

    click.echo(f"hitless {__version__}\nPython {platform.python_version()} on {platform.system()}")
    given = {name: ctx.params[name] for name in Options.__dataclass_fields__}
    host = Options(**given).host().bounded(versions.LONGEST)
    project, engine = host.gateway_project(), host.engine()
    for line in versions.look(host.ports(ignore), project, engine, ctx.params["gateway"]):
        echo(line)
    kill_running()  # what has not answered in time
