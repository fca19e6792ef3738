"""hitless open"""

from __future__ import annotations

import click

from hitless.cli.options import Options, pass_options
from hitless.cli.visible import echo


@click.command("open")
@pass_options
def open_address(options: Options) -> None:
    """Open the application's first address in a browser.

    Where there is no browser it prints the address alone.
    """
    import os
    import sys
    import webbrowser

    from hitless.cli.console import ignore
    from hitless.cli.views.words import openable
    from hitless.domain.common.errors import HitlessError
    from hitless.domain.host.status import application_status
    from hitless.execution import observe

    host = options.host()
    name = options.application_to_show(host)
    world = observe.world(host.ports(ignore), name)
    status = application_status(name, world, host.gateway_project().settings())
    shown = [one for one in openable(status.addresses, host.name) if one.startswith("http")]
    if not status.live:
        raise observe.not_here(host.ports(ignore), name)
    if not shown:
        raise HitlessError(f"{name} has no address that a browser could open", "see hitless status")
    echo(shown[0])
    # on Linux a browser without a display would be one for the terminal, in the middle of a script
    has_display = sys.platform != "linux" or os.environ.keys() & {"DISPLAY", "WAYLAND_DISPLAY"}
    if has_display or "BROWSER" in os.environ:
        webbrowser.open(shown[0])
