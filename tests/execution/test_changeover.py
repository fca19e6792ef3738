"""A service that must not run twice changes over: what is undone, in which order, and after which kills."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import pytest

from hitless.domain.application.model import Application
from hitless.domain.common.errors import (
    DockerFailed,
    GateFailed,
    HitlessError,
    LockLost,
    NotConfirmed,
    Refused,
)
from hitless.domain.common.events import Live, StepDone
from hitless.domain.common.foreign import Json
from hitless.domain.common.names import Colour
from hitless.domain.host.journal import Waited, last_waited, runs
from hitless.domain.host.status import ProblemKind, application_status
from hitless.domain.host.world import ComposeContainer
from hitless.domain.release.requirements import Probe
from hitless.execution import observe
from hitless.execution.preview import preview
from hitless.ports.balancer import Answer
from tests.execution import commands
from tests.execution.applications import WEB, application
from tests.execution.test_adopt import FakeGatewayProject
from tests.fakes.host import FakeHost

DATA = {"type": "volume", "source": "data", "target": "/data"}
ENDED = {"condition": "service_completed_successfully"}
BUILD = {"build": WEB["build"]}
SHARING = {"x-hitless": {"concurrent_writes": True}}
BACKUP = {
    "hooks": {
        "before-start": {"service": "web", "command": "cp /data/db /data/before"},
        "on-failure": {"service": "web", "command": "cp /data/before /data/db"},
    }
}
COPY, PUT_BACK = "hook-before-start-1", "hook-on-failure-1"
BAD = Answer(503, "no")


class Killed(BaseException):
    """hitless ends at once."""


class Host(FakeHost):
    """One that notes what starts, and who of `web` runs then."""

    def __init__(self) -> None:
        super().__init__()
        self.behaviour.exclusive = ("web",)
        for name in (COPY, PUT_BACK, "migrate", "seed"):
            self.behaviour.services[name] = {"state": "exited", "exit_code": 0}
        self.beginnings: list[tuple[str, tuple[str, ...]]] = []
        self.is_bad_when_live = False

    def start(self, model: Json, containers: Mapping[str, Sequence[str]], timeout: float) -> None:
        running = tuple(sorted(name for name, one in self.running.items() if one.is_running))
        self.beginnings += [(service, running) for service in containers]
        super().start(model, containers, timeout)

    def _asked(self, probe: Probe) -> Answer:
        is_route = probe.container == "127.0.0.1"
        if self.is_bad_when_live and is_route and self.in_traefik["shop"].live is Colour.GREEN:
            return Answer(500, "no")
        return super()._asked(probe)

    def began(self, service: str) -> list[tuple[str, ...]]:
        return [running for name, running in self.beginnings if name == service]

    def die_at(self, verb: str, with_: type[BaseException] = Killed) -> None:
        """From this verb on nothing happens any more."""
        is_dead = False

        def before(what: str) -> None:
            nonlocal is_dead
            is_dead = is_dead or what == verb
            if is_dead:
                raise with_

        self.before = before

    def revive(self) -> None:
        self.before = lambda _: None


def app(extension: Json | None = None, more: Json | None = None, **keys: Any) -> Application:
    return application({"web": {**WEB, **keys}, **(more or {})}, dict(extension or {}))


def alone(extension: Json | None = None, more: Json | None = None, **keys: Any) -> Application:
    return app(extension, more, volumes=[DATA], **keys)


@pytest.fixture
def host() -> Host:
    return Host()


def deploy(host: Host, made: Application) -> None:
    commands.deploy(host.ports(), made)


def kill_while_requests_wait(host: Host) -> None:
    host.die_at("start")
    with pytest.raises(Killed):
        deploy(host, alone())
    host.revive()
    assert host.has_waiting


@pytest.mark.parametrize("page", ["", "<p>sorry</p>"])
def test_who_waits_too_long_gets_a_page(host: Host, page: str) -> None:
    for _ in range(2):
        deploy(host, alone({"wait_page": page}))
    assert host.pages == {"shop": page}


def test_a_gateway_that_can_show_no_page_lets_requests_wait(host: Host) -> None:
    def full(application: str, page: str) -> None:
        raise DockerFailed("docker exec", 1, "no space left on device")

    host.show_page = full  # type: ignore[method-assign]
    for _ in range(2):
        deploy(host, alone())
    assert host.in_traefik["shop"].live is Colour.GREEN


def assert_blue_answers(host: Host) -> None:
    routing = host.in_traefik["shop"]
    assert (routing.live, routing.waiting, host.has_waiting) == (Colour.BLUE, None, False)
    assert host.running["shop-blue-web-1"].is_running
    assert not any(name.startswith("shop-green") for name in host.running)
    assert host.violations == []


class TestOnFailure:
    """A hook that puts the data back runs after the one that copied it, while neither copy runs."""

    def test_a_release_that_is_bad_when_it_is_live(self, host: Host) -> None:
        deploy(host, alone(BACKUP))
        host.is_bad_when_live = True
        with pytest.raises(GateFailed):
            deploy(host, alone({**BACKUP, "bake": "5s"}))
        assert (host.began(COPY)[1:], host.began(PUT_BACK)) == ([()], [()])
        assert_blue_answers(host)

    def test_a_release_that_does_not_get_ready(self, host: Host) -> None:
        deploy(host, alone(BACKUP))
        host.behaviour.answers[2] = [BAD]
        with pytest.raises(GateFailed):
            deploy(host, alone(BACKUP))
        assert host.began(PUT_BACK) == [()]
        assert_blue_answers(host)

    def test_it_does_not_run_before_there_is_a_copy(self, host: Host) -> None:
        deploy(host, alone(BACKUP))
        host.behaviour.complaints[2] = "unknown middleware"
        with pytest.raises(NotConfirmed):
            deploy(host, alone(BACKUP))
        assert host.began(PUT_BACK) == []

    def test_it_does_not_run_if_the_old_one_has_not_stopped(self, host: Host) -> None:
        deploy(host, alone(BACKUP))

        def interrupted(addresses: Sequence[str]) -> int:
            raise KeyboardInterrupt

        host.connections = interrupted  # type: ignore[method-assign]
        with pytest.raises(KeyboardInterrupt):
            deploy(host, alone(BACKUP))
        assert host.began(PUT_BACK) == []
        assert_blue_answers(host)

    def test_a_rollback_copies_nothing_and_puts_nothing_back(self, host: Host) -> None:
        for _ in range(2):
            deploy(host, alone(BACKUP))
        host.behaviour.answers[1] = [BAD]
        with pytest.raises(GateFailed):
            commands.rollback(host.ports())
        assert host.began(PUT_BACK) == []
        assert host.in_traefik["shop"].live is Colour.GREEN

    @pytest.mark.parametrize("command", [commands.resume, commands.abort])
    def test_a_kill_after_the_new_one_has_started(self, host: Host, command: Any) -> None:
        deploy(host, alone(BACKUP))
        host.behaviour.answers[2] = [BAD]

        def dead(probe: Probe) -> Answer:
            host.before = _dead
            raise Killed

        asked, host._asked = host._asked, dead  # type: ignore[method-assign]
        with pytest.raises(Killed):
            deploy(host, alone(BACKUP))
        host._asked = asked  # type: ignore[method-assign]
        host.revive()
        host.behaviour.answers.clear()
        command(host.ports())
        assert host.began(PUT_BACK) == [()]
        # and resume copies what was put back
        assert len(host.began(COPY)) == (3 if command is commands.resume else 2)
        assert host.violations == []

    def test_a_kill_when_the_old_one_runs_again(self, host: Host) -> None:
        """The hooks of its own deployment have ended there, and that says nothing."""
        deploy(host, alone(BACKUP))
        deliver = host.deliver
        host.behaviour.answers[2] = [BAD]

        def dead(application_: str, routing: Any) -> None:
            if host.began(PUT_BACK):
                host.before = _dead
                raise Killed
            deliver(application_, routing)

        host.deliver = dead  # type: ignore[method-assign, assignment]
        with pytest.raises(Killed):
            deploy(host, alone(BACKUP))
        host.deliver = deliver  # type: ignore[method-assign]
        host.revive()
        assert host.running["shop-blue-web-1"].is_running
        commands.abort(host.ports())
        assert len(host.began(PUT_BACK)) == 1
        assert_blue_answers(host)


def _dead(verb: str) -> None:
    raise Killed


class TestOnlyTheNewReleaseIsExclusive:
    """The old copy stopped for it, so it starts again."""

    def test_it_does_not_get_ready(self, host: Host) -> None:
        deploy(host, app())
        host.behaviour.answers[2] = [BAD]
        with pytest.raises(GateFailed):
            deploy(host, alone())
        assert_blue_answers(host)

    def test_it_is_bad_when_it_is_live(self, host: Host) -> None:
        deploy(host, app())
        host.is_bad_when_live = True
        with pytest.raises(GateFailed):
            deploy(host, alone({"bake": "5s"}))
        assert_blue_answers(host)

    def test_a_kill_and_then_an_abort(self, host: Host) -> None:
        deploy(host, app())
        kill_while_requests_wait(host)
        commands.abort(host.ports())
        assert_blue_answers(host)

    def test_by_another_name_the_one_that_writes_there_stops_first(self, host: Host) -> None:
        deploy(host, app(volumes=[DATA], **SHARING))
        deploy(host, application({"site": {**WEB, "volumes": [DATA]}}))
        assert host.began("site") == [()]


class TestItsDataMovesToAnotherService:
    """hitless knows by the volume that two would write there, whatever the services are called."""

    WORKER: ClassVar[Json] = {**BUILD, "volumes": [DATA], "x-hitless": {"exclusive": True, "role": "worker"}}
    STORE: ClassVar[Json] = {**BUILD, "volumes": [DATA], "x-hitless": {"role": "shared"}}

    def test_it_becomes_a_worker_itself(self, host: Host) -> None:
        deploy(host, alone())
        with pytest.raises(Refused) as refused:
            deploy(host, application({"site": WEB, "web": self.WORKER}))
        assert "must be alone there" in str([one.message for one in refused.value.findings])

    @pytest.mark.parametrize("other", [WORKER, STORE], ids=["worker", "shared"])
    def test_while_the_copy_that_must_be_alone_still_answers(self, host: Host, other: Json) -> None:
        deploy(host, alone())
        with pytest.raises(Refused) as refused:
            deploy(host, app(more={"other": other}))
        assert "must be alone there" in str([one.message for one in refused.value.findings])
        assert host.began("other") == []

    def test_not_while_a_shared_one_has_been_there_all_the_time(self, host: Host) -> None:
        """Such as one that makes backups: the user has said that both may."""
        both = {"web": {**WEB, "volumes": [DATA], "x-hitless": {"exclusive": True}}, "backup": self.STORE}
        for _ in range(2):
            deploy(host, application(both))

    def test_while_the_shared_one_runs(self, host: Host) -> None:
        deploy(host, app(more={"store": self.STORE}))
        host.base["store"] = ComposeContainer("shop", "store", "shop-store-1", "running")
        with pytest.raises(Refused) as refused:
            deploy(host, alone())
        [finding] = [one for one in refused.value.findings if one.is_error]
        assert "docker rm --force shop-store-1" in finding.hint

    def test_the_worker_stops_before_the_one_with_a_route_starts(self, host: Host) -> None:
        deploy(host, app(more={"other": self.WORKER}))
        deploy(host, alone())
        assert not [one for one in host.began("web")[-1] if "other" in one]


@pytest.mark.parametrize("number", [0, 2])
def test_it_runs_one_container(host: Host, number: int) -> None:
    deploy(host, alone())
    with pytest.raises(HitlessError, match="web runs one container: it is exclusive"):
        commands.scale(host.ports(), {"web": number})


def test_a_file_that_says_it_is_not_exclusive_is_not_contradicted() -> None:
    [web] = alone(**{"x-hitless": {"exclusive": False}}).services
    assert (web.exclusive, web.reason) == (False, "it has a route")


class TestHowLongRequestsWillWait:
    """`plan` says what the last changeover took that went well."""

    @pytest.fixture
    def slow(self, host: Host) -> Host:
        """Each stop takes 7 s."""
        stop = host.stop

        def stops(containers: Sequence[str]) -> None:
            host.clock.pause(7)
            stop(containers)

        host.stop = stops  # type: ignore[method-assign]
        return host

    def waited(self, host: Host, made: Application) -> Waited | None:
        found, _ = preview(host.ports(), made, commands.AS_THE_FILE_SAYS)
        assert found
        return found.waited

    def test_that_is_not_known_before_the_first_one(self, slow: Host) -> None:
        deploy(slow, alone())
        assert self.waited(slow, alone()) is None

    def test_as_long_as_at_the_last_one_that_went_well(self, slow: Host) -> None:
        for _ in range(2):
            deploy(slow, alone())
        found = self.waited(slow, alone())
        assert found
        assert (found.release, found.seconds >= 7) == (2, True)
        slow.behaviour.answers[3] = [BAD]  # it waits for a minute until it gives up
        with pytest.raises(GateFailed):
            deploy(slow, alone())
        assert self.waited(slow, alone()) == found

    def test_nobody_waits_if_two_may_write(self, slow: Host) -> None:
        for _ in range(2):
            deploy(slow, alone())
        assert self.waited(slow, app(volumes=[DATA], **SHARING)) is None

    def test_a_journal_of_an_older_hitless_knows_of_none(self) -> None:
        events = [
            {"event": "began", "operation": "deploy", "release": 1},
            {"event": "step_done", "step": "let new requests wait", "seconds": 1.0},
            {"event": "step_done", "step": "have green answer the requests that wait", "seconds": 1.0},
            {"event": "ended", "outcome": "successful"},
        ]
        assert last_waited(runs("\n".join(map(json.dumps, events)))) is None


class TestTheGateway:
    """It ends while requests wait."""

    def test_it_is_restarted_and_the_old_one_answers_again(self, host: Host) -> None:
        deploy(host, alone())

        def before(verb: str) -> None:
            if verb == "stop" and host.has_waiting:
                host.holder, host.gateway_since = "", "later"
                host.before = lambda _: None

        host.before = before
        with pytest.raises(HitlessError, match="the gateway was restarted while requests waited") as error:
            deploy(host, alone())
        assert not error.value.is_unfinished
        assert_blue_answers(host)

    def test_the_engine_notices_later_than_we_do(self, host: Host) -> None:
        deploy(host, alone())
        looks = 0

        def noticed() -> Any:
            nonlocal looks
            looks += 1
            host.gateway_since = "later" if looks > 3 else host.gateway_since
            return gateway()

        def before(verb: str) -> None:
            if verb == "stop" and host.has_waiting:
                host.holder, host.gateway = "", noticed  # type: ignore[method-assign]
                host.before = lambda _: None

        gateway, host.before = host.gateway, before
        with pytest.raises(HitlessError, match="the gateway was restarted while requests waited"):
            deploy(host, alone())
        assert_blue_answers(host)

    def test_somebody_has_taken_the_lock_and_so_nothing_is_done(self, host: Host) -> None:
        deploy(host, alone())

        def before(verb: str) -> None:
            if verb == "stop" and host.has_waiting:
                host.holder = ""
                host.before = lambda _: None

        host.before = before
        with pytest.raises(LockLost):
            deploy(host, alone())
        assert host.has_waiting

    def test_it_is_not_replaced_while_requests_wait(self, host: Host) -> None:
        deploy(host, alone())
        kill_while_requests_wait(host)
        project = FakeGatewayProject(host, there=host.gateway_settings)
        for replaced in (False, True):
            changes = {"http_port": 8080} if replaced else {"read_timeout": 7.0}
            with pytest.raises(HitlessError, match="would be lost") as error:
                commands.gateway_up(host.ports(), project, True, changes, may_replace=replaced)
            assert "hitless resume -p shop" in error.value.hint
        assert (host.traefiks.verbs, project.applied) == ([], [])

    def test_it_ends_during_a_rollback_and_that_release_stays_kept(self, host: Host) -> None:
        for _ in range(2):
            deploy(host, alone())

        def before(verb: str) -> None:
            if verb == "stop" and host.has_waiting:
                host.holder, host.gateway_since = "", "later"
                host.before = lambda _: None

        host.before = before
        with pytest.raises(HitlessError, match="release 2 answers again"):
            commands.rollback(host.ports())
        assert sorted(host.records) == [1, 2]
        commands.rollback(host.ports())
        assert host.in_traefik["shop"].colours[Colour.BLUE].release == 1


def test_a_stop_that_the_engine_is_still_at_work_on_ends_before_the_start(host: Host) -> None:
    deploy(host, alone())
    stop, write = host.stop, host.write

    def killed(containers: Sequence[str]) -> None:
        host.before, host.write = _dead, lambda line: None  # type: ignore[method-assign]
        raise Killed

    host.stop = killed  # type: ignore[method-assign]
    with pytest.raises(Killed):
        deploy(host, alone())
    host.stop, host.write = stop, write  # type: ignore[method-assign]
    host.revive()
    stopped = len(host.stopped)
    commands.abort(host.ports())
    web = host.running["shop-blue-web-1"].id
    assert host.stopped[stopped] == (web,)
    assert_blue_answers(host)


def test_what_comes_back_first_is_not_told_as_the_new_release(host: Host) -> None:
    deploy(host, alone())
    kill_while_requests_wait(host)
    host.events.clear()
    deploy(host, alone())
    assert [(one.release, one.colour) for one in host.events if isinstance(one, Live)] == [(3, Colour.GREEN)]


def test_status_says_that_requests_wait(host: Host) -> None:
    deploy(host, alone())
    kill_while_requests_wait(host)
    status = application_status("shop", observe.world(host.ports(), "shop"), None)
    assert [one.kind for one in status.problems] == [ProblemKind.REQUESTS_WAIT]


class TestTheOldOne:
    """What it is when it must come back."""

    def test_it_can_not_start_on_the_changed_data_and_the_next_release_can(self, host: Host) -> None:
        deploy(host, alone())
        host.behaviour.answers[2] = [BAD]
        stop = host.stop

        def stopped(containers: Sequence[str]) -> None:
            stop(containers)
            host.behaviour.states[1] = {"state": "exited"}  # from now on it refuses the newer schema

        host.stop = stopped  # type: ignore[method-assign]
        with pytest.raises(GateFailed):
            deploy(host, alone())
        assert not host.running["shop-blue-web-1"].is_running
        host.events.clear()
        deploy(host, alone())
        [told] = [
            one.detail for one in host.events if isinstance(one, StepDone) and "NOT READY" in one.detail
        ]
        assert "shop-blue-web-1" in told
        assert host.in_traefik["shop"].live is Colour.GREEN
        assert host.running["shop-green-web-1"].is_running

    def test_the_engine_has_restarted_it_once(self, host: Host) -> None:
        deploy(host, alone())
        host.running["shop-blue-web-1"] = replace(host.running["shop-blue-web-1"], restarts=1)

        def interrupted(addresses: Sequence[str]) -> int:
            raise KeyboardInterrupt

        host.connections = interrupted  # type: ignore[method-assign]
        with pytest.raises(KeyboardInterrupt):
            deploy(host, alone())
        assert_blue_answers(host)

    @pytest.mark.parametrize("command", [commands.resume, commands.abort])
    def test_it_has_crashed_before_anybody_waits(self, host: Host, command: Any) -> None:
        deploy(host, alone())
        host.die_at("let wait")
        with pytest.raises(Killed):
            deploy(host, alone())
        host.revive()
        host.running["shop-blue-web-1"] = replace(host.running["shop-blue-web-1"], state="exited")
        command(host.ports())
        assert host.violations == []


def test_a_job_that_a_killed_command_left_at_work_stops_before_the_old_one_starts(host: Host) -> None:
    def made() -> Application:
        return alone(depends_on={"migrate": ENDED}, more={"migrate": {**BUILD, "volumes": [DATA]}})

    deploy(host, made())
    host.behaviour.services["migrate"] = {"state": "running"}
    named = host.named

    def dead(names: Sequence[str]) -> Any:
        if "shop-green-migrate-1" in names:
            host.before = _dead
            raise Killed
        return named(names)

    host.named = dead  # type: ignore[method-assign, assignment]
    with pytest.raises(Killed):
        deploy(host, made())
    host.named = named  # type: ignore[method-assign]
    host.revive()
    assert host.running["shop-green-migrate-1"].is_running
    commands.abort(host.ports())
    assert host.began("web")[-1] == ()
    assert_blue_answers(host)


def test_what_waits_for_a_late_job_comes_after_it(host: Host) -> None:
    def made() -> Application:
        more = {
            "migrate": {**BUILD, "volumes": [DATA]},
            "worker": {**BUILD, "depends_on": {"migrate": ENDED}},
            "seed": {**BUILD, "depends_on": {"migrate": ENDED}},
            "other": dict(BUILD),
            "last": {**BUILD, "depends_on": {"seed": ENDED}},
        }
        return alone(depends_on={"migrate": ENDED}, more=more)

    deploy(host, made())
    host.beginnings.clear()
    deploy(host, made())
    order = [service for service, _ in host.beginnings]
    assert order[:3] == ["other", "migrate", "seed"]
    assert {*order[3:]} == {"web", "worker", "last"}


def test_a_rule_that_the_kernel_does_not_take_at_the_end_is_an_error(host: Host) -> None:
    deploy(host, alone())
    answer = host.answer

    def refused(application_: str, address: str, servers: Mapping[int, str]) -> None:
        if servers:
            raise DockerFailed("docker exec", 1, "nft: no memory")
        answer(application_, address, servers)

    host.answer = refused  # type: ignore[method-assign, assignment]
    with pytest.raises(DockerFailed) as error:
        deploy(host, alone())
    assert error.value.is_unfinished
    host.answer = answer  # type: ignore[method-assign]
    commands.resume(host.ports())
    assert not host.has_waiting


def test_where_the_kernel_takes_no_rule_nothing_changes(host: Host) -> None:
    deploy(host, alone())

    def refused(*words: Any) -> None:
        raise DockerFailed("docker exec", 1, "nft: Could not process rule: Not supported")

    host.answer = refused  # type: ignore[method-assign, assignment]
    with pytest.raises(HitlessError, match="requests can't wait here"):
        deploy(host, alone())
    assert_blue_answers(host)
