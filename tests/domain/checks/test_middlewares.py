"""References to middlewares: the application's own, and the gateway's."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hitless.domain.checks import application as checks
from hitless.domain.common.findings import Finding
from hitless.domain.routing.gateway_config import Config
from tests.domain.builders import WEB_LABELS, application, web, world
from tests.domain.checks.checked import IMAGES, ROUTER

KNOWN = Config(
    "common",
    1,
    {
        "auth": {"forwardAuth": {"address": "http://sso:80"}},
        "safe": {"headers": {"frameDeny": True}},
        "all": {"chain": {"middlewares": ["auth"]}},
    },
)


def found(labels: dict[str, str], *configs: Config) -> tuple[Finding, ...]:
    there = replace(world(), configs=configs)
    return checks.check(application({"app": web({**WEB_LABELS, **labels})}), there, IMAGES)


def routed(middlewares: str, *configs: Config) -> tuple[Finding, ...]:
    return found({"traefik.http.routers.shop.middlewares": middlewares}, *configs)


@pytest.mark.parametrize("name", ["safe@file", "safe", "safe@docker"])
def test_one_that_the_gateway_has(name: str) -> None:
    assert routed(name, KNOWN) == ()
    [finding] = routed(name)
    assert (finding.path, finding.is_error) == (f"{ROUTER}.middlewares", True)
    assert f"no middleware {name!r} in this application, nor in the gateway" in finding.message
    assert "hitless gateway config add" in finding.hint


def test_one_of_a_file_is_not_the_one_of_this_name_here() -> None:
    labels = {
        "traefik.http.middlewares.auth.compress": "true",
        "traefik.http.routers.shop.middlewares": "auth@file",
    }
    [finding] = found(labels)
    assert finding.path == f"{ROUTER}.middlewares"
    [finding] = found(labels, KNOWN)
    assert finding.path == f"{ROUTER}.middlewares.forwardAuth"


def test_each_of_a_chain_that_is_not_there() -> None:
    labels = {
        "traefik.http.middlewares.z.compress": "true",
        "traefik.http.middlewares.all.chain.middlewares": "z, z@docker, nobody, z@file",
    }
    assert [one.path for one in found(labels)] == ["traefik.http.middlewares.all.chain.middlewares"] * 2


def test_one_with_another_name_is_proposed() -> None:
    [finding] = routed("save@file", KNOWN)
    assert "did you mean safe@file?" in finding.hint


@pytest.mark.parametrize("name", ["other.auth.green@file", "dashboard_redirect@internal", "safe.tcp"])
def test_one_that_is_nobodys_to_refer_to(name: str) -> None:
    [finding] = routed(name, KNOWN)
    assert finding.is_error


def test_a_chain_of_labels_may_end_in_the_gateway() -> None:
    chain = {"traefik.http.middlewares.mine.chain.middlewares": "safe@file"}
    assert found(chain, KNOWN) == ()
    [finding] = found(chain)
    assert finding.path == "traefik.http.middlewares.mine.chain.middlewares"


@pytest.mark.parametrize("name", ["auth@file", "all@file"])
def test_one_in_which_requests_wait(name: str) -> None:
    [finding] = routed(name, KNOWN)
    assert (finding.path, finding.is_error) == (f"{ROUTER}.middlewares.forwardAuth", False)


def test_the_applications_own_comes_first() -> None:
    labels = {
        "traefik.http.middlewares.auth.compress": "true",
        "traefik.http.routers.shop.middlewares": "auth@docker",
    }
    assert found(labels, KNOWN) == ()


def test_without_a_gateway_it_is_a_warning_beside_the_error_that_there_is_none() -> None:
    labels = {**WEB_LABELS, "traefik.http.routers.shop.middlewares": "auth@file"}
    findings = checks.check(application({"app": web(labels)}), replace(world(), gateway=None), IMAGES)
    assert [(one.path, one.is_error) for one in findings] == [
        ("gateway", True),
        (f"{ROUTER}.middlewares", False),
    ]


@pytest.mark.parametrize("address", ["http://app:9091/verify", "HTTPS://app", "http://app"])
def test_one_that_asks_a_service_at_a_port_without_a_route(address: str) -> None:
    labels = {
        "traefik.http.middlewares.auth.forwardauth.address": address,
        "traefik.http.routers.shop.middlewares": "auth",
    }
    [finding] = [one for one in found(labels) if one.is_error]
    assert finding.path.endswith("middlewares.auth.forwardAuth.address")
    assert "the gateway finds app by this name only at a port of a route" in finding.message
    for known in ("https://app.example.org/", "http://app:8000/verify", "http://app:99999999/"):
        there = {**labels, "traefik.http.middlewares.auth.forwardauth.address": known}
        assert not [one for one in found(there) if one.is_error]
