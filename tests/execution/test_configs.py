"""Middlewares of the gateway's own are added, replaced and removed."""

from __future__ import annotations

import pytest

from hitless.domain.common.errors import HitlessError, Locked, NotConfirmed, Refused
from hitless.domain.common.events import Ended, Found, Operation, Outcome
from hitless.domain.common.names import Colour
from hitless.domain.host.configs import config_statuses
from hitless.domain.host.journal import Holder
from hitless.domain.routing.gateway_config import Config
from hitless.execution import configs, observe
from tests.domain.builders import part, router, routing
from tests.execution.commands import session
from tests.fakes.host import FakeHost

SAFE = "http: {middlewares: {safe: {headers: {frameDeny: true}}, zip: {compress: {}}}}"
LOGIN = 'http: {middlewares: {safe: {basicAuth: {users: ["ann:hash-of-hers-1"]}}}}'


def add(host: FakeHost, text: str = SAFE, name: str = "common") -> None:
    with session(host.ports(), Operation.CONFIG_ADD, "") as command:
        configs.add(command, name, "common.yml", text.encode())


def remove(host: FakeHost, name: str = "common") -> None:
    with session(host.ports(), Operation.CONFIG_REMOVE, "") as command:
        configs.remove(command, name)


def using(host: FakeHost, *names: str) -> None:
    host.routings["shop"] = routing(Colour.BLUE, {Colour.BLUE: part(1, router(middlewares=names))})


def test_it_is_there_and_in_force_and_replaced_and_gone() -> None:
    host = FakeHost()
    add(host)
    assert host.configured["common"].middlewares["safe"] == {"headers": {"frameDeny": True}}
    assert host.in_traefik[".config-common"].generation == 1
    add(host, LOGIN)
    assert host.configured["common"].generation == 2
    remove(host)
    assert (host.configured, host.in_traefik) == ({}, {})
    assert host.holder == ""


def test_what_traefik_cant_make_changes_nothing_and_shows_no_secret() -> None:
    host = FakeHost()
    add(host)
    before = dict(host.configured)
    host.behaviour.of_trials = ("middleware safe: error parsing ann:hash-of-hers-1",)
    with pytest.raises(NotConfirmed, match="Traefik refuses what the config common has") as caught:
        add(host, LOGIN)
    assert "hash-of-hers" not in str(caught.value)
    assert host.configured == before
    assert set(host.in_traefik) == {".config-common"}
    ended = host.events[-1]
    assert isinstance(ended, Ended)
    assert ended.outcome is Outcome.FAILED


@pytest.mark.parametrize("is_first", [True, False])
def test_what_does_not_come_into_force_is_taken_back(is_first: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    host = FakeHost()
    if not is_first:
        add(host)
    before = dict(host.configured)
    ports = host.ports()
    install = ports.configs.install_config

    def deaf(config: Config) -> None:
        install(config)
        if config not in before.values():
            host.in_traefik.pop(config.place)

    monkeypatch.setattr(ports.configs, "install_config", deaf)
    with (
        session(ports, Operation.CONFIG_ADD, "") as command,
        pytest.raises(NotConfirmed, match="did not take the config common within 15 s"),
    ):
        configs.add(command, "common", "common.yml", LOGIN.encode())
    assert host.configured == before


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("http: [", "can't be read"),
        ("http: {{ .x }}", "no Go templates"),
        ("http: {middlewares: {}}", "there is none"),
    ],
)
def test_a_file_that_is_wrong_is_refused_before_anybody_is_kept_away(text: str, said: str) -> None:
    host = FakeHost()
    with pytest.raises(Refused):
        add(host, text)
    assert any(
        said in one.message for event in host.events if isinstance(event, Found) for one in event.findings
    )
    assert host.alone_for == []


def test_while_a_deployment_is_under_way_it_waits() -> None:
    host = FakeHost()
    host.at_work["shop"] = Holder("ann", 3.0, 0.0)
    with pytest.raises(Locked, match="on shop"):
        add(host)
    assert host.configured == {}


def test_a_name_is_in_one_config_alone() -> None:
    host = FakeHost()
    add(host)
    with pytest.raises(Refused) as caught:
        add(host, name="other")
    assert [one.path for one in caught.value.findings] == ["http.middlewares.safe", "http.middlewares.zip"]
    assert set(host.configured) == {"common"}


@pytest.mark.parametrize("colour", list(Colour))
def test_what_a_release_refers_to_stays_whichever_colour_is_live(colour: Colour) -> None:
    host = FakeHost()
    add(host)
    parts = {colour: part(1, router(middlewares=("zip@file",))), colour.other: part()}
    host.routings["shop"] = routing(Colour.BLUE, parts)
    with pytest.raises(HitlessError, match=r"zip \(used by shop\)"):
        remove(host)
    with pytest.raises(Refused) as caught:
        add(host, LOGIN)
    assert [one.path for one in caught.value.findings] == ["http.middlewares.zip"]
    assert host.configured["common"].generation == 1


def test_there_is_none_of_that_name() -> None:
    host = FakeHost()
    add(host)
    with pytest.raises(HitlessError, match="there is no config other") as caught:
        remove(host, "other")
    assert caught.value.hint == "there are: common"


def test_who_uses_which_is_listed() -> None:
    host = FakeHost()
    add(host)
    using(host, "safe")
    [status] = config_statuses(observe.world(host.ports(), None))
    assert status.middlewares == {"safe": "headers", "zip": "compress"}
    assert status.applications == {"safe": ("shop",)}
