"""Plans: what holds of every one of them, and single situations by name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hitless.cli.views.words import step_text
from hitless.domain.application import read as reading
from hitless.domain.checks.application import check
from hitless.domain.common.foreign import Json
from hitless.domain.common.names import Colour, image_reference
from hitless.domain.host.world import Container, World
from hitless.domain.plan import deploy as deploy_plan
from hitless.domain.plan import down as down_plan
from hitless.domain.plan import releases
from hitless.domain.plan.model import Plan
from hitless.domain.plan.steps import (
    AddReplicas,
    Bake,
    Create,
    CutOver,
    Drain,
    Forget,
    Gate,
    Record,
    Remove,
    Restore,
    RunHere,
    Show,
    Start,
    Step,
    Withdraw,
)
from hitless.domain.release.model import Image, Release
from hitless.domain.release.prepared import Prepared, prepare
from hitless.domain.release.requirements import Probe, Readiness
from hitless.domain.routing.split import Routing
from tests.domain.builders import (
    GATEWAY,
    SHOP,
    WEB_LABELS,
    container,
    examples,
    image,
    part,
    prepared,
    release,
    routing,
    web,
    world,
)

BLUE, GREEN = Colour.BLUE, Colour.GREEN


@dataclass(frozen=True)
class Situation:
    """A deployment that is about to be planned."""

    application: Prepared
    release: Release
    world: World

    @property
    def before(self) -> Routing | None:
        """The routing that the host has."""
        return self.world.routings.get(SHOP)

    @property
    def live(self) -> Colour | None:
        return self.before.live if self.before else None

    @property
    def is_live(self) -> bool:
        """Whether the release is what is live already."""
        live = self.world.live(SHOP)
        return live is not None and live[1] == self.release.number

    @property
    def is_new(self) -> bool:
        return not self.release.promoted and not self.is_live

    @property
    def plan(self) -> Plan:
        return deploy_plan.plan_deploy(self.application, self.release, self.world, GATEWAY)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Hosts as any deployments before have left them, whole or killed at any point."""
    live = draw(st.sampled_from([None, *Colour]))
    numbers = draw(st.lists(st.integers(1, 9), max_size=6, unique=True))
    promotions = draw(st.permutations(range(1, len(numbers) + 1)))
    kept = []
    damaged = set()
    for number, promoted in zip(numbers, promotions, strict=True):
        match draw(st.sampled_from(["never live", "was live", "damaged"])):
            case "never live":
                kept.append(release(number))
            case "was live":
                kept.append(release(number, promoted))
            case _:
                damaged.add(number)
    colours = {}
    containers: list[Container] = []
    for colour in Colour:
        number = draw(st.integers(1, 9))
        if colour is live or draw(st.booleans()):
            colours[colour] = part(number)
        if draw(st.booleans()):
            containers.append(container(colour, number))
    there = [routing(live, colours, draw(st.integers(1, 50)))] if colours else []
    others = [routing(BLUE, name="cafe")] if draw(st.booleans()) else []
    tagged = draw(st.frozensets(st.integers(1, 9), max_size=4))
    return world(
        *there,
        *others,
        containers=tuple(containers),
        releases=kept,
        damaged=frozenset(damaged),
        tagged=tagged,
    )


APPLICATIONS = [
    prepared(services, x_hitless={"keep": keep})
    for services in (None, {"app": web(deploy={"replicas": 2}), "worker": {"image": "shop:1"}})
    for keep in range(1, 6)
]


@st.composite
def situations(draw: st.DrawFn) -> Situation:
    """Deployments of a new release, and of a kept one."""
    found = draw(worlds())
    fresh = release(releases.next_release(found, "shop"))
    return Situation(
        draw(st.sampled_from(APPLICATIONS)), draw(st.sampled_from([fresh, *found.releases])), found
    )


def of(steps: Sequence[Step], kind: type[Step]) -> list[Any]:
    return [step for step in steps if isinstance(step, kind)]


def undone(plan: Plan) -> tuple[Step, ...]:
    """All that would undo the whole of it."""
    return plan.undo(len(plan.actions))


ROUTING = Show | Restore | Withdraw | CutOver  # the steps that may change the routing


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
            elif not isinstance(step, Gate | RunHere | AddReplicas):
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


def traces(found: World) -> set[int]:
    """The releases that have a record or an image tag."""
    return {kept.number for kept in found.releases} | found.damaged | found.tagged


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
    def test_leaves_as_many_as_shall_be_kept(self, at: Situation) -> None:
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


def lines(made: Plan) -> list[str]:
    return [step_text(step.id) for step in made.steps]


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

    def test_a_release_that_failed_is_forgotten_and_so_is_the_oldest(self) -> None:
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
        assert create.connect == {GATEWAY.network_of(SHOP): ("shop-blue-app-1", "shop-blue-app-2")}
        assert create.model["services"]["app"]["image"] == image_reference(SHOP, 3, "app")
        assert start.containers == {
            "app": ("shop-blue-app-1", "shop-blue-app-2"),
            "worker": ("shop-blue-worker-1",),
        }

    def test_the_gateway_reaches_routed_services_alone_whatever_lists_its_network(self) -> None:
        services = {
            "app": web(),
            "metrics": {"image": "shop:1", "networks": {"edge": None}, "deploy": {"replicas": 2}},
        }
        found = prepared(services, networks={"edge": {"name": GATEWAY.network, "external": True}})
        [create] = of(Situation(found, release(1), world()).plan.steps, Create)
        assert create.connect == {"traefik_webgateway.shop": ("shop-blue-app-1",)}
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


class TestReadiness:
    """What the gate asks for."""

    @staticmethod
    def of(labels: Json | None = None, from_image: Image | None = None, **keys: Any) -> tuple[Readiness, ...]:
        """Of one routed service, WEB_LABELS changed by what stands in `labels` (None: taken away)."""
        changed = {**WEB_LABELS, **(labels or {})}
        kept = {label: text for label, text in changed.items() if text is not None}
        release_ = replace(release(1), images={"app": from_image or image(8000)})
        found = Situation(prepared({"app": web(kept, **keys)}), release_, world())
        [gate] = of(found.plan.steps, Gate)
        readiness: tuple[Readiness, ...] = gate.readiness
        return readiness

    CHECK = "traefik.http.services.shop.loadbalancer.healthcheck"
    RULE = "traefik.http.routers.shop.rule"
    UNSAID: ClassVar[Json] = {f"{CHECK}.path": None}

    def probe(self, labels: Json | None = None, **keys: Any) -> Probe:
        [readiness] = self.of(labels, **keys)
        [probe] = readiness.probes
        return probe

    def test_the_health_checks_path_with_the_rules_host(self) -> None:
        assert self.probe() == Probe("shop-blue-app-1", 8000, "/health", "shop.example")

    def test_the_health_checks_own_host_goes_first(self) -> None:
        assert self.probe({f"{self.CHECK}.hostname": "inner.example"}).host == "inner.example"

    def test_a_rule_without_a_host(self) -> None:
        assert self.probe({self.RULE: "PathPrefix(`/`)"}).host == "shop-blue-app-1"

    def test_the_first_of_several_hosts(self) -> None:
        assert self.probe({self.RULE: "Host(`b.example`) || Host(`a.example`)"}).host == "b.example"

    def test_all_that_the_health_check_says(self) -> None:
        found = self.probe(
            {
                f"{self.CHECK}.port": "9000",
                f"{self.CHECK}.method": "HEAD",
                f"{self.CHECK}.status": "204",
                f"{self.CHECK}.headers.X-A": "b",
            }
        )
        assert (found.port, found.method, found.status, found.headers) == (9000, "HEAD", 204, (("X-A", "b"),))

    def test_nobody_said_what_readiness_is(self) -> None:
        found = self.probe(self.UNSAID)
        assert (found.path, found.any_answer, found.host) == ("/", True, "shop.example")

    def test_a_path_is_no_case_for_any_answer(self) -> None:
        assert not self.probe().any_answer

    @pytest.mark.parametrize(
        ("keys", "from_image"),
        [({"healthcheck": {"test": ["CMD", "x"]}}, image(80)), ({}, image(80, healthcheck=True))],
    )
    def test_dockers_health_check_does_it(self, keys: Json, from_image: Image) -> None:
        [readiness] = self.of(self.UNSAID, from_image, **keys)
        assert (readiness.healthcheck, readiness.probes) == (True, ())

    def test_both_are_asked_where_both_are_there(self) -> None:
        [readiness] = self.of(healthcheck={"test": ["CMD", "x"]})
        assert readiness.healthcheck and len(readiness.probes) == 1

    def test_the_images_health_check_is_switched_off(self) -> None:
        [readiness] = self.of(self.UNSAID, image(80, healthcheck=True), healthcheck={"disable": True})
        assert not readiness.healthcheck and len(readiness.probes) == 1

    def test_every_replica_is_asked_and_every_service_waited_for(self) -> None:
        found = prepared({"app": web(deploy={"replicas": 2}), "worker": {"image": "shop:1"}})
        [gate] = of(Situation(found, release(1), world()).plan.steps, Gate)
        assert [(each.container, len(each.probes)) for each in gate.readiness] == [
            ("shop-blue-app-1", 1),
            ("shop-blue-app-2", 1),
            ("shop-blue-worker-1", 0),
        ]

    def test_only_an_unrouted_service_may_have_ended(self) -> None:
        found = prepared({"app": web(), "migrate": {"image": "shop:1"}})
        [gate] = of(Situation(found, release(1), world()).plan.steps, Gate)
        assert [each.may_end for each in gate.readiness] == [False, True]

    def test_every_backend_of_a_service_is_asked(self) -> None:
        more = {
            "traefik.http.routers.shop.service": "shop",
            "traefik.http.routers.admin.rule": "Host(`admin.example`)",
            "traefik.http.routers.admin.service": "admin",
            "traefik.http.services.admin.loadbalancer.server.port": "9000",
        }
        [readiness] = self.of(more)
        assert [(probe.port, probe.host) for probe in readiness.probes] == [
            (8000, "shop.example"),
            (9000, "admin.example"),
        ]

    def test_successes_and_timeout_are_the_services_own(self) -> None:
        [readiness] = self.of(x_hitless={"successes": 5, "timeout": "9s"})
        assert (readiness.successes, readiness.timeout) == (5, 9.0)

    def test_every_routed_container_is_asked_something_unless_the_deployment_is_refused(self) -> None:
        unasked = []
        for scheme, over, mode, path, docker, from_image in product(
            ("http", "https", "h2c"),
            (None, "http", "https"),
            (None, "http", "grpc"),
            (None, "/health"),
            ({}, {"test": ["CMD", "x"]}, {"disable": True}),
            (True, False),
        ):
            said = {"scheme": over, "mode": mode, "path": path}
            labels = {
                self.RULE: "Host(`a`)",
                "traefik.http.services.shop.loadbalancer.server.port": "8000",
                "traefik.http.services.shop.loadbalancer.server.scheme": scheme,
                **{f"{self.CHECK}.{field}": text for field, text in said.items() if text},
            }
            found, problems = reading.read(
                {"name": SHOP, "services": {"app": web(labels, healthcheck=docker)}}
            )
            images = {"app": image(8000, healthcheck=from_image)}
            if any(finding.is_error for finding in (*problems, *check(found, world(), images))):
                continue
            deployed = replace(release(1), images=images)
            ready, _ = prepare(found, images, GATEWAY)
            [gate] = of(deploy_plan.plan_deploy(ready, deployed, world(), GATEWAY).steps, Gate)
            [readiness] = gate.readiness
            if not readiness.healthcheck and not readiness.probes:
                unasked.append((scheme, said, docker))
        assert unasked == []
