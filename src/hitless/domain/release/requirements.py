"""What a release must show before it gets requests, from labels, health checks and routes. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from hitless.domain.application.model import Application, Role, Service
from hitless.domain.common.names import Colour
from hitless.domain.gateway.model import Gateway
from hitless.domain.release import replicas
from hitless.domain.release.model import Image
from hitless.domain.release.prepared import Prepared
from hitless.domain.routing import forward_auth, rules
from hitless.domain.routing.entry_points import WEB
from hitless.domain.routing.model import Backend
from hitless.domain.routing.reserved import COLOUR_HEADER


@dataclass(frozen=True)
class Probe:
    """An HTTP request that the gate sends to one container, from inside the gateway's network.

    `container` is its name, or address; "" if it is not known yet. With `tcp` it is only a connection: if the
    container accepts it, the probe has passed.

    A status of 200 to 399 means ready; if `status` is given, only that one does. With `any_answer`, every
    status below 500 does: nothing says what readiness is, so hitless can only ask for an answer. A request
    for a route leads to the port `behind` of a `service`.
    """

    container: str
    port: int
    path: str = ""
    host: str = ""
    method: str = "GET"
    status: int | None = None
    headers: tuple[tuple[str, str], ...] = ()
    any_answer: bool = False
    tcp: bool = False
    service: str = ""
    behind: int = 0

    def of(self, container: str) -> Probe:
        """The same request to this container. If no route names a host, the container's name is the host."""
        return replace(self, container=container, host=self.host if self.tcp else self.host or container)

    def passes(self, status: int) -> bool:
        """Whether an answer with this status means ready; 0 is no answer."""
        if self.status is not None:
            return status == self.status
        return 200 <= status < (500 if self.any_answer else 400)


@dataclass(frozen=True)
class Readiness:
    """What a service's container must show: with `healthcheck`, Docker's `healthy`; and every probe passed.

    `successes` is how often in a row. `timeout` is in seconds. `may_end`: a container that has ended with 0
    is ready, too. In a plan, `container` is "", and it is for each container of the service.
    """

    service: str
    healthcheck: bool
    may_end: bool
    probes: tuple[Probe, ...]
    successes: int
    timeout: float
    container: str = ""

    def of(self, container: str) -> Readiness:
        """The same for the container of this name."""
        return replace(self, container=container, probes=tuple(probe.of(container) for probe in self.probes))


def of_services(
    application: Prepared, images: Mapping[str, Image], services: Collection[str]
) -> tuple[Readiness, ...]:
    """What each container of these services must show."""
    return tuple(
        Readiness(
            service=service.name,
            healthcheck=_has_healthcheck(service, images),
            may_end=not application.is_web(service.name),
            probes=_probes(application, service, images),
            successes=service.settings.successes,
            timeout=service.settings.timeout,
        )
        for service in application.services
        if service.name in services
    )


def of_routes(
    application: Prepared, candidate: Colour, gateway: Gateway, among: Collection[str]
) -> tuple[Probe, ...]:
    """One request through the gateway for each of the candidate's routes to the services `among` its own.

    Only a route whose rule gives an example can be asked, and only together with the last of what answers it:
    its middlewares may ask another service.

    A route to a shared service says nothing about the candidate.
    """
    found = []
    # a backend with HTTP/2 alone (h2c) is usually gRPC, and a GET is not a gRPC call
    backends = {
        backend.name: backend
        for backend in application.routes.backends
        if backend.scheme in ("http", "https")
    }
    asked = {service.name for service in application.having(Role.WEB) if service.settings.ask_routes}
    later = {*replicas.late(application)}
    for router in application.routes.routers:
        example = rules.example(router.rule)
        ports = [gateway.entry_points.get(name) for name in router.entry_points or (WEB,)]
        # a rule that asks for a header may mean anything
        backend = backends.get(router.backend)
        if example is None or backend is None or backend.service not in asked:
            continue
        needed = {backend.service, *forward_auth.services_of(application.routes, router)}
        if not needed & {*among} or needed & later - {*among}:
            continue
        host, path = example
        if ports and ports[0]:
            probe = Probe(
                container="127.0.0.1",
                port=ports[0],
                path=path,
                host=host or "localhost",
                headers=((COLOUR_HEADER, str(candidate)),),
                any_answer=True,
                service=backend.service,
                behind=backend.port or 0,
            )
            found.append(probe)
    return tuple(dict.fromkeys(found))


def host_of(application: Application, backend: Backend) -> str | None:
    """A host with a route to the backend; None if no route names one."""
    for router in application.routes.routers:
        named = [host for host in rules.hosts(router.rule) if "*" not in host]
        if router.backend == backend.name and named:
            return named[0]
    return None


def _has_healthcheck(service: Service, images: Mapping[str, Image]) -> bool:
    if service.healthcheck is None:
        return service.name in images and images[service.name].healthcheck
    return service.healthcheck


def _probes(application: Application, service: Service, images: Mapping[str, Image]) -> tuple[Probe, ...]:
    found = []
    for backend in application.routes.backends_of(service.name):
        check = backend.health_check
        if backend.scheme == "tcp":
            if not _has_healthcheck(service, images):
                found.append(Probe("", backend.port or 0, tcp=True))
            continue
        if backend.scheme == "udp":
            continue  # what would answer, and to what, only the service's own health check knows
        if backend.asked_by != ("http", "http"):
            continue  # only Docker's health check can test it; `check` refuses a service without one
        if not check.get("path") and _has_healthcheck(service, images):
            continue
        found.append(
            Probe(
                container="",
                port=check.get("port") or backend.port or 0,
                path=check.get("path") or "/",
                host=check.get("hostname") or host_of(application, backend) or "",
                method=check.get("method") or "GET",
                status=check.get("status"),
                headers=tuple((check.get("headers") or {}).items()),
                any_answer=not check.get("path"),
            )
        )
    return tuple(found)


def longest_timeout(application: Application) -> float:
    """The longest timeout of the application's services, in seconds."""
    return max(service.settings.timeout for service in application.services)
