"""Take over an application that runs under plain `docker compose up`."""

from __future__ import annotations

from dataclasses import replace

from hitless.domain import adoption as adoptions
from hitless.domain.adoption import Adoption
from hitless.domain.check import check
from hitless.domain.errors import HitlessError, HookFailed
from hitless.domain.events import Ended
from hitless.domain.gateway import GatewaySettings
from hitless.domain.gateway import gateway as gateway_of
from hitless.domain.model import Application, Finding
from hitless.execution import gateway, observe, operations, waits
from hitless.execution.perform import announced
from hitless.ports import GatewayHost, Ports


def look(
    ports: Ports, host: GatewayHost, project: str, application: Application
) -> tuple[Adoption, tuple[Finding, ...]]:
    """What adopting the application takes, and all that stands in its way; touches nothing.

    `project` is the gateway's name. Raises `HitlessError` where nothing runs that could be adopted.
    """
    world = observe.world(ports, application.name)
    present = host.settings()
    found, findings = adoptions.decide(application, world, ports.engine.neighbours(), present)
    if not found.plain:
        raise HitlessError(
            f"nothing of {application.name} runs under plain docker compose",
            "hitless deploy starts it; is the project's name right (-p)?",
        )
    if world.gateway is None:
        gateway.refuse_unfit(host)
    # as it will be when the release is deployed
    settings = found.before or present or GatewaySettings()
    world = replace(
        world,
        gateway=gateway_of(project, settings),
        base=tuple(one for one in world.base if one.name not in found.plain),
    )
    return found, (*findings, *(() if found.is_live else check(application, world, {})))


def adopt(
    ports: Ports, host: GatewayHost, application: Application, request: operations.Request, found: Adoption
) -> None:
    """Adopt the application. Raises `HitlessError`; up to the change of ports what runs serves on then."""
    began = ports.clock.now()
    found = _with_pool(host, found)
    if found.before:
        before = found.before
        present = host.settings() if ports.balancer.gateway() else None
        announced(ports, "start the gateway", lambda: _start(ports, host, present, before))
    failed = None
    if not found.is_live:
        failed = _deploy(ports, application, replace(request, adopted=found.plain), found)
    if not found.others:
        try:
            _hand_over(ports, host, request, found, application.settings.drain_timeout)
        except BaseException as error:
            if isinstance(error, HitlessError):
                error.is_unfinished = True
            ports.emit(Ended("adopt", application.name, "unfinished", ports.clock.now() - began))
            raise
    if failed:
        raise failed


def _with_pool(host: GatewayHost, found: Adoption) -> Adoption:
    """The same with a pool of addresses in the gateway's settings."""
    before = gateway.with_pool(host, found.before) if found.before else None
    after = found.after
    if after:
        pool = before.address_pool if before else after.address_pool
        after = gateway.with_pool(host, replace(after, address_pool=pool))
    return replace(found, before=before, after=after)


def _hand_over(
    ports: Ports, host: GatewayHost, request: operations.Request, found: Adoption, drain_timeout: float
) -> None:
    """What is left to do once the release is live."""
    if found.after:
        after = found.after
        given = ", ".join(map(str, found.ports))
        what = f"take over port {given}" if found.ports else "restart the gateway"
        announced(ports, what, lambda: _take_over(ports, host, found, after))
    operations.adopted(ports, found, request, drain_timeout)


def _deploy(
    ports: Ports, application: Application, request: operations.Request, found: Adoption
) -> HookFailed | None:
    """Deploy the release; the hook that failed after its cutover, where one did."""
    try:
        if found.exclusive:
            announced(ports, f"stop {', '.join(found.exclusive)}", lambda: ports.engine.stop(found.exclusive))
        operations.deploy(ports, application, request)
    except HookFailed as error:
        return error  # the release is live all the same, and the rest is to be done
    except BaseException as error:
        if found.exclusive:
            gateway.undo(error, lambda: _start_exclusive(ports, application.name, found))
        raise
    return None


def _start_exclusive(ports: Ports, application: str, found: Adoption) -> None:
    """Start again what was stopped for the release, unless the release has its own."""
    world = observe.world(ports, application)
    if world.live(application):
        return  # interrupted after the cutover, which stays
    running = {container.service for container in world.containers if container.is_running}
    names = [one.name for one in world.base if one.name in found.exclusive and one.service not in running]
    if names:
        ports.engine.start_again(names)


def _start(ports: Ports, host: GatewayHost, present: GatewaySettings | None, wanted: GatewaySettings) -> str:
    silent = gateway.change(host, ports, present, wanted)
    return f"{', '.join(silent)} does not answer behind it: see hitless gateway status" if silent else ""


def _take_over(ports: Ports, host: GatewayHost, found: Adoption, after: GatewaySettings) -> str:
    """Stop who has the ports and give them to the gateway; where that fails all is as it was again."""
    holders = tuple(dict.fromkeys(found.ports.values()))
    before = found.before or host.settings()
    began = ports.clock.now()
    try:
        if holders:
            ports.engine.stop(holders)
        gateway.start(host, ports, after)
        routing = observe.world(ports, found.application).routings[found.application]
        waits.until_in_force(ports, found.application, routing)
    except BaseException as error:
        if before:
            gateway.undo(error, lambda: gateway.start(host, ports, before))
        if holders:
            gateway.undo(error, lambda: ports.engine.start_again(holders))
        raise
    seconds = ports.clock.now() - began
    if found.front in holders:
        # it would fight for its port at the next start of the engine
        ports.engine.restart({found.front: "no"})
    return f"nobody was answered for {seconds:.1f} s at most"
