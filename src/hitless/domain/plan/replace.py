"""The plan that replaces the live instance of Traefik with one that has other settings. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from hitless.domain.gateway.instances import Instances
from hitless.domain.gateway.settings import GatewaySettings
from hitless.domain.host.certificates import Succession
from hitless.domain.plan.instance_steps import (
    CloseInstance,
    EndInstance,
    ProveInstance,
    Settle,
    StartInstance,
    SwitchTo,
)
from hitless.domain.plan.model import Action, Plan
from hitless.domain.plan.phases import Phase


def replacement(
    instances: Instances,
    settings: GatewaySettings,
    answering: frozenset[str],
    timeout: float,
    certificates: Succession,
) -> Plan:
    """Start a second instance, prove it, give it all new connections, and drain the first one.

    `answering` are the applications that answer now. `timeout` is how many seconds the connections of the old
    instance get to end. `certificates` are those of the CA that the new one takes over and forgets. An
    idle instance that an earlier command left goes first: it gets no new connections.
    """
    old, new = instances.live, instances.next
    return Plan(
        "",
        0,
        None,
        (
            *_leave(instances.idle, settings, timeout, Phase.TIDY),
            Action(StartInstance(new, settings, certificates.forgotten), Phase.START, (EndInstance(new),)),
            Action(
                ProveInstance(new, tuple(settings.entry_points), answering, certificates.kept), Phase.GATE
            ),
            Action(SwitchTo(new), Phase.CUT_OVER, (SwitchTo(old, is_back=True),)),
            Action(Settle(settings), Phase.PROMOTE),
            *_leave((old,), settings, timeout, Phase.RETIRE),
        ),
    )


def tidying(instances: Instances, settings: GatewaySettings, timeout: float) -> Plan:
    """Settle the live instance, and end the instances that an earlier command left beside it."""
    return Plan(
        "",
        0,
        None,
        (
            Action(Settle(settings), Phase.FINISH),
            *_leave(instances.idle, settings, timeout, Phase.FINISH),
        ),
    )


def _leave(
    numbers: Iterable[int], settings: GatewaySettings, timeout: float, phase: Phase
) -> tuple[Action, ...]:
    return tuple(
        Action(step, phase)
        for number in numbers
        for step in (CloseInstance(number, timeout, settings.http3), EndInstance(number, settings.http3))
    )
