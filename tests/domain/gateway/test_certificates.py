"""Which certificate a host name is served with."""

from __future__ import annotations

import pytest

from hitless.domain.gateway.certificates import Certificate, covering

NOW = "2026-11-26T12:00:00.123+00:00"


def certificate(
    name: str = "one",
    names: tuple[str, ...] = ("shop.example",),
    begins: str = "2026-01-01T00:00:00Z",
    ends: str = "2027-01-01T00:00:00Z",
) -> Certificate:
    return Certificate(name, names, "CN=CA", begins, ends)


@pytest.mark.parametrize(
    ("names", "host", "expected"),
    [
        (("shop.example",), "SHOP.example", True),
        (("shop.example",), "www.shop.example", False),
        (("*.shop.example",), "www.shop.example", True),
        (("*.shop.example",), "shop.example", False),
        (("*.shop.example",), "a.www.shop.example", False),
        (("*.shop.example",), "*.shop.example", True),
        (("localhost",), "localhost", True),
    ],
)
def test_the_names_that_it_covers(names: tuple[str, ...], host: str, expected: bool) -> None:
    assert certificate(names=names).covers(host) == expected


@pytest.mark.parametrize(
    ("begins", "ends", "expected"),
    [
        ("2026-11-26T12:00:00Z", "2026-11-26T12:00:01Z", True),
        ("2026-11-26T12:00:01Z", "2027-01-01T00:00:00Z", False),
        ("2026-01-01T00:00:00Z", "2026-11-26T12:00:00Z", False),
    ],
    ids=["just now", "not yet", "no more"],
)
def test_when_it_is_valid(begins: str, ends: str, expected: bool) -> None:
    assert certificate(begins=begins, ends=ends).is_valid(NOW) == expected


def test_of_several_the_one_that_is_good_for_longest() -> None:
    later = certificate("two", ends="2028-01-01T00:00:00Z")
    other = certificate("three", ("other.example",), ends="2030-01-01T00:00:00Z")
    assert covering([certificate(), later, other], "shop.example", NOW) == later
    assert covering([other], "shop.example", NOW) is None


def test_how_many_days_are_left() -> None:
    assert certificate(ends="2026-12-06T12:00:00Z").days_left(NOW) == 10
    assert certificate(ends="2026-11-25T12:00:00Z").days_left(NOW) == -1
