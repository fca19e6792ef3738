from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from hitless.adapters.docker.cli import DockerCli
from hitless.adapters.gateway.routing_file import render
from hitless.adapters.gateway.shell import GatewayShell
from hitless.adapters.gateway.state import GatewayState, decode_release
from hitless.adapters.gateway.traefik import Traefik
from hitless.domain.common.errors import DockerFailed, Locked, LockLost
from hitless.domain.common.events import Began, Operation, Output, StepBegan, StepId, StepKind, as_json
from hitless.domain.common.names import Colour
from hitless.domain.host.journal import Holder, runs
from hitless.domain.release.model import Image, Release
from hitless.ports.state import Stored
from tests.adapters.fake_docker import FakeDocker
from tests.domain.builders import routing

RELEASE = Release(
    number=7,
    created="2026-11-22T21:46:16.752+00:00",
    revision="5beba4c8a3f8+",
    images={
        "web": Image("sha256:0cd0", (80, 8000), True, ("/data",)),
        "job": Image("sha256:1cd1", (), False),
    },
    model={"name": "shop", "services": {"web": {"environment": {"A": "$$x", "B": None}}}},
    promoted=4,
)
ROUTING = routing(Colour.BLUE)
SHOP = render(ROUTING)


@pytest.fixture
def state(docker: FakeDocker) -> Iterator[GatewayState]:
    shell = GatewayShell(DockerCli(), "traefik")
    yield GatewayState(shell)
    shell.close()


@pytest.fixture
def host(docker: FakeDocker) -> FakeDocker:
    """The fake runs the real shell scripts, in a directory that stands for the gateway's root."""
    docker.answers("exec", way="shell")
    (docker.root / "etc/hitless/routes").mkdir(parents=True)
    return docker


def state_file(host: FakeDocker, name: str) -> Path:
    return host.root / "var/lib/hitless/shop" / name


def journal(host: FakeDocker) -> list[str]:
    """The lines of the journal, but for the empty ones, which are signs of life."""
    return [line for line in state_file(host, "journal").read_text().splitlines() if line]


def stored(state: GatewayState, application: str | None) -> Stored:
    """What is stored, without the bytes that are left on this machine's disk, and without the journal."""
    return replace(state.read(application), free=None, journal="", quiet=0.0, holder=None)


@contextmanager
def at_work(state: GatewayState, *applications: str) -> Iterator[None]:
    """Hold these applications' locks: nothing is changed without."""
    with ExitStack() as stack:
        for application in applications:
            stack.enter_context(state.lock(application, "alice", 0, print))
        yield


def text_of(release: Release) -> str:
    return json.dumps(asdict(release))


# what is kept


def test_everything_is_read_in_one_look_and_releases_come_in_order(
    host: FakeDocker, state: GatewayState
) -> None:
    releases = {number: replace(RELEASE, number=number) for number in (10, 9, 11)}
    with at_work(state, "shop"):
        for release in releases.values():
            state.record("shop", release)
    routes = host.root / "etc/hitless/routes"
    (routes / ".next").mkdir()
    (routes / ".next/shop.7").write_text("half")
    (routes / "shop.yml").write_text(SHOP)
    (routes / "other.yml").write_text("# größer\nhttp: {}\n")
    state_file(host, "releases/.next.7").write_text("{")

    assert stored(state, "shop") == Stored(
        routings={"shop": ROUTING},
        broken={"other.yml": "other.yml in the gateway was not written by hitless"},
        releases=(releases[9], releases[10], releases[11]),
    )


def test_a_gateway_that_keeps_nothing(host: FakeDocker, state: GatewayState) -> None:
    (host.root / "var/lib/hitless").mkdir(parents=True)
    assert stored(state, "shop") == Stored()
    assert stored(state, None) == Stored()


def test_what_is_recorded_is_read_and_what_is_forgotten_is_not(host: FakeDocker, state: GatewayState) -> None:
    (host.root / "etc/hitless/routes/shop.yml").write_text(SHOP)
    second = replace(RELEASE, number=8, promoted=0)
    with at_work(state, "shop", "other"):
        state.record("shop", RELEASE)
        state.record("shop", second)
        state.record("other", RELEASE)

    assert stored(state, "shop") == Stored({"shop": ROUTING}, releases=(RELEASE, second))
    assert stored(state, None) == Stored({"shop": ROUTING})

    with at_work(state, "shop"):
        state.record("shop", replace(second, promoted=5))
        state.forget("shop", (7, 6))

    assert state.read("shop").releases == (replace(second, promoted=5),)


def test_a_record_is_for_roots_eyes_alone(host: FakeDocker, state: GatewayState) -> None:
    with at_work(state, "shop"):
        state.record("shop", RELEASE)

    assert state_file(host, "releases/7.json").stat().st_mode & 0o077 == 0
    assert state_file(host, "releases").stat().st_mode & 0o077 == 0


def test_a_release_is_recorded_by_standard_input_alone(host: FakeDocker, state: GatewayState) -> None:
    secret = replace(RELEASE, model={"environment": {"PASSWORD": "hunter2"}})

    with at_work(state, "shop"):
        state.record("shop", secret)

    assert "hunter2" not in str(host.argvs)
    assert state.read("shop").releases == (secret,)


def test_a_record_that_is_cut_short_leaves_the_former_one(host: FakeDocker, state: GatewayState) -> None:
    with at_work(state, "shop"):
        state.record("shop", RELEASE)
        words = state.shell.argv("serve", "token")
        cut_short = f'token record shop {state.shell.claims["shop"]} 7 2000\n{{"number": 7, "cre'
        subprocess.run(("docker", *words), input=cut_short.encode(), check=False)

    assert state.read("shop").releases == (RELEASE,)


def test_a_release_survives_its_record() -> None:
    assert decode_release(7, text_of(RELEASE)) == RELEASE


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "{}", '{"created": "", "images": {"web": {}}}'])
def test_a_record_that_cannot_be_read_is_none(text: str) -> None:
    assert decode_release(7, text) is None


# the lock and the journal


def test_so_is_one_whose_model_no_compose_has_printed(host: FakeDocker, state: GatewayState) -> None:
    with at_work(state, "shop"):
        state.record("shop", replace(RELEASE, model={"name": "shop", "services": {"web": ["image"]}}))

    found = state.read("shop")
    assert found.releases == ()
    assert found.damaged == {7}


def test_the_second_holder_is_told_of_the_first(host: FakeDocker, state: GatewayState) -> None:
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


def test_the_journals_lines_arrive_and_those_of_former_holders_stay(
    host: FakeDocker, state: GatewayState
) -> None:
    with state.lock("shop", "alice", 0, print) as held:
        held.write('{"event": "began"}')
        held.write('{"step": "größer"}')
    with state.lock("shop", "bob", 0, print) as held:
        held.write("third")

    assert journal(host) == ['{"event": "began"}', '{"step": "größer"}', "third"]


def test_a_line_is_in_the_journal_while_the_lock_is_held(host: FakeDocker, state: GatewayState) -> None:
    with state.lock("shop", "alice", 0, print) as held:
        held.write("at once")
        deadline = time.monotonic() + 5
        while journal(host) != ["at once"]:
            assert time.monotonic() < deadline
            time.sleep(0.01)


@pytest.mark.parametrize(("size", "is_new"), [(1_000_001, True), (1_000_000, False)])
def test_a_journal_over_a_megabyte_is_begun_anew(
    host: FakeDocker, state: GatewayState, size: int, is_new: bool
) -> None:
    state_file(host, "").mkdir(parents=True)
    state_file(host, "journal").write_text("x" * (size - 1) + "\n")
    state_file(host, "journal.1").write_text("the one before\n")

    with state.lock("shop", "alice", 0, print) as held:
        held.write("new")

    if is_new:
        assert journal(host) == ["new"]
        assert state_file(host, "journal.1").stat().st_size == size
    else:
        assert journal(host) == ["x" * (size - 1), "new"]
        assert state_file(host, "journal.1").read_text() == "the one before\n"


def test_what_came_right_before_a_journal_was_begun_anew_is_seen(
    host: FakeDocker, state: GatewayState
) -> None:
    """A command was killed; whoever comes to finish it must find what it was, in this very look."""
    state_file(host, "").mkdir(parents=True)
    killed, new = event("began", release=7), event("began", release=8)
    state_file(host, "journal").write_text("x" * 1_000_000 + f"\n{killed}\n")
    with state.lock("shop", "alice", 0, print) as held:
        held.write(new)
        seen = state.read("shop").journal
    assert seen.splitlines() == [killed, new]


def event(kind: str, **more: object) -> str:
    return json.dumps({"time": "2026-01-01T00:00:00+00:00", "event": kind, **more})


def test_what_became_of_a_command_is_seen_however_much_its_jobs_have_written(
    host: FakeDocker, state: GatewayState
) -> None:
    output = event("output", logs={"migrate": "x" * 70_000, "odd": event("ended", outcome="successful")})
    first = [event("began", release=7), event("step_began", step="b"), event("ended", outcome="successful")]
    second = [event("began", release=8), event("step_began", step="run migrate")]
    lines = [
        first[0],
        event("step_began", step="a"),
        *first[1:],
        "half a li",
        *second,
        output,
        event("step_done", step="run migrate"),
        output,
    ]
    with state.lock("shop", "alice", 0, print) as held:
        for line in lines:
            held.write(line)
    assert state.read("shop").journal.splitlines() == [*first, *second]
    left = runs(state.read("shop").journal)[-1]
    assert (left.release, left.step, left.is_left) == (8, "run migrate", True)


def test_what_became_of_a_command_is_seen_by_its_events_as_they_are_written(
    host: FakeDocker, state: GatewayState
) -> None:
    step = StepId(StepKind.WITHDRAW_ROUTES, Colour.BLUE)
    began = Began(Operation.DEPLOY, "shop", 7, "alice")
    with state.lock("shop", "alice", 0, print) as held:
        for one in (began, StepBegan(StepId(StepKind.GATE)), Output(step, {"a": "b"}), StepBegan(step)):
            held.write(json.dumps(as_json(one, "2026-01-01T00:00:00+00:00")))
    [left] = runs(state.read("shop").journal)
    assert (left.operation, left.release, left.step, left.is_left) == (Operation.DEPLOY, 7, step, True)


def test_of_very_many_commands_the_latest_are_seen(host: FakeDocker, state: GatewayState) -> None:
    with state.lock("shop", "alice", 0, print) as held:
        for number in range(150):
            held.write(event("began", release=number))
            for step in range(3):
                held.write(event("step_began", step=str(step)))
            held.write(event("ended", outcome="failed"))
    found = runs(state.read("shop").journal)
    assert [run.release for run in found] == list(range(50, 150))
    assert all((run.step, run.outcome) == ("2", "failed") for run in found)


def test_a_gateway_that_is_gone_is_an_error_and_not_a_held_lock(
    docker: FakeDocker, state: GatewayState
) -> None:
    said = "Error response from daemon: No such container: x\n"
    docker.answers("exec", stderr=said, exit_code=1, way="refuse")

    with pytest.raises(DockerFailed, match="No such container"), state.lock("shop", "alice", 0, print):
        pass


def test_a_journal_that_is_lost_on_the_way_stops_nothing(host: FakeDocker, state: GatewayState) -> None:
    done, killed = [], 0
    with state.lock("shop", "alice", 0, print) as held:
        # the gateway restarts: whoever holds the lock's file goes with its container
        lock = str(state_file(host, "lock"))
        for descriptors in Path("/proc").glob("[0-9]*/fd"):
            try:
                if any(str(link.readlink()) == lock for link in descriptors.iterdir()):
                    os.kill(int(descriptors.parent.name), signal.SIGKILL)
                    killed += 1
            except OSError:
                continue
        for number in range(3):
            held.write(f"line {number}")
            time.sleep(0.05)
            done.append(number)

        assert not held.is_held()

    assert killed
    assert done == [0, 1, 2]


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
    """The state as another hitless has it."""
    shell = GatewayShell(DockerCli(), "traefik")
    yield GatewayState(shell)
    shell.close()


def test_who_was_suspended_asks_the_gateway_whether_the_lock_is_held(
    host: FakeDocker, state: GatewayState, monkeypatch: pytest.MonkeyPatch
) -> None:
    with state.lock("shop", "alice", 0, print) as held, other_state() as another:
        monkeypatch.setattr(held.process, "poll", lambda: None)  # of its end nobody has heard
        assert held.is_held()
        another.unlock("shop")
        with another.lock("shop", "bob", 0, print):
            now = time.clock_gettime(time.CLOCK_BOOTTIME)
            monkeypatch.setattr("hitless.adapters.gateway.state._awake_or_not", lambda: now + 60)
            assert not held.is_held()
            with pytest.raises(LockLost):
                state.shell.cli.change("stop", "c")
            assert ("stop", "c") not in host.argvs


def test_with_another_holder_of_the_lock_nothing_is_changed_any_more(
    host: FakeDocker, state: GatewayState
) -> None:
    with state.lock("shop", "alice", 0, print), other_state() as another:
        state.record("shop", RELEASE)
        another.unlock("shop")
        with another.lock("shop", "bob", 0, print):
            with pytest.raises(LockLost, match="lock of shop went away"):
                state.record("shop", replace(RELEASE, promoted=9))
            with pytest.raises(LockLost):
                state.forget("shop", (7,))
            with pytest.raises(LockLost):
                Traefik.of_one(state.shell).deliver("shop", ROUTING)
            with pytest.raises(LockLost):
                Traefik.of_one(state.shell).deliver("shop", None)
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


def test_who_waits_is_told_of_the_holder_and_gets_the_lock_when_that_ends(
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


def test_unlock_takes_the_lock_away_and_its_holder_sees_that(host: FakeDocker, state: GatewayState) -> None:
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

    # without being told to wait: nobody is at work there who could be asked to come to an end
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
    # whoever has the lock next has not ended
    refused = pytest.raises(Locked, match="carol, for")
    with (
        state.lock("shop", "carol", 0, print),
        other_state() as another,
        refused,
        another.lock("shop", "bob", 0, print),
    ):
        pass


def _kill_fakes(host: FakeDocker, verb: str) -> None:
    """End what the fake has running of this verb."""
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


def test_what_is_taken_away_during_a_look_does_not_end_it(host: FakeDocker, state: GatewayState) -> None:
    (host.root / "var/lib/hitless").mkdir(parents=True)
    flag = host.root / "gone once"
    real = f'#!/bin/sh\n[ -e "{flag}" ] || {{ touch "{flag}"; exit 1; }}\nexec /bin/tar "$@"\n'
    tar = host.directory / "tar"
    tar.write_text(real)
    tar.chmod(0o755)
    (host.root / "etc/hitless/routes/shop.yml").write_text(SHOP)
    assert state.read("shop").routings == {"shop": ROUTING}
    assert flag.exists()


# a restart of the gateway


def test_nobody_begins_to_work_while_the_gateway_is_restarted(host: FakeDocker, state: GatewayState) -> None:
    named = "bob, which restarts or removes the gateway, for "
    with state.alone("bob", "") as at_work:
        assert at_work == {}
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
        assert "bob, which restarts" in taken[0]
    waiting.result()
    assert taken[1:] == ["held"]


def test_all_that_are_at_work_are_named_at_once_but_for_ones_own(
    host: FakeDocker, state: GatewayState
) -> None:
    with at_work(state, "shop", "blog"):
        state_file(host, "journal").with_name("idle").mkdir()
        with state.alone("bob", "") as found:
            assert {name: holder.name for name, holder in found.items()} == {"shop": "alice", "blog": "alice"}
        with state.alone("bob", "shop") as found:
            assert list(found) == ["blog"]
    with state.alone("bob", "") as found:
        assert found == {}


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
            assert found["shop"].name == "alice"
    waiting.result()


def test_a_damaged_or_lost_routing_file_is_read_from_its_copy(host: FakeDocker, state: GatewayState) -> None:
    routes = host.root / "etc/hitless/routes"
    with at_work(state, "shop"):
        Traefik.of_one(state.shell).deliver("shop", ROUTING)
    assert state.read(None).holds("shop", ROUTING)
    (routes / "shop.yml").write_text("")
    found = state.read(None)
    assert (found.routings, found.broken) == ({"shop": ROUTING}, {})
    assert found.restored == {"shop.yml": "shop.yml in the gateway is empty; its last good copy serves"}
    assert not found.holds("shop", ROUTING)
    (routes / "shop.yml").unlink()
    assert set(state.read(None).restored) == {"shop.yml"}
    (routes / ".copy/shop").write_text("")
    (routes / "shop.yml").write_text("")
    found = state.read(None)
    assert (found.routings, found.broken) == ({}, {"shop.yml": "shop.yml in the gateway is empty"})
    assert not found.holds("shop", None)
    (routes / "shop.yml").unlink()
    (routes / ".copy/shop").unlink()
    assert state.read(None).holds("shop", None)


def test_a_routing_that_traefik_put_aside_is_not_held(host: FakeDocker, state: GatewayState) -> None:
    (host.root / "etc/hitless/routes/shop.yml").write_text(SHOP)
    aside = host.root / "run/hitless/aside"
    aside.mkdir(parents=True)
    (aside / "shop.yml").write_text(SHOP)
    found = state.read(None)
    assert found.routings == {"shop": ROUTING}
    assert found.broken["shop.yml"].startswith("Traefik refused shop.yml")
    assert not found.holds("shop", ROUTING)
