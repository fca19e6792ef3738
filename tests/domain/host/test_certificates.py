"""Who uses which certificate, and which of them a new Traefik takes over."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hitless.domain.common.names import Colour
from hitless.domain.gateway.certificates import Certificate
from hitless.domain.gateway.settings import GatewaySettings
from hitless.domain.host.certificates import Succession, certificate_statuses, needing, succession
from hitless.domain.host.status import ProblemKind, application_status
from hitless.domain.host.world import World
from tests.domain.builders import part, router, routing, world

NOW = "2026-11-26T12:00:00Z"
SETTINGS = GatewaySettings(https_port=443, acme_email="ann@example.org")


def certificate(name: str, *hosts: str, ends: str = "2027-02-01", is_renewed: bool = True) -> Certificate:
    dates = ("2026-01-01T00:00:00Z", f"{ends}T00:00:00Z")
    return Certificate(name, hosts or (name,), "CN=CA", *dates, is_renewed=is_renewed)


def at(*certificates: Certificate, rule: str = "Host(`shop.example`)") -> World:
    secure = router(rule, entry_points=("websecure",), settings={"tls": {}})
    shop = routing(Colour.BLUE, {Colour.BLUE: part(1, secure)})
    return replace(world(), routings={"shop": shop}, certificates=certificates, now=NOW)


def test_the_new_one_has_what_the_old_one_has() -> None:
    there = at(certificate("shop.example"), certificate("own", "own.example", is_renewed=False))
    assert succession(there, SETTINGS, SETTINGS) == Succession(kept=(("shop.example",),))


def test_a_name_that_nobody_uses_is_forgotten_before_it_would_be_renewed() -> None:
    gone, young = certificate("gone.example", ends="2026-12-30"), certificate("young.example")
    there = at(certificate("shop.example", ends="2026-12-30"), gone, young)
    found = succession(there, SETTINGS, SETTINGS)
    assert found == Succession((("shop.example",), ("young.example",)), (("gone.example",),))


def test_one_that_is_removed_is_forgotten_even_if_traefik_does_not_tell_of_it() -> None:
    there = at(certificate("shop.example"))
    found = succession(there, SETTINGS, SETTINGS, removed=[("shop.example",), ("hidden.example",)])
    assert found == Succession((), (("shop.example",), ("hidden.example",)))


@pytest.mark.parametrize(
    "wanted",
    [replace(SETTINGS, acme_server="https://ca.internal/directory"), replace(SETTINGS, acme_email="")],
    ids=["another CA", "none"],
)
def test_another_ca_begins_with_nothing(wanted: GatewaySettings) -> None:
    assert succession(at(certificate("shop.example")), SETTINGS, wanted) == Succession()


def test_who_needs_them() -> None:
    there = at(certificate("shop.example"), certificate("wide", "*.example"), certificate("other.example"))
    assert needing(["shop.example"], there) == {}
    assert needing(["shop.example", "wide"], there) == {"shop": ("shop.example",)}
    # it has none as it is
    assert needing(["shop.example"], at(rule="Host(`new.example`)")) == {}


@pytest.mark.parametrize(
    ("ends", "is_renewed", "kind"),
    [
        ("2026-12-10", True, ProblemKind.RENEWAL_FAILS),
        ("2026-12-10", False, ProblemKind.CERTIFICATE_ENDS),
        ("2027-01-10", True, None),
    ],
)
def test_the_status_tells_before_one_ends(ends: str, is_renewed: bool, kind: ProblemKind | None) -> None:
    one = certificate("shop.example", ends=ends, is_renewed=is_renewed)
    other = certificate("other.example", ends="2026-11-30")
    there = at(one, other)
    assert next(iter(certificate_statuses(there))).name == "other.example"
    found = application_status("shop", there, SETTINGS).problems
    assert [problem.kind for problem in found if problem.detail] == ([kind] if kind else [])
