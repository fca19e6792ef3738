"""Logs on a host in memory: what is kept of containers that go, and which lines are found and followed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import pytest

from hitless.domain.common.errors import DockerFailed, GateFailed, GatewayDown, HitlessError, LockLost
from hitless.domain.common.names import Colour
from hitless.domain.host.logs import KeptLog, Wanted
from hitless.domain.host.world import ComposeContainer
from hitless.execution import logs
from hitless.execution.logs import Source
from tests.execution import commands
from tests.execution.applications import WEB, application
from tests.execution.test_deploy import deploy, down, live
from tests.fakes.behaviour import UNWELL
from tests.fakes.host import FakeHost

AT = "2026-01-01T00:00:00.000000000Z"
BLUE_1 = KeptLog(1, "shop-blue-web-1")
GREEN_2 = KeptLog(2, "shop-green-web-1")


@pytest.fixture
def deployed() -> FakeHost:
    """Release 1 is live on blue; each release writes its number."""
    host = FakeHost()
    host.behaviour.words = {number: f"{AT} I am {number}\n" for number in (1, 2, 3)}
    deploy(host)
    host.verbs.clear()
    return host


@dataclass
class FakeLogs:
    """Compose's logs: what each project's containers write, and what happens when they have ended."""

    said: dict[str, list[str]] = field(default_factory=dict)
    ends: dict[str, Callable[[], None]] = field(default_factory=dict)
    asked: list[tuple[str, tuple[str, ...], Wanted]] = field(default_factory=list)

    def lines(self, project: str, services: Sequence[str], wanted: Wanted) -> Iterator[str]:
        self.asked.append((project, tuple(services), wanted))
        yield from self.said.get(project, [])
        if end := self.ends.pop(project, None):
            end()


# what is kept


def test_the_log_of_a_release_is_kept_when_it_retires(deployed: FakeHost) -> None:
    deploy(deployed)
    assert deployed.kept == {BLUE_1: f"{AT} I am 1\n"}
    verbs = deployed.verbs
    assert verbs.index("stop") < verbs.index("keep log") < verbs.index("remove blue")
    assert deployed.violations == []


def test_the_log_of_a_release_that_failed_its_gate_is_kept_at_its_undo(deployed: FakeHost) -> None:
    deployed.behaviour.answers[2] = [UNWELL]
    with pytest.raises(GateFailed):
        deploy(deployed)
    assert deployed.kept == {GREEN_2: f"{AT} I am 2\n"}
    assert live(deployed) == (Colour.BLUE, [1])


def test_the_log_of_an_application_that_is_taken_down_is_kept(deployed: FakeHost) -> None:
    commands.down(deployed.ports())
    assert deployed.kept == {BLUE_1: f"{AT} I am 1\n"}


def test_secrets_in_a_log_are_hidden(deployed: FakeHost) -> None:
    deployed.behaviour.words[2] = f"{AT} with hunter2-hunter3 I can\n"
    secret = {**WEB, "environment": {"DB_PASSWORD": "hunter2-hunter3"}}
    commands.deploy(deployed.ports(), application({"web": secret}))
    deploy(deployed)
    assert deployed.kept[GREEN_2] == f"{AT} with [redacted] I can\n"


def test_of_a_long_log_the_end_is_kept(deployed: FakeHost) -> None:
    deployed.behaviour.words[1] = f"{AT} {'x' * 600_000}\n{AT} {'y' * 600_000}\n"
    deploy(deployed)
    assert deployed.kept[BLUE_1] == f"{AT} {'y' * 600_000}\n"


def test_a_container_without_a_log_leaves_none(deployed: FakeHost) -> None:
    deployed.behaviour.words = {}
    deploy(deployed)
    assert deployed.kept == {}
    assert "keep log" not in deployed.verbs


def test_a_log_that_can_not_be_read_fails_nothing(deployed: FakeHost) -> None:
    deployed.behaviour.unreadable = DockerFailed("docker logs", 1, "the engine is busy")
    deploy(deployed)
    assert (live(deployed), deployed.kept) == ((Colour.GREEN, [2]), {})


def test_a_log_that_can_not_be_written_fails_nothing(deployed: FakeHost) -> None:
    tried: list[str] = []

    def fail(verb: str) -> None:
        if verb == "keep log":
            tried.append(verb)
            raise DockerFailed("docker exec", 1, "No space left on device")

    deployed.before = fail
    deploy(deployed)
    assert tried
    assert (live(deployed), deployed.kept) == ((Colour.GREEN, [2]), {})


def test_a_command_that_has_lost_its_lock_keeps_and_removes_nothing(deployed: FakeHost) -> None:
    def lose_the_lock(verb: str) -> None:
        if verb == "keep log":
            deployed.holder = ""

    deployed.before = lose_the_lock
    with pytest.raises(LockLost):
        deploy(deployed)
    assert deployed.kept == {}
    assert "remove blue" not in deployed.verbs


def test_after_a_kill_while_a_log_is_kept_the_next_command_keeps_it(deployed: FakeHost) -> None:
    class Killed(BaseException):
        pass

    def kill(verb: str) -> None:
        if verb == "keep log":
            deployed.before = lambda _: None
            raise Killed

    deployed.before = kill
    with pytest.raises(Killed):
        deploy(deployed)
    commands.resume(deployed.ports())
    assert deployed.kept == {BLUE_1: f"{AT} I am 1\n"}
    assert live(deployed) == (Colour.GREEN, [2])


# what is found


def test_the_live_release_is_found_with_the_shared_services_of_hitless(deployed: FakeHost) -> None:
    deployed.base["db"] = ComposeContainer("shop", "db", "shop-db-1", "running", is_ours=True)
    deployed.strangers = (ComposeContainer("shop", "old", "shop-old-1", "running"),)
    found = logs.find(deployed.ports(), "shop", None, ("web", "db"))
    assert found == Source(1, Colour.BLUE, ("web",), ("web",), ("db",))


def test_a_release_that_is_gone_is_found_by_what_is_kept(deployed: FakeHost) -> None:
    deploy(deployed)
    ports = deployed.ports()
    found = logs.find(ports, "shop", 1, ("web",))
    assert found == Source(1, kept=(BLUE_1,))
    assert list(logs.gone(ports, "shop", found, Wanted())) == [("web-1", "I am 1")]
    assert logs.find(ports, "shop", 2, ()) == Source(2, Colour.GREEN, ("web",), ("web",))


def test_an_unknown_release_is_an_error_that_says_which_there_are(deployed: FakeHost) -> None:
    deploy(deployed)
    with pytest.raises(HitlessError, match="no log of release 9") as raised:
        logs.find(deployed.ports(), "shop", 9, ())
    assert raised.value.hint == "there are logs of release 1, 2: hitless logs --release 2"


def test_without_a_live_release_the_error_says_what_is_kept(deployed: FakeHost) -> None:
    commands.down(deployed.ports())
    with pytest.raises(HitlessError, match="no live release") as raised:
        logs.find(deployed.ports(), "shop", None, ())
    assert raised.value.hint == "there are logs of release 1: hitless logs --release 1"
    with pytest.raises(HitlessError, match="no live release") as raised:
        logs.find(FakeHost().ports(), "shop", None, ())
    assert "there are none" in raised.value.hint


def test_an_unknown_service_is_an_error_that_says_which_there_are(deployed: FakeHost) -> None:
    with pytest.raises(HitlessError, match="has no service wbe") as raised:
        logs.find(deployed.ports(), "shop", None, ("wbe", "web"))
    assert raised.value.hint == "there are: web"


def test_without_the_gateway_nobody_knows_what_is_live() -> None:
    with pytest.raises(GatewayDown):
        logs.find(FakeHost(has_gateway=False).ports(), "shop", None, ())


# what is shown


def show(host: FakeHost, compose: FakeLogs, wanted: Wanted, **options: bool) -> tuple[list[str], bool]:
    """The lines, with those about a new live release, and whether none is live any more."""
    ports, lines = host.ports(), list[str]()
    source = logs.find(ports, "shop", None, wanted.services)

    def now_live(found: Source) -> None:
        lines.append(f"{found.release} {found.colour}")

    is_over = logs.show(ports, compose, "shop", source, wanted, lines.append, now_live)
    return lines, is_over


def test_what_there_is_of_the_live_release_and_the_shared_services_is_shown(deployed: FakeHost) -> None:
    deployed.base["db"] = ComposeContainer("shop", "db", "shop-db-1", "running", is_ours=True)
    compose = FakeLogs({"shop-blue": ["web-1  | a"], "shop": ["db-1  | b"]})
    assert show(deployed, compose, Wanted(tail=3)) == (["db-1  | b", "web-1  | a"], False)
    assert {one[:2] for one in compose.asked} == {("shop", ("db",)), ("shop-blue", ("web",))}
    compose.asked.clear()
    assert show(deployed, compose, Wanted(services=("db",))) == (["db-1  | b"], False)
    assert compose.asked == [("shop", ("db",), Wanted(services=("db",)))]


def test_to_follow_goes_on_with_all_of_the_next_release(deployed: FakeHost) -> None:
    compose = FakeLogs({"shop-blue": ["1"], "shop-green": ["2"]})
    compose.ends = {
        "shop-blue": lambda: deploy(deployed),
        "shop-green": lambda: down(deployed),
    }
    wanted = Wanted(follows=True, tail=5, since=AT)
    assert show(deployed, compose, wanted) == (["1", "2 green", "2"], True)
    assert [one[2] for one in compose.asked] == [wanted, Wanted(follows=True)]


def test_to_follow_goes_on_when_the_same_containers_run_again(deployed: FakeHost) -> None:
    compose = FakeLogs({"shop-blue": ["1"]})
    compose.ends = {"shop-blue": lambda: stop_and_start_later(deployed, compose)}
    assert show(deployed, compose, Wanted(follows=True)) == (["1", "1"], True)
    [first, second] = compose.asked
    assert (first[2].since, second[2].since) == ("", "2026-01-01T00:00:00.000000000Z")


def stop_and_start_later(host: FakeHost, compose: FakeLogs) -> None:
    """The containers have ended, run again after two looks, and are then taken down."""
    (name,) = host.running
    ids = [host.running[name].id]
    with host.lock("shop", "somebody", 0, print):
        host.stop(ids)
    looks: list[float] = []
    passes = host.clock.pause

    def pause(seconds: float) -> None:
        passes(seconds)
        looks.append(seconds)
        if len(looks) == 2:
            host.start_again(ids)

    host.clock.pause = pause  # type: ignore[method-assign]
    compose.ends["shop-blue"] = lambda: down(host)
