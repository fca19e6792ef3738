"""Hooks: what `x-hitless` may say of them, and the steps that they become."""

from __future__ import annotations

from typing import Any

import pytest

from hitless.cli.views.words import step_text
from hitless.domain.application import read as reading
from hitless.domain.application.model import Hook, When
from hitless.domain.common.names import Colour
from hitless.domain.plan import deploy as deploy_plan
from hitless.domain.plan.model import Plan
from hitless.domain.plan.routing_steps import Bake, Gate
from hitless.domain.plan.steps import RunHere, RunOnce, Step
from hitless.domain.release import compose_models
from hitless.domain.release.prepared import Prepared
from tests.domain.builders import (
    GATEWAY,
    application,
    compose,
    only,
    paths,
    prepared,
    release,
    routing,
    unrouted,
    web,
    world,
)


def hooked(**hooks: Any) -> Prepared:
    """An application with hooks, with `_` for `-` in their names."""
    said = {when.replace("_", "-"): hook for when, hook in hooks.items()}
    return prepared({"app": web(environment={"A": "1"})}, x_hitless={"hooks": said})


def plan(found: Prepared, number: int = 2, promoted: int = 0) -> Plan:
    return deploy_plan.plan_deploy(found, release(number, promoted), world(routing(Colour.BLUE)), GATEWAY)


def lines(found: Plan) -> list[str]:
    return [step_text(step.id) for step in found.steps]


def begun(found: Plan, kind: type[Step]) -> int:
    """How many actions have begun when the step of this kind has."""
    return 1 + [type(step) for step in found.steps].index(kind)


def complaints(hooks: Any) -> list[str]:
    return paths(reading.read(compose(x_hitless={"hooks": hooks}))[1])


def test_a_text_is_for_the_shell_and_a_list_is_words() -> None:
    found = hooked(
        before_start={"service": "app", "command": "check && more"},
        after_cutover={"local": ["./notify", "it's live"], "timeout": "10s"},
    )
    assert found.hooks == (
        Hook(When.BEFORE_START, 1, "app", ("sh", "-c", "check && more"), 300.0),
        Hook(When.AFTER_CUTOVER, 1, None, ("./notify", "it's live"), 10.0),
    )


def test_several_at_one_point_run_in_their_order() -> None:
    found = hooked(before_cutover=[{"local": "one"}, {"local": "two"}])
    assert [line for line in lines(plan(found)) if "hook" in line] == [
        "run hook-before-cutover-1 here",
        "run hook-before-cutover-2 here",
    ]


@pytest.mark.parametrize(
    ("hooks", "path"),
    [
        ({"before-lunch": {"local": "x"}}, "x-hitless.hooks.before-lunch"),
        ({"before-start": "echo"}, "x-hitless.hooks.before-start"),
        ({"before-start": {"local": ""}}, "x-hitless.hooks.before-start"),
        ({"before-start": {"local": [1]}}, "x-hitless.hooks.before-start"),
        ({"before-start": {"command": "x"}}, "x-hitless.hooks.before-start"),
        ({"before-start": {"service": "app"}}, "x-hitless.hooks.before-start"),
        ({"before-start": {"service": "nope", "command": "x"}}, "x-hitless.hooks.before-start"),
        ({"before-start": {"service": "app", "local": "x"}}, "x-hitless.hooks.before-start"),
        ({"before-start": {"local": "x", "when": 1}}, "x-hitless.hooks.before-start.when"),
        (
            {"before-start": [{"local": "x"}, {"local": "x", "timeout": "?"}]},
            "x-hitless.hooks.before-start[1]",
        ),
        (["x"], "x-hitless.hooks"),
    ],
)
def test_what_is_wrong_with_one_is_said_with_its_path(hooks: Any, path: str) -> None:
    assert complaints(hooks) == [path]


def test_nothing_is_no_hook() -> None:
    assert complaints({"before-start": None}) == []
    assert complaints(None) == []


def test_each_runs_at_its_point() -> None:
    found = plan(hooked(**{when.name.lower(): {"local": "x"} for when in When}))
    assert lines(found) == [
        "create green (release 2)",
        "record release 2",
        "run hook-before-start-1 here",
        "start green",
        "show the routes of green to the gateway",
        "wait until green is ready",
        "run hook-before-cutover-1 here",
        "cut over to green",
        "look at green again",
        "promote release 2",
        "run hook-after-cutover-1 here",
        "drain blue",
        "remove the routes of blue",
        "retire blue",
        "run hook-after-retire-1 here",
    ]
    assert [step_text(step.id) for step in found.undo(begun(found, Gate))] == [
        "restore the routes",
        "drain green",
        "run hook-on-failure-1 here",
        "retire green",
        "forget release 2",
    ]
    assert [step_text(step.id) for step in found.undo(begun(found, Bake))][-3:] == [
        "run hook-on-failure-1 here",
        "retire green",
        "forget release 2",
    ]


def test_a_release_that_is_brought_back_is_prepared_for_no_more() -> None:
    found = plan(hooked(before_start={"local": "x"}, before_cutover={"local": "y"}), promoted=1)
    assert [line for line in lines(found) if "hook" in line] == ["run hook-before-cutover-1 here"]


def test_one_in_a_container_is_a_service_of_the_colour() -> None:
    found = hooked(before_cutover={"service": "app", "command": ["smoke", "$$HOME"]})
    [step] = [step for step in plan(found).steps if isinstance(step, RunOnce)]
    assert step.service == "hook-before-cutover-1"
    service = step.model["services"]["hook-before-cutover-1"]
    assert service["command"] == ["smoke", "$$HOME"]
    assert service["image"] == step.model["services"]["app"]["image"]
    assert service["environment"] == {
        "A": "1",
        "HITLESS_APPLICATION": "shop",
        "HITLESS_RELEASE": "2",
        "HITLESS_REVISION": "",
        "HITLESS_COLOUR": "green",
        "HITLESS_LIVE_COLOUR": "blue",
        "HITLESS_PREVIEW": "http://shop-green-app-1:8000",
        "HITLESS_HOOK": "before-cutover",
    }
    assert service["restart"] == "no"


def test_one_in_a_container_has_no_health_no_ports_and_waits_for_nobody() -> None:
    check = {"test": ["CMD", "true"]}
    services = {
        "app": web(healthcheck=check, expose=["80"], depends_on={"queue": {"condition": "service_started"}}),
        "queue": unrouted("shop:1"),
    }
    hook = {"service": "app", "command": "x"}
    found = prepared(services, x_hitless={"hooks": {"before-start": hook}})
    service = compose_models.colour_model(found, release(1), Colour.BLUE, GATEWAY)["services"][
        "hook-before-start-1"
    ]
    assert not {"healthcheck", "ports", "expose", "depends_on"} & set(service)


def test_one_here_is_told_what_it_is_about_and_gets_its_dollars_as_they_were() -> None:
    found = hooked(after_cutover={"local": "echo $$HITLESS_RELEASE"})
    [step] = [step for step in plan(found).steps if isinstance(step, RunHere)]
    assert step.command == ("sh", "-c", "echo $HITLESS_RELEASE")
    assert step.environment["HITLESS_RELEASE"] == "2"
    assert step.environment["HITLESS_HOOK"] == "after-cutover"


def test_a_hook_in_a_shared_service_is_refused() -> None:
    services = {"app": web(), "db": {"image": "postgres:16"}}
    hooks = {"before-start": {"service": "db", "command": "x"}}
    from hitless.domain.checks.application import check

    found = application(services, x_hitless={"hooks": hooks})
    finding = only([one for one in check(found, world(), {}) if one.is_error])
    assert finding.path == "x-hitless.hooks.before-start"
