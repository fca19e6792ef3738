"""Findings about certificates: host names that have none, and whether the gateway can get one. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from hitless.domain.application.model import Application
from hitless.domain.common.findings import Finding
from hitless.domain.common.names import X_HITLESS
from hitless.domain.gateway.acme import MOST_FAILURES, Challenge, left, wait
from hitless.domain.gateway.certificates import covering
from hitless.domain.host.world import World
from hitless.domain.routing.https import certificate_names
from hitless.domain.routing.model import Router


def of_route(path: str, application: Application, router: Router, world: World) -> Iterator[Finding]:
    """What keeps a route over HTTPS from having a certificate for each of its host names."""
    names = dict.fromkeys(name for each in certificate_names(router) for name in each)
    lacking = [name for name in names if covering(world.certificates, name, world.now) is None]
    if world.gateway is None or not lacking:
        return
    if application.settings.certificates == "later":
        yield Finding(
            f"{path}.rule",
            f"the gateway has no valid certificate for {', '.join(lacking)}: nobody reaches this route "
            "until it has one",
            f"`{X_HITLESS}: {{certificates: later}}` allows that; without it the gateway gets one first",
            is_error=False,
        )
    elif world.gateway.challenge is None:
        yield Finding(
            f"{path}.rule",
            f"the gateway has no valid certificate for {', '.join(lacking)}",
            "run: hitless gateway up --acme-email YOU@…, and it gets them from Let's Encrypt; or add one of "
            "yours: hitless gateway certificate add CERTIFICATE KEY",
        )
    else:
        yield from _unable(path, lacking, world.gateway.challenge)
        yield from _too_often(path, lacking, world)


def _unable(path: str, names: list[str], challenge: Challenge) -> Iterator[Finding]:
    wildcards = [name for name in names if name.startswith("*")]
    if wildcards and challenge is Challenge.HTTP:
        yield Finding(
            f"{path}.rule",
            f"a CA gives a certificate for {', '.join(wildcards)} only by a record in the DNS",
            "run: hitless gateway up --acme-dns PROVIDER --acme-dns-env FILE, or add a certificate of yours: "
            "hitless gateway certificate add CERTIFICATE KEY",
        )


def _too_often(path: str, names: list[str], world: World) -> Iterator[Finding]:
    for name in names:
        if not left(name, world.failures):
            minutes = wait(name, world.failures) / 60
            yield Finding(
                f"{path}.rule",
                f"the CA has refused a certificate for {name} {MOST_FAILURES} times in the last hour: "
                f"hitless asks again in {minutes:.0f} minutes",
                "Let's Encrypt refuses every ask for a name after five failures in an hour",
            )
