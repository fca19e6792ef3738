"""hitless unlock"""

from __future__ import annotations

import click

from hitless.cli.options import Options, pass_options
from hitless.cli.visible import echo


@click.command()
@pass_options
def unlock(options: Options) -> None:
    """Free the lock of a command that hangs.

    That command stops before its next step. A command that has ended has no lock. So use this for a command
    that lost its connection to the Docker host and does not know it.
    """
    from hitless.cli.console import ignore
    from hitless.domain.common.errors import GatewayDown
    from hitless.execution import observe

    host = options.host()
    name = options.application_name(host)
    ports = host.ports(ignore)
    try:
        holder = ports.state.unlock(name)
    except GatewayDown:
        raise observe.not_here(ports, name) from None
    if holder is None:
        observe.refuse_elsewhere(ports, name, ports.containers.of(name))
        echo(f"nobody has the lock of {name}")
    else:
        echo(f"the lock of {name} is free; it was held by {holder.describe()}")
