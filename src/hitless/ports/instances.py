"""The instances of Traefik in the gateway's container."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Protocol

from hitless.domain.gateway.acme import Names
from hitless.domain.gateway.instances import Health, Instances
from hitless.domain.gateway.settings import GatewaySettings
from hitless.domain.host.metrics import Look
from hitless.domain.routing.split import Routing


class InstanceControl(Protocol):
    """Start an instance beside the live one, give it all new connections, and end the other one.

    What changes anything raises `LockLost` if the gateway's lock is not held.
    """

    def instances(self) -> Instances:
        """Those that run, and the live one."""
        ...

    def health(self) -> Health:
        """How the running gateway's container is."""
        ...

    def version(self) -> str:
        """The version of the live instance's Traefik. Raises `HitlessError` where it does not answer."""
        ...

    def metrics(self) -> str:
        """What the live instance has counted, as Prometheus reads it."""
        ...

    def counted(self, at: float) -> Look:
        """The same as values, of each colour of each application; `at` is the Unix time now.

        Raises `HitlessError` if it does not count.
        """
        ...

    def unable_to_switch(self) -> str:
        """Why new connections can't be given to another instance on this host; "" where they can."""
        ...

    def begin_instance(
        self, number: int, settings: GatewaySettings, forgotten: Collection[Names] = ()
    ) -> None:
        """Start one with these settings, and the routes that the live one has.

        It has the live one's certificates of the CA, except those with exactly the `forgotten` host names.
        Until `fit_memory` the container has the greater memory limit of the two.
        """
        ...

    def instance_answers(self, number: int, certificates: Collection[Names] = ()) -> bool:
        """Whether an instance itself says that it is up, and serves certificates with these host names.

        Raises `HitlessError` where it has ended.
        """
        ...

    def switch_to(self, number: int) -> None:
        """Give every new connection to this instance, in one instant."""
        ...

    def settle(self, settings: GatewaySettings) -> None:
        """Have the container start with these settings from now on."""
        ...

    def close_instance(self, number: int, routings: Iterable[Routing]) -> None:
        """Have an instance that leaves end each connection after its next answer to one of these.

        One over HTTP/3 gets no answer any more.
        """
        ...

    def divert(self, number: int, routings: Iterable[Routing], is_over: bool = False) -> None:
        """Have an instance tell clients over HTTP/3, in each answer, to come back over TCP.

        `is_over`: have it tell them no more.
        """
        ...

    def quic_connections(self, number: int) -> int:
        """The connections of clients over HTTP/3 to an instance that were used in the last 20 seconds."""
        ...

    def instance_connections(self, number: int) -> int:
        """The open connections of clients to an instance."""
        ...

    def end_instance(self, number: int, is_killed: bool) -> None:
        """Tell an instance to end what it is at, and then itself; or end it at once (`is_killed`)."""
        ...

    def fit_memory(self) -> None:
        """Give the container the memory limit that the live instance's settings have."""
        ...
