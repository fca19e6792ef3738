"""Look at everything that can be wrong on a Docker host; put right what is safe."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from ipaddress import ip_address

from hitless.domain.gateway.instances import Health
from hitless.domain.gateway.settings import GatewaySettings
from hitless.domain.host.diagnosis import QUIET
from hitless.domain.host.facts import Asked, Clock, Facts, File, Overview
from hitless.domain.host.facts import Engine as About
from hitless.domain.host.world import Neighbour, World
from hitless.domain.release.requirements import Probe
from hitless.domain.routing import rules
from hitless.domain.routing.entry_points import WEB, inner_port
from hitless.domain.routing.reserved import LOOPBACK, MARKER_HOST
from hitless.execution import gateway, observe
from hitless.execution.looks import Looks
from hitless.ports import Ports
from hitless.ports.balancer import Answer
from hitless.ports.engine import Engine
from hitless.ports.gateway_project import GatewayProject
from hitless.ports.machine import Machine

LONGEST = 8.0  # seconds for all looks at the engine together, however many hang
_NAMES = 3.0  # seconds for the DNS
_ASKED = 4  # addresses that the gateway asks, at most
_NOT_FOUND = 404
_PATH = "/hitless-doctor"  # of no application, on a host name of none


@dataclass(frozen=True)
class Doctor:
    """What a look needs: `file` reads the Compose file, and raises `HitlessError`; None: there is none."""

    ports: Ports
    project: GatewayProject
    engine: Engine
    machine: Machine
    gateway: str
    file: Callable[[], File | None]


def look(doctor: Doctor) -> Facts:
    """Look at everything at once. What fails, or takes too long, is in `Facts.failed`."""
    looks = Looks(doctor.ports.clock, LONGEST)
    about, file = looks.begin(lambda: _timed(doctor)), looks.begin(doctor.file)
    compose = looks.begin(doctor.engine.compose_version)
    clock = looks.result("engine", about, None)
    facts = Facts(doctor.ports.clock.utc(), doctor.gateway)
    if clock:
        facts = replace(facts, engine=clock[0])
        facts = _of_engine(doctor, looks, facts, {"engine": clock[1]})
    return replace(
        facts,
        compose=looks.result("compose", compose, ""),
        file=looks.result("file", file, None),
        failed=looks.failed,
    )


def _of_engine(doctor: Doctor, looks: Looks, facts: Facts, clocks: dict[str, Clock]) -> Facts:
    ports, project = doctor.ports, doctor.project
    world = looks.begin(lambda: observe.world(ports, None))
    about = looks.begin(lambda: (project.container(), project.settings()))
    inside = looks.begin(lambda: _inside(ports))
    usage = looks.begin(doctor.engine.usage)
    belongings = looks.begin(doctor.engine.belongings)
    neighbours = looks.begin(ports.containers.neighbours)
    addresses = looks.begin(doctor.machine.addresses)
    container, settings = looks.result("gateway", about, (None, None))
    seen = looks.result("world", world, World())
    facts = replace(facts, container=container, settings=settings, world=seen)
    if seen.gateway:
        found = looks.result("overview", inside, _Inside())
        facts = replace(facts, overview=found.overview, idle=found.idle, traefik=found.version)
        facts = replace(facts, health=found.health)
        clocks |= {"gateway": found.clock} if found.clock else {}
    facts = replace(facts, addresses=looks.result("addresses", addresses, ()), clocks=clocks)
    running = looks.result("ports", neighbours, ())
    facts = replace(facts, holders=_holders(doctor, facts, running))
    facts = replace(facts, names=_names(doctor, seen), dead=_dead(doctor, facts.overview))
    if seen.gateway and settings:
        asked = looks.begin(lambda: _asked(ports, settings, facts.names))
        answers = looks.result("asked", asked, {})
        facts = replace(facts, asked=answers)
    return replace(
        facts,
        usage=looks.result("usage", usage, ()),
        belongings=looks.result("belongings", belongings, None),
    )


def fix(doctor: Doctor, facts: Facts, prune: Callable[[], Sequence[str]]) -> Iterator[str]:
    """Put right what is safe; a line for each thing that was done. `prune` removes what nobody needs."""
    for name in facts.dead:
        if holder := doctor.ports.state.unlock(name):
            yield f"freed the lock of {name}, held by {holder.describe()}"
    if facts.world.gateway and facts.settings and facts.world.restored:
        yield from gateway.put_right(doctor.ports, facts.settings)
    yield from prune()


def _timed(doctor: Doctor) -> tuple[About, Clock]:
    """The engine, and how its clock differs from this machine's."""
    before = doctor.ports.clock.utc()
    about, time = doctor.engine.about()
    return about, _clock(doctor.ports, before, time)


@dataclass(frozen=True)
class _Inside:
    """What the gateway says: its state, its idle instances, how it is, Traefik's version, and its clock."""

    overview: Overview | None = None
    idle: tuple[int, ...] = ()
    health: Health | None = None
    version: str = ""
    clock: Clock | None = None


def _inside(ports: Ports) -> _Inside:
    instances = ports.instances.instances()
    before = ports.clock.utc()
    overview = ports.state.overview()
    clock = _clock(ports, before, overview.time)
    health = ports.instances.health()
    return _Inside(
        overview, instances.idle, health, ports.instances.version() if health.answers else "", clock
    )


def _clock(ports: Ports, before: str, time: float) -> Clock:
    first, last = (datetime.fromisoformat(text).timestamp() for text in (before, ports.clock.utc()))
    return Clock(time - (first + last) / 2, (last - first) / 2)


def _holders(doctor: Doctor, facts: Facts, neighbours: Sequence[Neighbour]) -> dict[int, str]:
    """Who has the ports of the host that the gateway wants and does not have."""
    settings = facts.settings or GatewaySettings()
    is_up = facts.container is not None and facts.container.state == "running"
    found = {}
    for port in settings.held if is_up else settings.published:
        names = [one.name for one in neighbours if port in {published.host for published in one.ports}]
        who = f"the container {', '.join(names)}" if names else doctor.machine.listener(port)
        if who:
            found[port] = who
    return found


def _dead(doctor: Doctor, seen: Overview | None) -> tuple[str, ...]:
    """The applications whose lock is that of a command of this machine which has ended."""
    holders = seen.holders if seen else {}
    return tuple(
        name for name, one in holders.items() if one.quiet > QUIET and doctor.machine.is_over(one.name)
    )


def _names(doctor: Doctor, world: World) -> dict[str, tuple[str, ...] | None]:
    hosts = dict.fromkeys(
        host
        for _, routing in sorted(world.routings.items())
        for router in routing.rules
        if not router.is_udp
        for host in rules.hosts(router.rule)
    )
    return doctor.machine.resolve(tuple(hosts), _NAMES) if hosts else {}


def _asked(
    ports: Ports, settings: GatewaySettings, names: Mapping[str, tuple[str, ...] | None]
) -> dict[str, Asked]:
    """What answers at the addresses of the host names, asked from the gateway's own address."""
    found = dict.fromkeys(one for each in names.values() for one in each or () if not _is_local(one))
    addresses = tuple(found)[:_ASKED]
    if not addresses or settings.http_port in settings.held:
        return {}
    own = Probe(LOOPBACK, inner_port(WEB), _PATH, MARKER_HOST)
    probes = [Probe(address, settings.http_port, _PATH, MARKER_HOST) for address in addresses]
    wanted, *answers = ports.balancer.ask([own, *probes])
    return {
        address: Asked(
            answer.status,
            "" if answer.status else answer.body,
            bool(answer.status) and (answer.status, _text(answer)) == (wanted.status, _text(wanted)),
        )
        for address, answer in zip(addresses, answers, strict=True)
    }


def _text(answer: Answer) -> str:
    """What tells a Traefik without a route from other servers; a page of an application may change."""
    return answer.body if answer.status == _NOT_FOUND else ""


def _is_local(address: str) -> bool:
    return ip_address(address).is_loopback
