"""The operator's own middlewares as files that Traefik reads."""

from __future__ import annotations

import pytest
import yaml

from hitless.adapters.gateway.configs import GatewayConfigs, parse, read_document, render, render_trial
from hitless.adapters.gateway.routing_file import is_whole, sealed
from hitless.adapters.gateway.shell import GATEWAY_LOCK
from hitless.adapters.gateway.state import GatewayState
from hitless.adapters.gateway.traefik import Traefik
from hitless.domain.common.errors import LockLost
from hitless.domain.routing.gateway_config import Config
from tests.adapters.fake_docker import FakeDocker
from tests.adapters.gateway.traefiks import files

CONFIG = Config(
    "common", 7, {"safe": {"headers": {"frameDeny": True}}, "all": {"chain": {"middlewares": ["safe"]}}}
)


def body(text: str) -> dict[str, dict[str, object]]:
    http: dict[str, dict[str, object]] = yaml.safe_load(text)["http"]
    return http


def test_its_file_has_the_names_that_labels_refer_to_and_a_marker() -> None:
    text = render(CONFIG)
    assert is_whole(text)
    assert parse(text) == CONFIG
    http = body(text)
    assert http["middlewares"]["safe"] == CONFIG.middlewares["safe"]
    assert http["middlewares"]["all"] == CONFIG.middlewares["all"]
    assert list(http["routers"]) == [".config-common.generation.marker"]
    # every other name begins with a place that no application's name is
    assert {name for name in http["middlewares"] if "." not in name} == {"safe", "all"}


def test_a_trial_has_none_of_these_names_and_a_route_for_each_that_nobody_reaches() -> None:
    text = render_trial(CONFIG)
    assert is_whole(text)
    assert parse(text) is None
    http = body(text)
    for section in http.values():
        assert all(name.startswith(".trial.") for name in section)
    assert http["middlewares"][".trial.all.check"] == {"chain": {"middlewares": [".trial.safe.check"]}}
    rules = [one["rule"] for one in http["routers"].values() if isinstance(one, dict)]
    assert len(rules) == 3
    assert all("ClientIP(`127.0.0.1/32`)" in rule and "hitless.internal" in rule for rule in rules)


def test_a_file_is_read_by_its_ending() -> None:
    assert read_document("a.yml", b"http: {a: 1}")[0] == {"http": {"a": 1}}
    assert read_document("a.toml", b"[http]\non = true")[0] == {"http": {"on": True}}


def test_what_cant_be_read_is_said() -> None:
    for file, content in (
        ("a.yml", b"a: ["),
        ("a.toml", b"a: 1"),
        ("a.yml", b"\xff"),
        ("a.yml", b"a: {{ b }}"),
    ):
        found, [finding] = read_document(file, content)
        assert (found, finding.path) == (None, file)


def test_what_is_not_whole_or_of_another_kind_is_no_config() -> None:
    headers: tuple[dict[str, object], ...] = ({}, {"config": []}, {"config": {"name": "a"}}, {"trial": "a"})
    for header in headers:
        assert parse(sealed(header, "http: {}\n")) is None
    assert parse(render(CONFIG)[:-9]) is None
    assert parse("") is None


def test_a_command_that_has_lost_the_lock_changes_nothing(docker: FakeDocker, gateway: Traefik) -> None:
    docker.answers("exec", way="shell")
    routes = docker.root / "etc/hitless/routes"
    routes.mkdir(parents=True)
    own = GatewayConfigs(gateway.shell)
    with GatewayState(gateway.shell).lock(GATEWAY_LOCK, "alice", 0, print):
        own.install_config(CONFIG)
        assert GatewayState(gateway.shell).read(None).configs == (CONFIG,)
    there = files(routes)
    assert there == {".config-common.yml": render(CONFIG), ".copy/.config-common": render(CONFIG)}
    # it was suspended: another command has had the lock since
    for late in (own.install_config, own.remove_config, own.try_config):
        with pytest.raises(LockLost):
            late(Config("common", 9, {}))
    assert files(routes) == there
