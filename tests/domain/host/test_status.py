"""The status of a host with several applications, and of one whose state is not wholly known."""

from __future__ import annotations

from dataclasses import replace

from hitless.domain.common.names import Colour
from hitless.domain.gateway.instances import Instances
from hitless.domain.gateway.settings import GatewaySettings
from hitless.domain.host.journal import Holder, Run
from hitless.domain.host.status import LiveStatus, Problem, ProblemKind, application_status, host_status
from hitless.domain.host.world import ComposeContainer, World
from hitless.domain.routing.split import waiting_for
from tests.domain.builders import SHOP, container, release, routing, world

SETTINGS = GatewaySettings()


def kinds(found: World) -> list[ProblemKind]:
    return [problem.kind for problem in application_status(SHOP, found, SETTINGS).problems]


def test_each_application_has_its_own_containers_and_problems() -> None:
    cafe = replace(container(Colour.GREEN, 3), application="cafe", name="cafe-green-app-1")
    found = host_status(
        world(
            routing(Colour.BLUE), routing(Colour.BLUE, name="cafe"), containers=(container(Colour.BLUE), cafe)
        ),
        SETTINGS,
        Instances(),
    )
    first, second = found.applications
    assert (first.application, [one.name for one in first.containers]) == ("cafe", ["cafe-green-app-1"])
    assert first.problems == (
        Problem(ProblemKind.NOTHING_RUNS, "blue"),
        Problem(ProblemKind.LEFTOVER, "green"),
    )
    assert (second.application, second.live, second.problems) == (SHOP, LiveStatus(Colour.BLUE, 1), ())


def test_while_requests_wait_it_says_so_unless_a_command_is_about_to_let_them_in() -> None:
    calm = routing(Colour.BLUE)
    there = replace(
        world(), routings={SHOP: calm.held(waiting_for(calm.colours.values(), "10.0.0.2", 60, 9))}
    )
    assert application_status(SHOP, there, SETTINGS).problems == (
        Problem(ProblemKind.REQUESTS_WAIT, detail="60"),
    )
    assert kinds(replace(there, holder=Holder("ann", 1, 0))) == []


def test_a_container_of_another_gateway_makes_nothing_sure() -> None:
    stray = replace(container(Colour.GREEN), gateway="other")
    found = application_status(SHOP, world(containers=(stray,)), SETTINGS)
    assert (found.live, found.is_sure) == (None, False)
    assert found.problems == (Problem(ProblemKind.OTHER_GATEWAY, "other"),)


def test_a_colour_that_a_command_works_on_or_has_left_is_no_leftover() -> None:
    found = world(routing(Colour.BLUE), containers=(container(Colour.BLUE), container(Colour.GREEN, 2)))
    run = Run("deploy", 2, "ann", "", "", "", "", 0.0, ())
    assert kinds(found) == [ProblemKind.LEFTOVER]
    assert kinds(replace(found, holder=Holder("ann", 1, 1))) == []
    assert kinds(replace(found, runs=(run,))) == []


def test_a_command_that_has_written_nothing_yet_is_not_the_one_before() -> None:
    run = Run("deploy", 2, "ann", "", "", "", "", 0.0, ())
    found = application_status(SHOP, world(runs=(run,), holder=Holder("bob", 1, 2)), SETTINGS).command
    assert found is not None
    assert (found.operation, found.by, found.is_under_way, found.seconds) == ("", "bob", True, 2)


def test_a_damaged_record_is_a_problem_and_something_that_is_there() -> None:
    found = application_status(SHOP, world(damaged=frozenset({4})), SETTINGS)
    assert found.problems == (Problem(ProblemKind.DAMAGED_RECORD, "4"),)
    assert found.is_known
    assert not application_status(SHOP, world(), SETTINGS).is_known


def test_what_is_listed_of_an_application() -> None:
    hook = replace(container(Colour.BLUE, service="hook-before-start-1"), name="a-hook", state="exited")
    base = ComposeContainer(SHOP, "db", "shop-db-1", "running", "healthy")
    found = application_status(
        SHOP,
        world(
            routing(Colour.BLUE),
            containers=(container(Colour.BLUE), hook),
            base=(base,),
            releases=(release(1, 1), release(2)),
        ),
        SETTINGS,
    )
    assert [(one.colour, one.release, one.name) for one in found.containers] == [
        (Colour.BLUE, 1, "shop-blue-app-1"),
        (None, 0, "shop-db-1"),
    ]
    assert [(one.number, one.promoted) for one in found.releases] == [(2, 0), (1, 1)]
    assert found.addresses == ("http://shop.example",)


def test_a_traefik_that_an_interrupted_upgrade_left_is_told() -> None:
    assert host_status(world(), SETTINGS, Instances(1, (0, 1))).gateway.left == 1
    assert host_status(world(), SETTINGS, Instances(1, (1,))).gateway.left == 0


def test_a_gateway_with_an_older_image_names_the_newer_one() -> None:
    assert host_status(world(), SETTINGS, Instances()).gateway.newer_image == ""
    old = replace(SETTINGS, image="traefik:v3.6")
    assert host_status(world(), old, Instances()).gateway.newer_image == SETTINGS.image
    assert host_status(world(), replace(old, image_asked=True), Instances()).gateway.newer_image == ""
