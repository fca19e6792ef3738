"""Every finding of the check, one situation each."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from hitless.domain.application import read as reading
from hitless.domain.checks import application as checks
from hitless.domain.common.findings import Finding
from hitless.domain.common.foreign import Json
from hitless.domain.common.names import Colour
from hitless.domain.host.world import ComposeContainer
from tests.domain.builders import (
    application,
    compose,
    only,
    paths,
    release,
    routing,
    unrouted,
    web,
    world,
)
from tests.domain.checks.checked import IMAGES, app, check, worker


def test_nothing_is_wrong() -> None:
    assert check() == ()


def test_all_is_said_at_once() -> None:
    findings = worker(ports=[{"target": 80, "published": "80"}], network_mode="host", pre_stop=[{}])
    assert paths(findings) == [
        "services.worker.ports",
        "services.worker.network_mode",
        "services.worker.pre_stop",
    ]


def test_a_container_name_is_given_up_and_said() -> None:
    finding = only(app(container_name="the-one"))
    assert (finding.path, finding.is_error) == ("services.app.container_name", False)
    assert "can't both be called the-one" in finding.message


def test_nothing_is_said_of_a_traefik_that_is_left_out() -> None:
    proxy = unrouted(image="traefik:v3.1", ports=[{"target": 80, "published": "80"}], network_mode="host")
    assert check({"app": web(), "proxy": proxy}) == ()
    joined = only(check({"app": web(volumes_from=["proxy"]), "proxy": proxy}))
    assert (joined.path, joined.message) == ("services.app.volumes_from", "proxy is left out")


def test_a_shared_service_whose_profile_is_not_enabled_is_not_taken_for_a_leftover() -> None:
    there = replace(world(), base=(ComposeContainer("shop", "db", "shop-db-1", "running"),))
    finding = only(checks.check(application(), there, IMAGES))
    assert (finding.path, finding.is_error) == ("services.db", False)
    assert "--profile" in finding.hint


@pytest.mark.parametrize("is_alone", [True, False])
def test_a_container_of_plain_compose_beside_a_release_is_an_error_if_two_must_never_run(
    is_alone: bool,
) -> None:
    there = replace(world(), base=(ComposeContainer("shop", "app", "shop-app-1", "running"),))
    made = application({"app": web(x_hitless={"exclusive": is_alone})})
    finding = only(checks.check(made, there, IMAGES))
    assert (finding.path, finding.is_error) == ("services.app", is_alone)
    assert "hitless adopt replaces it" in finding.hint


def test_an_exclusive_service_does_not_become_a_shared_one_beside_its_live_copy() -> None:
    services = {"app": web(), "beat": unrouted(command=["celery", "beat"])}
    kept = replace(release(1, 1, services=("app", "beat")), model=compose(services))
    there = world(routing(Colour.BLUE), releases=(kept,))
    assert checks.check(application(services), there, IMAGES) == ()
    shared = {**services, "beat": {**services["beat"], "x-hitless": {"role": "shared"}}}
    finding = only(checks.check(application(shared), there, IMAGES))
    assert (finding.path, finding.is_error) == ("services.beat", True)
    assert "its volumes stay" in finding.hint


VALUE = {"environment": "TOKEN", "x-hitless-value": "s3cret"}


class TestNotSupportedYet:
    """What the next release, or a rollback, could not do right."""

    @pytest.mark.parametrize("kind", ["secrets", "configs"])
    @pytest.mark.parametrize(
        "one", [None, {"file": "/x"}, {"content": "x"}, VALUE, {"external": True}], ids=str
    )
    def test_secrets_and_configs_that_nobody_uses(self, kind: str, one: Json | None) -> None:
        top: dict[str, Any] = {kind: {"token": one}}
        assert check(**top) == ()

    @pytest.mark.parametrize("kind", ["secrets", "configs"])
    @pytest.mark.parametrize(
        ("one", "is_taken"), [(VALUE, False), ({"content": "x"}, False), ({"file": "/x"}, True)]
    )
    def test_what_must_be_written_into_a_container_that_nobody_can_write_to(
        self, kind: str, one: Json, is_taken: bool
    ) -> None:
        top: dict[str, Any] = {kind: {"token": one}}
        services = {"app": {**web(read_only=True), kind: [{"source": "token"}]}}
        found = check(services, **top)
        assert [finding.path for finding in found] == ([] if is_taken else [f"services.app.{kind}"])
        assert check({"app": {**web(), kind: ["token"]}}, **top) == ()

    @pytest.mark.parametrize("routed", [True, False])
    def test_a_hook_before_the_stop(self, routed: bool) -> None:
        hooks = [{"command": ["sleep", "1"]}]
        finding = only(app(pre_stop=hooks) if routed else worker(pre_stop=hooks))
        assert (finding.path, finding.is_error) == (
            f"services.{'app' if routed else 'worker'}.pre_stop",
            True,
        )

    def test_a_hook_after_the_start_is_warned_of(self) -> None:
        assert not only(app(post_start=[{"command": ["true"]}])).is_error

    def test_what_a_shared_service_may_have_and_what_not(self) -> None:
        def found(**keys: Any) -> tuple[Finding, ...]:
            shared = unrouted(image="db:1", x_hitless={"role": "shared"}, **keys)
            return check({"app": web(), "db": shared})

        assert found(pre_stop=[{}], mac_address="02:42:ac:11:65:43", external_links=["other"]) == ()
        assert only(found(use_api_socket=True)).path == "services.db.use_api_socket"


def test_what_is_refused_in_the_labels_does_not_stop_the_check() -> None:
    found, findings = reading.read(compose({"app": web({"traefik.tcp.routers.shop.rule": ""})}))
    assert findings
    assert "services" in paths(checks.check(found, world(), IMAGES))
