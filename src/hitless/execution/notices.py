"""Add, remove and try who is told what commands have done."""

from __future__ import annotations

from collections.abc import Mapping

from hitless.domain.common.errors import GatewayDown, HitlessError
from hitless.domain.common.events import NotNotified
from hitless.domain.host import notices, receivers
from hitless.domain.host.notices import Around
from hitless.domain.host.receivers import Receiver
from hitless.execution.session import Session
from hitless.execution.telling import unreadable
from hitless.ports import Ports


def listed(ports: Ports) -> Mapping[str, Receiver | None]:
    """All receivers by name; None for one whose record can't be read. Raises `GatewayDown`."""
    if ports.balancer.gateway() is None:
        raise GatewayDown(ports.balancer.other_gateways())
    return ports.notices.receivers()


def add(session: Session, receiver: Receiver) -> None:
    """Tell it from now on, in place of one of the same name. Raises `Refused`, `GatewayDown`."""
    session.refuse(receivers.check(receiver), warn=True)
    listed(session.ports)
    session.begin(0)
    session.ports.notices.keep_receiver(receiver)


def remove(session: Session, name: str) -> None:
    """Tell it no more. Raises `HitlessError` if there is none of this name."""
    _chosen(listed(session.ports), name)
    session.begin(0)
    session.ports.notices.forget_receiver(name)


def test(session: Session, name: str) -> tuple[str, ...]:
    """Send a test to a receiver, "" for all; the names of those that got it. Raises if one did not."""
    ports = session.ports
    chosen = _chosen(listed(ports), name)
    session.begin(0)
    around = Around(ports.notices.host_name(), session.holder, ports.clock.utc())
    due = {one: (notices.a_test(one.name, around),) for one in chosen.values() if one}
    failed = {**ports.notices.tell(due), **unreadable(chosen)}
    for one, reason in failed.items():
        session.tell(NotNotified(one, reason))
    if failed:
        raise HitlessError(
            f"{len(failed)} of {len(chosen)} receivers did not get the test: {', '.join(sorted(failed))}",
            "add it again with the right address and options: hitless gateway notify add",
        )
    return tuple(chosen)


def _chosen(found: Mapping[str, Receiver | None], name: str) -> Mapping[str, Receiver | None]:
    if not found or (name and name not in found):
        what = f"no receiver {name}" if name else "no receiver"
        there = ", ".join(found)
        hint = f"there are: {there}" if there else "add one: hitless gateway notify add"
        raise HitlessError(f"there is {what}", hint)
    return {name: found[name]} if name else found
