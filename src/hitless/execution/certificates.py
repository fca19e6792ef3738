"""Add and remove the gateway's certificates."""

from __future__ import annotations

from dataclasses import replace

from hitless.domain.common.errors import HitlessError, NotConfirmed
from hitless.domain.gateway.certificates import Certificate
from hitless.domain.host.status import needing
from hitless.execution import observe
from hitless.execution.session import Session
from hitless.execution.waits import CONFIRM_TIMEOUT, refused

_PAUSE = 0.05


def add(session: Session, name: str, chain: bytes, key: bytes) -> Certificate:
    """Have the gateway serve a certificate, and wait until it does.

    `name` is "" for the first of its own. Raises `Refused` for a pair that is wrong, `NotConfirmed`.
    """
    ports = session.ports
    _insist_on_https(session)
    certificate, findings = ports.certificates.read_certificate(name, chain, key, ports.clock.utc())
    session.refuse(findings, warn=True)
    assert certificate
    first = certificate.names[0].lower().replace("*", "wildcard")
    certificate = replace(certificate, name=name or first)
    session.begin(0)
    ports.certificates.install_certificate(certificate, chain, key)
    deadline = ports.clock.now() + CONFIRM_TIMEOUT
    while not ports.certificates.serves_certificate(certificate):
        if ports.clock.now() > deadline:
            raise NotConfirmed(
                f"the gateway does not serve the certificate after {CONFIRM_TIMEOUT:.0f} s{refused(ports)}",
                "see `hitless gateway logs`",
            )
        ports.clock.pause(_PAUSE)
    return certificate


def remove(session: Session, name: str, force: bool) -> None:
    """Have the gateway serve a certificate no more.

    Raises `HitlessError` if there is none of this name, or, without `force`, if an application needs it.
    """
    _insist_on_https(session)
    world = observe.world(session.ports, None)
    there = [one.name for one in world.certificates]
    if name not in there:
        raise HitlessError(f"there is no certificate {name}", f"there are: {', '.join(there) or 'none'}")
    if not force and (users := needing(name, world)):
        needed = "; ".join(f"{user} ({', '.join(hosts)})" for user, hosts in users.items())
        raise HitlessError(
            f"without the certificate {name} nobody would reach {needed}",
            "add another one for these names first, or pass --force",
        )
    session.begin(0)
    session.ports.certificates.remove_certificate(name)


def _insist_on_https(session: Session) -> None:
    gateway = session.ports.balancer.gateway()
    if gateway is None:
        raise HitlessError("the gateway is not up on this Docker host", "run: hitless gateway up")
    if not gateway.https_port:
        raise HitlessError(
            "the gateway has no port for HTTPS",
            "run: hitless gateway up --https-port 443 --replace (for a second or two it answers nobody)",
        )
