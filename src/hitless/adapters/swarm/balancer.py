"""The balancer port on a Swarm: what is in force is in force on every gateway, or nowhere."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TypeVar

from hitless.adapters.gateway.instances import TraefikInstances
from hitless.adapters.gateway.programs import Programs
from hitless.adapters.gateway.traefik import Traefik
from hitless.adapters.swarm.edges import Edge, Edges
from hitless.adapters.swarm.queries import services
from hitless.adapters.swarm.state import each
from hitless.domain.common.errors import DockerFailed, GatewayDown, HitlessError
from hitless.domain.common.names import LABEL_GATEWAY
from hitless.domain.gateway.model import Gateway, edge_network
from hitless.domain.gateway.settings import LABEL_SETTINGS, GatewaySettings, gateway
from hitless.domain.release.requirements import Probe
from hitless.domain.routing.split import Routing
from hitless.ports.balancer import Answer

T = TypeVar("T")


@dataclass(frozen=True)
class SwarmBalancer:
    """All gateways of a Swarm. Each has the same files; every one of them makes the probes' requests."""

    edges: Edges
    _known: dict[str, Traefik] = field(default_factory=dict, compare=False)

    @property
    def gateway_name(self) -> str:
        """The gateway's name, whether it runs or not."""
        return self.edges.project

    def gateway(self) -> Gateway | None:
        """The gateway, or None. Raises `HitlessError` if it does not run on one of its nodes."""
        service = self.edges.service()
        if service is None or not self.edges.look():
            return None
        settings = GatewaySettings.from_label(service["Spec"]["Labels"][LABEL_SETTINGS])
        return replace(
            gateway(self.edges.project, settings, str(service["ID"])),
            shared_network=edge_network(self.edges.project),
            since=max(edge.since for edge in self.edges.all),
        )

    def other_gateways(self) -> tuple[str, ...]:
        """The names of the other gateways of this Swarm."""
        there = services(self.edges.manager, LABEL_SETTINGS)
        return tuple(
            sorted({str(one["Spec"]["Labels"].get(LABEL_GATEWAY)) for one in there} - {self.gateway_name})
        )

    def deliver(self, application: str, routing: Routing | None) -> None:
        """Put the application's routing in place on every gateway, or remove it (None).

        First it is written in all of them, disk and memory, and then renamed in all of them: what one has no
        room for is in force nowhere, and the instants differ by milliseconds.
        """
        if routing is None:
            self._each(lambda one: one.deliver(application, None))
            return
        try:
            self._each(lambda one: one.stage(application, routing))
        except DockerFailed:
            # else the gateways would differ, and no command would go on
            with suppress(HitlessError):  # the first error says why
                self._each(lambda one: one.unstage(application))
            raise
        self._each(lambda one: one.show(application))

    def answer(self, application: str, address: str, servers: Mapping[int, str]) -> None:
        """Raise `HitlessError`: requests wait in one gateway, and there are several."""
        raise HitlessError(
            "on a Swarm requests can't wait yet", "an application that runs twice needs no waiting"
        )

    def show_page(self, application: str, page: str) -> None:
        """Have requests that have waited too long get this page."""
        self._each(lambda one: one.show_page(application, page))

    def in_force(self, application: str, routing: Routing | None, at: Collection[str] | None = None) -> bool:
        """Whether exactly this generation answers on every entry point of every gateway."""
        return all(self._each(lambda one: one.in_force(application, routing, at)))

    def certify(self, is_strict: bool) -> None:
        """Create the default certificate of each gateway, if there is none."""
        self._each(lambda one: one.certify(is_strict))

    def show_dashboard(self, is_shown: bool) -> None:
        """Raise `HitlessError` if it is wanted: it is for one host alone."""
        if is_shown:
            raise HitlessError("Traefik's dashboard is not on a Swarm yet", "pass --no-dashboard")

    def refused(self) -> str:
        """The routing file that a Traefik last could not read, and why; "" for none."""
        return next((said for said in self._each(Traefik.refused) if said), "")

    def complaints(self, routing: Routing) -> tuple[str, ...]:
        """What a Traefik says is wrong with this routing's routers, services and middlewares."""
        return tuple(
            dict.fromkeys(said for one in self._each(lambda it: it.complaints(routing)) for said in one)
        )

    def ask(self, probes: Sequence[Probe]) -> tuple[Answer, ...]:
        """Make the probes' requests from every gateway: of each probe the worst answer."""
        answers = self._each(lambda one: one.ask(probes))
        return tuple(
            max(found, key=partial(_badness, probe)) for probe, *found in zip(probes, *answers, strict=True)
        )

    def connections(self, addresses: Sequence[str]) -> int:
        """The open connections of all gateways to these addresses."""
        return sum(self._each(lambda one: one.connections(addresses)))

    def end_sessions(self, application: str, addresses: Sequence[str]) -> int:
        """Refuse for two seconds what comes over UDP for these addresses; how many sessions there were."""
        return sum(self._each(lambda one: one.end_sessions(application, addresses)))

    def closes_idle(self, probe: Probe) -> float | None:
        """After how many seconds the server of a probe closes a connection on which nothing comes."""
        return self._of(self.edges.all[0]).closes_idle(probe)

    def _of(self, edge: Edge) -> Traefik:
        if edge.container not in self._known:
            instances = TraefikInstances(edge.shell, Programs(edge.shell.cli, self.edges.project))
            self._known[edge.container] = Traefik(edge.shell, instances.all)
        return self._known[edge.container]

    def _each(self, action: Callable[[Traefik], T]) -> list[T]:
        if not self.edges.all:  # what nobody has is not in force
            raise GatewayDown
        return each(self.edges.all, lambda edge: action(self._of(edge)))


def _badness(probe: Probe, answer: Answer) -> tuple[bool, int]:
    """One that does not pass is worse than one that does; of others none is the worst, then a high status."""
    return not probe.passes(answer.status), answer.status or 1_000
