"""The gateway, as execution needs it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from hitless.domain.gateway.model import Gateway
from hitless.domain.release.requirements import Probe
from hitless.domain.routing.split import Routing


@dataclass(frozen=True)
class Answer:
    """What a probe got: `status` 0 and the reason in `body` where there was no HTTP answer at all."""

    status: int
    body: str


class Balancer(Protocol):
    """The gateway: its routings, and what can be asked from inside its network."""

    def gateway(self) -> Gateway | None:
        """The running gateway, or None."""
        ...

    def deliver(self, application: str, routing: Routing | None) -> None:
        """Put the application's routing in place in one instant, or remove it (None).

        Raises `LockLost` where the application's lock is not held.
        """
        ...

    def in_force(self, application: str, routing: Routing | None, at: Collection[str] | None = None) -> bool:
        """Whether exactly this generation answers on every entry point; None: whether no route is left.

        `at` are the entry points that are there, where some of the routing's may not be.
        """
        ...

    def certify(self) -> None:
        """Have the gateway's own default certificate there, made once.

        Without one Traefik makes a new RSA key at every reload, and is late by that.
        """
        ...

    def show_dashboard(self, is_shown: bool) -> None:
        """Have the routes of Traefik's dashboard there, for the Docker host alone, or not at all."""
        ...

    def refused(self) -> str:
        """The routing file that Traefik could not read lately, and why, in its own words; "" for none."""
        ...

    def complaints(self, routing: Routing) -> tuple[str, ...]:
        """What Traefik says is wrong with this routing's routers, services and middlewares."""
        ...

    def ask(self, probes: Sequence[Probe]) -> tuple[Answer, ...]:
        """Make the probes' requests, all at once, from inside the gateway's network."""
        ...

    def connections(self, addresses: Sequence[str]) -> int:
        """The gateway's open connections to these addresses."""
        ...

    def closes_idle(self, probe: Probe) -> float | None:
        """After how many seconds the server of a probe closes a connection on which nothing comes any more.

        None where it keeps it for as long as the gateway would, or says that it will close it, or where
        there was no answer at all.
        """
        ...
