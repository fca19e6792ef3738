"""An engine names and numbers containers in its own way. hitless uses the names that it finds."""

from __future__ import annotations

import pytest

from hitless.domain.application.model import Application
from hitless.domain.common.errors import GateFailed
from hitless.domain.common.events import Drained, StepBegan, StepId, StepKind
from hitless.domain.common.names import Colour
from tests.execution import commands
from tests.execution.applications import WEB, application
from tests.execution.test_deploy import down, live
from tests.execution.test_scale import containers, scale, servers
from tests.fakes.behaviour import UNWELL, Behaviour
from tests.fakes.host import FakeHost


def shop() -> Application:
    return application(
        {
            "web": {**WEB, "deploy": {"replicas": 2}},
            "scheduler": {**WEB, "labels": {}, "x-hitless": {"exclusive": True}},
            "migrate": {**WEB, "labels": {}, "x-hitless": {"role": "job"}},
            "proxy": {"image": "nginx", "depends_on": {"web": {"condition": "service_started"}}},
        }
    )


@pytest.fixture
def host() -> FakeHost:
    """A host with such an engine, and a live release."""
    ends = {"migrate": {"state": "exited", "exit_code": 0}}
    behaviour = Behaviour(separator="_", first_number=3, services=ends, exclusive=("scheduler",))
    found = FakeHost(behaviour=behaviour)
    commands.deploy(found.ports(), shop())
    return found


def test_requests_go_to_the_containers_by_the_engines_names(host: FakeHost) -> None:
    assert servers(host) == containers(host) == ["shop-blue_web_3", "shop-blue_web_4"]
    assert set(host.networks["traefik_webgateway.shop"]) == {"shop-blue_web_3", "shop-blue_web_4"}
    assert set(host.policies) == {"shop-blue_web_3", "shop-blue_web_4"}
    assert host.violations == []


def test_the_next_release_takes_over_and_the_former_one_is_drained(host: FakeHost) -> None:
    host.behaviour.connections = [2, 1, 0]
    commands.deploy(host.ports(), shop())
    assert servers(host) == containers(host) == ["shop-green_web_3", "shop-green_web_4"]
    assert containers(host, "scheduler") == ["shop-green_scheduler_3"]
    assert StepId(StepKind.HAND_OVER, Colour.GREEN, subjects=("scheduler",)) in [
        event.step for event in host.events if isinstance(event, StepBegan)
    ]
    assert [event.in_flight for event in host.events if isinstance(event, Drained)] == [2]
    assert {one.colour for one in host.running.values()} == {live(host)[0]}
    assert host.violations == []


def test_a_bad_release_does_not_change_the_live_one(host: FakeHost) -> None:
    before = dict(host.running)
    host.behaviour.answers[2] = [UNWELL]
    with pytest.raises(GateFailed, match="shop-green_web_3"):
        commands.deploy(host.ports(), shop())
    assert host.running == before
    assert host.violations == []


def test_it_is_scaled_up_and_down(host: FakeHost) -> None:
    scale(host, web=4)
    assert servers(host) == containers(host) == [f"shop-blue_web_{number}" for number in (3, 4, 5, 6)]
    scale(host, web=1)
    assert servers(host) == containers(host) == ["shop-blue_web_3"]
    assert host.violations == []


def test_it_is_removed(host: FakeHost) -> None:
    down(host)
    assert host.running == {}
    assert host.routings == {}
    assert host.violations == []
