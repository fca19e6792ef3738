"""Plans: what holds of every one of them, and single situations by name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from hypothesis import given

from hitless.domain.common.names import Colour, image_reference
from hitless.domain.host.world import World
from hitless.domain.plan import down as down_plan
from hitless.domain.plan.instance_steps import InstanceStep
from hitless.domain.plan.routing_steps import (
    AddReplicas,
    Answer,
    Bake,
    CutOver,
    Gate,
    LetWait,
    Restore,
    Show,
    Withdraw,
)
from hitless.domain.plan.steps import Create, Drain, Forget, Record, Remove, RunHere, Start, Step
from hitless.domain.routing.split import Routing
from tests.domain.builders import (
    GATEWAY,
    SHOP,
    container,
    examples,
    part,
    prepared,
    release,
    routing,
    web,
    world,
)
from tests.domain.plan.situations import BLUE, GREEN, Situation, lines, of, situations, undone

ROUTING = Show | Restore | Withdraw | LetWait | CutOver  # the steps that may change the routing


def deliveries(steps: Sequence[Step], start: Routing | None) -> Iterator[tuple[Step, Routing | None]]:
    """Every step with the routing that is in force after it."""
    for step in steps:
        if isinstance(step, ROUTING):
            start = step.routing
        yield step, start


class TestEveryDeployment:
    """What holds whatever is on the host."""

    @staticmethod
    def promotions(at: Situation) -> list[int]:
        """The promotion numbers that are written down, in order."""
        found = [step.release.promoted for step in of(at.plan.steps, Record) if step.release.promoted]
        # of one that is live already it is written down twice
        return found[:-1] if at.is_live else found

    @examples(100)
    @given(situations())
    def test_has_one_start_one_gate_and_one_cutover_of_a_colour_that_is_not_live(self, at: Situation) -> None:
        steps = at.plan.steps
        [start], [gate], [cutover] = of(steps, Start), of(steps, Gate), of(steps, CutOver)
        assert start.colour == gate.colour == cutover.routing.live == at.plan.colour
        assert at.plan.colour is not at.live
        assert steps.index(start) < steps.index(gate) == steps.index(cutover) - 1

    @examples(100)
    @given(situations())
    def test_only_the_cutover_changes_what_is_live(self, at: Situation) -> None:
        live = at.live
        for step, now in deliveries(at.plan.steps, at.before):
            if isinstance(step, CutOver):
                live = at.plan.colour
            assert (now.live if now else None) == live

    @examples(100)
    @given(situations())
    def test_a_cutover_changes_nothing_but_what_is_live(self, at: Situation) -> None:
        [cutover] = of(at.plan.steps, CutOver)
        assert cutover.before.colours == cutover.routing.colours
        assert cutover.routing.colours[at.plan.colour].release == at.release.number

    @examples(100)
    @given(situations())
    def test_a_colour_is_routed_before_its_gate_and_not_before_it_is_started(self, at: Situation) -> None:
        candidate = at.plan.colour
        for step, now in deliveries(at.plan.steps, at.before):
            routed = now is not None and candidate in now.colours
            if isinstance(step, Start):
                assert not routed
            if isinstance(step, Gate):
                assert routed

    @examples(100)
    @given(situations())
    def test_every_routing_names_the_one_before_it(self, at: Situation) -> None:
        now = at.before
        for step in (*at.plan.steps,):
            if isinstance(step, Restore):
                assert step.routing == now
            elif isinstance(step, ROUTING):
                assert step.before == now
                now = step.routing

    @examples(100)
    @given(situations())
    def test_generations_only_grow(self, at: Situation) -> None:
        last = at.before.generation if at.before else 0
        for step in at.plan.steps:
            if isinstance(step, Show | Withdraw | CutOver) and step.routing:
                assert step.routing.generation > last
                last = step.routing.generation

    @examples(100)
    @given(situations())
    def test_a_colour_is_unrouted_and_drained_before_it_is_removed(self, at: Situation) -> None:
        drained: set[Colour] = set()
        for step, now in deliveries(at.plan.steps, at.before):
            if isinstance(step, Drain):
                drained.add(step.colour)
            if isinstance(step, Start):
                drained.discard(step.colour)
            if isinstance(step, Remove):
                assert step.colour in drained
                assert now is None or (step.colour not in now.colours and now.live is not step.colour)

    @examples(100)
    @given(situations())
    def test_a_colour_is_drained_only_when_it_gets_no_new_request(self, at: Situation) -> None:
        for step, now in deliveries(at.plan.steps, at.before):
            if isinstance(step, Drain):
                assert now is None or now.live is not step.colour

    @examples(100)
    @given(situations())
    def test_what_was_live_is_touched_only_after_the_cutover(self, at: Situation) -> None:
        kinds = [type(step) for step in at.plan.steps]
        for step in at.plan.steps[: kinds.index(CutOver)]:
            assert not (isinstance(step, Drain | Remove) and step.colour is at.live)

    @examples(100)
    @given(situations())
    def test_leaves_nothing_but_the_new_colour(self, at: Situation) -> None:
        steps = at.plan.steps
        *_, (_, last) = deliveries(steps, at.before)
        assert last is not None
        assert set(last.colours) == {at.plan.colour}
        kinds = [type(step) for step in steps]
        start = kinds.index(Start)
        removed_before = {step.colour for step in of(steps[:start], Remove)}
        removed_after = {step.colour for step in of(steps[start:], Remove)}
        present = {each.colour for each in at.world.containers}
        assert at.plan.colour not in removed_after
        assert present <= removed_before | removed_after
        assert removed_before >= present - {at.live}

    @examples(100)
    @given(situations())
    def test_never_touches_another_applications_routing(self, at: Situation) -> None:
        for step in (*at.plan.steps, *undone(at.plan)):
            if isinstance(step, Restore):
                assert step.routing is None or step.routing.application == SHOP
            elif isinstance(step, ROUTING):
                assert all(each is None or each.application == SHOP for each in (step.before, step.routing))
            elif isinstance(step, Answer):
                assert step.routing.application == SHOP
            elif not isinstance(step, Gate | RunHere | AddReplicas):
                assert not isinstance(step, InstanceStep)
                assert step.application == SHOP

    @examples(100)
    @given(situations())
    def test_can_be_undone_up_to_its_cutover(self, at: Situation) -> None:
        found = at.plan
        kinds = [type(step) for step in found.steps]
        start, cutover = kinds.index(Start), kinds.index(CutOver)
        before = [now for _, now in deliveries(found.steps[:start], at.before)]
        was = before[-1] if before else at.before
        # of a new release nothing is kept, one that was brought back is kept as it was
        kept = [Forget] if at.is_new else []
        for reached in range(start, cutover + 1):
            *_, (_, now) = deliveries(found.steps[: reached + 1], at.before)
            undo = found.undo(reached + 1)
            *_, (_, restored) = deliveries(undo, now)
            assert restored == was
            is_shown = reached >= kinds.index(Show)
            assert [type(step) for step in undo] == [*[Restore, Drain] * is_shown, Remove, *kept]
            assert {step.colour for step in (*of(undo, Drain), *of(undo, Remove))} == {found.colour}

    @examples(100)
    @given(situations())
    def test_what_was_not_begun_is_not_undone(self, at: Situation) -> None:
        found = at.plan
        create = [type(step) for step in found.steps].index(Create)
        assert not any(isinstance(step, Remove | Drain | Restore) for step in found.undo(create))
        assert [type(step) for step in found.undo(1)][-1:] == [Forget] * at.is_new or create == 0

    @examples(100)
    @given(situations())
    def test_a_bad_release_goes_back_to_the_one_before_it(self, at: Situation) -> None:
        found = at.plan
        bake = [type(step) for step in found.steps].index(Bake)
        *_, (_, now) = deliveries(found.steps[: bake + 1], at.before)
        undo = found.undo(bake + 1)
        *_, (_, restored) = deliveries(undo, now)
        shown = next(step for step in found.steps if isinstance(step, Show))
        assert restored == shown.before
        first = [type(step) for step in undo].index(Remove)
        assert [step.routing.live for step in of(undo[:first], CutOver)] == [at.live] * bool(at.live)
        assert of(undo[:first], Drain)

    @examples(100)
    @given(situations())
    def test_writes_its_release_down_before_its_gate_and_that_it_is_live_right_after_the_cutover(
        self, at: Situation
    ) -> None:
        steps = at.plan.steps
        kinds = [type(step) for step in steps]
        between = steps[kinds.index(Start) : kinds.index(Gate)]
        after = steps[kinds.index(CutOver) + 1 :]
        [last] = [step.release for step in of(after, Record)]
        assert [type(step) for step in after[:2]] == [Bake, Record]
        assert last == replace(at.release, promoted=last.promoted)
        # of one that is live already the new promotion is: after a kill its networks are found by that
        early = [at.release] if at.is_new else [last] if at.is_live else []
        assert [step.release for step in of(between, Record)] == early

    @examples(100)
    @given(situations())
    def test_numbers_its_promotion_above_every_one_before(self, at: Situation) -> None:
        before = max((kept.promoted for kept in at.world.releases), default=0)
        promoted = self.promotions(at)
        assert promoted
        assert all(number > before for number in promoted)

    @examples(100)
    @given(situations())
    def test_writes_down_what_a_killed_one_did_not(self, at: Situation) -> None:
        steps = at.plan.steps
        live = at.world.live_release(SHOP)
        first = steps[: [type(step) for step in steps].index(Start)]
        latest = max((each.promoted for each in at.world.releases), default=0)
        # a promotion of long ago does not count: a rollback may have been killed as well
        owed = live is not None and live.release.promoted < max(latest, 1)
        expected = [replace(live.release, promoted=latest + 1)] if live and owed else []
        assert [step.release for step in of(first, Record)] == expected

    @examples(100)
    @given(situations())
    def test_what_a_killed_one_promoted_was_live_before_this_one(self, at: Situation) -> None:
        promoted = self.promotions(at)
        assert promoted == sorted(set(promoted))

    @examples(100)
    @given(situations())
    def test_says_each_step_in_one_line(self, at: Situation) -> None:
        assert all(line and "\n" not in line for line in lines(at.plan))


# a command that was killed may have left the gateway with another routing than the one that is there to read
SURE = "confirm that the routes are in force"


class TestSituations:
    """One host each, and the plan for it."""

    def deploy(self, number: int, found: World, **settings: Any) -> list[str]:
        return lines(Situation(prepared(x_hitless=settings), release(number), found).plan)

    def test_the_first_deployment(self) -> None:
        assert self.deploy(1, world()) == [
            "create blue (release 1)",
            "start blue",
            "show the routes of blue to the gateway",
            "record release 1",
            "wait until blue is ready",
            "cut over to blue",
            "look at blue again",
            "promote release 1",
        ]

    def test_the_second_deployment(self) -> None:
        found = world(routing(BLUE), containers=(container(BLUE),), releases=(release(1, promoted=1),))
        assert self.deploy(2, found) == [
            "create green (release 2)",
            "start green",
            "show the routes of green to the gateway",
            "record release 2",
            "wait until green is ready",
            "cut over to green",
            "look at green again",
            "promote release 2",
            "drain blue",
            "remove the routes of blue",
            "retire blue",
        ]

    def test_the_third_one_is_blue_again(self) -> None:
        assert self.deploy(3, world(routing(GREEN)))[0] == "create blue (release 3)"

    def test_containers_of_a_deployment_that_was_killed_before_it_was_routed(self) -> None:
        found = world(routing(BLUE), containers=(container(BLUE), container(GREEN, 2)))
        assert self.deploy(3, found)[:4] == [SURE, "drain green", "retire green", "create green (release 3)"]

    def test_a_deployment_that_was_killed_at_its_gate(self) -> None:
        there = routing(BLUE, {BLUE: part(1), GREEN: part(2)})
        found = world(there, containers=(container(BLUE), container(GREEN, 2)))
        assert self.deploy(3, found)[:5] == [
            SURE,
            "remove the routes of green",
            "drain green",
            "retire green",
            "create green (release 3)",
        ]

    def test_a_first_deployment_that_was_killed_at_its_gate(self) -> None:
        there = routing(None, {BLUE: part(1)})
        made = Situation(prepared(), release(2), world(there, containers=(container(BLUE),))).plan
        assert lines(made)[:5] == [
            SURE,
            "remove the routes of blue",
            "drain blue",
            "retire blue",
            "create blue (release 2)",
        ]
        first = made.steps[1]
        assert isinstance(first, Withdraw) and (first.before, first.routing) == (there, None)

    def test_a_deployment_that_was_killed_right_after_its_cutover(self) -> None:
        there = routing(GREEN, {BLUE: part(1), GREEN: part(2)})
        kept = (release(1, promoted=1), release(2))
        found = world(there, containers=(container(BLUE), container(GREEN, 2)), releases=kept)
        assert self.deploy(3, found) == [
            SURE,
            "promote release 2",
            "remove the routes of blue",
            "drain blue",
            "retire blue",
            "create blue (release 3)",
            "start blue",
            "show the routes of blue to the gateway",
            "record release 3",
            "wait until blue is ready",
            "cut over to blue",
            "look at blue again",
            "promote release 3",
            "drain green",
            "remove the routes of green",
            "retire green",
        ]

    def test_image_tags_that_a_killed_deployment_left_are_forgotten(self) -> None:
        found = world(routing(BLUE), releases=(release(1, promoted=1),), tagged=frozenset({1, 2}))
        assert self.deploy(3, found)[-1] == "forget release 2"

    def test_a_live_release_whose_record_can_not_be_read(self) -> None:
        # what is not known can't be brought back, so it is not noted as kept
        found = world(routing(BLUE), damaged=frozenset({1}))
        assert self.deploy(2, found)[0] == "create green (release 2)"

    def test_a_release_that_failed_is_forgotten_and_the_oldest_too(self) -> None:
        kept = (release(1, promoted=1), release(2), release(3, promoted=2), release(4, promoted=3))
        found = world(routing(BLUE, {BLUE: part(4)}), releases=kept)
        assert self.deploy(5, found, keep=3)[-1] == "forget release 1, 2"

    def test_after_a_rollback_the_release_that_serves_is_kept_before_the_one_that_was_left(self) -> None:
        kept = tuple(release(number, promoted=number) for number in (1, 2, 3))
        found = world(routing(BLUE, {BLUE: part(1)}), releases=kept)
        assert self.deploy(4, found, keep=2)[-1] == "forget release 2, 3"

    def test_a_rollback_keeps_what_it_brings_back(self) -> None:
        kept = tuple(release(number, promoted=number) for number in (1, 2, 3, 4))
        found = world(routing(BLUE, {BLUE: part(4)}), releases=kept)
        made = Situation(prepared(x_hitless={"keep": 2}), kept[1], found).plan
        assert made.release == 2
        assert lines(made)[-1] == "forget release 1, 3"
        assert lines(made).count("promote release 2") == 1
        assert "record release 2" not in lines(made)
        assert [step.release.promoted for step in of(made.steps, Record)] == [5]

    def test_the_drain_timeout_is_the_applications(self) -> None:
        found = prepared(x_hitless={"drain_timeout": "7s"})
        made = Situation(found, release(2), world(routing(BLUE))).plan
        assert {step.timeout for step in of((*made.steps, *undone(made)), Drain)} == {7.0}

    def test_a_start_says_all_that_the_engine_must_know(self) -> None:
        services = {"app": web(deploy={"replicas": 2}), "worker": {"image": "shop:1"}}
        found = prepared(services, volumes={"data": None, "others": {"external": True}})
        steps = Situation(found, release(3), world()).plan.steps
        [create], [start] = of(steps, Create), of(steps, Start)
        assert (create.colour, create.release, create.volumes) == (BLUE, 3, {"data": {}})
        assert create.connect == {GATEWAY.network_of(SHOP): ("app",)}
        assert create.model["services"]["app"]["image"] == image_reference(SHOP, 3, "app")
        assert start.services == ("app", "worker")

    def test_the_gateway_reaches_routed_services_alone_whatever_lists_its_network(self) -> None:
        services = {
            "app": web(),
            "metrics": {"image": "shop:1", "networks": {"edge": None}, "deploy": {"replicas": 2}},
        }
        found = prepared(services, networks={"edge": {"name": GATEWAY.network, "external": True}})
        [create] = of(Situation(found, release(1), world()).plan.steps, Create)
        assert create.connect == {"traefik_webgateway.shop": ("app",)}
        assert "networks" not in create.model["services"]["metrics"]

    def test_a_start_may_take_as_long_as_the_slowest_service(self) -> None:
        slow = {"image": "w", "x-hitless": {"timeout": "9m"}}
        found = prepared({"app": web(), "slow": slow}, x_hitless={"timeout": "10s"})
        [start] = of(Situation(found, release(1), world()).plan.steps, Start)
        assert start.timeout == 540.0

    def test_down_with_nothing_there(self) -> None:
        assert down_plan.plan_down(SHOP, world(routing(BLUE, name="cafe")), 5.0).steps == ()

    def test_down(self) -> None:
        found = world(routing(BLUE), containers=(container(BLUE), container(GREEN)), releases=(release(1),))
        assert lines(down_plan.plan_down(SHOP, found, 5.0)) == [
            "remove the routes",
            "drain blue",
            "drain green",
            "retire blue",
            "retire green",
            "forget release 1",
        ]
