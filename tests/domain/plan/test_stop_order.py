from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hitless.domain.host.world import ComposeContainer
from hitless.domain.plan.stop_order import Stop, stops
from tests.domain.builders import examples


def one(id_: str, service: str, depends_on: tuple[str, ...] = ()) -> ComposeContainer:
    return ComposeContainer("shop", service, f"shop-{id_}", "running", id=id_, depends_on=depends_on)


def test_what_has_no_order_is_stopped_at_once() -> None:
    assert stops((one("w", "web"), one("a", "api"), one("d", "db"))) == (Stop(("w", "a", "d"), ()),)


def test_nothing_is_stopped_by_no_stop() -> None:
    assert stops(()) == ()


def test_who_depends_on_another_is_stopped_before_it() -> None:
    found = stops((one("a", "api", ("db",)), one("d", "db"), one("w", "worker", ("api", "db"))))
    assert found == (Stop(("w",), ()), Stop(("a",), (0,)), Stop(("d",), (0, 1)))


def test_what_is_not_stopped_has_no_place_in_the_order() -> None:
    assert stops((one("w", "worker", ("api",)), one("x", "web", ("elsewhere",)))) == (Stop(("w", "x"), ()),)


def test_a_container_that_was_added_later_is_stopped_as_those_of_its_service() -> None:
    found = stops((one("a", "api"), one("w1", "worker", ("api",)), one("w2", "worker")))
    assert found == (Stop(("w1", "w2"), ()), Stop(("a",), (0,)))


def test_two_that_wait_for_others_do_not_wait_for_each_other() -> None:
    found = stops((one("a", "a", ("b",)), one("b", "b"), one("c", "c", ("d",)), one("d", "d")))
    assert found == (Stop(("a",), ()), Stop(("c",), ()), Stop(("b",), (0,)), Stop(("d",), (1,)))


def test_of_a_circle_all_are_stopped() -> None:
    found = stops((one("a", "a", ("b",)), one("b", "b", ("a",)), one("c", "c", ("a",))))
    assert sorted(one for stop in found for one in stop.containers) == ["a", "b", "c"]


NAMES = "abcdef"


@examples(100)
@given(st.lists(st.tuples(st.sampled_from(NAMES), st.sets(st.sampled_from(NAMES))), max_size=8))
def test_every_container_is_stopped_once_and_only_after_all_that_depend_on_it(
    services: list[tuple[str, set[str]]],
) -> None:
    # a service depends on later letters alone, so there is no circle
    made = [
        one(f"{name}{number}", name, tuple(other for other in wanted if other > name))
        for number, (name, wanted) in enumerate(services)
    ]
    found = stops(made)
    assert sorted(one for stop in found for one in stop.containers) == sorted(it.id for it in made)
    place = {one: number for number, stop in enumerate(found) for one in stop.containers}
    for later in made:
        for earlier in made:
            if later.service in earlier.depends_on:
                assert place[earlier.id] in found[place[later.id]].after
    for number, stop in enumerate(found):
        assert all(before < number for before in stop.after)
        # each waits only for what depends on it
        waited = {it.service for it in made if place[it.id] in stop.after}
        needing = {
            one.service
            for one in made
            for mine in made
            if place[mine.id] == number and mine.service in one.depends_on
        }
        assert waited == needing
