"""The certificates of a gateway: who uses which, and which of them stay. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from hitless.domain.gateway.acme import Names
from hitless.domain.gateway.certificates import Certificate, covering
from hitless.domain.gateway.compose_model import storage
from hitless.domain.gateway.settings import GatewaySettings
from hitless.domain.host.world import World
from hitless.domain.routing.https import certificate_names
from hitless.domain.routing.split import Routing

_SOON = 20  # days, or a quarter of its time: whoever renews by hand needs some
# Traefik begins to renew a certificate 30 days before its end, and goes on for ever if its name has left us
_RENEWED_SOON = 40


@dataclass(frozen=True)
class CertificateStatus:
    """A certificate of the gateway's, its days until the end, and the applications that use it.

    `is_renewed`: the gateway has got it from a CA, and renews it by itself.
    """

    name: str
    names: tuple[str, ...]
    issuer: str
    not_before: str
    not_after: str
    is_renewed: bool
    days: int
    applications: tuple[str, ...]

    @property
    def is_near_its_end(self) -> bool:
        """Whether it must be replaced soon."""
        begin, end = (datetime.fromisoformat(text[:19]) for text in (self.not_before, self.not_after))
        return self.days < min(_SOON, (end - begin).days // 4)


@dataclass(frozen=True)
class Succession:
    """The CA's certificates that a new Traefik takes over, and those that it forgets: their host names."""

    kept: tuple[Names, ...] = ()
    forgotten: tuple[Names, ...] = ()


def certificate_statuses(world: World) -> tuple[CertificateStatus, ...]:
    """The gateway's certificates; the first to end comes first."""
    found = sorted(world.certificates, key=lambda one: (one.not_after, one.name))
    return tuple(
        CertificateStatus(
            **vars(one), days=one.days_left(world.now), applications=tuple(_users(one, world.routings))
        )
        for one in found
    )


def needing(gone: Collection[str], world: World) -> dict[str, tuple[str, ...]]:
    """Who would be without a certificate if these were gone: application -> its host names."""
    others = [one for one in world.certificates if one.name not in gone]
    found = {
        application: tuple(
            host
            for host in hosts_over_tls(routing)
            if covering(world.certificates, host, world.now) and not covering(others, host, world.now)
        )
        for application, routing in sorted(world.routings.items())
    }
    return {application: hosts for application, hosts in found.items() if hosts}


def told(users: Mapping[str, tuple[str, ...]]) -> str:
    """Applications and their host names, for people."""
    return "; ".join(f"{user} ({', '.join(hosts)})" for user, hosts in users.items())


def _users(certificate: Certificate, routings: Mapping[str, Routing]) -> Iterator[str]:
    for name, routing in sorted(routings.items()):
        if any(map(certificate.covers, hosts_over_tls(routing))):
            yield name


def hosts_over_tls(routing: Routing) -> tuple[str, ...]:
    """The host names that its live routes over TLS ask for."""
    secure = (router for router in routing.rules if "tls" in router.settings)
    return tuple(dict.fromkeys(host for one in secure for each in certificate_names(one) for host in each))


def succession(
    world: World, present: GatewaySettings, wanted: GatewaySettings, removed: Collection[Names] = ()
) -> Succession:
    """What a Traefik with the wanted settings takes over from one with the present ones.

    `removed` are the host names of certificates that it must not have. It also forgets those that no
    application uses, before it would try to renew them.
    """
    issued = [one for one in world.certificates if one.is_renewed]
    unused = (
        one.names
        for one in issued
        if one.days_left(world.now) < _RENEWED_SOON and not any(_users(one, world.routings))
    )
    gone = tuple(dict.fromkeys((*removed, *unused)))
    is_same = wanted.challenge is not None and storage(wanted, "") == storage(present, "")
    kept = tuple(one.names for one in issued if one.names not in gone) if is_same else ()
    return Succession(kept, gone if is_same else ())
