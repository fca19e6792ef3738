"""hitless status"""

from __future__ import annotations

from dataclasses import replace

import click

from hitless.cli.options import Options, json_option, pass_options


@click.command()
@click.option("--all", "every", is_flag=True, help="Every application on the gateway.")
@json_option
@pass_options
def status(options: Options, every: bool, as_json: bool) -> None:
    """Show what is live, the kept releases, and the containers."""
    from hitless.cli.console import ignore
    from hitless.cli.views.gateway import show_applications
    from hitless.cli.views.status import show_status
    from hitless.cli.views.words import openable
    from hitless.domain.host.status import application_status, host_status
    from hitless.execution import observe

    host = options.host()
    name = None if every else options.application_to_show(host)
    ports = host.ports(ignore)
    world = observe.world(ports, name)
    project = host.gateway_project()
    settings = project.settings()
    if name is None:
        instances, health = observe.instances(ports, world), observe.health(ports, world)
        show_applications(host_status(world, settings, instances, health, project.edge_statuses()), as_json)
    else:
        found = application_status(name, world, settings)
        show_status(replace(found, addresses=openable(found.addresses, host.name)), as_json)
