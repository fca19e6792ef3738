"""Add and remove the gateway's certificates."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace

from hitless.domain.common.errors import GatewayDown, HitlessError, NotConfirmed
from hitless.domain.gateway.acme import Names
from hitless.domain.gateway.certificates import Certificate
from hitless.domain.host.certificates import needing, told
from hitless.execution import gateway, observe
from hitless.execution.session import Session
from hitless.execution.waits import CONFIRM_TIMEOUT, refused
from hitless.ports import Ports
from hitless.ports.gateway_project import GatewayProject

_PAUSE = 0.05


def add(session: Session, project: GatewayProject, name: str, chain: bytes, key: bytes) -> Certificate:
    """Have the gateway serve a certificate, and wait until it does.

    `name` is "" for the first of its own. Raises `Refused` for a pair that is wrong, `NotConfirmed`. If the
    gateway has one of the CA's with the same host names, it is without that afterwards: with both, Traefik
    would serve the one or the other.
    """
    ports = session.ports
    _insist_on_https(session)
    certificate, findings = ports.certificates.read_certificate(name, chain, key, ports.clock.utc())
    session.refuse(findings, warn=True)
    assert certificate
    first = certificate.names[0].lower().replace("*", "wildcard")
    certificate = replace(certificate, name=name or first)
    # before it is there: of two with the same host names, Traefik tells of the one or the other
    issued = ports.certificates.obtained() if _asks_a_ca(ports) else ()
    same = [one.names for one in issued if set(one.names) == set(certificate.names)]

    def install() -> None:
        ports.certificates.install_certificate(certificate, chain, key)

    if same:
        _in_place_of(session, project, certificate.name, same, install)
    else:
        session.begin(0)
        install()
    _wait_until_served(ports, certificate)
    return certificate


def _in_place_of(
    session: Session,
    project: GatewayProject,
    name: str,
    same: Collection[Names],
    install: Callable[[], None],
) -> None:
    """Install a certificate, and replace Traefik by one without those of the CA. If that fails, remove it."""
    there = [one.name for one in session.ports.certificates.certificates()]
    try:
        _forget(session, project, same, install)
    except BaseException:
        if name not in there:
            session.ports.certificates.remove_certificate(name)
        raise


def _wait_until_served(ports: Ports, certificate: Certificate) -> None:
    deadline = ports.clock.now() + CONFIRM_TIMEOUT
    while not ports.certificates.serves_certificate(certificate):
        if ports.clock.now() > deadline:
            raise NotConfirmed(
                f"the gateway does not serve the certificate after {CONFIRM_TIMEOUT:.0f} s{refused(ports)}",
                "see `hitless gateway logs`",
            )
        ports.clock.pause(_PAUSE)


def remove(session: Session, project: GatewayProject, name: str, force: bool) -> None:
    """Have the gateway serve a certificate no more.

    Raises `HitlessError` if there is none of this name, or, without `force`, if an application needs it.
    """
    _insist_on_https(session)
    world = observe.world(session.ports, None)
    there = [one.name for one in world.certificates]
    if name not in there:
        raise HitlessError(f"there is no certificate {name}", f"there are: {', '.join(there) or 'none'}")
    if not force and (users := needing((name,), world)):
        raise HitlessError(
            f"without the certificate {name} nobody would reach {told(users)}",
            "add another one for these names first, or pass --force",
        )
    if any(one.name == name and not one.is_renewed for one in world.certificates):
        session.begin(0)
        session.ports.certificates.remove_certificate(name)
    else:
        _forget(session, project, [one.names for one in world.certificates if one.name == name])


def _forget(
    session: Session,
    project: GatewayProject,
    certificates: Collection[Names],
    first: Callable[[], None] = lambda: None,
) -> None:
    """Replace Traefik by one without these certificates of the CA: it can't be told to drop one."""
    settings = project.settings()
    assert settings
    gateway.replace_traefik(session, project, settings, settings, removed=certificates, first=first)


def _asks_a_ca(ports: Ports) -> bool:
    there = ports.balancer.gateway()
    return there is not None and there.challenge is not None


def _insist_on_https(session: Session) -> None:
    there = session.ports.balancer.gateway()
    if there is None:
        raise GatewayDown(session.ports.balancer.other_gateways())
    if not there.https_port:
        raise HitlessError(
            "the gateway has no port for HTTPS",
            "run: hitless gateway up --https-port 443 --replace (for a second or two it answers nobody)",
        )
