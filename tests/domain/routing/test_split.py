"""A routing's split: who gets which share of the new requests."""

from __future__ import annotations

import json

import pytest

from hitless.adapters.gateway.routing_file import parse, render
from hitless.domain.common.names import Colour
from hitless.domain.routing.split import NOBODY, Routing, Split, all_to
from tests.domain.builders import part

BOTH = {Colour.BLUE: part(1), Colour.GREEN: part(2)}


def test_who_gets_all_is_live() -> None:
    assert Routing("shop", 1, all_to(Colour.GREEN), BOTH).live is Colour.GREEN
    assert Routing("shop", 1, all_to(None), BOTH).live is None


def test_of_several_none_is_live_and_the_rules_of_all_get_requests() -> None:
    found = Routing("shop", 1, {Colour.BLUE: 90, Colour.GREEN: 10}, BOTH)
    assert found.live is None
    assert len(found.rules) == 2
    assert parse(render(found), "shop.yml") == found


@pytest.mark.parametrize("split", [{Colour.BLUE: 50}, {Colour.BLUE: 90, Colour.GREEN: 20}])
def test_a_split_is_of_a_hundred(split: Split) -> None:
    with pytest.raises(ValueError, match="is no split"):
        Routing("shop", 1, split, BOTH)


def test_nobody_gets_requests_who_is_not_there() -> None:
    with pytest.raises(ValueError, match="is no split among blue"):
        Routing("shop", 1, all_to(Colour.GREEN), {Colour.BLUE: part(1)})


def test_a_file_names_the_live_colour_for_a_hitless_that_knows_no_split() -> None:
    header = render(Routing("shop", 1, all_to(Colour.BLUE), BOTH)).partition("\n")[0]
    assert json.loads(header[header.index("{") :])["routing"]["live"] == "blue"
    header = render(Routing("shop", 1, NOBODY, BOTH)).partition("\n")[0]
    assert json.loads(header[header.index("{") :])["routing"]["live"] is None
