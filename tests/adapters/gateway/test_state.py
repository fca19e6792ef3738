from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from hitless.adapters.gateway.state import GatewayState, decode_release
from hitless.domain.common.events import Began, Operation, Output, StepBegan, StepId, StepKind, as_json
from hitless.domain.common.names import Colour
from hitless.domain.host.journal import runs
from hitless.domain.release.model import Release
from hitless.ports.state import Stored
from tests.adapters.fake_docker import FakeDocker
from tests.adapters.gateway.states import RELEASE, ROUTING, SHOP, at_work, journal, state_file, stored
from tests.adapters.gateway.traefiks import traefik_of


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


def test_a_record_whose_model_no_compose_has_printed_is_none(host: FakeDocker, state: GatewayState) -> None:
    with at_work(state, "shop"):
        state.record("shop", replace(RELEASE, model={"name": "shop", "services": {"web": ["image"]}}))

    found = state.read("shop")
    assert found.releases == ()
    assert found.damaged == {7}


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
def test_a_journal_over_a_megabyte_is_replaced_by_a_new_one(
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


def test_what_came_right_before_a_new_journal_is_seen(host: FakeDocker, state: GatewayState) -> None:
    """A command was killed; the one that finishes it must find what it was, in the same look."""
    state_file(host, "").mkdir(parents=True)
    killed, new = event("began", release=7), event("began", release=8)
    state_file(host, "journal").write_text("x" * 1_000_000 + f"\n{killed}\n")
    with state.lock("shop", "alice", 0, print) as held:
        held.write(new)
        seen = state.read("shop").journal
    assert seen.splitlines() == [killed, new]


def event(kind: str, **more: object) -> str:
    return json.dumps({"time": "2026-01-01T00:00:00+00:00", "event": kind, **more})


def test_the_end_of_a_command_is_seen_however_much_its_jobs_have_written(
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


def test_the_end_of_a_command_is_seen_by_its_events_as_they_are_written(
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
        for number in range(110):  # each line is on the disk before the next one
            held.write(event("began", release=number))
            held.write(event("step_began", step="2"))
            held.write(event("ended", outcome="failed"))
    found = runs(state.read("shop").journal)
    assert [run.release for run in found] == list(range(10, 110))
    assert all((run.step, run.outcome) == ("2", "failed") for run in found)


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


def test_a_file_that_is_removed_during_a_look_does_not_end_it(host: FakeDocker, state: GatewayState) -> None:
    (host.root / "var/lib/hitless").mkdir(parents=True)
    flag = host.root / "gone once"
    real = f'#!/bin/sh\n[ -e "{flag}" ] || {{ touch "{flag}"; exit 1; }}\nexec /bin/tar "$@"\n'
    tar = host.directory / "tar"
    tar.write_text(real)
    tar.chmod(0o755)
    (host.root / "etc/hitless/routes/shop.yml").write_text(SHOP)
    assert state.read("shop").routings == {"shop": ROUTING}
    assert flag.exists()


def test_a_damaged_or_lost_routing_file_is_read_from_its_copy(host: FakeDocker, state: GatewayState) -> None:
    routes = host.root / "etc/hitless/routes"
    with at_work(state, "shop"):
        traefik_of(state.shell).deliver("shop", ROUTING)
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
    aside.with_name("routes").mkdir()
    (aside / "shop.yml").write_text(SHOP)
    found = state.read(None)
    assert found.routings == {"shop": ROUTING}
    assert found.broken["shop.yml"].startswith("Traefik refused shop.yml")
    assert not found.holds("shop", ROUTING)
