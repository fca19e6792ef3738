"""What `hitless gateway status` and `hitless status --all` print."""

from __future__ import annotations

from typing import Annotated, TypedDict

from rich.console import Console
from rich.markup import escape

from hitless.cli.console import console
from hitless.cli.views.documents import Document, print_document
from hitless.cli.views.times import local
from hitless.domain.common.errors import GatewayDown
from hitless.domain.common.foreign import Json
from hitless.domain.gateway.instances import Health, megabytes
from hitless.domain.gateway.model import EdgeStatus
from hitless.domain.gateway.settings import GatewaySettings
from hitless.domain.host.certificates import CertificateStatus
from hitless.domain.host.status import GatewayStatus, HostStatus, LiveStatus
from hitless.domain.routing import entry_points


class RoutedDocument(TypedDict):
    """An application on the gateway."""

    application: str
    live: Annotated[Json, LiveStatus] | None
    addresses: list[str]


class GatewayDocument(TypedDict):
    """The gateway. `newer_image` is hitless's own image, if the gateway has an older one of these, else "".

    `settings` is null without a gateway. `broken` maps each damaged file to what is wrong with it. `left` is
    how many Traefiks run beside the live one: an upgrade was interrupted, or is under way. `health` is null
    where it does not run. `ending` are the certificates that are near their end. `edges` are the nodes of a
    Swarm that it is on.
    """

    running: bool
    settings: Annotated[Json, GatewaySettings] | None
    newer_image: str
    broken: dict[str, str]
    left: int
    health: Annotated[Json, Health] | None
    ending: list[Annotated[Json, CertificateStatus]]
    edges: list[Annotated[Json, EdgeStatus]]


class GatewayStatusDocument(TypedDict):
    """The gateway, and every application on it."""

    gateway: GatewayDocument
    applications: list[RoutedDocument]


def show_applications(status: HostStatus, as_json: bool) -> None:
    """The gateway and every application on it."""
    if as_json:
        print_document(Document.GATEWAY_STATUS, gateway_document(status))
        return
    out = console()
    if status.gateway.settings is None:
        raise GatewayDown(status.gateway.others)
    _show_gateway(out, status.gateway)
    for one in status.applications:
        what = f"{one.live.colour}, release {one.live.release}" if one.live else "not live"
        out.print(f"  [bold]{escape(one.application)}[/]  {what}  {escape(', '.join(one.addresses))}")


def gateway_document(status: HostStatus) -> GatewayStatusDocument:
    """The same as one JSON object."""
    return {
        "gateway": _gateway(status.gateway),
        "applications": [
            {
                "application": one.application,
                "live": vars(one.live) if one.live else None,
                "addresses": list(one.addresses),
            }
            for one in status.applications
        ],
    }


def _gateway(gateway: GatewayStatus) -> GatewayDocument:
    return {
        "running": gateway.is_running,
        "settings": vars(gateway.settings) if gateway.settings else None,
        "newer_image": gateway.newer_image,
        "broken": {**gateway.broken, **gateway.restored},
        "left": gateway.left,
        "health": vars(gateway.health) if gateway.health else None,
        "ending": [vars(one) for one in gateway.ending],
        "edges": [vars(one) for one in gateway.edges],
    }


def _show_gateway(out: Console, gateway: GatewayStatus) -> None:
    settings = gateway.settings
    assert settings
    state = "[green]up[/]" if gateway.is_running else "[red]down[/]"
    further = [entry_points.shown(address, port) for port, address in settings.ports.items()]
    further += [entry_points.shown(at, port, over_udp=True) for port, at in settings.published_udp.items()]
    also = "".join(f", {one}" for one in further)
    at = entry_points.shown(settings.bind, settings.http_port)
    secure = entry_points.shown(settings.bind, settings.https_port)
    https = f", https://{secure}" if settings.https_port else ""
    out.print(f"gateway {state}: http://{escape(at)}{escape(https)}{escape(also)}, {settings.image}")
    for edge in gateway.edges:
        silent = "" if edge.answers else "  [red]does not answer[/]"
        out.print(f"  on {escape(edge.node)}, {escape(edge.address)}{silent}")
    if gateway.health:
        _show_health(out, gateway.health, settings.memory_limit)
    if gateway.newer_image:
        newer = f"hitless's own image of Traefik is {gateway.newer_image} now"
        out.print(f"  [yellow]{newer}; hitless gateway upgrade takes it[/]")
    if gateway.left:
        out.print("  [yellow]a Traefik runs beside the live one; hitless gateway upgrade ends it[/]")
    for one in gateway.ending:
        should = "; it should have been renewed, see hitless gateway logs" if one.is_renewed else ""
        names = escape(", ".join(one.names))
        out.print(f"  [yellow]the certificate for {names} is good for {one.days} more days{should}[/]")
    if settings.held:
        held = ", ".join(map(str, settings.held))
        out.print(f"  [yellow]others still have port {held}: see hitless adopt, or gateway up --replace[/]")
    for path, problem in gateway.broken.items():
        out.print(f"  [red]{escape(path)}: {escape(problem)}[/]")
    for problem in gateway.restored.values():
        out.print(f"  [yellow]{escape(problem)}; hitless gateway up puts it back[/]")


def _show_health(out: Console, health: Health, limit: int) -> None:
    if not health.answers:
        out.print("  [red]Traefik does not answer; see hitless gateway logs[/]")
    memory = f", {megabytes(health.memory)} of memory" if health.memory >= 0 else ""
    most = f" of at most {megabytes(limit)}" if limit and memory else ""
    again = f", Docker started it again {health.restarts} times" if health.restarts else ""
    out.print(f"  since {local(health.started)}{memory}{most}{again}")
