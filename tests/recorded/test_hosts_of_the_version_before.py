"""Hosts that an earlier hitless has left, live or killed at some step, and what today's makes of them.

The recordings in `v1` are of a shop with two web containers, a worker, an exclusive scheduler, a migration,
two shared services and hooks. Three releases were deployed, the third on blue; then a command was killed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.recorded.recordings import FIRST, recording, situations
from tests.recorded.replay import (
    FakeHost,
    HitlessError,
    Run,
    abort,
    deploy,
    down,
    history,
    host,
    print_all,
    releases,
    resume,
    rollback,
    status,
    step_of,
    stored_runs,
    written_again,
)

ALL = situations()
DEPLOYS = situations("deploy-")
ROLLBACKS = situations("rollback-")
DOWNS = situations("down-")
ABORTS = situations("abort-")
KILLED = [*DEPLOYS, *ROLLBACKS, *DOWNS, *ABORTS]
LIVE, NEXT = 3, 4  # the release that is live in the first situation, and the one that was being deployed
KEEP = 3
BEFORE_RECORD = DEPLOYS[:2]  # killed before the new release was written down

Command = Callable[[FakeHost], None]


def each(*names: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("name", names)


# reading


def test_there_is_a_recording_of_each_step_of_a_deployment() -> None:
    planned = [event for event in events_of(DEPLOYS[-1]) if event["event"] == "planned"][-1]
    steps = [words(step) for step in planned["steps"]]
    assert [name.split("-at-")[1][3:].replace("-", " ") for name in DEPLOYS] == steps
    assert sorted([FIRST, *KILLED]) == ALL
    assert min(map(len, (ROLLBACKS, DOWNS, ABORTS))) >= 3


@each(*ALL)
def test_every_file_and_container_is_read(name: str) -> None:
    found, there = recording(name), host(name)
    names = {one["Name"].removeprefix("/") for one in found.containers}
    assert {*there.running, *(one.name for one in there.base.values())} == names
    assert {f"{one}.yml" for one in there.routings} == set(found.under("routes"))
    assert [f"{one.number}.json" for one in releases(name)] == list(found.under("releases"))
    # one that can't be read has no model
    assert all(one.model and one.images for one in releases(name))
    assert set(there.tags) == set(found.images)
    assert live(there) == found.live
    assert there.violations == []


def test_what_is_written_again_is_read_as_the_same() -> None:
    different: dict[str, str] = {}
    for name in ALL:
        texts = (*recording(name).under("routes").values(), *recording(name).under("releases").values())
        different = {**dict.fromkeys(texts, name), **different}
    assert len(different) > 10
    for before, after in written_again(sorted(set(different.values()))):
        assert after.releases == before.releases
        assert after.routings == before.routings


@each(*ALL)
def test_the_one_look_tells_of_a_command_what_the_whole_journal_tells(name: str) -> None:
    looked, whole = stored_runs(name)
    assert [summary(run) for run in looked] == [summary(run) for run in whole]


@each(*KILLED)
def test_status_and_history_say_which_command_was_killed_and_where(name: str) -> None:
    there = host(name)
    found = status(there)
    *before, last = history(there)
    command, _, at = name.partition("-killed-at-")
    assert found["deployment"]["operation"] == last.operation == command.partition("-")[0]
    assert found["deployment"]["by"] == last.holder == "ann@laptop, process 4711"
    assert found["deployment"]["step"] == step_of(last)
    assert words(step_of(last)).endswith(re.sub(r"^\d\d-", "", at).replace("-", " "))
    assert last.outcome == ""
    assert not found["deployment"]["is_under_way"]
    assert [run.outcome for run in before[:LIVE]] == ["successful"] * LIVE
    routing, release = recording(name).routing, recording(name).live
    assert found["live"] == ({"colour": routing["live"], "release": release} if routing else None)


@each(*ALL)
def test_what_was_done_is_shown_step_by_step(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    print_all(host(name))
    shown = capsys.readouterr().out
    done = [event for event in events_of(name) if event["event"] in ("step_done", "live", "output")]
    assert len(done) > 40
    for event in done:
        assert event.get("step", f"release {event.get('release')} is live ({event.get('colour')})") in shown


def test_status_and_history_of_what_is_live_tell_of_no_interruption() -> None:
    there = host(FIRST)
    found = status(there)
    assert found["deployment"] is None
    assert found["problems"] == []
    assert found["live"] == {"colour": "blue", "release": LIVE}
    assert [one["number"] for one in found["releases"]] == [3, 2, 1]
    assert [(run.operation, run.release, run.outcome) for run in history(there)] == [
        ("deploy", number, "successful") for number in (1, 2, 3)
    ]


# the next command


@each(*ALL)
def test_a_new_release_goes_live_and_nothing_else_is_left(name: str) -> None:
    there = host(name)
    deploy(there)
    new = NEXT + 1 if name in (*DEPLOYS, *ABORTS) else NEXT  # no number is used twice
    assert_live(there, new, {*were_live(name)[-KEEP + 1 :], new})
    assert_told(there, name, "deploy")


@each(*[name for name in DEPLOYS if name not in BEFORE_RECORD])
def test_a_deployment_is_resumed(name: str) -> None:
    there = host(name)
    resume(there)
    assert_live(there, NEXT, {2, 3, 4})
    assert_told(there, name, "resume")


@each(*BEFORE_RECORD)
def test_a_deployment_that_was_not_written_down_can_only_be_undone(name: str) -> None:
    there = host(name)
    assert_refused(there, resume, "interrupted before it was written down")
    abort(there)
    assert_live(there, LIVE, {1, 2, 3})


@each(*ROLLBACKS)
def test_a_rollback_is_resumed(name: str) -> None:
    there = host(name)
    resume(there)
    assert_live(there, 2, {1, 2, 3})
    assert_told(there, name, "resume")


@each(*DOWNS)
def test_a_down_is_resumed_and_can_not_be_undone(name: str) -> None:
    there = host(name)
    assert_refused(there, abort, "can't be brought back")
    resume(there)
    assert_gone(there)
    assert_told(there, name, "resume")


@each(*ABORTS)
@pytest.mark.parametrize("finish", [resume, abort])
def test_an_abort_is_finished(name: str, finish: Command) -> None:
    there = host(name)
    finish(there)
    assert_live(there, LIVE, set(were_live(name)[-KEEP:]))
    assert_told(there, name, finish.__name__)


@each(*[name for name in (*DEPLOYS, *ROLLBACKS) if recording(name).is_warm or recording(name).live == LIVE])
def test_it_is_undone_as_long_as_what_was_live_is_warm(name: str) -> None:
    there, before = host(name), host(FIRST)
    abort(there)
    assert_live(there, LIVE, {1, 2, 3})
    assert_told(there, name, "abort")
    # the containers that were live were never touched, except the exclusive one
    assert unchanging(there) == unchanging(before)
    assert there.tags == before.tags
    assert there.base.keys() == before.base.keys()


@each(
    *[name for name in (*DEPLOYS, *ROLLBACKS) if recording(name).live != LIVE and not recording(name).is_warm]
)
def test_it_is_not_undone_when_what_was_live_has_gone(name: str) -> None:
    assert_refused(host(name), abort, "the release before it is already gone")


@each(FIRST)
@pytest.mark.parametrize("finish", [resume, abort])
def test_where_nothing_was_interrupted_there_is_nothing_to_finish(name: str, finish: Command) -> None:
    assert_refused(host(name), finish, "there is nothing to")


@each(*[name for name in ALL if name not in DOWNS])
def test_the_release_before_is_brought_back(name: str) -> None:
    there, was_live = host(name), recording(name).live
    assert was_live
    rollback(there)
    assert_live(there, was_live - 1, set(were_live(name)[-KEEP:]))
    assert_told(there, name, "rollback")


@each(*DOWNS)
def test_of_what_is_being_taken_down_nothing_is_brought_back(name: str) -> None:
    assert_refused(host(name), rollback, "no release before the live one")


@each(*ALL)
def test_it_is_taken_down(name: str) -> None:
    there = host(name)
    down(there)
    assert_gone(there)
    assert_told(there, name, "down")


@each(*ALL)
def test_it_lives_on_afterwards(name: str) -> None:
    there = host(name)
    for command in (deploy, rollback, deploy):
        command(there)
        assert there.violations == []
    assert status(there)["problems"] == []
    print_all(there)
    assert [run.outcome for run in history(there)[-3:]] == ["successful"] * 3


# what must be so


def events_of(name: str) -> list[dict[str, Any]]:
    """The lines of a recorded journal, as they stand there."""
    return [json.loads(line) for line in recording(name).files["journal"].splitlines() if line]


def live(there: FakeHost) -> int | None:
    found = status(there)["live"]
    return found["release"] if found else None


def live_colour(there: FakeHost) -> str | None:
    routing = there.in_traefik.get("shop")
    return str(routing.live) if routing else None


def were_live(name: str) -> list[int]:
    """The releases that were live once, or are: the latest last."""
    if name in ROLLBACKS:
        return [1, 3, 2]
    return [1, 2, 3, 4] if recording(name).live == NEXT and name in DEPLOYS else [1, 2, 3]


def assert_live(there: FakeHost, number: int, kept: set[int]) -> None:
    """This release is live and all of it runs; these are kept; of everything else nothing is left."""
    assert there.violations == []
    found = status(there)
    colour = live_colour(there)
    assert found["live"] == {"colour": colour, "release": number}
    assert found["deployment"] is None
    assert found["problems"] == []
    running = {one.name for one in there.running.values() if one.is_running}
    assert running == {f"shop-{colour}-{one}" for one in ("scheduler-1", "web-1", "web-2", "worker-1")}
    assert {(str(one.colour), one.release) for one in there.running.values()} == {(colour, number)}
    # of the others the file says nothing
    assert {name for name in running if there.policies.get(name, "no") != "no"} == {
        f"shop-{colour}-web-1",
        f"shop-{colour}-web-2",
    }
    assert set(there.routings) == {"shop"}
    assert {str(one) for one in there.in_traefik["shop"].colours} == {colour}
    assert {str(one) for one in there.with_networks} == {colour}
    assert {str(one) for one in there.called.values()} == {colour}
    assert {one.name: one.state for one in there.base.values()} == {
        "shop-proxy-1": "running",
        "shop-store-1": "running",
    }
    assert set(there.records) == kept
    assert max(there.records.values(), key=lambda one: one.promoted).number == number
    tagged = {int(tag.split(".")[1][1:]) for tag in there.tags if tag.startswith("hitless:")}
    assert tagged == kept


def assert_gone(there: FakeHost) -> None:
    assert there.violations == []
    for left in (there.routings, there.running, there.base, there.records, there.with_networks):
        assert not left
    assert not [tag for tag in there.tags if tag.startswith("hitless:")]
    assert status(there)["deployment"] is None


def assert_told(there: FakeHost, name: str, operation: str) -> None:
    """The journal has what was recorded, and this command with its end."""
    *before, last = history(there)
    assert [summary(run) for run in before] == [summary(run) for run in stored_runs(name)[1]]
    assert (last.operation, last.outcome) == (operation, "successful")


def assert_refused(there: FakeHost, command: Command, why: str) -> None:
    before = changeable(there)
    with pytest.raises(HitlessError, match=re.escape(why)):
        command(there)
    assert changeable(there) == before
    assert there.violations == []


def changeable(there: FakeHost) -> list[object]:
    kinds = (there.routings, there.running, there.base, there.records, there.tags)
    return [*(dict(kind) for kind in kinds), set(there.with_networks), list(there.verbs)]


def unchanging(there: FakeHost) -> list[tuple[str, str, str]]:
    found = there.running.values()
    return sorted((one.name, one.id, one.state) for one in found if one.service != "scheduler")


def summary(run: Run) -> tuple[object, ...]:
    return run.operation, run.release, run.holder, run.began, step_of(run), run.outcome


def words(step: str) -> str:
    step = re.sub(r"( of| to| at)? (blue|green)( is)?\b", "", step)
    step = re.sub(r" \(release \d+\)|( for)? [\d.]+( s\b)?(, \d+)*", "", step)
    return re.sub(r"[^a-z]+", " ", step.lower()).strip()
