"""The gateway's Traefik is replaced. Live applications answer all the time, whatever fails."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import pytest

from hitless.domain.common.errors import HitlessError, Locked
from hitless.domain.common.events import Ended, Event, Outcome, StepDone, StepKind, Waiting
from hitless.domain.gateway.image import TRAEFIK_IMAGE
from hitless.domain.gateway.settings import GatewaySettings
from hitless.domain.host.journal import Holder, runs
from tests.execution import commands
from tests.execution.applications import shop
from tests.execution.test_adopt import FakeGatewayProject
from tests.execution.test_deploy import Killed
from tests.fakes.host import FakeHost

OLD = GatewaySettings(image="traefik:v3.7.13", address_pool="10.213.0.0/16")
VERBS = ["begin 1", "switch to 1", "settle", "close 0", "end 0"]


@pytest.fixture
def host() -> FakeHost:
    """A host with a live application."""
    made = FakeHost(gateway_settings=OLD)
    commands.deploy(made.ports(), shop())
    made.events.clear()
    made.lines.clear()
    return made


@pytest.fixture
def project(host: FakeHost) -> FakeGatewayProject:
    return FakeGatewayProject(host, there=OLD)


def ended(host: FakeHost) -> Outcome:
    last = host.events[-1]
    assert isinstance(last, Ended)
    return last.outcome


def done(host: FakeHost) -> list[StepKind]:
    return [event.step.kind for event in host.events if isinstance(event, StepDone)]


def test_the_new_traefik_is_proved_and_gets_all_connections_before_the_old_one_ends(
    host: FakeHost, project: FakeGatewayProject
) -> None:
    made, changed, said = commands.gateway_upgrade(host.ports(), project, {})
    assert (made.image, changed) == (TRAEFIK_IMAGE, True)
    assert said == (f"Traefik's image is {TRAEFIK_IMAGE} now; it was traefik:v3.7.13",)
    assert host.traefiks.verbs == VERBS
    assert done(host)[:3] == [StepKind.START_INSTANCE, StepKind.PROVE_INSTANCE, StepKind.SWITCH_INSTANCE]
    assert host.traefiks.settled == made
    assert project.applied == []  # the container was not created again
    assert host.traefiks.violations == host.violations == []


def test_the_memory_limit_is_lowered_when_the_old_one_has_ended(
    host: FakeHost, project: FakeGatewayProject
) -> None:
    for limit in (512 << 20, 1024 << 20, 256 << 20, 0):
        commands.gateway_up(host.ports(), project, True, {"memory_limit": limit}, may_replace=False)
        assert host.traefiks.memory_limit == limit
        project.there = replace(OLD, memory_limit=limit)
    assert host.traefiks.violations == []


def test_a_memory_limit_below_what_two_need_is_refused(host: FakeHost, project: FakeGatewayProject) -> None:
    host.traefiks.memory = 100 << 20
    with pytest.raises(HitlessError, match="uses 100 MB, and twice that") as raised:
        commands.gateway_up(host.ports(), project, True, {"memory_limit": 150 << 20}, may_replace=False)
    assert "--memory-limit 201m" in raised.value.hint
    assert host.traefiks.verbs == []


def test_a_failed_one_leaves_the_memory_limit_as_it_was(host: FakeHost, project: FakeGatewayProject) -> None:
    commands.gateway_up(host.ports(), project, True, {"memory_limit": 256 << 20}, may_replace=False)
    project.there = replace(OLD, memory_limit=256 << 20)
    host.traefiks.broken = True
    with pytest.raises(HitlessError, match="the new Traefik has ended"):
        commands.gateway_up(host.ports(), project, True, {"memory_limit": 512 << 20}, may_replace=False)
    assert host.traefiks.memory_limit == 256 << 20


def test_one_that_does_not_end_is_killed(host: FakeHost, project: FakeGatewayProject) -> None:
    host.traefiks.stubborn = 0
    began = host.clock.now()
    commands.gateway_upgrade(host.ports(), project, {})
    assert host.traefiks.verbs == [*VERBS, "kill 0"]
    assert host.clock.now() - began >= 20
    assert list(host.traefiks.running) == [1]


def test_a_second_time_changes_nothing(host: FakeHost, project: FakeGatewayProject) -> None:
    commands.gateway_upgrade(host.ports(), project, {})
    assert commands.gateway_upgrade(host.ports(), project, {})[1:] == (False, ())
    assert host.traefiks.verbs == VERBS


def test_each_replacement_uses_the_other_instance(host: FakeHost, project: FakeGatewayProject) -> None:
    for seconds, live in ((10.0, 1), (20.0, 2), (30.0, 1)):
        commands.gateway_up(host.ports(), project, True, {"read_timeout": seconds}, may_replace=False)
        assert list(host.traefiks.running) == [host.traefiks.live] == [live]
    assert host.traefiks.violations == []


def test_a_setting_of_the_container_needs_a_restart(host: FakeHost, project: FakeGatewayProject) -> None:
    with pytest.raises(HitlessError, match="http_port is 80, asked for 8080") as raised:
        commands.gateway_up(host.ports(), project, True, {"http_port": 8080, "fast_proxy": True}, False)
    assert "--replace" in raised.value.hint
    assert host.traefiks.verbs == []


def test_a_host_that_cant_switch_says_so_before_any_change(
    host: FakeHost, project: FakeGatewayProject
) -> None:
    host.traefiks.unable = "sh: nft: not found"
    with pytest.raises(HitlessError, match="nft: not found") as raised:
        commands.gateway_upgrade(host.ports(), project, {})
    assert "--replace" in raised.value.hint
    assert host.traefiks.verbs == []
    assert ended(host) is Outcome.FAILED


def test_a_new_traefik_that_ends_at_once_changes_nothing(host: FakeHost, project: FakeGatewayProject) -> None:
    host.traefiks.broken = True
    with pytest.raises(HitlessError, match="the new Traefik has ended"):
        commands.gateway_upgrade(host.ports(), project, {})
    assert host.traefiks.verbs == ["begin 1"]
    assert (host.traefiks.live, list(host.traefiks.running)) == (0, [0])
    assert project.settings() == OLD
    assert ended(host) is Outcome.FAILED


def test_a_new_traefik_gets_no_connection_if_an_application_does_not_answer_behind_it(
    host: FakeHost, project: FakeGatewayProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = host.in_force
    monkeypatch.setattr(host, "in_force", lambda *words: len(host.traefiks.running) == 1 and real(*words))
    with pytest.raises(HitlessError, match="shop does not answer behind the new Traefik"):
        commands.gateway_upgrade(host.ports(), project, {})
    assert host.traefiks.verbs == ["begin 1", "end 1"]


def test_connections_get_30_seconds_to_end_and_then_are_cut(
    host: FakeHost, project: FakeGatewayProject
) -> None:
    host.traefiks.connections[0], host.traefiks.ending = 7, 0
    began = host.clock.now()
    commands.gateway_upgrade(host.ports(), project, {})
    assert host.clock.now() - began >= 30
    said = [event.detail for event in host.events if isinstance(event, StepDone)]
    assert "0 of 7 connections ended, 7 after 30 s" in said


HTTP3 = replace(OLD, https_port=443, http3=True)
OVER_HTTP3 = [*VERBS[:3], "divert 0", "divert 1", *VERBS[3:], "divert 1 no more"]


def with_http3(host: FakeHost) -> FakeGatewayProject:
    host.gateway_settings = HTTP3
    return FakeGatewayProject(host, there=HTTP3)


def test_clients_over_http3_have_gone_before_others_are_told_to_go(host: FakeHost) -> None:
    host.traefiks.quic[0] = 300
    began = host.clock.now()
    commands.gateway_upgrade(host.ports(), with_http3(host), {})
    assert host.traefiks.verbs == OVER_HTTP3
    assert 20 <= host.clock.now() - began < 35
    assert host.traefiks.quic[0] == 0
    assert host.traefiks.diverting == {0}  # that one has ended
    assert host.traefiks.violations == []


def test_one_that_waits_for_an_answer_over_http3_is_not_seen_and_has_20_seconds(host: FakeHost) -> None:
    began = host.clock.now()
    commands.gateway_upgrade(host.ports(), with_http3(host), {})
    assert 20 <= host.clock.now() - began < 25


def test_connections_over_http3_get_30_seconds_to_end_and_then_are_cut(host: FakeHost) -> None:
    host.traefiks.quic[0], host.traefiks.ending = 2, 0
    began = host.clock.now()
    commands.gateway_upgrade(host.ports(), with_http3(host), {})
    assert 30 <= host.clock.now() - began < 35
    said = [event.detail for event in host.events if isinstance(event, StepDone)]
    assert "0 of 0 connections ended, 2 over HTTP/3 cut" in said


def test_it_waits_for_commands_on_applications(host: FakeHost, project: FakeGatewayProject) -> None:
    host.at_work["blog"] = Holder("ann", 3, 1)
    with pytest.raises(Locked, match="on blog: ann"):
        commands.gateway_upgrade(host.ports(), project, {})
    assert host.traefiks.verbs == []

    def emitted(event: Event) -> None:
        host.told(event)
        if isinstance(event, Waiting):
            host.at_work.clear()

    ports = host.ports()
    object.__setattr__(ports, "emit", emitted)
    commands.gateway_upgrade(ports, project, {}, wait=10)
    assert host.traefiks.verbs == VERBS


def test_it_is_in_the_gateways_journal(host: FakeHost, project: FakeGatewayProject) -> None:
    commands.gateway_upgrade(host.ports(), project, {})
    [run] = runs("\n".join(host.lines))
    assert (run.operation, run.outcome) == ("gateway upgrade", "successful")


@pytest.mark.parametrize(
    ("settings", "verb"), [*((OLD, verb) for verb in VERBS), *((HTTP3, verb) for verb in OVER_HTTP3[:-1])]
)
def test_the_next_upgrade_finishes_one_that_was_killed_at_any_step(
    host: FakeHost, settings: GatewaySettings, verb: str
) -> None:
    host.gateway_settings = settings
    project = FakeGatewayProject(host, there=settings)

    def kill(at: str) -> None:
        if at == verb:
            raise Killed

    host.traefiks.before = kill
    with suppress(Killed):
        commands.gateway_upgrade(host.ports(), project, {})
    host.traefiks.before = lambda _: None
    host.holder = ""
    made, _, _ = commands.gateway_upgrade(host.ports(), project, {})
    assert project.settings() == host.traefiks.settled == made
    assert list(host.traefiks.running) == [host.traefiks.live]
    assert host.traefiks.live not in host.traefiks.diverting
    assert host.traefiks.violations == []
