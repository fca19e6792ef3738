"""Take over an application that runs under plain `docker compose up`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from dataclasses import replace
from functools import partial
from typing import TypeAlias

from hitless.domain.application.model import Application
from hitless.domain.checks.application import check
from hitless.domain.common.errors import HitlessError, HookFailed
from hitless.domain.common.events import StepId, StepKind
from hitless.domain.common.findings import Finding
from hitless.domain.gateway.settings import GatewaySettings
from hitless.domain.gateway.settings import gateway as gateway_of
from hitless.domain.plan import adopt as adopt_plan
from hitless.domain.plan.adopt import Adoption
from hitless.domain.release import restart
from hitless.domain.routing import rules
from hitless.domain.routing.entry_points import port_of
from hitless.domain.routing.model import Protocol
from hitless.execution import gateway, observe, waits
from hitless.execution.deploy import DeployOptions, deploy
from hitless.execution.perform import announced
from hitless.execution.session import Session
from hitless.ports import Ports
from hitless.ports.gateway_project import GatewayProject
from hitless.ports.outside import Gaps, Outside, Speaks, Watched

_FIRST_ANSWER = 2.0  # seconds; what does not answer then is not measured
_PAUSE = 0.05
Watch: TypeAlias = AbstractContextManager[Callable[[], Gaps]]


def look(
    ports: Ports, project: GatewayProject, name: str, application: Application
) -> tuple[Adoption, tuple[Finding, ...]]:
    """What hitless must do to adopt the application, and every finding. Changes nothing.

    `name` is the gateway's. Raises `HitlessError` if there is nothing to adopt.
    """
    world = observe.world(ports, application.name)
    present = project.settings()
    neighbours = ports.containers.neighbours(stopped=True)
    found, findings = adopt_plan.decide(application, world, neighbours, present)
    if not found.plain:
        raise HitlessError(
            f"nothing of {application.name} runs under plain docker compose",
            "hitless deploy starts it; is the project's name right (-p)?",
        )
    # the world as it will be when the release is deployed
    settings = found.before or present or GatewaySettings()
    if world.gateway is None:
        gateway.refuse_unfit(project, settings.image)
    world = replace(
        world,
        gateway=gateway_of(name, settings),
        base=tuple(one for one in world.base if one.name not in found.plain),
    )
    return found, (*findings, *(() if found.is_live else check(application, world, {})))


def adopt(
    session: Session,
    project: GatewayProject,
    application: Application,
    options: DeployOptions,
    found: Adoption,
    outside: Outside,
) -> None:
    """Adopt the application. Raises `HitlessError`: before the ports change, what runs keeps serving.

    While ports change hands, `outside` measures for how long clients get no answer.
    """
    found = _with_pool(project, found)
    if found.before:
        _prepare_gateway(session, project, found, found.before)
    failed = None
    if not found.is_live:
        failed = _deploy(session, application, replace(options, adopted=found.plain), found)
        session.unlock()
    if not found.others:
        drain = options.timeouts.drain
        drain = application.settings.drain_timeout if drain is None else drain
        watch = outside.watching(_watched(application, found))
        _hand_over(session, project, found, drain, watch)
    if failed:
        raise failed


def _with_pool(project: GatewayProject, found: Adoption) -> Adoption:
    """The same adoption, with a pool of addresses in the gateway's settings."""
    before = gateway.with_pool(project, found.before) if found.before else None
    after = found.after
    if after:
        pool = before.address_pool if before else after.address_pool
        after = gateway.with_pool(project, replace(after, address_pool=pool))
    return replace(found, before=before, after=after)


def _prepare_gateway(
    session: Session, project: GatewayProject, found: Adoption, before: GatewaySettings
) -> None:
    """Start the gateway, or restart it when no other command works on an application."""
    ports = session.ports
    present = project.settings() if ports.balancer.gateway() else None
    if present:
        session.lock()
    step = StepId(StepKind.RESTART_GATEWAY if present else StepKind.START_GATEWAY)
    with gateway.undisturbed(session, but=found.application) if present else nullcontext():
        if present:
            gateway.refuse_waiting(ports)
        # This is not work on the application yet, so its journal does not have it
        announced(ports, step, lambda: _start(ports, project, present, before))
    session.unlock()  # the lock ended with the gateway's container


def _hand_over(
    session: Session, project: GatewayProject, found: Adoption, drain_timeout: float, watch: Watch
) -> None:
    """The work after the release is live: take the ports, then remove the plain containers."""
    name, ports = found.application, session.ports
    session.stay()
    session.lock()
    if found.is_live:  # if not, the deployment has begun the work
        session.begin(0)
    if observe.world(ports, name).live(name) is None:
        raise HitlessError(f"{name} is not live any more", "run hitless adopt again")
    if found.after:
        after = found.after
        ports_taken = tuple(map(str, found.ports))
        kind = StepKind.TAKE_PORTS if ports_taken else StepKind.RESTART_GATEWAY
        step = StepId(kind, subjects=ports_taken)
        with ExitStack() as alone:
            alone.enter_context(gateway.undisturbed(session, but=name))
            gateway.refuse_waiting(ports)
            announced(ports, step, lambda: _take_over(session, project, found, after, alone, watch))
    session.perform(adopt_plan.plan_adopted(found, drain_timeout))


def _deploy(
    session: Session, application: Application, options: DeployOptions, found: Adoption
) -> HookFailed | None:
    """Deploy the release. Returns the error of a hook that failed after the cutover."""
    try:
        deploy(session, application, options, during=partial(_without_exclusive, application, found))
    except HookFailed as error:
        return error  # the release is live, so the rest must be done
    return None


@contextmanager
def _without_exclusive(application: Application, found: Adoption, ports: Ports) -> Iterator[None]:
    """Stop what must not run beside the release. If the release fails, start it again."""
    if not found.exclusive:
        yield
        return
    ids = [one.id for one in ports.containers.composed(found.application) if one.name in found.exclusive]
    try:
        # it must not start with the engine, either, if somebody kills this command
        ports.containers.set_restart_policies(dict.fromkeys(ids, "no"))
        step = StepId(StepKind.STOP_EXCLUSIVE, subjects=found.exclusive)
        announced(ports, step, lambda: ports.containers.stop(ids))
        yield
    except HookFailed:
        raise
    except BaseException as error:
        gateway.undo(ports, error, lambda: _start_exclusive(application, ports, found))
        raise


def _start_exclusive(application: Application, ports: Ports, found: Adoption) -> None:
    """Start again what was stopped for the release, unless the release runs its own."""
    world = observe.world(ports, found.application)
    if world.live(found.application):
        return  # the interrupt came after the cutover, which stays
    running = {container.service for container in world.containers if container.is_running}
    base = [one for one in world.base if one.name in found.exclusive]
    services = application.model["services"]
    policies = {one.id: restart.policy_of(services[one.service]) or "no" for one in base}
    if policies:
        ports.containers.set_restart_policies(policies)
    ids = [one.id for one in base if one.service not in running]
    if ids:
        ports.containers.start_again(ids)


def _start(
    ports: Ports, project: GatewayProject, present: GatewaySettings | None, wanted: GatewaySettings
) -> str:
    silent = gateway.change(project, ports, present, wanted)
    return f"{', '.join(silent)} does not answer behind it: see hitless gateway status" if silent else ""


def _take_over(
    session: Session,
    project: GatewayProject,
    found: Adoption,
    after: GatewaySettings,
    alone: ExitStack,
    watch: Watch,
) -> str:
    """Stop the containers that have the ports, and give the ports to the gateway. A failure is undone.

    All locks end with the gateway's container. This releases `alone`, which keeps others from their locks,
    and then takes the application's lock again, from the new container.
    """
    ports = session.ports
    ids = {one.name: one.id for one in ports.containers.neighbours() if one.name in found.ports.values()}
    before = found.before or project.settings()
    began = ports.clock.now()
    try:
        with watch as gaps:
            if ids:
                ports.containers.stop(tuple(ids.values()))
            gateway.start(project, ports, after)
            routing = observe.world(ports, found.application).routings[found.application]
            waits.until_in_force(ports, found.application, routing)
            _wait_for_answers(ports, gaps, found.ports)
            seen = gaps()
    except BaseException as error:
        session.unlock()
        alone.close()
        if before:
            gateway.undo(ports, error, lambda: gateway.start(project, ports, before))
        if ids:
            gateway.undo(ports, error, lambda: ports.containers.start_again(tuple(ids.values())))
        with suppress(HitlessError):  # then the journal has the failure, too
            session.lock()
        raise
    seconds = ports.clock.now() - began
    alone.close()
    session.unlock()
    session.lock()
    if found.front in ids:
        # It must not take its port again at the next start of the engine
        ports.containers.set_restart_policies({ids[found.front]: "no"})
    return _told(seen, seconds)


def _watched(application: Application, found: Adoption) -> tuple[Watched, ...]:
    """The ports that change hands, as clients use them."""
    after = found.after or GatewaySettings()
    own = {after.http_port: Speaks.HTTP, **({after.https_port: Speaks.HTTPS} if after.https_port else {})}
    routers = application.routes.routers
    of_http = {
        port
        for router in routers
        if router.is_port and router.protocol is Protocol.HTTP
        for port in map(port_of, router.entry_points)
    }
    hosts = [host for router in routers if not router.is_udp for host in rules.hosts(router.rule)]
    return tuple(
        Watched(
            port,
            after.bind if port in own else after.ports.get(port, ""),
            own.get(port, Speaks.HTTP if port in of_http else Speaks.TCP),
            hosts[0] if port in own and hosts else "",
        )
        for port in found.ports
    )


def _wait_for_answers(ports: Ports, gaps: Callable[[], Gaps], taken: Collection[int]) -> None:
    """Wait a moment for the first answer on each port: before that the interruption is not over."""
    deadline = ports.clock.now() + _FIRST_ANSWER
    while taken and ports.clock.now() < deadline and any(gap is None for gap in gaps().values()):
        ports.clock.pause(_PAUSE)


def _told(seen: Gaps, seconds: float) -> str:
    """How long clients got no answer: as it was measured, or else how long all of it took."""
    known = {port: gap for port, gap in seen.items() if gap is not None}
    if not known or len(known) < len(seen):
        return f"requests got no answer for at most {seconds:.1f} s"
    listed = ", ".join(f"port {port} for {gap:.1f} s" for port, gap in known.items())
    return f"asked from here all the time, {listed} did not answer"
