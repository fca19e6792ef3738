from __future__ import annotations

import pytest
from hypothesis import given

from hitless.domain.host.world import World
from hitless.domain.plan import releases
from hitless.domain.plan.routing_steps import CutOver
from hitless.domain.plan.steps import Forget, Record
from hitless.domain.release.model import Release
from tests.domain.builders import (
    SHOP,
    container,
    examples,
    part,
    prepared,
    release,
    routing,
    world,
)
from tests.domain.plan.situations import BLUE, Situation, of, situations, traces


class TestEveryForgetting:
    """Which releases are not kept."""

    @staticmethod
    def forgotten(at: Situation) -> set[int]:
        return {number for step in of(at.plan.steps, Forget) for number in step.releases}

    @examples(100)
    @given(situations())
    def test_spares_the_one_just_deployed_and_comes_last(self, at: Situation) -> None:
        assert at.release.number not in self.forgotten(at)
        assert not of(at.plan.steps[:-1], Forget)

    @examples(100)
    @given(situations())
    def test_spares_the_one_that_served_until_now(self, at: Situation) -> None:
        live = at.world.live(SHOP)
        if live and at.application.settings.keep >= 2:
            assert live[1] not in self.forgotten(at)

    @examples(100)
    @given(situations())
    def test_leaves_as_many_as_must_be_kept(self, at: Situation) -> None:
        there = traces(at.world) | {at.release.number}
        assert self.forgotten(at) <= there
        assert len(there - self.forgotten(at)) <= at.application.settings.keep

    @examples(100)
    @given(situations())
    def test_takes_every_one_that_never_was_live(self, at: Situation) -> None:
        live = at.world.live(SHOP)
        spared = {at.release.number} | ({live[1]} if live else set())
        never = traces(at.world) - {kept.number for kept in at.world.releases if kept.promoted} - spared
        assert never <= self.forgotten(at)

    @examples(100)
    @given(situations())
    def test_takes_no_more_than_it_must(self, at: Situation) -> None:
        live = at.world.live(SHOP)
        worthy = {kept.number for kept in at.world.releases if kept.promoted}
        worthy |= {number for number in traces(at.world) if live and number == live[1]}
        others = worthy - {at.release.number}
        remaining = others - self.forgotten(at)
        # a live release without a record takes a place, too: its number may be counted
        assert len(remaining) >= min(at.application.settings.keep - 1, len(others)) - bool(live)


def number_after(found: World) -> int:
    return releases.next_release(found, "shop")


class TestNextRelease:
    """The number of a new release."""

    def test_of_the_first(self) -> None:
        assert number_after(world()) == 1

    def test_is_above_every_one_that_is_kept(self) -> None:
        assert number_after(world(releases=(release(4), release(2)))) == 5

    def test_is_above_every_one_that_has_image_tags(self) -> None:
        assert number_after(world(tagged=frozenset({6}), releases=(release(4),))) == 7

    def test_is_above_every_one_that_runs(self) -> None:
        assert number_after(world(containers=(container(BLUE, 7),), releases=(release(4),))) == 8

    def test_is_above_every_one_that_is_routed_to(self) -> None:
        assert number_after(world(routing(BLUE, {BLUE: part(9)}), releases=(release(4),))) == 10


class TestFormerRelease:
    """The release that a rollback brings back."""

    KEPT = tuple(release(number, promoted) for number, promoted in enumerate((1, 2, 0, 3, 4), start=1))

    @pytest.mark.parametrize(("live", "former"), [(5, 4), (4, 2), (3, 2), (2, 1), (9, 5)])
    def test_is_the_newest_older_one_that_has_been_live(self, live: int, former: int) -> None:
        found = releases.former_release(world(routing(BLUE, {BLUE: part(live)}), releases=self.KEPT), SHOP)
        assert found and found.number == former

    def after(self, live: int, *promotions: int) -> int | None:
        """The former release where `live` serves and releases 1, 2, ... have these promotions."""
        kept = tuple(release(number, promoted) for number, promoted in enumerate(promotions, start=1))
        found = releases.former_release(world(routing(BLUE, {BLUE: part(live)}), releases=kept), SHOP)
        return found.number if found else None

    def test_the_one_that_was_rolled_back_from_is_not_gone_back_to(self) -> None:
        # 1 and 2 were live, then 1 again; 3 came from there, and 2 is still the bad one
        assert self.after(3, 3, 2, 4) == 1

    def test_a_second_rollback_goes_on_to_the_one_before(self) -> None:
        # 1, 2 and 3 were live, then 2 again
        assert self.after(2, 1, 4, 3) == 1

    def test_after_a_rollback_to_the_oldest_there_is_none(self) -> None:
        assert self.after(1, 3, 2) is None

    @staticmethod
    def carried_out(kept: dict[int, Release], number: int, keep: int, killed: bool = False) -> None:
        """Deploy or bring back this release, by the plan's own steps; `killed`: right after the cutover."""
        live = routing(BLUE, {BLUE: part(kept[0].number)}) if 0 in kept else None
        releases = tuple(each for key, each in sorted(kept.items()) if key)
        found = world(*([live] if live else []), releases=releases)
        chosen = kept.get(number, release(number))
        made = Situation(prepared(x_hitless={"keep": keep}), chosen, found).plan
        for step in made.steps:
            if isinstance(step, Record):
                kept[step.release.number] = step.release
            if isinstance(step, Forget):
                for old in step.releases:
                    kept.pop(old, None)
            if isinstance(step, CutOver):
                kept[0] = chosen
                if killed:
                    return

    def former(self, *numbers: int, keep: int = 9, killed: int = 0) -> list[int]:
        """Where rollbacks lead after these cutovers; the `killed`th of them was killed right after it."""
        kept: dict[int, Release] = {}  # 0: what is live
        for nth, number in enumerate(numbers, start=1):
            self.carried_out(kept, number, keep, killed=nth == killed)
        led: list[int] = []
        while True:
            live = routing(BLUE, {BLUE: part(kept[0].number)})
            all_kept = tuple(each for key, each in sorted(kept.items()) if key)
            found = releases.former_release(world(live, releases=all_kept), SHOP)
            if found is None:
                return led
            led.append(found.number)
            self.carried_out(kept, found.number, keep)

    def test_one_release_after_another_is_gone_back_to(self) -> None:
        assert self.former(1, 2, 3) == [2, 1]

    def test_after_a_rollback_and_a_new_deployment(self) -> None:
        assert self.former(1, 2, 1, 3)[0] == 1

    def test_after_a_rollback_that_was_killed_right_after_its_cutover(self) -> None:
        assert self.former(1, 2, 1, 3, killed=3)[0] == 1

    def test_after_a_deployment_that_was_killed_right_after_its_cutover(self) -> None:
        assert self.former(1, 2, 3, killed=2) == [2, 1]

    def test_what_was_rolled_back_from_is_forgotten_before_what_served_since(self) -> None:
        # 3 was left for 1; if 1 went first, the second rollback would lead to 3
        assert self.former(1, 2, 3, 1, 4, 5, keep=3) == [4, 1]

    def test_there_is_none_before_the_oldest(self) -> None:
        assert (
            releases.former_release(world(routing(BLUE, {BLUE: part(1)}), releases=self.KEPT), SHOP) is None
        )

    @pytest.mark.parametrize(
        "found", [world(releases=KEPT), world(routing(None, {BLUE: part(5)}), releases=KEPT)]
    )
    def test_there_is_none_where_nothing_is_live(self, found: World) -> None:
        assert releases.former_release(found, SHOP) is None
