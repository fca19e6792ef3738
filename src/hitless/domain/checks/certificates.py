"""Findings about certificates: host names that have none, and whether the gateway can get one. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from hitless.domain.application.model import Application
from hitless.domain.common.findings import Finding
from hitless.domain.common.names import X_HITLESS
from hitless.domain.gateway.acme import MOST_FAILURES, Challenge, left, wait
from hitless.domain.gateway.certificates import Certificate, covering
from hitless.domain.host.world import World
from hitless.domain.routing import rules
from hitless.domain.routing.https import certificate_names, needs_certificate
from hitless.domain.routing.model import Router


def of_route(path: str, application: Application, router: Router, world: World) -> Iterator[Finding]:
    """What keeps a route over HTTPS from having a certificate for each of its host names."""
    names = dict.fromkeys(name for each in certificate_names(router) for name in each)
    if needs_certificate(router) and not names:
        matcher = "HostSNI" if router.is_tcp else "Host"
        yield Finding(
            f"{path}.rule",
            "names no host: hitless can't tell which certificate it needs, and gets none for it",
            f"add {matcher}(`…`) to the rule, or name the hosts in tls.domains",
            is_error=False,
        )
    lacking = [name for name in names if covering(world.certificates, name, world.now) is None]
    if world.gateway is not None and names:
        yield from _left_out(path, router, names, world)
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
        yield from _expired(path, lacking, world)
        yield from _unable(path, lacking, world.gateway.challenge)
        if world.gateway.challenge is Challenge.HTTP and world.gateway.http_port in world.gateway.held:
            yield Finding(
                f"{path}.rule",
                f"there is no certificate for {', '.join(lacking)} yet, and the CA would ask who has port "
                f"{world.gateway.http_port} now, not the gateway",
                "add those that are in use: hitless gateway certificate add CERTIFICATE KEY; or run: hitless "
                "gateway up --hold --acme-dns PROVIDER --acme-dns-env FILE",
            )
        yield from _too_often(path, lacking, world)


def _left_out(path: str, router: Router, names: Collection[str], world: World) -> Iterator[Finding]:
    """Hosts of the rule that `tls.domains` names no certificate for; and names that no CA takes."""
    wanted = Certificate("", tuple(names), "", "", "9999")
    there = (*world.certificates, wanted)
    if hosts := [host for host in rules.hosts(router.rule) if not any(one.covers(host) for one in there)]:
        yield Finding(
            f"{path}.tls.domains",
            f"none of these names is for {', '.join(hosts)}, which the rule takes requests for",
            "a * stands for one label, and *.shop.example is not for shop.example: name both",
        )
    if foreign := [name for name in names if not name.isascii()]:
        yield Finding(
            f"{path}.rule",
            f"certificates have names in ASCII alone: {', '.join(foreign)}",
            "write it as browsers send it: xn--…",
        )


def _expired(path: str, names: list[str], world: World) -> Iterator[Finding]:
    """Certificates whose time is over: Traefik orders none for a name that it has one for, valid or not."""
    for name in names:
        for one in world.certificates:
            if one.covers(name):
                yield Finding(
                    f"{path}.rule",
                    f"the gateway's certificate for {name} is valid from {one.not_before[:10]} to "
                    f"{one.not_after[:10]}: the gateway orders no other one while it is there",
                    f"run: hitless gateway certificate remove {one.name}, and deploy again",
                )


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
