"""Situations in which hitless once did harm. Reviews found them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

import pytest

from hitless.domain.common.errors import (
    DockerFailed,
    GateFailed,
    HitlessError,
    LockLost,
    NotConfirmed,
    Refused,
)
from hitless.domain.common.events import Ended, Event, Live, StepDone, StepFailed, StepId, StepKind
from hitless.domain.common.names import Colour
from hitless.domain.host.world import ComposeContainer, Container
from hitless.domain.routing.split import NOBODY, Routing, all_to
from tests.execution import commands
from tests.execution.applications import WEB, application, shop
from tests.execution.test_deploy import deploy, live, rollback, state
from tests.fakes.host import FakeHost


def job(name: str) -> StepId:
    """A step that the console shows as `run <name>`."""
    return StepId(StepKind.RUN_JOB, subjects=(name,))


BY_DOCKER_ALONE = {
    **WEB,
    "labels": {
        "traefik.http.routers.web.rule": "Host(`shop.example`)",
        "traefik.http.services.web.loadbalancer.server.port": "8000",
    },
    "healthcheck": {"test": ["CMD", "true"]},
}


@pytest.fixture
def deployed() -> FakeHost:
    host = FakeHost()
    deploy(host)
    host.events.clear()
    return host


def outcome(host: FakeHost) -> str:
    (ended,) = (event for event in host.events if isinstance(event, Ended))
    return ended.outcome


def test_a_web_service_that_ends_with_0_is_not_ready() -> None:
    host = FakeHost()
    host.behaviour.states[1] = {"state": "exited", "exit_code": 0}
    with pytest.raises(GateFailed):
        commands.deploy(host.ports(), application({"web": BY_DOCKER_ALONE}))
    assert not any(isinstance(event, Live) for event in host.events)


def test_a_job_that_has_run_to_its_end_is_ready(deployed: FakeHost) -> None:
    job = {"image": "job", "labels": {}}
    deployed.before = lambda verb: end_the_job(deployed) if verb == "deliver" else None
    commands.deploy(deployed.ports(), application({"web": WEB, "job": job}))
    assert live(deployed)[0] is Colour.GREEN


def end_the_job(host: FakeHost) -> None:
    for name, container in host.running.items():
        if container.service == "job":
            host.running[name] = replace(container, state="exited", exit_code=0)


def test_containers_whose_routes_could_not_be_removed_do_not_stop(deployed: FakeHost) -> None:
    def is_deaf_after_the_cutover(routing: Routing | None) -> bool:
        served = deployed.in_traefik.get("shop")
        return served is not None and served.live is Colour.GREEN

    deployed.behaviour.is_deaf = is_deaf_after_the_cutover
    confirmed = FakeHost.in_force

    class Unconfirmed(FakeHost):
        """Traefik has loaded the cutover, but its marker does not answer."""

        def in_force(
            self, application: str, routing: Routing | None, at: Collection[str] | None = None
        ) -> bool:
            is_cutover = routing is not None and routing.live is Colour.GREEN
            return not is_cutover and confirmed(self, application, routing)

    deployed.__class__ = Unconfirmed
    with pytest.raises(NotConfirmed):
        deploy(deployed)
    assert deployed.in_traefik["shop"].live is Colour.GREEN
    assert "shop-green-web-1" in deployed.running  # requests go there
    assert "shop-blue-web-1" in deployed.running
    assert outcome(deployed) == "unfinished"
    assert deployed.violations == []

    # the file says blue, but the gateway sends requests to green: no later command removes green either
    for verb in (commands.resume, commands.abort):
        with pytest.raises(NotConfirmed):
            verb(deployed.ports())
    with pytest.raises(NotConfirmed):
        deploy(deployed)
    assert "shop-green-web-1" in deployed.running
    assert deployed.violations == []
    deployed.behaviour.is_deaf = lambda _: False
    deployed.__class__ = FakeHost
    deploy(deployed)
    assert len(live(deployed)[1]) == 1
    assert deployed.violations == []


def test_a_container_that_ends_while_another_one_starts_fails_the_gate(deployed: FakeHost) -> None:
    late = {"build": {"context": "/late"}, "healthcheck": {"test": ["CMD", "true"]}, "labels": {}}
    looks = 0
    look = FakeHost.named

    class Watching(FakeHost):
        def named(self, containers: Sequence[str]) -> tuple[Container, ...]:
            nonlocal looks
            looks += 1
            for key, one in self.running.items():
                if one.release == 2 and one.service == "late":
                    self.running[key] = replace(one, health="starting")
                if one.release == 2 and one.service == "web" and looks > 8:
                    self.running[key] = replace(one, state="exited", exit_code=137)
            return look(self, containers)

    deployed.__class__ = Watching
    with pytest.raises(GateFailed, match="137"):
        commands.deploy(deployed.ports(), application({"web": WEB, "late": late}))
    assert live(deployed) == (Colour.BLUE, [1])


def test_after_its_lock_is_lost_a_command_does_and_undoes_nothing(deployed: FakeHost) -> None:
    def lose_the_lock(verb: str) -> None:
        if verb == "start":
            deployed.holder = ""

    deployed.before = lose_the_lock
    before = dict(deployed.routings)
    with pytest.raises(LockLost, match="went away"):
        deploy(deployed)
    assert deployed.routings == before
    assert "shop-green-web-1" in deployed.running
    assert outcome(deployed) == "unfinished"


def test_a_foreign_container_with_the_name_of_a_colour_is_not_touched(deployed: FakeHost) -> None:
    deployed.strangers = (ComposeContainer("shop-green", "web", "shop-green-web-1", "running"),)
    deployed.verbs.clear()
    with pytest.raises(Refused) as refused:
        deploy(deployed)
    assert "shop-green-web-1" in refused.value.findings[0].message
    assert deployed.verbs == []


def test_an_application_behind_another_gateway_is_neither_deployed_nor_taken_down(
    deployed: FakeHost,
) -> None:
    deployed.running = {name: replace(one, gateway="other") for name, one in deployed.running.items()}
    with pytest.raises(Refused):
        deploy(deployed)
    with pytest.raises(HitlessError, match="behind the gateway other"):
        commands.down(deployed.ports(), None, volumes=False)
    assert len(deployed.running) == 1


def test_a_service_that_uses_another_services_image_gets_the_new_build(deployed: FakeHost) -> None:
    web = {**WEB, "image": "shop:latest"}
    worker = {"image": "shop:latest", "labels": {}}
    commands.deploy(deployed.ports(), application({"web": web, "worker": worker}))
    assert "pull" not in deployed.verbs
    assert deployed.tags["hitless:shop.r2.worker"].id == deployed.tags["hitless:shop.r2.web"].id


def test_a_rollback_does_not_return_to_a_release_that_was_rolled_back(deployed: FakeHost) -> None:
    deploy(deployed)  # release 2 is bad
    rollback(deployed)
    deploy(deployed)  # release 3
    rollback(deployed)
    assert live(deployed)[1] == [1]


def test_a_failure_after_the_cutover_is_told_as_unfinished(deployed: FakeHost) -> None:
    def fail(verb: str) -> None:
        if verb == "remove blue":
            raise DockerFailed("docker stop", 1, "engine is busy")

    deployed.before = fail
    with pytest.raises(DockerFailed):
        deploy(deployed)
    assert outcome(deployed) == "unfinished"


def test_an_undone_failure_is_told_as_failed(deployed: FakeHost) -> None:
    deployed.behaviour.states[2] = {"state": "exited", "exit_code": 1}
    with pytest.raises(GateFailed):
        deploy(deployed)
    assert outcome(deployed) == "failed"


def test_a_start_that_fails_shows_the_logs_of_what_did_not_come_up(deployed: FakeHost) -> None:
    def fail(verb: str) -> None:
        if verb == "start":
            raise DockerFailed("docker compose start", 1, "dependency failed to start")

    deployed.before = fail
    with pytest.raises(GateFailed):
        deploy(deployed)
    failed = next(event for event in deployed.events if isinstance(event, StepFailed))
    assert failed.logs == {"shop-green-web-1": "log of shop-green-web-1"}


def test_a_copy_of_a_routing_file_does_not_decide_what_is_live(deployed: FakeHost) -> None:
    deploy(deployed)
    deployed.broken["shop-copy.yml"] = "shop-copy.yml in the gateway is a copy of shop.yml"
    deploy(deployed)
    assert live(deployed)[1] == [3]


def test_down_removes_its_own_damaged_routing_file(deployed: FakeHost) -> None:
    deployed.broken["shop.yml"] = "shop.yml in the gateway is damaged, or was changed by hand"
    with pytest.raises(Refused):
        deploy(deployed)
    commands.down(deployed.ports(), None, volumes=False)
    assert (deployed.routings, deployed.broken) == ({}, {})
    assert deployed.running == {}


def test_down_drains_as_long_as_the_live_release_says() -> None:
    host = FakeHost()
    commands.deploy(host.ports(), shop(drain_timeout=77))
    host.behaviour.connections = [1]
    began = host.clock.now()
    commands.down(host.ports(), None, volumes=False)
    assert 77 < host.clock.now() - began < 80


def test_an_interrupt_right_after_the_cutover_does_not_undo_it(deployed: FakeHost) -> None:
    def emit(event: Event) -> None:
        deployed.events.append(event)
        if event == StepDone(StepId(StepKind.CUT_OVER, Colour.GREEN), 0, "generation 4"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        commands.deploy(replace(deployed.ports(), emit=emit), shop())
    assert live(deployed) == (Colour.GREEN, [1, 2])
    assert outcome(deployed) == "unfinished"


def test_one_of_two_applications_that_ask_for_the_same_route_at_once_is_refused(deployed: FakeHost) -> None:
    before = state(deployed)
    rival = replace(deployed.in_traefik["shop"], application="rival", split=NOBODY)

    def show_the_rivals(verb: str) -> None:
        # after this command looked at the host, before it shows its own routes
        if verb == "create":
            deployed.routings["rival"] = rival

    deployed.before = show_the_rivals
    with pytest.raises(HitlessError, match="the application rival already has the route"):
        deploy(deployed)
    del deployed.routings["rival"]
    assert state(deployed) == before
    assert outcome(deployed) == "failed"
    assert deployed.violations == []


@pytest.mark.parametrize("verb", [commands.resume, commands.abort], ids=["resume", "abort"])
def test_containers_behind_another_gateway_are_not_taken_for_leftovers(
    deployed: FakeHost, verb: Callable[..., None]
) -> None:
    deployed.running = {name: replace(one, gateway="other") for name, one in deployed.running.items()}
    deployed.routings.clear()  # this gateway knows nothing of it
    deployed.lines.clear()
    with pytest.raises(HitlessError, match="behind the gateway other"):
        verb(deployed.ports())
    assert "shop-blue-web-1" in deployed.running


@pytest.mark.parametrize("verb", [commands.resume, commands.abort], ids=["resume", "abort"])
def test_with_an_unreadable_routing_file_nothing_is_taken_for_a_leftover(
    deployed: FakeHost, verb: Callable[..., None]
) -> None:
    deployed.broken["shop.yml"] = "shop.yml in the gateway is damaged, or was changed by hand"
    with pytest.raises(HitlessError, match="changed by hand"):
        verb(deployed.ports())
    assert "shop-blue-web-1" in deployed.running
    assert deployed.violations == []


def test_a_command_that_has_lost_its_lock_delivers_no_routing(deployed: FakeHost) -> None:
    """It hangs at its cutover. `hitless unlock` frees the lock, and another command delivers a routing."""
    theirs: Routing | None = None

    def hang(verb: str) -> None:
        nonlocal theirs
        if verb == "set restart policies" and not theirs:
            deployed.holder = ""
            routing = deployed.routings["shop"]
            theirs = deployed.routings["shop"] = routing.next(all_to(Colour.BLUE), routing.colours)

    deployed.before = hang
    with pytest.raises(LockLost):
        deploy(deployed)
    assert deployed.routings["shop"] == theirs


def test_a_command_that_has_lost_its_lock_does_not_restore_the_former_routing(deployed: FakeHost) -> None:
    theirs: Routing | None = None

    def take_over(routing: Routing | None) -> bool:
        nonlocal theirs
        if routing and routing.live is Colour.GREEN:
            deployed.holder = ""
            theirs = deployed.routings["shop"] = routing.next(all_to(Colour.BLUE), routing.colours)
            return True
        return False

    deployed.behaviour.is_deaf = take_over
    with pytest.raises(LockLost):
        deploy(deployed)
    assert deployed.routings["shop"] == theirs


def test_a_command_that_was_suspended_before_its_first_step_is_unfinished(
    deployed: FakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    def suspend(verb: str) -> None:
        if verb == "tag":
            deployed.holder = ""
            # in that time, another deployment has removed the release's images
            monkeypatch.setattr(deployed, "present", lambda _: {})

    deployed.before = suspend
    web = {**WEB, "image": "shop:1"}
    del web["build"]
    with pytest.raises(LockLost) as raised:
        commands.deploy(deployed.ports(), application({"web": web}))
    assert raised.value.is_unfinished
    assert outcome(deployed) == "unfinished"


def test_a_command_that_was_suspended_in_its_last_step_is_unfinished(deployed: FakeHost) -> None:
    def emit(event: Event) -> None:
        deployed.events.append(event)
        if isinstance(event, StepDone) and event.step == StepId(StepKind.RETIRE, Colour.BLUE):
            deployed.holder = ""

    with pytest.raises(LockLost):
        commands.deploy(replace(deployed.ports(), emit=emit), shop())
    assert outcome(deployed) == "unfinished"


def test_containers_stop_in_the_reverse_order_of_depends_on(deployed: FakeHost) -> None:
    worker = {"build": WEB["build"], "depends_on": {"api": {"condition": "service_started"}}}
    commands.deploy(
        deployed.ports(), application({"web": WEB, "api": {"build": WEB["build"]}, "worker": worker})
    )
    deployed.stopped.clear()
    commands.down(deployed.ports(), None, volumes=False)
    services = [{one.split("-")[2] for one in together} for together in deployed.stopped]
    assert sorted(map(sorted, services)) == [["api"], ["web"], ["worker"]]
    assert services.index({"worker"}) < services.index({"api"})
