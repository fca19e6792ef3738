"""What `hitless status` prints."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from hitless.cli.console import console
from hitless.cli.views.words import any_step_json, any_step_text
from hitless.domain.common import durations
from hitless.domain.common.errors import HitlessError
from hitless.domain.gateway.settings import GatewaySettings
from hitless.domain.host.journal import step_of
from hitless.domain.host.shared import Shared
from hitless.domain.host.world import World
from hitless.domain.routing import entry_points, rules
from hitless.domain.routing import published as publishing
from hitless.domain.routing.split import Routing


def show_status(application: str, world: World, settings: GatewaySettings | None, as_json: bool) -> None:
    """One application: what is live, its releases, its containers, its address."""
    status = application_status(application, world, settings)
    if as_json:
        print(json.dumps(status))
        return
    if world.gateway is None and not world.containers:
        raise HitlessError("the gateway is not up on this Docker host", "run: hitless gateway up")
    if not world.containers and not world.releases and application not in world.routings:
        raise HitlessError(
            f"{application} is not deployed here", "run: hitless deploy, or see hitless status --all"
        )
    out = console()
    live = status["live"]
    out.print(
        f"[bold]{escape(application)}[/]  "
        + (
            f"live: [bold green]{live['colour']}[/], release {live['release']}"
            if live
            else "[bold red]what is live can't be told[/]"
            if _is_unknown(application, world)
            else "[bold red]nothing is live[/]"
        )
    )
    for address in status["addresses"]:
        out.print(f"  {escape(address)}")
    if status["deployment"]:
        out.print(f"  [yellow]{escape(_deployment_line(status['deployment']))}[/]")
    for problem in status["problems"]:
        out.print(f"  [red]{escape(problem)}[/]")
    table = Table(box=SIMPLE_HEAD)
    for column in ("colour", "release", "service", "container", "state", "health"):
        table.add_column(column)
    for row in status["containers"]:
        table.add_row(*(escape(str(row[key])) for key in row))
    if status["containers"]:
        out.print(table)
    for release in status["releases"]:
        revision = f"  {escape(release['revision'])}" if release["revision"] else ""
        mark = " (live)" if live and live["release"] == release["number"] else ""
        mark = mark or ("" if release["promoted"] else " (never was live)")
        out.print(f"  release {release['number']}  {release['created'][:19]}Z{revision}{mark}")


def application_status(application: str, world: World, settings: GatewaySettings | None) -> dict[str, Any]:
    """The same as one JSON object."""
    live = world.live(application)
    routing = world.routings.get(application)
    return {
        "application": application,
        "live": {"colour": live[0], "release": live[1]} if live else None,
        "addresses": _addresses(routing, settings),
        "deployment": _deployment(world),
        "problems": _problems(application, world),
        "containers": [
            {
                "colour": container.colour,
                "release": container.release,
                "service": container.service,
                "container": container.name,
                "state": container.state,
                "health": container.health or "-",
            }
            for container in sorted(world.containers, key=lambda container: container.name)
            # a hook that is over is of interest in the journal alone
            if container.is_running or not container.service.startswith("hook-")
        ]
        + [
            {
                "colour": "",
                "release": "",
                "service": container.service,
                "container": container.name,
                "state": container.state,
                "health": container.health or "-",
            }
            for container in sorted(world.base, key=lambda container: container.name)
        ],
        "releases": [
            {
                "number": release.number,
                "created": release.created,
                "revision": release.revision,
                "promoted": release.promoted,
                "images": {service: image.id for service, image in release.images.items()},
            }
            for release in reversed(world.releases)
        ],
    }


def show_shared(application: str, found: Sequence[Shared], as_json: bool) -> None:
    """What `hitless shared status` prints."""
    rows = [
        {
            "service": one.service,
            "reason": one.reason,
            "container": one.container.name if one.container else "",
            "state": one.container.state if one.container else "missing",
            "health": (one.container.health if one.container else "") or "-",
            "changes": one.changes,
            "cost": one.cost,
        }
        for one in found
    ]
    if as_json:
        print(json.dumps({"application": application, "shared": rows}))
        return
    out = console()
    if not rows:
        out.print(f"{application} has no shared service; hitless plan says what each is, and why")
        return
    table = Table(box=SIMPLE_HEAD)
    columns = ("service", "container", "state", "health")
    for column in columns:
        table.add_column(column)
    for row in rows:
        table.add_row(*(escape(row[column]) for column in columns))
    out.print(table)
    for row in rows:
        if row["changes"]:
            out.print(
                f"  [yellow]{escape(row['service'])} has changed in the file: {escape(row['changes'])}[/]"
            )
            out.print(f"    hitless shared up --recreate {escape(row['service'])}: {escape(row['cost'])}")


def show_applications(world: World, settings: GatewaySettings | None, as_json: bool) -> None:
    """The gateway and every application on it."""
    names = sorted({*world.routings, *(container.application for container in world.containers)})
    found: list[dict[str, Any]] = []
    for name in names:
        live = world.live(name)
        found.append(
            {
                "application": name,
                "live": {"colour": live[0], "release": live[1]} if live else None,
                "addresses": _addresses(world.routings.get(name), settings),
            }
        )
    newer = settings.up_to_date().image if settings else ""
    newer = newer if settings and newer != settings.image else ""
    gateway = {
        "running": world.gateway is not None,
        "settings": vars(settings) if settings else None,
        "newer_image": newer,
        "broken": {**world.broken, **world.restored},
    }
    if as_json:
        print(json.dumps({"gateway": gateway, "applications": found}))
        return
    out = console()
    if settings is None:
        out.print("the gateway is not there; run: hitless gateway up")
        return
    state = "[green]up[/]" if world.gateway else "[red]down[/]"
    also = "".join(f", {entry_points.shown(address, port)}" for port, address in settings.ports.items())
    at = entry_points.shown(settings.bind, settings.http_port)
    out.print(f"gateway {state}: http://{escape(at)}{escape(also)}, {settings.image}")
    if newer:
        what = f"hitless's own image of Traefik is {newer} now; hitless gateway up --replace takes it"
        out.print(f"  [yellow]{what}[/]")
    if settings.held:
        held = ", ".join(map(str, settings.held))
        out.print(f"  [yellow]port {held} is another's still: see hitless adopt, or gateway up --replace[/]")
    for path, problem in world.broken.items():
        out.print(f"  [red]{escape(path)}: {escape(problem)}[/]")
    for problem in world.restored.values():
        out.print(f"  [yellow]{escape(problem)}; hitless gateway up puts it back[/]")
    for one in found:
        at = ", ".join(one["addresses"])
        what = f"{one['live']['colour']}, release {one['live']['release']}" if one["live"] else "not live"
        out.print(f"  [bold]{escape(one['application'])}[/]  {what}  {escape(at)}")


def _addresses(routing: Routing | None, settings: GatewaySettings | None) -> list[str]:
    if routing is None or settings is None:
        return []
    port = "" if settings.http_port == 80 else f":{settings.http_port}"
    hosts = dict.fromkeys(host for router in routing.rules for host in rules.hosts(router.rule))
    ports = {
        f"{router.protocol}://"
        + entry_points.shown(settings.bound[name], entry_points.port_of(name) or settings.http_port): None
        for router in routing.rules
        if publishing.is_port(router)
        for name in router.entry_points
        if name in settings.bound
    }
    return [*(f"http://{host}{port}" for host in hosts), *ports]


def _problems(application: str, world: World) -> list[str]:
    if world.gateway is None:
        # which colour is live stands in the gateway: without it nothing can be said of the containers
        return ["the gateway is not up; run: hitless gateway up"]
    problems = [f"{path}: {problem}" for path, problem in world.broken.items()]
    problems += [f"{problem}; hitless gateway up puts it back" for problem in world.restored.values()]
    problems += [
        f"it runs behind the gateway {other}; use --gateway {other}" for other in _other_gateways(world)
    ]
    if _is_unknown(application, world):
        return problems
    live = world.live(application)
    if live and not any(container.is_running for container in world.of(live[0])):
        problems.append(f"no container of the live colour {live[0]} is running; run: hitless deploy")
    others = {container.colour for container in world.containers if not live or container.colour != live[0]}
    if world.holder is None and world.left is None:
        problems += [
            f"{colour} is there but not live; hitless abort or the next hitless deploy takes it away"
            for colour in sorted(others)
        ]
    return problems


def _is_unknown(application: str, world: World) -> bool:
    """Whether something may be live that this gateway's routing does not tell of."""
    return f"{application}.yml" in world.broken or bool(_other_gateways(world))


def _other_gateways(world: World) -> list[str]:
    here = world.gateway.project if world.gateway else None
    return sorted({one.gateway for one in world.containers} - {here}) if here else []


def _deployment(world: World) -> dict[str, Any] | None:
    """The command that works on the application, or the last one where it was not brought to an end."""
    run = world.left
    if world.holder and run and run.holder != world.holder.name:
        run = None  # of an earlier command: this one has written nothing yet
    if world.holder is None and run is None:
        return None
    return {
        "operation": run.operation if run else "",
        "release": run.release if run else 0,
        "step": any_step_json(run.step) if run else None,
        "began": run.began if run else "",
        "by": world.holder.name if world.holder else run.holder if run else "",
        "is_under_way": world.holder is not None,
        "seconds_since": world.holder.quiet if world.holder else world.quiet,
    }


def _deployment_line(deployment: dict[str, Any]) -> str:
    release = f" of release {deployment['release']}" if deployment["release"] else ""
    at = f", at {any_step_text(step_of(deployment['step']))}" if deployment["step"] else ""
    since = durations.ago(deployment["seconds_since"])
    if deployment["is_under_way"]:
        what = f"{deployment['operation'] or 'a command'}{release} is under way{at}, by {deployment['by']}"
        return f"{what}, last sign of life {since}"
    if deployment["operation"] == "adopt":
        return f"interrupted adopt{at}, by {deployment['by']}, {since}; go on with hitless adopt"
    return (
        f"interrupted {deployment['operation']}{release}{at}, by {deployment['by']}, {since}; finish it with "
        "hitless resume, undo it with hitless abort, or run hitless deploy"
    )
