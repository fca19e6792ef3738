"""Which routings the files of the routing directory hold, and what is said about the others."""

from __future__ import annotations

from hitless.adapters.gateway.routing_directory import RoutingDirectory
from hitless.adapters.gateway.routing_file import render
from hitless.domain.common.names import Colour
from hitless.domain.routing.split import NOBODY
from tests.domain.builders import routing

SHOP = routing(Colour.BLUE)
TEXT = render(SHOP)
EDITED = TEXT + "# mine\n"
BY_HAND = "shop.yml in the gateway is damaged, or was changed by hand"


def test_a_whole_file_is_its_applications_routing() -> None:
    assert RoutingDirectory({"shop.yml": TEXT}, {}).read() == ({"shop": SHOP}, {}, {})


def test_what_traefik_does_not_read_says_nothing() -> None:
    files = {"shop.yml": TEXT, "shop.yml.bak": EDITED, "notes": "mine"}
    assert RoutingDirectory(files, {}).read() == ({"shop": SHOP}, {}, {})


def test_a_file_by_another_name_is_a_copy_and_decides_nothing() -> None:
    former, latest = SHOP, SHOP.next(NOBODY, SHOP.colours)
    files = {"shop.yml": render(latest), "shop-copy.yml": render(former)}
    assert RoutingDirectory(files, {}).read() == (
        {"shop": latest},
        {"shop-copy.yml": "shop-copy.yml in the gateway is a copy of shop.yml"},
        {},
    )


def test_a_file_that_somebody_else_wrote() -> None:
    problem = "mine.yml in the gateway was not written by hitless"
    assert RoutingDirectory({"mine.yml": "http: {}\n"}, {}).read() == ({}, {"mine.yml": problem}, {})


def test_a_damaged_file_without_a_copy() -> None:
    assert RoutingDirectory({"shop.yml": EDITED}, {}).read() == ({}, {"shop.yml": BY_HAND}, {})
    empty = "shop.yml in the gateway is empty"
    assert RoutingDirectory({"shop.yml": ""}, {}).read() == ({}, {"shop.yml": empty}, {})


def test_a_damaged_file_with_a_copy() -> None:
    copies = {"shop.yml": TEXT}
    for text, problem in ((EDITED, BY_HAND), ("", "shop.yml in the gateway is empty")):
        assert RoutingDirectory({"shop.yml": text}, copies).read() == (
            {"shop": SHOP},
            {},
            {"shop.yml": f"{problem}; its last good copy serves"},
        )


def test_a_file_that_has_gone_with_and_without_a_whole_copy() -> None:
    problem = "shop.yml in the gateway is gone"
    assert RoutingDirectory({}, {"shop.yml": TEXT}).read() == (
        {"shop": SHOP},
        {},
        {"shop.yml": f"{problem}; its last good copy serves"},
    )
    assert RoutingDirectory({}, {"shop.yml": EDITED}).read() == ({}, {"shop.yml": problem}, {})


def test_a_damaged_file_whose_copy_is_damaged_too() -> None:
    assert RoutingDirectory({"shop.yml": EDITED}, {"shop.yml": ""}).read() == ({}, {"shop.yml": BY_HAND}, {})


def test_a_file_that_traefik_has_put_aside_is_known_and_said_to_be_out_of_force() -> None:
    found, broken, restored = RoutingDirectory({"shop.yml": TEXT}, {}, ("shop.yml",)).read()
    assert (found, restored) == ({"shop": SHOP}, {})
    assert broken["shop.yml"].startswith("Traefik refused shop.yml when it started")
