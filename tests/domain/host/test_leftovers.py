"""What nobody needs on a host, and above all what somebody may need."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from hitless.domain.common.names import Colour
from hitless.domain.host.leftovers import (
    AnyContainer,
    Belongings,
    Known,
    LeftoverKind,
    OwnImage,
    OwnNetwork,
    data_left,
    leftovers,
)
from hitless.domain.routing.split import ColourRouting, Routing, all_to

IMAGE = "hitless:shop.r1.web"
KNOWN = Known("traefik", kept={"shop": frozenset({2, 3})})
LIVE = Routing("shop", 4, all_to(Colour.GREEN), {Colour.GREEN: ColourRouting(3, (), {}, {})})


def image(reference: str = IMAGE, *others: str, size: int = 1000) -> OwnImage:
    return OwnImage(reference, size, (reference, *others))


def names(there: Belongings, known: Known = KNOWN) -> list[str]:
    return [one.name for one in leftovers(there, known)]


def test_the_image_of_a_release_that_is_not_kept_is_needed_by_nobody() -> None:
    kept = image("hitless:shop.r2.web")
    [found] = leftovers(Belongings(images=(image(), kept)), KNOWN)
    assert (found.kind, found.name, found.size) == (LeftoverKind.IMAGE, IMAGE, 1000)
    assert "release 1 of shop" in found.why


def test_a_name_beside_others_has_no_bytes_of_its_own() -> None:
    built = Belongings(images=(image(IMAGE, "shop:latest"),))
    assert [one.size for one in leftovers(built, KNOWN)] == [0]
    twice = (IMAGE, "hitless:shop.r1.worker")
    both = Belongings(images=tuple(OwnImage(one, 1000, twice) for one in twice))
    assert sum(one.size for one in leftovers(both, KNOWN)) == 1000


@pytest.mark.parametrize(
    "reference",
    [
        "hitless:latest",
        "hitless:shop.web",
        "hitless:shop.rx.web",
        "hitless:Shop.r1.web",
        "hitless:-shop.r1.web",
        "shop.r1.web:hitless",
        "registry.example/hitless:shop.r1.web",
        "hitless-gateway:latest",
    ],
)
def test_an_image_whose_name_hitless_would_not_give_stays(reference: str) -> None:
    assert names(Belongings(images=(image(reference),))) == []


@pytest.mark.parametrize(
    "there",
    [
        Belongings(others={"edge": frozenset({"shop"})}),
        Belongings(others={"edge": None}),
        Belongings(containers=(AnyContainer("x", "sha256:1", (), application="shop", release=1),)),
        Belongings(containers=(AnyContainer("x", IMAGE, ()),)),
    ],
    ids=["another gateway knows it", "another gateway is silent", "a container of it", "a user of the image"],
)
def test_an_image_that_somebody_may_need_stays(there: Belongings) -> None:
    assert names(replace(there, images=(image(),))) == []


@pytest.mark.parametrize(
    "known",
    [
        replace(KNOWN, busy={"shop"}),
        replace(KNOWN, kept={"shop": frozenset({1})}),
        Known("traefik", {"shop": replace(LIVE, colours={Colour.GREEN: ColourRouting(1, (), {}, {})})}),
    ],
    ids=["a command is at work, or was interrupted", "it is kept", "it is live and its record is gone"],
)
def test_an_image_that_the_gateway_needs_stays(known: Known) -> None:
    assert names(Belongings(images=(image(),)), known) == []


def test_the_image_of_an_application_that_no_gateway_knows_is_needed_by_nobody() -> None:
    assert names(Belongings(images=(image(),), others={"edge": frozenset({"blog"})}), Known("traefik")) == [
        IMAGE
    ]


def test_of_the_gateways_images_those_in_use_and_the_present_one_stay() -> None:
    used, present, old = (f"hitless-gateway:{letter * 12}" for letter in "abc")
    there = Belongings(
        images=tuple(map(image, (used, present, old))),
        containers=(AnyContainer("edge-traefik-1", used, ()),),
        image=present,
    )
    assert names(there) == [old]


# networks


def network(name: str, project: str = "", gateway: str = "", application: str = "shop") -> OwnNetwork:
    return OwnNetwork(name, application, project, gateway)


BLUE = network("shop-blue_default", "shop-blue")
WAY = network("traefik_webgateway.shop", gateway="traefik")
BASE = network("shop_default", "shop")
GATEWAY = AnyContainer("traefik-traefik-1", "hitless-gateway:1", (WAY.name,), project="traefik")


def test_the_networks_of_an_application_that_is_gone_are_needed_by_nobody() -> None:
    there = Belongings(networks=(BLUE, WAY, BASE), containers=(GATEWAY,))
    assert names(there, Known("traefik")) == [BLUE.name, BASE.name, WAY.name]


def test_of_a_live_application_it_is_those_of_the_colour_that_is_gone() -> None:
    green = network("shop-green_default", "shop-green")
    web = AnyContainer("shop-green-web-1", "x", (green.name, WAY.name), "shop-green", "shop", 3)
    there = Belongings(networks=(BLUE, green, WAY, BASE), containers=(GATEWAY, web))
    assert names(there, Known("traefik", {"shop": LIVE})) == [BLUE.name]


def others_container(on: str) -> AnyContainer:
    return AnyContainer("postgres", "postgres:17", (on,), project="tools")


@pytest.mark.parametrize(
    ("one", "changes"),
    [
        (BLUE, {"containers": (others_container(BLUE.name),)}),
        (BLUE, {"containers": (AnyContainer("shop-blue-web-1", "x", (), "shop-blue"),)}),
        (BLUE, {"others": {"edge": frozenset({"shop"})}}),
        (BLUE, {"others": {"edge": None}}),
        (WAY, {"containers": (others_container(WAY.name),)}),
        (WAY, {"containers": (AnyContainer("shop-db-1", "x", ("shop_default",), "shop"),)}),
        (replace(WAY, gateway="edge"), {}),
        (BASE, {"containers": (AnyContainer("shop-db-1", "x", (), "shop"),)}),
        (network("theirs", "theirs"), {}),
        (replace(BLUE, application="../shop"), {}),
        (replace(WAY, application="--force"), {}),
    ],
)
def test_a_network_that_somebody_may_need_stays(one: OwnNetwork, changes: dict[str, Any]) -> None:
    assert names(Belongings(networks=(one,), **changes), Known("traefik")) == []


def test_a_network_of_an_interrupted_command_is_for_resume_and_abort() -> None:
    assert names(Belongings(networks=(BLUE, WAY)), Known("traefik", busy={"shop"})) == []


# the rest


def test_old_logs_cut_copies_and_idle_instances_are_found_the_largest_first() -> None:
    known = Known("traefik", idle=(1,), old_logs=5_000, copies={".traefik-1.2": 180_000_000})
    found = leftovers(Belongings(), known)
    assert [(str(one.kind), one.size) for one in found] == [
        ("program", 180_000_000),
        ("logs", 5_000),
        ("instance", 0),
    ]


def test_data_is_never_a_leftover_and_its_owner_is_told() -> None:
    there = Belongings(volumes={"shop_data": "shop", "blog_data": "blog"})
    assert leftovers(there, Known("traefik")) == ()
    assert data_left(there, Known("traefik")) == ("blog_data", "shop_data")
    assert data_left(there, KNOWN) == ("blog_data",)
    assert data_left(replace(there, others={"edge": None}), KNOWN) == ()
