"""What a CA's answer means, and how often it is asked."""

from __future__ import annotations

import pytest

from hitless.domain.gateway.acme import left, refusal, wait

AT = "unable to generate a certificate for [a.example]: error: one or more domains had a problem:\n"
DNS = (
    f"{AT}[a.example] invalid authorization: acme: error: 400 :: urn:ietf:params:acme:error:dns :: "
    "DNS problem: NXDOMAIN looking up A for a.example]\n"
)
AWAY = (
    "cannot get ACME client get directory at 'https://pebble:14000/dir': Get \"https://pebble:14000/dir\": "
    "dial tcp 10.0.0.2:14000: connect: connection refused"
)


def test_the_ca_has_looked_and_says_why() -> None:
    found = refusal(DNS)
    assert found.is_counted
    assert found.reason == "the CA says: DNS problem: NXDOMAIN looking up A for a.example"
    assert found.hint == "does the name exist in the DNS, and lead to this host?"


def test_the_last_of_several_problems_is_told() -> None:
    said = f"{DNS}[b.example] acme: error: 403 :: urn:ietf:params:acme:error:caa :: CAA record for b.example"
    assert refusal(said).reason == "the CA says: CAA record for b.example"


def test_a_ca_that_is_away_counts_no_failure() -> None:
    found = refusal(AWAY)
    assert not found.is_counted
    assert "dial tcp 10.0.0.2:14000: connect: connection refused" in found.reason


@pytest.mark.parametrize("kind", ["invalidContact", "serverInternal", "rateLimited", "rejectedIdentifier"])
def test_what_is_not_about_the_name_counts_no_failure(kind: str) -> None:
    found = refusal(f"acme: error: 400 :: urn:ietf:params:acme:error:{kind} :: no")
    assert not found.is_counted
    assert found.hint


def test_an_unknown_kind_of_problem_has_a_hint_too() -> None:
    assert refusal("acme: error: 400 :: urn:ietf:params:acme:error:odd :: it is odd").hint


@pytest.mark.parametrize(
    ("ages", "tries", "seconds"),
    [((), 3, 0), ((5,), 2, 0), ((5, 600, 1200), 0, 2400), ((0, 1, 2, 3500), 0, 3598)],
)
def test_three_failures_an_hour(ages: tuple[int, ...], tries: int, seconds: int) -> None:
    failures = {"a.example": ages, "b.example": (1, 2, 3)}
    assert left("a.example", failures) == tries
    assert wait("a.example", failures) == seconds
