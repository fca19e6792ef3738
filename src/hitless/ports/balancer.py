"""The gateway, as execution needs it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from hitless.domain.gateway.model import Gateway
from hitless.domain.release.requirements import Probe
from hitless.domain.routing.split import Routing


@dataclass(frozen=True)
class Answer:
    """What a probe got: `status` is 0 and `body` the reason if there was no HTTP answer at all."""

    status: int
    body: str


class Balancer(Protocol):
    """The gateway: its routings, and what hitless can ask from inside its network."""

    @property
    def gateway_name(self) -> str:
        """The gateway's name, whether it runs or not."""
        ...

    def gateway(self) -> Gateway | None:
        """The running gateway, or None."""
        ...

    def other_gateways(self) -> tuple[str, ...]:
        """The names of the other gateways that run on this host."""
        ...

    def deliver(self, application: str, routing: Routing | None) -> None:
        """Put the application's routing in place in one instant, or remove it (None).

        Raises `LockLost` if the application's lock is not held.
        """
        ...

    def answer(self, application: str, address: str, servers: Mapping[int, str]) -> None:
        """Have these servers answer the requests that wait, in one instant; without any, they wait.

        `servers` maps port of `address` (the gateway's own, see `Waiting`) -> host:port. Raises `LockLost` if
        the application's lock is not held.
        """
        ...

    def show_page(self, application: str, page: str) -> None:
        """Have requests that have waited too long get this page (HTML), until the gateway restarts.

        "" is hitless's own page. Raises `LockLost` if the application's lock is not held, and `DockerFailed`
        if the gateway has no room for it, or can't show one.
        """
        ...

    def in_force(self, application: str, routing: Routing | None, at: Collection[str] | None = None) -> bool:
        """Whether exactly this generation answers on every entry point; None: whether no route is left.

        `at` are the entry points that exist, if some of the routing's may not exist.
        """
        ...

    def certify(self, is_strict: bool) -> None:
        """Create the gateway's own default certificate, if there is none.

        `is_strict`: clients that ask for a name without a certificate are refused, in place of this one.

        Without one Traefik makes a new RSA key at every reload, which delays the reload.
        """
        ...

    def show_dashboard(self, is_shown: bool) -> None:
        """Create the routes of Traefik's dashboard, for the Docker host alone, or remove them."""
        ...

    def refused(self) -> str:
        """The routing file that Traefik last could not read, and why, in its own words; "" for none."""
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

    def end_sessions(self, application: str, addresses: Sequence[str]) -> int:
        """Refuse for two seconds what comes over UDP for these addresses; how many sessions there were.

        A session that sends ends then, and its client's next packet goes to what is live. Raises `LockLost`
        if the application's lock is not held.
        """
        ...

    def closes_idle(self, probe: Probe) -> float | None:
        """After how many seconds the server of a probe closes a connection on which nothing more comes.

        None if it keeps it for as long as the gateway would, or says that it will close it, or if there was
        no answer at all.
        """
        ...
