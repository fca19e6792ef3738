"""hitless logs"""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from hitless.cli import complete
from hitless.cli.exit_codes import ExitCode
from hitless.cli.options import Options, pass_options

if TYPE_CHECKING:
    from hitless.execution.logs import Source


class Since(click.ParamType):  # type: ignore[type-arg]  # generic in the stubs alone
    """A time, or how long ago: 10m, 2026-11-28T10:00, or a Unix time."""

    name = "time"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The time as it is in a log."""
        from datetime import UTC, datetime

        from hitless.domain.host.logs import moment

        try:
            return moment(str(value), datetime.now(UTC))
        except (ValueError, OverflowError):
            self.fail(f"{value} is no time; write 10m (so long ago) or 2026-11-28T10:00", param, ctx)


@click.command()
@click.argument("services", metavar="[SERVICE]...", nargs=-1, shell_complete=complete.services)
@click.option("-f", "--follow", is_flag=True, help="Go on with new lines, also those of later releases.")
@click.option("--since", type=Since(), help="Only lines since then: 10m, or 2026-11-28T10:00.")
@click.option("-n", "--tail", metavar="NUMBER", help="The last lines of each container; all for all.")
@click.option("-t", "--timestamps", is_flag=True, help="Show the time of each line.")
@click.option(
    "--release",
    type=click.IntRange(min=1),
    shell_complete=complete.releases,
    help="Of this release; else of the live one.",
)
@pass_options
def logs(
    options: Options,
    services: tuple[str, ...],
    follow: bool,
    since: str | None,
    tail: str | None,
    timestamps: bool,
    release: int | None,
) -> None:
    """Show what the containers of a release write.

    It is the live release, with the shared services; --release is for others, also for those that are gone.
    Here -f is for --follow; the Compose file is given by --file, or by -f before the command.
    """
    from hitless.cli.console import ignore, leave_standard_output
    from hitless.cli.views.logs import LogView
    from hitless.cli.visible import echo
    from hitless.domain.host.logs import Wanted
    from hitless.execution import logs as execution

    def now_live(source: Source) -> None:
        echo(f"release {source.release} ({source.colour}) is live", err=True)

    wanted = Wanted(services, since or "", _number(tail), timestamps, follow)
    view = LogView()
    with ended_without_a_word():
        host = options.host()
        application = options.application_to_show(host)
        ports = host.ports(ignore)
        source = execution.find(ports, application, release, services)
        try:
            for name, line in execution.gone(ports, application, source, wanted):
                view.line(name, line)
            following = None if release else now_live
            is_over = execution.show(ports, host.logs(), application, source, wanted, view.show, following)
        except BrokenPipeError:  # `| head`
            leave_standard_output()
            return
        if is_over:
            echo(f"{application} has no live release any more", err=True)


def _number(text: str | None) -> int | None:
    if text in (None, "all"):
        return None
    if text and text.isdecimal():
        return int(text)
    raise click.BadParameter("write a number, or all", param_hint="--tail")


@contextmanager
def ended_without_a_word() -> Iterator[None]:
    """Ctrl-C is how this ends: nothing was begun, and there is nothing to undo or to say."""
    from hitless.wiring import kill_running

    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler)
    try:
        yield
    except KeyboardInterrupt:
        sys.exit(ExitCode.INTERRUPTED)
    finally:
        kill_running()
        for number, handler in before.items():
            signal.signal(number, handler)
