"""Remove what hitless has made and nobody needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from hitless.domain.common.errors import GatewayDown, HitlessError
from hitless.domain.common.events import StepId, StepKind
from hitless.domain.host.diagnosis import known
from hitless.domain.host.facts import Facts
from hitless.domain.host.leftovers import Leftover, LeftoverKind, data_left, leftovers
from hitless.domain.plan.replace import tidying
from hitless.execution import gateway, observe
from hitless.execution.perform import announced
from hitless.execution.session import Session
from hitless.ports import Ports
from hitless.ports.engine import Engine
from hitless.ports.gateway_project import GatewayProject


@dataclass(frozen=True)
class Found:
    """What nobody needs. `data` are volumes of applications that are gone: they stay.

    `silent` are other gateways that could not be asked what they need: what may be theirs is not found.
    `free` is how many bytes are free on Docker's disk, if known.
    """

    leftovers: tuple[Leftover, ...] = ()
    data: tuple[str, ...] = ()
    silent: tuple[str, ...] = ()
    free: int | None = None


@dataclass(frozen=True)
class Pruned:
    """What was removed, and how many bytes are free on Docker's disk since, if known."""

    removed: tuple[Leftover, ...] = ()
    free: int | None = None
    freed: int = field(default=0)


def look(ports: Ports, engine: Engine, name: str) -> Found:
    """What nobody needs on this host; `name` is the gateway's. Raises `GatewayDown`."""
    there = ports.balancer.gateway()
    if there is None:  # only it knows what is kept
        raise GatewayDown(ports.balancer.other_gateways())
    with ThreadPoolExecutor(max_workers=3) as pool:  # each look waits for a process
        world = pool.submit(observe.world, ports, None, there)
        belongings = pool.submit(engine.belongings)
        idle = ports.instances.instances().idle
        overview = ports.state.overview()
        facts = Facts(
            ports.clock.utc(),
            name,
            idle=idle,
            world=world.result(),
            overview=overview,
            belongings=belongings.result(),
        )
    seen = known(facts)
    if seen is None or facts.belongings is None:
        raise HitlessError("what the gateway keeps can't be read", "see hitless doctor")
    return Found(
        leftovers(facts.belongings, seen),
        data_left(facts.belongings, seen),
        tuple(name for name, apps in facts.belongings.others.items() if apps is None),
        overview.room.free if overview.room else None,
    )


def prune(
    session: Session, project: GatewayProject, engine: Engine, name: str, agreed: Sequence[Leftover]
) -> Pruned:
    """Remove what nobody needs, of what was `agreed` to, while nobody else works on an application.

    Raises `Locked`.
    """
    ports = session.ports
    session.lock_gateway(gateway.undisturbed(session))
    before = look(ports, engine, name)  # somebody may have deployed since
    wanted = {(one.kind, one.name) for one in agreed}
    found = [one for one in before.leftovers if (one.kind, one.name) in wanted]
    if not found:
        return Pruned(free=before.free)
    session.begin(0)
    for kind, remove in _removals(session, project, engine):
        if names := tuple(one.name for one in found if one.kind is kind):
            announced(ports, StepId(StepKind.PRUNE, subjects=names), lambda: remove(names))  # noqa: B023
    after = look(ports, engine, name)
    left = {(one.kind, one.name) for one in after.leftovers}
    return Pruned(
        tuple(one for one in found if (one.kind, one.name) not in left),
        after.free,
        max(0, (after.free or 0) - (before.free or 0)),
    )


def _removals(
    session: Session, project: GatewayProject, engine: Engine
) -> Iterator[tuple[LeftoverKind, Callable[[Sequence[str]], None]]]:
    ports = session.ports

    def end_instances(_: Sequence[str]) -> None:
        if settings := project.settings():
            session.perform(tidying(ports.instances.instances(), settings, gateway.DRAIN_TIMEOUT))

    yield LeftoverKind.INSTANCE, end_instances
    yield LeftoverKind.NETWORK, engine.remove_networks
    yield LeftoverKind.IMAGE, engine.remove_images
    yield LeftoverKind.LOGS, lambda _: ports.state.drop_old_logs()
    yield LeftoverKind.PROGRAM, lambda _: project.drop_copies()
