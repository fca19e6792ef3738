"""The plan of an adoption: from the Compose file and the world alone. Pure: no I/O, no clock.

Every plan removes a colour in one order: withdraw its routes, confirm that, drain it, stop it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from hitless.domain.application import stores
from hitless.domain.application.model import Application, Role
from hitless.domain.common.events import StepId, StepKind
from hitless.domain.common.findings import Finding
from hitless.domain.gateway.settings import GatewaySettings
from hitless.domain.host.world import Neighbour, Port, World
from hitless.domain.plan.model import Plan, in_phase
from hitless.domain.plan.phases import Phase
from hitless.domain.plan.steps import DrainBase, RemoveBase
from hitless.domain.routing import published as publishing
from hitless.domain.routing.entry_points import port_of


def plan_adopted(adoption: Adoption, drain_timeout: float) -> Plan:
    """Remove what ran under plain `docker compose up`, after its last request."""
    name, plain = adoption.application, adoption.plain
    drain = (DrainBase(name, plain, adoption.addresses, drain_timeout),) if adoption.addresses else ()
    return Plan(name, 0, None, in_phase(Phase.FINISH, (*drain, RemoveBase(name, plain))))


_API = 8080  # the port of Traefik's dashboard: it leads to no application
_HTTPS = 443


@dataclass(frozen=True)
class Adoption:
    """What hitless must do to adopt an application.

    `plain` are the containers that the release replaces. `exclusive` are those of them that must not run
    beside it. `addresses` are theirs on the gateway's network: the gateway reaches them there already.
    `ports` are the ports that the gateway takes over: port -> the container that has it, which stops first.
    The gateway starts, or restarts, with the settings `before` the release starts, and `after` it is live
    (None: no change). While the Traefik `front` serves other applications (`others`), it keeps its port,
    and the plain containers keep running.
    """

    application: str
    plain: tuple[str, ...]
    exclusive: tuple[str, ...]
    addresses: tuple[str, ...]
    ports: Mapping[int, str]
    before: GatewaySettings | None
    after: GatewaySettings | None
    is_live: bool
    front: str = ""
    others: tuple[str, ...] = ()

    @property
    def step_ids(self) -> tuple[StepId, ...]:
        """What hitless does in addition to the deployment, in this order."""
        return tuple(self._step_ids())

    def _step_ids(self) -> Iterator[StepId]:
        if self.before:
            yield StepId(StepKind.RESTART_GATEWAY)
        if self.exclusive:
            yield StepId(StepKind.STOP_EXCLUSIVE, subjects=self.exclusive)
        if self.others:
            return
        if self.ports:
            yield StepId(StepKind.TAKE_PORTS, subjects=tuple(map(str, self.ports)))
        elif self.after:
            yield StepId(StepKind.RESTART_GATEWAY)
        if self.addresses:
            yield StepId(StepKind.DRAIN, subjects=self.plain)
        yield StepId(StepKind.REMOVE, subjects=self.plain)


def decide(
    application: Application, world: World, neighbours: Sequence[Neighbour], present: GatewaySettings | None
) -> tuple[Adoption, tuple[Finding, ...]]:
    """The adoption, and findings about it. `present` are the gateway's settings; None: no gateway runs.

    Of the neighbours those that are stopped count only for the routes that they will want again.
    """
    asleep = [one for one in neighbours if not one.is_running]
    neighbours = [one for one in neighbours if one.is_running]
    findings: list[Finding] = []
    released = {service.name: service for service in application.released}
    base = [container for container in world.base if container.service in released]
    plain = {container.name for container in base}
    running = [one for one in neighbours if one.name in plain]
    ports: dict[int, str] = {}
    settings = present or GatewaySettings()

    wanted = settings
    for port, address in _published_ports(application).items():
        holder = _holder(port, neighbours)
        if port != settings.http_port and port not in settings.ports:
            wanted = wanted.publishing({port: _address(address, holder, port, plain, settings)})
        if holder and holder.name in plain:
            ports[port] = holder.name
        elif holder and not holder.is_ours:
            findings.append(_taken(port, holder))

    if world.live(application.name) is None:
        findings += _fewer(application, running)
    front = _front(application, running, neighbours)
    others = tuple(_behind(front, application, world, neighbours)) if front else ()
    if front:
        findings += _tcp_ports(application, front)
    findings += _udp_ports(application, world)
    if front and not others:
        if taken := _port_of(front, findings):
            wanted = replace(wanted, http_port=taken.host, bind=taken.address)
            ports[taken.host] = front.name
            if secure := _secure_port_of(front):
                findings += _https(front, taken, secure, present)
                wanted = replace(wanted, https_port=secure.host)
                ports[secure.host] = front.name
        findings += _asleep_behind(front, application, world, asleep)
    elif front and world.gateway is None:
        findings.append(_no_other_port(front, others))

    alone = tuple(
        sorted(one.name for one in running if one.service in released and released[one.service].exclusive)
    )
    if front and others and any(application.is_web(one.service) for one in running if one.name in alone):
        findings.append(_unreachable(front, others, alone))

    # what somebody else has still is not for this adoption
    left = (one for one in settings.held if one in settings.own_ports and one not in ports)
    wanted = replace(wanted, held=tuple(one for one in left if _holder(one, neighbours)))
    before, after = _settings(world, present, wanted, ports)
    adoption = Adoption(
        application=application.name,
        plain=tuple(sorted(plain)),
        exclusive=alone,
        addresses=tuple(
            address
            for one in running
            for address in one.addresses.get(world.gateway.network if world.gateway else "", ())
        ),
        ports=ports,
        before=before,
        after=after,
        is_live=world.live(application.name) is not None,
        front=front.name if front else "",
        others=others,
    )
    return adoption, tuple(findings)


def _unreachable(front: Neighbour, others: Sequence[str], alone: Sequence[str]) -> Finding:
    """What must stop for the release, while clients still come through a Traefik that knows it alone."""
    return Finding(
        f"services of {', '.join(alone)}",
        f"must not run twice, so what runs stops now; its clients come through {front.name}, which keeps its "
        f"ports for {', '.join(others)}, and would find nobody",
        f"adopt {', '.join(others)} first, and this one last; if none can be first, take this one down with "
        "docker compose in a quiet hour, and run hitless deploy",
    )


def _fewer(application: Application, running: Sequence[Neighbour]) -> Iterator[Finding]:
    """Services that run more containers than the file says: the release starts only the file's number."""
    for service in application.having(Role.WEB, Role.WORKER):
        there = sum(one.service == service.name for one in running)
        if there > service.replicas:
            yield Finding(
                f"services.{service.name}.scale",
                f"is {service.replicas}, but {there} run",
                f"to keep that many, write `scale: {there}` in the file",
                is_error=False,
            )


def _published_ports(application: Application) -> dict[int, str]:
    """The ports that the gateway must publish for the application: port -> address, "" for any."""
    return {
        port: publishing.address_of(application.model["services"][router.service], port)
        for router in application.routes.routers
        if router.is_port and not router.is_udp
        for port in map(port_of, router.entry_points)
        if port
    }


def _settings(
    world: World, present: GatewaySettings | None, wanted: GatewaySettings, ports: Mapping[int, str]
) -> tuple[GatewaySettings | None, GatewaySettings | None]:
    """The gateway's settings before the release starts, and after it is live. None: no change."""
    if world.gateway is None or present is None:
        before = replace(wanted, held=tuple(sorted(ports)))
        return before, wanted if ports else None
    # the gateway serves other applications: its own port changes only at the end
    needed = replace(present, ports=wanted.ports)
    own = {port for port in present.held if port in present.own_ports}
    held = tuple(sorted({*own, *(port for port in ports if port in wanted.ports)}))
    before = replace(needed, held=held) if needed.ports != present.ports else present
    return (before if before != present else None), (wanted if wanted != before else None)


def _holder(port: int, neighbours: Sequence[Neighbour]) -> Neighbour | None:
    return next((one for one in neighbours if port in {published.host for published in one.ports}), None)


def _address(
    named: str, holder: Neighbour | None, port: int, plain: Collection[str], settings: GatewaySettings
) -> str:
    """The address on which the gateway publishes a port: the file's, or the one that clients use now.

    Somebody may try a gateway that listens on the loopback alone: clients must still reach the application.
    """
    if named or holder is None or holder.name not in plain:
        return named or settings.bind
    return next(one.address for one in holder.ports if one.host == port)


def _front(
    application: Application, running: Sequence[Neighbour], neighbours: Sequence[Neighbour]
) -> Neighbour | None:
    """The Traefik that routes to the running containers by their labels.

    It publishes ports, and shares a network with the containers.
    """
    labelled = [router for router in application.routes.routers if not router.is_port]
    networks = {network for one in running for network in one.addresses}
    for one in neighbours:
        is_traefik = stores.is_traefik(one.image) and not one.is_ours
        if labelled and is_traefik and one.ports and networks & set(one.addresses):
            return one
    return None


def _tcp_ports(application: Application, front: Neighbour) -> Iterator[Finding]:
    """TCP routes of labels: their clients come by ports of the Traefik that is to go."""
    for router in application.routes.routers:
        if router.is_tcp and not router.is_port:
            yield Finding(
                router.path,
                f"hitless adopt can't take over the TCP ports of {front.name}",
                f"stop {front.name} first, then: hitless gateway up --publish PORT, and hitless deploy",
            )


def _udp_ports(application: Application, world: World) -> Iterator[Finding]:
    """UDP routes whose entry points the gateway does not have yet."""
    there = world.gateway.entry_points if world.gateway else {}
    for router in application.routes.routers:
        if router.is_udp and not set(router.entry_points) <= set(there):
            yield Finding(
                router.path,
                "hitless adopt can't take over UDP ports",
                "stop what has them, then: hitless gateway up --publish PORT/udp, and hitless deploy",
            )


def _behind(
    front: Neighbour, application: Application, world: World, neighbours: Sequence[Neighbour]
) -> Iterator[str]:
    """The other applications that a Traefik serves and that are not behind the gateway yet."""
    found = {
        one.project or one.name
        for one in neighbours
        if one.is_labelled and one.name != front.name and set(one.addresses) & set(front.addresses)
    }
    for name in sorted(found - {application.name}):
        if not world.live(name):
            yield name


def _asleep_behind(
    front: Neighbour, application: Application, world: World, asleep: Sequence[Neighbour]
) -> Iterator[Finding]:
    """Other applications that are stopped: nobody would route to them when they start again."""
    found: dict[str, list[str]] = {}
    for one in asleep:
        name = one.project or one.name
        is_meant = one.is_labelled and not one.is_ours and set(one.addresses) & set(front.addresses)
        if is_meant and one.rules and name not in (application.name, front.project) and not world.live(name):
            found.setdefault(name, []).extend(one.rules)
    for name, routes in sorted(found.items()):
        listed = ", ".join(dict.fromkeys(routes))
        yield Finding(
            name,
            f"is stopped, and {front.name} has routes to it when it runs ({listed}); that Traefik stops now, "
            "so nobody would reach it when it starts again",
            "start it with docker compose after this, and adopt it, too; or remove it if it is not needed",
            is_error=False,
        )


def _port_of(front: Neighbour, findings: list[Finding]) -> Port | None:
    """The port on which a Traefik accepts HTTP. None, with a finding, if hitless can't use or tell it."""
    secure = _secure_port_of(front)
    ports = [port for port in front.ports if port.inside != _API and port != secure]
    found = next((port for port in ports if port.inside == 80), None) or (
        ports[0] if len(ports) == 1 else None
    )
    if found is None:
        listed = ", ".join(str(port.host) for port in front.ports)
        findings.append(
            Finding(
                front.name,
                f"has the ports {listed}, and hitless can't tell which one clients of the application use",
                "run hitless gateway up on another port, hitless deploy, then stop it and run "
                "hitless gateway up --http-port PORT --replace",
            )
        )
    return found


def _secure_port_of(front: Neighbour) -> Port | None:
    """The port on which a Traefik ends TLS."""
    return next((port for port in front.ports if _HTTPS in (port.host, port.inside)), None)


def _https(front: Neighbour, plain: Port, secure: Port, present: GatewaySettings | None) -> Iterator[Finding]:
    """What keeps the gateway from ending TLS in its place from the first request on."""
    if present is None or present.https_port != secure.host:
        # certificates must be there before, and redirects of what is deployed already name its port
        yield Finding(
            front.name,
            f"publishes port {secure.host}: it ends TLS, and the gateway has no such port",
            f"run: hitless gateway up --hold --http-port {plain.host} --https-port {secure.host} (or --hold "
            "--like FILE), add its certificates, and deploy again what is there: docs/adoption.md",
        )
    if plain.address != secure.address:
        yield Finding(
            front.name,
            f"has port {plain.host} on {plain.address or 'all addresses'} and port {secure.host} on "
            f"{secure.address or 'all addresses'}: the gateway has both on the same ones",
            "give it the same address for both, and start it again",
        )


def _taken(port: int, holder: Neighbour) -> Finding:
    return Finding(
        "ports",
        f"{port} is published by {holder.name}, which is not part of this application",
        "stop that container, or choose another port",
    )


def _no_other_port(front: Neighbour, others: Sequence[str]) -> Finding:
    return Finding(
        "gateway",
        f"is not up, and {front.name} keeps its port until {', '.join(others)} is adopted, too",
        "run hitless gateway up with another port (--http-port 8000 --bind 127.0.0.1): the last adoption "
        "takes over the port",
    )
