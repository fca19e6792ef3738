"""Every finding of the check, one situation each."""

from __future__ import annotations

from typing import Any

import pytest

from hitless.domain.application import read as reading
from hitless.domain.checks import application as checks
from hitless.domain.common.findings import Finding
from hitless.domain.common.foreign import Json
from tests.domain.builders import (
    compose,
    only,
    paths,
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


class TestNotSupportedYet:
    """What the next release, or a rollback, could not do right."""

    @staticmethod
    def kept(kind: str, one: Json | None) -> tuple[Finding, ...]:
        keys: dict[str, Any] = {kind: {"token": one}}
        return check(**keys)

    @pytest.mark.parametrize("kind", ["secrets", "configs"])
    def test_secrets_and_configs_from_the_environment(self, kind: str) -> None:
        finding = only(self.kept(kind, {"name": "shop_token", "environment": "TOKEN"}))
        assert (finding.path, finding.is_error) == (f"{kind}.token.environment", True)
        assert kind in finding.message

    @pytest.mark.parametrize("kind", ["secrets", "configs"])
    @pytest.mark.parametrize("one", [None, {"file": "/x"}, {"content": "x"}, {"external": True}])
    def test_secrets_and_configs_from_anywhere_else(self, kind: str, one: Json | None) -> None:
        assert self.kept(kind, one) == ()

    @pytest.mark.parametrize("routed", [True, False])
    def test_a_hook_before_the_stop(self, routed: bool) -> None:
        hooks = [{"command": ["sleep", "1"]}]
        finding = only(app(pre_stop=hooks) if routed else worker(pre_stop=hooks))
        assert (finding.path, finding.is_error) == (
            f"services.{'app' if routed else 'worker'}.pre_stop",
            True,
        )

    def test_a_hook_after_the_start(self) -> None:
        assert app(post_start=[{"command": ["true"]}]) == ()


def test_what_is_refused_in_the_labels_does_not_stop_the_check() -> None:
    found, findings = reading.read(compose({"app": web({"traefik.tcp.routers.shop.rule": ""})}))
    assert findings
    assert "services" in paths(checks.check(found, world(), IMAGES))
