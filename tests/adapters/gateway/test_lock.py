from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from hitless.adapters.docker.cli import DockerCli
from hitless.adapters.gateway.shell import GatewayShell
from hitless.adapters.gateway.state import GatewayState
from hitless.domain.common.errors import DockerFailed, Locked, LockLost
from hitless.domain.host.journal import Holder
from tests.adapters.fake_docker import FakeDocker
from tests.adapters.gateway.states import RELEASE, ROUTING, at_work, journal, state_file
from tests.adapters.gateway.traefiks import traefik_of


def test_the_second_holder_sees_the_first(host: FakeDocker, state: GatewayState) -> None:
    with (
        state.lock("shop", "alice@one, process 1", 0, print),
        pytest.raises(Locked, match="alice@one, process 1") as raised,
        state.lock("shop", "bob@two, process 2", 0, print),
    ):
        pass

    assert "shop" in raised.value.message
    assert raised.value.hint


def test_a_holder_with_a_newline_is_one_line(host: FakeDocker, state: GatewayState) -> None:
    with (
        state.lock("shop", "alice\nb", 0, print),
        pytest.raises(Locked, match="alice b"),
        state.lock("shop", "bob", 0, print),
    ):
        pass


def test_two_applications_have_two_locks(host: FakeDocker, state: GatewayState) -> None:
    with state.lock("shop", "alice", 0, print), state.lock("blog", "bob", 0, print):
        pass


def test_the_lock_is_free_as_soon_as_the_first_has_ended(host: FakeDocker, state: GatewayState) -> None:
    with state.lock("shop", "alice", 0, print):
        pass
    with state.lock("shop", "bob", 0, print):
        pass


def test_the_lock_is_free_after_an_error(host: FakeDocker, state: GatewayState) -> None:
    with pytest.raises(KeyboardInterrupt), state.lock("shop", "alice", 0, print):
        raise KeyboardInterrupt
    with state.lock("shop", "bob", 0, print):
        pass


def test_the_lock_is_free_after_its_holder_was_killed(host: FakeDocker, state: GatewayState) -> None:
    program = """
import time
from hitless.adapters.docker.cli import DockerCli
from hitless.adapters.gateway.shell import GatewayShell
from hitless.adapters.gateway.state import GatewayState
with GatewayState(GatewayShell(DockerCli(), "traefik")).lock("shop", "the killed", 0, print) as held:
    held.write("a line")
    print("held", flush=True)
    time.sleep(60)
"""
    with subprocess.Popen((sys.executable, "-c", program), stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdout.readline() == b"held\n"
        with pytest.raises(Locked, match="the killed"), state.lock("shop", "bob", 0, print):
            pass
        process.send_signal(signal.SIGKILL)

    deadline = time.monotonic() + 5
    while True:
        try:
            with state.lock("shop", "bob", 0, print):
                break
        except Locked:
            assert time.monotonic() < deadline
            time.sleep(0.02)
    assert "a line" in journal(host)


def test_a_gateway_that_is_gone_is_an_error_and_not_a_held_lock(
    docker: FakeDocker, state: GatewayState
) -> None:
    said = "Error response from daemon: No such container: x\n"
    docker.answers("exec", stderr=said, exit_code=1, way="refuse")

    with pytest.raises(DockerFailed, match="No such container"), state.lock("shop", "alice", 0, print):
        pass


def test_the_lock_is_held_until_it_is_given_up(host: FakeDocker, state: GatewayState) -> None:
    with state.lock("shop", "alice", 0, print) as held:
        assert held.is_held()
        held.write("a line")
        assert held.is_held()
    assert not held.is_held()


def test_the_lock_is_not_held_after_its_process_was_killed(host: FakeDocker, state: GatewayState) -> None:
    with state.lock("shop", "alice", 0, print) as held:
        held.process.kill()
        deadline = time.monotonic() + 5
        while held.is_held():
            assert time.monotonic() < deadline
            time.sleep(0.01)
        held.write("into nothing")
        with other_state() as another, another.lock("shop", "bob", 0, print) as other:
            assert other.is_held()


@contextmanager
def other_state() -> Iterator[GatewayState]:
    """The state that another hitless sees."""
    shell = GatewayShell(DockerCli(), "traefik")
    yield GatewayState(shell)
    shell.close()


@pytest.mark.parametrize(("name", "whose"), [("shop", "shop"), (".gateway", "the gateway")])
def test_who_was_suspended_asks_the_gateway_whether_the_lock_is_held(
    host: FakeDocker, state: GatewayState, monkeypatch: pytest.MonkeyPatch, name: str, whose: str
) -> None:
    with state.lock(name, "alice", 0, print) as held, other_state() as another:
        monkeypatch.setattr(held.process, "poll", lambda: None)  # nobody has noticed its end
        assert held.is_held()
        another.unlock(name)
        with another.lock(name, "bob", 0, print):
            now = time.clock_gettime(time.CLOCK_BOOTTIME)
            monkeypatch.setattr("hitless.adapters.gateway.state._awake_or_not", lambda: now + 60)
            assert not held.is_held()
            with pytest.raises(LockLost, match=f"lock of {whose} went away"):
                state.shell.cli.change("stop", "c")
            assert ("stop", "c") not in host.argvs


def test_with_another_holder_of_the_lock_nothing_is_changed(host: FakeDocker, state: GatewayState) -> None:
    with state.lock("shop", "alice", 0, print), other_state() as another:
        state.record("shop", RELEASE)
        another.unlock("shop")
        with another.lock("shop", "bob", 0, print):
            with pytest.raises(LockLost, match="lock of shop went away"):
                state.record("shop", replace(RELEASE, promoted=9))
            with pytest.raises(LockLost):
                state.forget("shop", (7,))
            with pytest.raises(LockLost):
                traefik_of(state.shell).deliver("shop", ROUTING)
            with pytest.raises(LockLost):
                traefik_of(state.shell).deliver("shop", None)
            second = replace(RELEASE, number=8)
            another.record("shop", second)
    assert state.read("shop").releases == (RELEASE, second)
    assert not (host.root / "etc/hitless/routes/shop.yml").exists()


def test_who_has_the_process_number_of_a_holder_that_has_gone_is_another(
    host: FakeDocker, state: GatewayState
) -> None:
    with state.lock("shop", "alice", 0, print):
        number, _, began = state.shell.claims["shop"].partition(".")
        state.shell.claims["shop"] = f"{number}.{int(began) + 1}"
        with pytest.raises(LockLost):
            state.record("shop", RELEASE)


def test_who_waits_sees_the_holder_and_gets_the_lock_when_that_ends(
    host: FakeDocker, state: GatewayState
) -> None:
    told: list[str] = []

    def wait() -> bool:
        with state.lock("shop", "bob", 20, told.append) as held:
            return held.is_held()

    with ThreadPoolExecutor(max_workers=1) as pool:
        with state.lock("shop", "alice", 0, print):
            waiting = pool.submit(wait)
            deadline = time.monotonic() + 10
            while not told:
                assert time.monotonic() < deadline
                time.sleep(0.01)
            assert not waiting.done()
        assert waiting.result(10)
    assert len(told) == 1
    assert told[0].startswith("alice, for ")


def test_who_has_waited_long_enough_gives_up_and_leaves_the_lock_alone(
    host: FakeDocker, state: GatewayState
) -> None:
    late = pytest.raises(Locked, match=r"did not end within 0 s: alice")
    with state.lock("shop", "alice", 0, print) as held:
        with late, state.lock("shop", "bob", 0.2, lambda _: None):
            pass
        assert held.is_held()
    with state.lock("shop", "carol", 0, print):
        pass


def test_a_look_tells_who_has_the_lock(host: FakeDocker, state: GatewayState) -> None:
    with state.lock("shop", "alice@there, process 7", 0, print):
        holder = state.read("shop").holder
        assert holder is not None
        assert holder.name == "alice@there, process 7"
        assert 0 <= holder.quiet < 60
    assert state.read("shop").holder is None


def test_a_clock_that_was_set_back_does_no_harm(host: FakeDocker, state: GatewayState) -> None:
    tomorrow = time.time() + 86400
    with state.lock("shop", "alice", 0, print) as held:
        held.write("something")
        for name in ("holder", "journal"):
            os.utime(state_file(host, name), (tomorrow, tomorrow))
        seen = state.read("shop")
        assert seen.holder is not None
        # nothing is negative; a sign of life may have come since
        assert all(0 <= age < 60 for age in (seen.holder.seconds, seen.holder.quiet, seen.quiet))
        assert Holder("alice", -5, -5).describe() == "alice, for 0 s, last sign of life 0 s ago"
        with pytest.raises(Locked, match=r"alice, for [0-9]+ s"), state.lock("shop", "bob", 0, print):
            pass


def test_unlock_frees_the_lock_and_its_former_holder_sees_that(host: FakeDocker, state: GatewayState) -> None:
    with state.lock("shop", "alice", 0, print) as held:
        taken_from = state.unlock("shop")
        assert taken_from is not None
        assert taken_from.name == "alice"
        with other_state() as another, another.lock("shop", "bob", 0, print):
            assert not held.is_held()


def test_unlock_where_nobody_has_the_lock(host: FakeDocker, state: GatewayState) -> None:
    assert state.unlock("shop") is None
    with state.lock("shop", "alice", 0, print):
        pass
    assert state.unlock("shop") is None


def test_a_command_that_outlives_its_hitless_holds_the_lock_until_it_has_ended(
    host: FakeDocker, state: GatewayState
) -> None:
    host.answers("start", way="hang")
    program = """
from hitless.adapters.docker.cli import DockerCli
from hitless.adapters.gateway.shell import GatewayShell
from hitless.adapters.gateway.state import GatewayState
cli = DockerCli()
with GatewayState(GatewayShell(cli, "traefik")).lock("shop", "the killed", 0, print):
    cli.run("start", "shop-blue-web-1")
"""
    with subprocess.Popen((sys.executable, "-c", program), start_new_session=True) as process:
        deadline = time.monotonic() + 10
        while not any(call.argv[0] == "start" for call in host.calls):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
    told: list[str] = []

    def ends(holder: str) -> None:
        told.append(holder)
        _kill_fakes(host, "start")

    # also without --wait: nobody is at work there who could be asked to end
    with state.lock("shop", "bob", 0, ends) as held:
        assert held.is_held()
    assert told == ["the killed, which has ended, and left a Docker command at work"]


def test_what_a_killed_hitless_has_left_at_work_is_not_waited_for_for_ever(
    host: FakeDocker, state: GatewayState, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hitless.adapters.gateway.state._REMNANT", 0.3)
    with state.lock("shop", "the killed", 0, print) as held:
        held.lifeline.write(b"left\n")
        deadline = time.monotonic() + 10
        while not state_file(host, "left").exists():
            assert time.monotonic() < deadline
            time.sleep(0.01)
        late = pytest.raises(Locked, match="did not end within 0 s: the killed, which has ended")
        with other_state() as another, late, another.lock("shop", "bob", 0, lambda _: None):
            pass
    # the next holder of the lock has not ended
    refused = pytest.raises(Locked, match="carol, for")
    with (
        state.lock("shop", "carol", 0, print),
        other_state() as another,
        refused,
        another.lock("shop", "bob", 0, print),
    ):
        pass


def _kill_fakes(host: FakeDocker, verb: str) -> None:
    """End the fake's processes for this verb."""
    ended = 0
    for line in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = line.read_bytes().split(b"\0")
        except OSError:
            continue
        if verb.encode() in words and any(str(host.root.parent).encode() in word for word in words):
            os.kill(int(line.parent.name), signal.SIGKILL)
            ended += 1
    assert ended


# a restart of the gateway


def test_nobody_begins_to_work_while_the_gateway_is_restarted(host: FakeDocker, state: GatewayState) -> None:
    named = "bob, which works on the gateway, for "
    with state.alone("bob", "") as alone:
        assert alone.at_work == {}
        with pytest.raises(Locked, match=f"works on shop: {named}"), state.lock("shop", "alice", 0, print):
            pass
        with pytest.raises(Locked, match=f"works on the gateway: {named}"), state.alone("carol", ""):
            pass
    with state.lock("shop", "alice", 0, print):
        pass


def test_who_waits_for_the_restart_begins_after_it(host: FakeDocker, state: GatewayState) -> None:
    taken: list[str] = []

    def wait() -> None:
        with state.lock("shop", "alice", 30, taken.append):
            taken.append("held")

    with ThreadPoolExecutor() as pool, state.alone("bob", ""):
        waiting = pool.submit(wait)
        deadline = time.monotonic() + 10
        while not taken:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert "bob, which works on the gateway" in taken[0]
    waiting.result()
    assert taken[1:] == ["held"]


def test_all_that_are_at_work_are_named_at_once_without_ones_own(
    host: FakeDocker, state: GatewayState
) -> None:
    with at_work(state, "shop", "blog"):
        state_file(host, "journal").with_name("idle").mkdir()
        with state.alone("bob", "") as found:
            names = {name: holder.name for name, holder in found.at_work.items()}
            assert names == {"shop": "alice", "blog": "alice"}
        with state.alone("bob", "shop") as found:
            assert list(found.at_work) == ["blog"]
    with state.alone("bob", "") as found:
        assert found.at_work == {}


def test_who_waits_for_a_lock_does_not_keep_the_gateway_from_being_looked_at(
    host: FakeDocker, state: GatewayState
) -> None:
    told: list[str] = []

    def wait() -> None:
        with state.lock("shop", "carol", 30, told.append):
            pass

    with ThreadPoolExecutor() as pool, state.lock("shop", "alice", 0, print):
        waiting = pool.submit(wait)
        deadline = time.monotonic() + 10
        while not told:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        with state.alone("bob", "") as found:
            assert found.at_work["shop"].name == "alice"
    waiting.result()
