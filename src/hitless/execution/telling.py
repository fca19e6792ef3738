"""What a command tells receivers at its end, when its outcome is settled: nothing depends on it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from hitless.domain.common.errors import HitlessError
from hitless.domain.common.events import (
    Began,
    Ended,
    Event,
    Live,
    NotNotified,
    Operation,
    StepFailed,
)
from hitless.domain.gateway.model import Gateway
from hitless.domain.host import notices
from hitless.domain.host.certificates import CertificateStatus, certificate_statuses
from hitless.domain.host.journal import Run
from hitless.domain.host.notices import TOLD, Around, Notice
from hitless.domain.host.receivers import Receiver
from hitless.domain.host.world import World
from hitless.ports import Ports

_USUAL = "traefik"  # the gateway that commands mean where nobody names one


class Telling:
    """The notices of one command, and who gets them. It never fails a command."""

    def __init__(self, ports: Ports, operation: Operation, holder: str) -> None:
        self._ports = ports
        self._operation = operation
        self._holder = holder
        self._events: list[Event] = []
        self._left: Run | None = None
        self._certificates: tuple[CertificateStatus, ...] = ()
        self._receivers: Mapping[str, Receiver | None] = {}
        self._problem = ""

    def know(self, world: World) -> None:
        """Learn what was there before the command began."""
        if not self._events and self._operation in TOLD:
            self._left = world.left
            self._certificates = certificate_statuses(world)

    def hear(self, event: Event) -> None:
        """Note what receivers may be told; its secrets are hidden already."""
        if isinstance(event, Began | Live | StepFailed):
            self._events.append(event)

    def begin(self, application: str) -> None:
        """Read who is told. At the beginning: at the end the gateway may be what has failed."""
        if application and self._operation in TOLD:
            try:
                self._receivers = self._ports.notices.receivers()
            except HitlessError as error:
                self._problem = f"who should be told can't be read: {error.message}"

    def told(self, ended: Ended, cause: str, gateway: Gateway | None) -> Iterator[NotNotified]:
        """Tell what must be told; who may not have got it. It takes some seconds at most.

        `cause` is why the command failed, or "".
        """
        if self._problem:
            yield NotNotified("all", self._problem)
        if not self._receivers:
            return
        ports, name = self._ports, gateway.project if gateway else _USUAL
        words = f" --gateway {name}" if name != _USUAL else ""
        around = Around(ports.notices.host_name(), self._holder, ports.clock.utc(), words)
        # what others may tell, too
        shared: list[Notice] = []
        if self._events:
            if self._left and not self._left.outcome:  # one with an outcome has told it itself
                shared.append(notices.of_interrupted(ended.application, self._left, around))
            shared += notices.of_certificates(self._certificates, around)
        there = [one for one in self._receivers.values() if one]
        shared = [one for one in shared if any(notices.wanted(receiver, (one,)) for receiver in there)]
        found: tuple[Notice, ...] = ()
        if shared:
            try:
                found = notices.are_claimed(shared, ports.notices.claim([one.id for one in shared]))
            except HitlessError as error:
                yield NotNotified("all", f"what others may tell, too, was told to nobody: {error.message}")
        found += tuple(notices.of_end(self._events, ended, cause, self._left, around))
        wanted = {receiver: notices.wanted(receiver, found) for receiver in there}
        due = {receiver: some for receiver, some in wanted.items() if some}
        failed = ports.notices.tell(due) if due else {}
        if due or self._events:
            failed = {**unreadable(self._receivers), **failed}
        for name, reason in failed.items():
            yield NotNotified(name, reason)


def unreadable(found: Mapping[str, Receiver | None]) -> dict[str, str]:
    """Those whose records can't be read, and why they are not told."""
    reason = "what the gateway keeps of it can't be read: another hitless wrote it, or it is damaged"
    return {name: reason for name, one in found.items() if one is None}
