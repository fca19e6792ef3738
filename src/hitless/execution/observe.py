"""Look at the Docker host once. The result is one value."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from hitless.domain.common.errors import Elsewhere, GatewayDown, HitlessError
from hitless.domain.gateway.certificates import Certificate
from hitless.domain.gateway.instances import Health, Instances
from hitless.domain.gateway.model import Gateway
from hitless.domain.host import journal
from hitless.domain.host.journal import Run
from hitless.domain.host.world import Container, World, read_kept
from hitless.ports import Ports


def refuse_elsewhere(ports: Ports, application: str, containers: Iterable[Container]) -> None:
    """Raise `Elsewhere` if the application has containers behind another gateway than this one."""
    if others := sorted({container.gateway for container in containers} - {ports.balancer.gateway_name}):
        raise Elsewhere(application, ", ".join(others))


def not_here(ports: Ports, application: str) -> HitlessError:
    """Why a gateway knows nothing of the application: it is behind another one, or this one is not up."""
    try:
        refuse_elsewhere(ports, application, ports.containers.of(application))
    except Elsewhere as error:
        return error
    if ports.balancer.gateway() is None:
        return GatewayDown(ports.balancer.other_gateways())
    return HitlessError(
        f"{application} is not deployed here", "run: hitless deploy, or see hitless status --all"
    )


def journal_of(ports: Ports, application: str) -> tuple[Run, ...]:
    """The commands on the application. Raises `Elsewhere`, and `GatewayDown`."""
    try:
        found = journal.runs(ports.state.journal(application))
    except GatewayDown:
        raise not_here(ports, application) from None
    if not found:
        refuse_elsewhere(ports, application, ports.containers.of(application))
    return found


def instances(ports: Ports, world: World) -> Instances:
    """The instances of the gateway's Traefik. A gateway that does not run counts as one instance."""
    return ports.instances.instances() if world.gateway else Instances()


def health(ports: Ports, world: World) -> Health | None:
    """The health of the gateway's container; None if it does not run."""
    return ports.instances.health() if world.gateway else None


def metrics(ports: Ports) -> str:
    """What the gateway has counted, as Prometheus reads it. Raises `HitlessError` if it does not count."""
    if ports.balancer.gateway() is None:
        raise GatewayDown(ports.balancer.other_gateways())
    return ports.instances.metrics()


def _certificates(
    ports: Ports, gateway: Gateway | None
) -> tuple[tuple[Certificate, ...], dict[str, tuple[int, ...]]]:
    """The gateway's certificates, and the orders for others that have failed."""
    if gateway is None or not gateway.https_port:
        return (), {}
    own = ports.certificates.certificates()
    if gateway.challenge is None:
        return own, {}
    try:
        obtained = ports.certificates.obtained()
    except HitlessError:  # Traefik does not answer: what would end it, or tell it, must still work
        return own, {}
    return (*own, *obtained), ports.certificates.failures()


def world(ports: Ports, application: str | None, gateway: Gateway | None = None) -> World:
    """The world for a command on this application. None: the world of all applications, without releases.

    `gateway` is the gateway, if the caller has looked at it already.
    """
    with ThreadPoolExecutor(max_workers=6) as pool:
        # Each look waits for a process. No look needs the result of another one
        containers = pool.submit(ports.containers.of, application)
        networked = pool.submit(ports.networks.networked, application) if application else None
        tagged = pool.submit(ports.images.tagged, application) if application else None
        composed = pool.submit(ports.containers.composed, application) if application else None
        reading = pool.submit(ports.state.read, application)
        gateway = gateway or ports.balancer.gateway()
        certificates, failures = _certificates(ports, gateway)
        others = composed.result() if composed else ()
        base = tuple(one for one in others if one.project == application)
        if gateway is None:  # then `reading` has failed, for the same reason
            return World(containers=containers.result(), base=base, others=ports.balancer.other_gateways())
        stored = reading.result()
    return World(
        gateway=gateway,
        routings=stored.routings,
        broken=stored.broken,
        restored=stored.restored,
        containers=containers.result(),
        kept=read_kept(stored.releases, gateway),
        damaged=stored.damaged,
        networked=networked.result().colours if networked else frozenset(),
        has_way=networked is not None and networked.result().has_way,
        tagged=tagged.result() if tagged else frozenset(),
        foreign=tuple(one.name for one in others if one.project != application),
        base=base,
        runs=journal.runs(stored.journal),
        holder=stored.holder,
        quiet=stored.quiet,
        free=stored.free,
        certificates=certificates,
        failures=failures,
        configs=stored.configs,
        now=ports.clock.utc(),
        networks=networked.result().names if networked else None,
    )
