from __future__ import annotations

import pytest
from hypothesis import given

from hitless.domain.host.world import World
from hitless.domain.plan import down as down_plan
from hitless.domain.plan.routing_steps import Withdraw
from hitless.domain.plan.steps import Drain, Forget, Remove, Step
from tests.domain.builders import (
    SHOP,
    examples,
    world,
)
from tests.domain.plan.situations import of, traces, undone, worlds


class TestEveryDown:
    """What holds of taking an application away."""

    @examples(100)
    @given(worlds())
    def test_unroutes_first_then_drains_then_removes(self, found: World) -> None:
        steps = down_plan.plan_down(SHOP, found, 5.0).steps
        rank: dict[type[Step], int] = {Withdraw: 0, Drain: 1, Remove: 2, Forget: 3}
        order = [rank[type(step)] for step in steps]
        assert order == sorted(order)
        routes = of(steps, Withdraw)
        there = found.routings.get(SHOP)
        assert [(step.before, step.routing) for step in routes] == ([(there, None)] if there else [])

    @pytest.mark.parametrize(("path", "is_taken_away"), [("shop.yml", True), ("cafe.yml", False)])
    def test_takes_a_file_that_can_not_be_read_away_if_it_is_the_applications(
        self, path: str, is_taken_away: bool
    ) -> None:
        steps = down_plan.plan_down(SHOP, world(broken={path: "was changed by hand"}), 5.0).steps
        assert [(step.before, step.routing) for step in of(steps, Withdraw)] == [(None, None)] * is_taken_away

    @examples(100)
    @given(worlds())
    def test_leaves_nothing(self, found: World) -> None:
        made = down_plan.plan_down(SHOP, found, 5.0)
        removed = [step.colour for step in of(made.steps, Remove)]
        assert len(removed) == len(set(removed))
        assert {each.colour for each in found.containers} <= set(removed)
        assert removed == [step.colour for step in of(made.steps, Drain)]
        forgotten = [number for step in of(made.steps, Forget) for number in step.releases]
        assert forgotten == sorted(traces(found))
        assert (made.release, made.colour, undone(made)) == (0, None, ())
