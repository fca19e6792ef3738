"""The group of all verbs: global options also after the verb, and verbs that people type for ours."""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from typing import Any

import click

from hitless.cli import version
from hitless.cli.options import Options

# What other tools call it. Not as aliases: one name for each thing
_MEANT = {
    "up": "hitless deploy (an application), or hitless gateway up (the gateway, once for each host)",
    "start": "hitless deploy",
    "create": "hitless deploy",
    "run": "hitless deploy",
    "update": "hitless deploy",
    "upgrade": "hitless deploy (an application), or hitless gateway upgrade (the gateway)",
    "restart": "hitless deploy, which replaces every container, or hitless rollback",
    "redeploy": "hitless deploy",
    "setup": "hitless gateway up",
    "stop": "hitless down, which also removes the kept releases",
    "rm": "hitless down",
    "remove": "hitless down",
    "destroy": "hitless down",
    "ps": "hitless status",
    "ls": "hitless status --all",
    "list": "hitless status --all",
    "info": "hitless status",
    "undo": "hitless rollback (a release), or hitless abort (an interrupted command)",
    "revert": "hitless rollback",
    "check": "hitless plan",
    "clean": "hitless prune",
    "cleanup": "hitless prune",
    "diagnose": "hitless doctor",
    "settings": "hitless config",
    "validate": "hitless plan",
    "releases": "hitless status",
    "audit": "hitless history",
    "version": "hitless --version (and --verbose, for what it works with)",
}


class Root(click.Group):
    """Takes global options after the verb, too, and says what is meant where a verb is not there."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the options; `--version --verbose` ends here, with all of them."""
        version.begin(ctx, args)
        rest = super().parse_args(ctx, args)
        version.end(ctx)
        return rest

    def add_command(self, cmd: click.Command, name: str | None = None) -> None:
        """Add a verb; it gets the global options that it has no other use for."""
        super().add_command(cmd, name)
        self._give_options(cmd)

    def _give_options(self, command: click.Command) -> None:
        if isinstance(command, click.Group):
            for below in command.commands.values():
                self._give_options(below)
            return
        taken = {word for parameter in command.params for word in parameter.opts}
        fields = Options.__dataclass_fields__
        for option in self.params:
            words = [word for word in option.opts if word not in taken]
            if isinstance(option, click.Option) and option.name in fields and words:
                command.params.append(_later(option, words))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The verb; `help` shows the help of the verb after it."""
        return show_help if cmd_name == "help" else super().get_command(ctx, cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The verb with its words. Raises `UsageError` with what may be meant."""
        if self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            import difflib

            near = difflib.get_close_matches(args[0], self.commands, n=1)
            meant = _MEANT.get(args[0]) or "".join(f"hitless {name}" for name in near)
            tip = f"Use {meant}." if meant else "hitless --help lists the commands."
            raise click.UsageError(f"There is no command {args[0]!r}. {tip}", ctx)
        return super().resolve_command(ctx, args)


@click.command("help", hidden=True)
@click.argument("words", nargs=-1)
@click.pass_context
def show_help(ctx: click.Context, words: tuple[str, ...]) -> None:
    """Show the help of a verb."""
    at = ctx.find_root()
    for word in words:
        below = at.command.get_command(at, word) if isinstance(at.command, click.Group) else None
        if below is None:
            raise click.UsageError(f"There is no command {word!r}.", at)
        at = click.Context(below, info_name=word, parent=at)
    click.echo(at.get_help())


def _later(option: click.Option, words: list[str]) -> click.Option:
    """The same option after the verb: it says more than the words before the verb, and has no default.

    `words` are those that the verb has no other use for.
    """
    check = option.callback

    def taken(ctx: click.Context, parameter: click.Parameter, value: Any) -> None:
        if value not in (None, (), False):
            name = str(option.name)
            # a shell that completes has no object
            before = getattr(ctx.obj, name) if ctx.obj else ctx.find_root().params.get(name) or ()
            checked = check(ctx, parameter, value) if check else value
            whole = (*before, *value) if option.multiple else checked
            if ctx.obj:
                ctx.obj = replace(ctx.obj, **{name: whole})
            else:
                ctx.find_root().params[name] = whole

    later = copy(option)
    later.opts = words
    later.hidden = True
    later.expose_value = False
    later.default = None
    later.envvar = None
    later.callback = taken
    return later
