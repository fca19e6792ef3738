"""More and fewer containers of the live release, on a host in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from hitless.cli.views.words import step_text
from hitless.domain.application.model import Application
from hitless.domain.common.errors import GateFailed, HitlessError, Refused
from hitless.domain.common.events import Found, StepBegan
from hitless.domain.common.foreign import Json
from hitless.domain.common.names import Colour
from hitless.domain.release.networks import Network
from tests.execution import commands
from tests.execution.applications import WEB, application
from tests.execution.test_deploy import killed_at, live
from tests.fakes.behaviour import UNWELL
from tests.fakes.host import FakeHost


def shop(**web: Any) -> Application:
    services = {
        "web": {**WEB, **web},
        "worker": {"build": WEB["build"]},
        "proxy": {"image": "nginx", "depends_on": {"web": {"condition": "service_started"}}},
        "db": {"image": "postgres:16"},
    }
    return application(services)


@pytest.fixture
def host() -> FakeHost:
    found = FakeHost()
    commands.deploy(found.ports(), shop())
    found.verbs.clear()
    return found


def scale(host: FakeHost, **wanted: int) -> bool:
    return commands.scale(host.ports(), wanted)


def containers(host: FakeHost, service: str = "web") -> list[str]:
    return sorted(one.name for one in host.running.values() if one.service == service and one.is_running)


def servers(host: FakeHost) -> list[str]:
    routing = host.routings["shop"]
    assert routing.live
    return sorted(server.host for server in routing.colours[routing.live].servers)


def recorded(host: FakeHost) -> int:
    return int(host.records[1].model["services"]["web"].get("scale", 1))


def names(*numbers: int, service: str = "web") -> list[str]:
    return [f"shop-blue-{service}-{number}" for number in numbers]


def test_scaled_up_the_old_containers_stay_and_new_ones_join_them(host: FakeHost) -> None:
    before = dict(host.running)
    assert scale(host, web=3, worker=2)
    assert containers(host) == servers(host) == names(1, 2, 3)
    assert containers(host, "worker") == names(1, 2, service="worker")
    assert before.items() <= host.running.items()
    assert set(names(2, 3)) <= set(host.policies)
    assert set(names(2, 3)) <= set(host.networks["traefik_webgateway.shop"])
    assert live(host) == (Colour.BLUE, [1])
    assert recorded(host) == 3
    assert host.violations == []


def test_scaled_down_containers_lose_their_routes_and_are_drained_before_their_removal(
    host: FakeHost,
) -> None:
    scale(host, web=3)
    host.behaviour.connections = [2, 2, 0]
    assert scale(host, web=1)
    assert containers(host) == servers(host) == names(1)
    assert recorded(host) == 1
    assert host.violations == []


def test_one_service_is_scaled_up_and_another_one_down(host: FakeHost) -> None:
    scale(host, web=3)
    assert scale(host, web=1, worker=3)
    assert (len(containers(host)), len(containers(host, "worker"))) == (1, 3)
    assert host.violations == []


def test_the_present_number_changes_nothing(host: FakeHost) -> None:
    assert not scale(host, web=1)
    assert host.verbs == []


@pytest.mark.parametrize(("gone", "left"), [(1, (2, 3)), (2, (1, 2))])
def test_a_removed_container_is_replaced(host: FakeHost, gone: int, left: tuple[int, ...]) -> None:
    scale(host, web=2)
    del host.running[names(gone)[0]]
    assert scale(host, web=2)
    # Compose continues after the highest number in use
    assert containers(host) == servers(host) == names(*left)
    assert host.violations == []


def test_a_container_that_ended_is_started_again(host: FakeHost) -> None:
    scale(host, web=2)
    ended = host.running[names(1)[0]]
    host.running[ended.name] = replace(ended, state="exited")
    assert scale(host, web=2)
    assert containers(host) == servers(host) == names(1, 2)
    assert host.running[ended.name].id == ended.id


def test_ended_containers_are_removed_before_running_ones(host: FakeHost) -> None:
    scale(host, web=3)
    for name in names(1, 2):
        host.running[name] = replace(host.running[name], state="exited")
    assert scale(host, web=2)
    assert containers(host) == servers(host) == names(1, 3)
    assert names(2)[0] not in host.running
    assert host.violations == []


def test_a_new_container_that_does_not_get_ready_is_removed(host: FakeHost) -> None:
    host.behaviour.answers[1] = [UNWELL]
    with pytest.raises(GateFailed):
        scale(host, web=2)
    assert containers(host) == servers(host) == names(1)
    assert recorded(host) == 1
    assert host.violations == []


@pytest.mark.parametrize("service", ["db", "proxy"])
def test_a_service_that_runs_once_cant_be_scaled(host: FakeHost, service: str) -> None:
    with pytest.raises(HitlessError, match="runs once"):
        scale(host, **{service: 2})


def test_an_unknown_service_is_refused(host: FakeHost) -> None:
    with pytest.raises(HitlessError, match="no service nobody") as raised:
        scale(host, nobody=2)
    assert raised.value.hint == "there is: web, worker, proxy, db"


def test_no_web_container_at_all_is_refused(host: FakeHost) -> None:
    with pytest.raises(Refused):
        scale(host, web=0)
    assert host.verbs == []


def test_a_worker_may_have_no_container(host: FakeHost) -> None:
    assert scale(host, worker=0)
    assert containers(host, "worker") == []


def test_it_is_refused_without_a_live_release() -> None:
    with pytest.raises(HitlessError, match="no live release"):
        scale(FakeHost(), web=2)


def test_the_next_deployment_has_what_the_file_says_and_warns(host: FakeHost) -> None:
    scale(host, web=3)
    commands.deploy(host.ports(), shop())
    assert containers(host) == ["shop-green-web-1"]
    found = [one for event in host.events if isinstance(event, Found) for one in event.findings]
    assert [one.hint for one in found if one.path == "services.web.scale"] == [
        "to keep that many: --scale web=3"
    ]


@pytest.mark.parametrize(
    "next_command",
    [
        lambda host: scale(host, web=2),
        lambda host: commands.deploy(host.ports(), shop()),
        lambda host: commands.resume(host.ports()),
        lambda host: commands.abort(host.ports()),
    ],
    ids=["scale", "deploy", "resume", "abort"],
)
@pytest.mark.parametrize("wanted", [1, 4])
def test_the_next_command_leaves_the_recorded_number_after_a_kill_at_any_verb(
    wanted: int, next_command: Callable[[FakeHost], object]
) -> None:
    count = 1
    while True:
        host = FakeHost()
        commands.deploy(host.ports(), shop())
        scale(host, web=2)
        if not killed_at(host, count, lambda host: scale(host, web=wanted)):
            break
        next_command(host)
        [number] = live(host)[1]
        expected = int(host.records[number].model["services"]["web"].get("scale", 1))
        assert len(containers(host)) == expected, count
        assert servers(host) == containers(host), count
        assert host.violations == [], count
        count += 1
    assert count > 4


def test_the_same_command_again_finishes_it_after_a_kill_at_any_verb() -> None:
    count = 1
    while True:
        host = FakeHost()
        commands.deploy(host.ports(), shop())
        scale(host, web=2)
        if not killed_at(host, count, lambda host: scale(host, web=4)):
            break
        scale(host, web=4)
        assert len(containers(host)) == 4, count
        assert servers(host) == containers(host), count
        assert recorded(host) == 4, count
        assert host.violations == [], count
        count += 1
    assert count > 4


def test_an_undo_names_what_it_removes(host: FakeHost) -> None:
    host.behaviour.answers[1] = [UNWELL]
    with pytest.raises(GateFailed):
        scale(host, web=3)
    begun = [event.step for event in host.events if isinstance(event, StepBegan)]
    assert [step_text(step) for step in begun[-4:]] == [
        "create more of web (release 1)",
        "start blue",
        "wait until blue is ready",
        "retire shop-blue-web-2, shop-blue-web-3",
    ]


def test_a_new_container_is_linked_to_existing_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compose treats a link as a dependency, and hitless does not create dependencies again."""
    host = FakeHost()
    linked = shop(links=["worker:jobs", "worker"])
    commands.deploy(host.ports(), linked)
    models: list[Json] = []
    create = host.create

    def seen(model: Json, volumes: Json, networks: Sequence[Network]) -> None:
        models.append(model)
        create(model, volumes, networks)

    monkeypatch.setattr(host, "create", seen)
    scale(host, web=2)
    [model] = models
    assert set(model["services"]) == {"web"}
    assert model["services"]["web"]["links"] == []
    assert model["services"]["web"]["external_links"] == [
        "shop-blue-worker-1:jobs",
        "shop-blue-worker-1:worker",
    ]
    models.clear()
    scale(host, web=3, worker=2)
    [model] = models
    assert model["services"]["web"]["links"] == ["worker:jobs", "worker"]


def test_of_a_service_that_must_not_run_twice_there_is_one_container() -> None:
    host = FakeHost()
    data = [{"type": "volume", "source": "data", "target": "/data"}]
    commands.deploy(host.ports(), shop(volumes=data))
    before = dict(host.running)
    with pytest.raises(HitlessError, match="web runs one container"):
        commands.scale(host.ports(), {"web": 3})
    assert host.running == before
