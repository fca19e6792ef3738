"""hitless gateway up | upgrade | status | logs | metrics | certificate | config | notify | down"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from hitless.cli.acme import acme_options, take_files
from hitless.cli.certificate import certificate
from hitless.cli.command import command
from hitless.cli.gateway_config import config
from hitless.cli.like import is_only_shown, like_options, take
from hitless.cli.logs import ended_without_a_word
from hitless.cli.notify import notify
from hitless.cli.options import (
    AddressRange,
    Alias,
    Bytes,
    HostAddress,
    HostPort,
    Options,
    Seconds,
    TrustedProxies,
    json_option,
    pass_options,
    wait_options,
)
from hitless.cli.visible import echo
from hitless.domain.gateway.image import TRAEFIK_IMAGE

if TYPE_CHECKING:
    from hitless import wiring
    from hitless.domain.gateway.settings import GatewaySettings
    from hitless.execution.session import Session


@click.group()
def gateway() -> None:
    """The Traefik in front of all applications of this host."""


gateway.add_command(certificate)
gateway.add_command(config)
gateway.add_command(notify)


@gateway.command()
@like_options
@click.option("--http-port", type=click.IntRange(1, 65535), help="The port to listen on.  [80]")
@click.option(
    "--https-port", type=click.IntRange(0, 65535), help="The port to listen on for HTTPS; 0: none.  [0]"
)
@click.option(
    "--http3/--no-http3", default=None, help="Answer HTTP/3, too: UDP on the port for HTTPS.  [--no-http3]"
)
@click.option(
    "--entry-point-alias",
    type=Alias(),
    multiple=True,
    help="Another name of an entry point, as labels may have it: tls=websecure; may be repeated.",
)
@acme_options
@click.option("--bind", type=HostAddress(), help="The address to listen on, or `all`: IPv4 and IPv6.  [all]")
@click.option(
    "--dashboard/--no-dashboard",
    default=None,
    help="Traefik's own, on 127.0.0.1:8080; `hitless dashboard` is another one.",
)
@click.option(
    "--docker-provider/--no-docker-provider",
    default=None,
    help="Let Traefik find labelled containers that hitless does not manage (mounts the socket).",
)
@click.option(
    "--fast-proxy/--no-fast-proxy",
    default=None,
    help="Traefik's experimental engine: faster, and loses some requests.",
)
@click.option(
    "--access-log/--no-access-log",
    default=None,
    help="A line of JSON for each request in the gateway's log, without headers and query.",
)
@click.option(
    "--metrics/--no-metrics",
    default=None,
    help="Count requests and their times, for `gateway metrics`; costs throughput.",
)
@click.option(
    "--memory-limit",
    type=Bytes(),
    help="The memory that the gateway may use, as 512m; 0: no limit.  [0]",
)
@click.option(
    "--read-timeout",
    type=Seconds(),
    help="How long a request may take to arrive, its body included; 0: no limit.  [1h]",
)
@click.option("--image", help=f"Traefik's image, 3.7 or newer; `default` is {TRAEFIK_IMAGE}.  [default]")
@click.option(
    "--publish",
    type=HostPort(),
    multiple=True,
    help="A further port, for services with `publish: gateway` and routes of TCP or UDP; may be repeated.",
)
@click.option("--unpublish", type=HostPort(), multiple=True, help="Publish this further port no longer.")
@click.option(
    "--address-pool",
    type=AddressRange(),
    help="The addresses for networks of applications, as 10.213.0.0/16.  [one that the host does not use]",
)
@click.option(
    "--trusted-proxy",
    type=TrustedProxies(),
    multiple=True,
    help="Believe the X-Forwarded-* headers of a proxy in front that has this address; may be repeated, and "
    "`none` removes all.",
)
@click.option(
    "--hold",
    is_flag=True,
    help="Do not publish the two ports yet, which another Traefik has: `hitless adopt` takes them over.",
)
@click.option(
    "--replace",
    is_flag=True,
    help="Restart a running gateway to change its settings; not while a command works on an application.",
)
@wait_options
@json_option
@pass_options
@click.pass_context
def up(
    ctx: click.Context,
    options: Options,
    /,
    wait: float,
    as_json: bool,
    **params: Any,
) -> None:
    """Start the gateway, once per host. A second time it changes nothing."""
    from hitless.domain.common.events import Found
    from hitless.domain.routing.entry_points import shown

    if is_only_shown(ctx, params):
        take(ctx, options, params, as_json)
        return
    with command(options, "gateway up", wait, as_json) as (host, session):
        session.application = ""
        take(ctx, options, params, as_json, lambda findings: session.tell(Found(findings)))
        made, changed, damaged = _up(host, session, **params)
    if as_json:
        return
    state = "is up" if changed else "was up already, nothing changed"
    addresses = [
        f"http://{shown(made.bind, made.http_port)}",
        *([f"https://{shown(made.bind, made.https_port)}"] if made.https_port else []),
        *(shown(at, port) for port, at in made.ports.items()),
        *(shown(at, port, over_udp=True) for port, at in made.published_udp.items()),
    ]
    echo(f"gateway {options.gateway} {state}: {', '.join(addresses)}")
    if made.held:
        listed = ", ".join(map(str, made.held))
        echo(f"  not published yet: port {listed}; hitless adopt takes over what another Traefik has")
    for line in damaged:
        echo(f"  {line}", err=True)


def _up(
    host: wiring.Host,
    session: Session,
    /,
    replace: bool,
    hold: bool,
    publish: tuple[tuple[int, str, bool], ...],
    unpublish: tuple[tuple[int, str, bool], ...],
    trusted_proxy: tuple[tuple[str, ...], ...],
    entry_point_alias: tuple[tuple[str, str], ...],
    forget_certificates: bool,
    **settings: Any,
) -> tuple[GatewaySettings, bool, tuple[str, ...]]:
    """What `execution.gateway.up` returns."""
    from hitless.domain.gateway.settings import GatewaySettings
    from hitless.execution import gateway as execution

    files = take_files(settings)
    changes = {key: value for key, value in settings.items() if value is not None}
    if image := changes.get("image"):
        changes |= _image(str(image))
    if trusted_proxy:
        changes["trusted_proxies"] = tuple(dict.fromkeys(one for each in trusted_proxy for one in each))
    if entry_point_alias:
        changes["aliases"] = dict(entry_point_alias)
    project = host.gateway_project()
    is_running = session.ports.balancer.gateway() is not None
    if publish or unpublish:
        wanted = project.settings() or GatewaySettings()
        for over_udp in (False, True):
            more = {port: at for port, at, is_udp in publish if is_udp is over_udp}
            fewer = [port for port, _, is_udp in unpublish if is_udp is over_udp]
            wanted = wanted.publishing(more, fewer, over_udp)
        changes |= {"ports": wanted.ports, "udp_ports": wanted.udp_ports}
    project.give(files)
    return execution.up(session, project, is_running, changes, replace, forget_certificates, hold)


@gateway.command()
@click.option("--image", help=f"Traefik's image, 3.7 or newer; `default` is {TRAEFIK_IMAGE}.  [default]")
@click.option(
    "--drain-timeout",
    type=Seconds(),
    default=30.0,
    help="How long a WebSocket or raw TCP connection may stay open; then it is cut.  [30s]",
)
@wait_options
@json_option
@pass_options
def upgrade(options: Options, image: str | None, drain_timeout: float, wait: float, as_json: bool) -> None:
    """Replace the running Traefik; no request is lost."""
    from hitless.execution import gateway as execution

    changes = _image(image) if image else {}
    with command(options, "gateway upgrade", wait, as_json) as (host, session):
        session.application = ""
        project = host.gateway_project()
        made, changed, said = execution.upgrade(session, project, changes, drain_timeout)
    if as_json or options.quiet:
        return
    echo(f"gateway {options.gateway} {'runs' if changed else 'ran already, nothing changed:'} {made.image}")
    for line in said:
        echo(f"  {line}", err=True)


def _image(image: str) -> dict[str, object]:
    is_asked = image != "default"
    return {"image": image if is_asked else TRAEFIK_IMAGE, "image_asked": is_asked}


@gateway.command()
@json_option
@pass_options
def status(options: Options, as_json: bool) -> None:
    """Show the gateway's settings and the applications it routes."""
    from hitless.cli.console import ignore
    from hitless.cli.views.gateway import show_applications
    from hitless.domain.host.status import host_status
    from hitless.execution import observe

    host = options.host()
    ports = host.ports(ignore)
    world = observe.world(ports, None)
    project = host.gateway_project()
    settings = project.settings()
    instances, health = observe.instances(ports, world), observe.health(ports, world)
    show_applications(host_status(world, settings, instances, health, project.edge_statuses()), as_json)


@gateway.command()
@click.option("-f", "--follow", is_flag=True, help="Go on with new lines.")
@click.option(
    "-n",
    "--tail",
    "lines",
    type=click.IntRange(min=1),
    default=100,
    show_default=True,
    help="How many lines at most.",
)
@pass_options
def logs(options: Options, follow: bool, lines: int) -> None:
    """Show the last lines of Traefik's log."""
    from hitless.domain.gateway.model import SERVICE
    from hitless.domain.host.logs import Wanted

    host = options.host()
    if not follow:
        echo(host.gateway_project().logs(lines))
        return
    with ended_without_a_word():
        for line in host.logs().lines(options.gateway, (SERVICE,), Wanted(tail=lines, follows=True)):
            echo(line.partition("| ")[2])


@gateway.command()
@pass_options
def metrics(options: Options) -> None:
    """Show what the gateway has counted, as Prometheus reads it."""
    from hitless.cli.console import ignore
    from hitless.execution import observe

    echo(observe.metrics(options.host().ports(ignore)).rstrip())


@gateway.command()
@click.option(
    "--force",
    is_flag=True,
    help="Even while applications are routed, which cuts them off, or a command works on one.",
)
@click.option("--volumes", is_flag=True, help="Delete the routes and releases that it keeps, too.")
@wait_options
@json_option
@pass_options
def down(options: Options, force: bool, volumes: bool, wait: float, as_json: bool) -> None:
    """Stop and remove the gateway. What it keeps stays, for the next `gateway up`."""
    from hitless.execution import gateway as execution
    from hitless.execution import observe

    with command(options, "gateway down", wait, as_json) as (host, session):
        session.application = ""
        routed = sorted(observe.world(session.ports, None).routings)
        execution.down(session, host.gateway_project(), routed, force, volumes)
    if not (as_json or options.quiet):
        echo(f"gateway {options.gateway} is down")
