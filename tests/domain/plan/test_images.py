"""How a release gets its images: what is built, what is pulled, and which names keep them."""

from __future__ import annotations

from typing import Any

import pytest

from hitless.domain.common.names import image_reference
from hitless.domain.plan.images import Build, Pull, Tag, plan_images
from tests.domain.builders import SHOP, application, unrouted, web

BUILT = web(build={"context": "."})


def reference(service: str) -> str:
    return image_reference(SHOP, 7, service)


@pytest.mark.parametrize(
    ("policy", "asked", "is_present", "is_pulled"),
    [
        ("missing", None, True, False),
        ("missing", None, False, True),
        ("always", None, True, True),
        ("never", None, False, False),
        # what the command line says goes first
        ("missing", "always", True, True),
        ("always", "missing", True, False),
        ("always", "never", False, False),
    ],
)
def test_the_pull_policy(policy: str, asked: str | None, is_present: bool, is_pulled: bool) -> None:
    made = application({"app": web(pull_policy=policy)})
    plan = plan_images(made, 7, {"app"} if is_present else (), asked)
    assert [step.image for step in plan.steps if isinstance(step, Pull)] == ["shop:1"] * is_pulled
    assert plan.steps[-1] == Tag(7, {reference("app"): "shop:1"})


def test_what_is_built_is_neither_pulled_nor_tagged() -> None:
    [build] = plan_images(application({"app": BUILT}), 7, (), "always").steps
    assert isinstance(build, Build)
    assert build.services == ("app",)
    assert build.model["services"]["app"]["image"] == reference("app")


def test_the_image_that_another_service_builds_is_in_no_registry() -> None:
    # both name shop:1
    plan = plan_images(application({"app": BUILT, "worker": unrouted()}), 7, (), "always")
    assert [type(step) for step in plan.steps] == [Build, Tag]
    assert plan.steps[-1] == Tag(7, {reference("worker"): reference("app")})


def test_an_image_of_two_services_is_pulled_once_for_each_platform() -> None:
    def pulled(*platforms: str | None) -> list[Pull]:
        keys: list[dict[str, Any]] = [{"platform": name} if name else {} for name in platforms]
        services = {"app": web(**keys[0]), "worker": unrouted(**keys[1])}
        plan = plan_images(application(services), 7, (), None)
        return [step for step in plan.steps if isinstance(step, Pull)]

    assert pulled(None, None) == [Pull("shop:1", None)]
    assert pulled(None, "linux/arm64") == [Pull("shop:1", None), Pull("shop:1", "linux/arm64")]


def test_the_images_of_shared_services_are_no_part_of_a_release() -> None:
    plan = plan_images(application({"app": web(), "db": {"image": "postgres:17"}}), 7, (), None)
    assert set(plan.references) == {"app"}
    assert [step.image for step in plan.steps if isinstance(step, Pull)] == ["shop:1"]


def test_a_service_without_an_image_after_all_is_named() -> None:
    plan = plan_images(application({"app": web(), "worker": unrouted()}), 7, (), None)
    assert plan.missing({"worker"}) == ("app",)
    assert plan.missing({"app", "worker"}) == ()
