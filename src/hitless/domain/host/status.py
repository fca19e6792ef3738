"""The state of a host and its applications: one value, which the command line and a dashboard draw. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from hitless.domain.common.events import StepId
from hitless.domain.common.names import Colour
from hitless.domain.gateway.instances import Health, Instances
from hitless.domain.gateway.model import EdgeStatus
from hitless.domain.gateway.settings import GatewaySettings
from hitless.domain.host.certificates import CertificateStatus, certificate_statuses
from hitless.domain.host.facts import Overview
from hitless.domain.host.world import World
from hitless.domain.routing import entry_points, rules
from hitless.domain.routing.model import Protocol
from hitless.domain.routing.split import Routing


@dataclass(frozen=True)
class LiveStatus:
    """What gets the requests."""

    colour: Colour
    release: int


@dataclass(frozen=True)
class CommandStatus:
    """The command that works on the application (`is_under_way`), or the last one, which was interrupted.

    `operation` is "" and `release` 0 if they are not known; `step` is the last that began, "" before the
    first; `began` is an ISO time in UTC; `by` is who runs it; `seconds` have passed since its last sign of
    life.
    """

    operation: str
    release: int
    step: StepId | str
    began: str
    by: str
    is_under_way: bool
    seconds: float


class ProblemKind(StrEnum):
    """What is wrong with an application, or with its gateway."""

    GATEWAY_DOWN = "gateway-down"
    BROKEN_FILE = "broken-file"
    RESTORED_FILE = "restored-file"
    OTHER_GATEWAY = "other-gateway"
    DAMAGED_RECORD = "damaged-record"
    NOTHING_RUNS = "nothing-runs"
    LEFTOVER = "leftover"
    REQUESTS_WAIT = "requests-wait"
    CERTIFICATE_ENDS = "certificate-ends"
    RENEWAL_FAILS = "renewal-fails"


@dataclass(frozen=True)
class Problem:
    """A problem, and what has it: a file, a gateway, a colour, a release; `detail` is the cause, if known."""

    kind: ProblemKind
    subject: str = ""
    detail: str = ""


@dataclass(frozen=True)
class ContainerStatus:
    """A container; `colour` is None and `release` 0 for one of the base project; `health` may be ""."""

    colour: Colour | None
    release: int
    service: str
    name: str
    state: str
    health: str


@dataclass(frozen=True)
class ReleaseStatus:
    """A kept release; `promoted` is 0 if it never was live; `images` maps service -> image id."""

    number: int
    created: str
    revision: str
    promoted: int
    images: Mapping[str, str]


@dataclass(frozen=True)
class ApplicationStatus:
    """An application. `is_known`: whether anything of it is there.

    `is_sure`: whether hitless knows what is live; if not, `live` is None.
    """

    application: str
    live: LiveStatus | None
    addresses: tuple[str, ...]
    command: CommandStatus | None
    problems: tuple[Problem, ...]
    containers: tuple[ContainerStatus, ...]
    releases: tuple[ReleaseStatus, ...]
    is_known: bool
    is_sure: bool


@dataclass(frozen=True)
class GatewayStatus:
    """The gateway; `settings` is None without one. `newer_image` is hitless's own, "" if it has that.

    `broken`, `restored` and `others` are as in `World`; `left` is how many Traefiks run beside the live one,
    which an upgrade has left that was interrupted, or is under way. `health` is None where it does not run.
    `ending` are the certificates that are near their end. `edges` are the nodes of a Swarm that it is on.
    """

    is_running: bool
    settings: GatewaySettings | None
    newer_image: str
    broken: Mapping[str, str]
    restored: Mapping[str, str]
    left: int = 0
    health: Health | None = None
    ending: tuple[CertificateStatus, ...] = ()
    others: tuple[str, ...] = ()
    edges: tuple[EdgeStatus, ...] = ()


@dataclass(frozen=True)
class HostStatus:
    """The gateway of a host, and every application on it."""

    gateway: GatewayStatus
    applications: tuple[ApplicationStatus, ...]


def host_status(
    world: World,
    settings: GatewaySettings | None,
    instances: Instances,
    health: Health | None = None,
    edges: Sequence[EdgeStatus] = (),
) -> HostStatus:
    """The gateway and every application; `world` is that of all applications."""
    names = sorted({*world.routings, *(container.application for container in world.containers)})
    newest = settings.up_to_date().image if settings else ""
    return HostStatus(
        GatewayStatus(
            is_running=world.gateway is not None,
            settings=settings,
            newer_image=newest if settings and newest != settings.image else "",
            broken=world.broken,
            restored=world.restored,
            left=len(instances.idle),
            health=health,
            ending=tuple(one for one in certificate_statuses(world) if one.is_near_its_end),
            others=world.others,
            edges=tuple(edges),
        ),
        tuple(application_status(name, world, settings) for name in names),
    )


def known_of(application: str, world: World, overview: Overview) -> World:
    """The world of all applications with what the overview says of one: its lock, and its last command."""
    last = overview.last.get(application)
    return replace(
        world,
        holder=overview.holders.get(application),
        runs=(last,) if last else (),
        quiet=overview.quiet.get(application, 0.0),
    )


def application_status(application: str, world: World, settings: GatewaySettings | None) -> ApplicationStatus:
    """One application, without what `world` does not have of it (its releases, its journal)."""
    live = world.live(application)
    return ApplicationStatus(
        application=application,
        live=LiveStatus(*live) if live else None,
        addresses=_addresses(world.routings.get(application), settings),
        command=_command(world),
        problems=tuple(_problems(application, world)),
        containers=tuple(_containers(application, world)),
        releases=tuple(
            ReleaseStatus(
                number=release.number,
                created=release.created,
                revision=release.revision,
                promoted=release.promoted,
                images={service: image.id for service, image in release.images.items()},
            )
            for release in reversed(world.releases)
        ),
        is_known=bool(world.containers or world.kept or world.damaged or application in world.routings),
        is_sure=f"{application}.yml" not in world.broken and not _other_gateways(application, world),
    )


def _containers(application: str, world: World) -> Iterator[ContainerStatus]:
    for one in sorted(world.containers, key=lambda one: one.name):
        # a hook that is over matters only in the journal
        is_over = one.service.startswith("hook-") and not one.is_running
        if one.application == application and not is_over:
            yield ContainerStatus(one.colour, one.release, one.service, one.name, one.state, one.health)
    for shared in sorted(world.base, key=lambda one: one.name):
        yield ContainerStatus(None, 0, shared.service, shared.name, shared.state, shared.health)


def _addresses(routing: Routing | None, settings: GatewaySettings | None) -> tuple[str, ...]:
    if routing is None or settings is None:
        return ()
    return tuple(addresses(routing, settings.http_port, settings.https_port, settings.bound))


def addresses(routing: Routing, http_port: int, https_port: int, bound: Mapping[str, str]) -> Iterator[str]:
    """Where visitors reach an application, `*` for every address of the host.

    The ports are those of the host, `bound` maps entry point -> the host's address, "" for all.
    """
    for scheme, default, port in (("https", 443, https_port), ("http", 80, http_port)):
        http = [one for one in routing.rules if one.protocol is Protocol.HTTP]
        routers = [one for one in http if ("tls" in one.settings) == (scheme == "https")]
        hosts = dict.fromkeys(host for router in routers for host in rules.hosts(router.rule))
        yield from (f"{scheme}://{host}" + ("" if port == default else f":{port}") for host in hosts)
    own = {entry_points.WEB: http_port, entry_points.WEBSECURE: https_port}
    yield from dict.fromkeys(
        f"{router.protocol}://{entry_points.shown(host or bound[name], port)}"
        for router in routing.rules
        if router.is_port or router.protocol is not Protocol.HTTP
        for name in router.entry_points
        if name in bound and (port := entry_points.port_of(name) or own[name])
        for host in rules.hosts(router.rule) or ("",)
    )


def _problems(application: str, world: World) -> Iterator[Problem]:
    if world.gateway is None:
        # the gateway knows which colour is live: without it nothing can be said about the containers
        others = _other_gateways(application, world)
        yield from (Problem(ProblemKind.OTHER_GATEWAY, other) for other in others)
        if not others:
            yield Problem(ProblemKind.GATEWAY_DOWN, ", ".join(world.others))
        return
    yield from (Problem(ProblemKind.BROKEN_FILE, *one) for one in world.broken.items())
    yield from (Problem(ProblemKind.RESTORED_FILE, *one) for one in world.restored.items())
    others = _other_gateways(application, world)
    yield from (Problem(ProblemKind.OTHER_GATEWAY, other) for other in others)
    yield from (Problem(ProblemKind.DAMAGED_RECORD, str(number)) for number in sorted(world.damaged))
    if f"{application}.yml" in world.broken or others:
        return  # something may be live that this gateway's routing does not show
    for one in certificate_statuses(world):
        if one.is_near_its_end and application in one.applications:
            kind = ProblemKind.RENEWAL_FAILS if one.is_renewed else ProblemKind.CERTIFICATE_ENDS
            yield Problem(kind, ", ".join(one.names), str(one.days))
    live = world.live(application)
    own = [one for one in world.containers if one.application == application]
    routing = world.routings.get(application)
    waiting = routing.waiting if routing else None
    if waiting and world.holder is None:
        yield Problem(ProblemKind.REQUESTS_WAIT, detail=f"{waiting.timeout:.0f}")
    elif waiting:
        pass  # a command is about to let them in
    elif live and not any(one.is_running for one in own if one.colour is live[0]):
        yield Problem(ProblemKind.NOTHING_RUNS, live[0])
    if world.holder is None and world.left is None:
        for colour in sorted({one.colour for one in own} - ({live[0]} if live else set())):
            yield Problem(ProblemKind.LEFTOVER, colour)


def _other_gateways(application: str, world: World) -> list[str]:
    there = {one.gateway for one in world.containers if one.application == application}
    return sorted(there - {world.gateway.project} if world.gateway else there & {*world.others})


def _command(world: World) -> CommandStatus | None:
    run = world.left
    if world.holder and run and run.holder != world.holder.name:
        run = None  # it is an earlier command's: this one has written nothing yet
    if world.holder is None and run is None:
        return None
    return CommandStatus(
        operation=run.operation if run else "",
        release=run.release if run else 0,
        step=run.step if run else "",
        began=run.began if run else "",
        by=world.holder.name if world.holder else run.holder if run else "",
        is_under_way=world.holder is not None,
        seconds=world.holder.quiet if world.holder else world.quiet,
    )
