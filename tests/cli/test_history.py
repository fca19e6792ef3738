from __future__ import annotations

import json
import time

import pytest

from hitless.cli.views.history import show_history, show_runs
from hitless.cli.views.times import local
from hitless.domain.common.errors import HitlessError
from hitless.domain.host.journal import Run, runs
from tests.execution import commands
from tests.execution.applications import shop
from tests.fakes.host import FakeHost

Capture = pytest.CaptureFixture[str]


def journal() -> tuple[Run, ...]:
    """A deployment that went well, one that failed and was undone, a rollback that was killed.

    As an older hitless wrote them: the steps are sentences.
    """
    who = {"holder": "ann@desk, process 7", "revision": "5beba4c8a3f8+"}
    at = {"time": "2026-11-22T21:46:16.752+00:00"}
    ready = "wait until green is ready"
    logs = {"shop-green-web-1": "[bold]bad[/] settings\nthe end"}
    events: list[dict[str, object]] = [
        {"event": "began", "operation": "deploy", "release": 1, **who},
        {"event": "planned", "steps": ["start blue"]},
        {"event": "step_began", "step": "start blue"},
        {"event": "step_done", "step": "start blue", "seconds": 1.25, "detail": "quick"},
        {"event": "live", "release": 1, "colour": "blue", "seconds": 2.0},
        {"event": "ended", "outcome": "successful", "seconds": 3.0},
        {"event": "began", "operation": "deploy", "release": 2, **who},
        {"event": "found", "findings": [{"path": "services.web", "message": "has no health check"}]},
        {"event": "step_began", "step": ready},
        {"event": "step_failed", "step": ready, "seconds": 9.0, "message": "never ready", "logs": logs},
        {"event": "undone"},
        {"event": "ended", "outcome": "failed", "seconds": 9.5},
        {"event": "began", "operation": "rollback", "release": 1, **who},
        {"event": "of a newer hitless"},
        {"event": "step_began", "step": "cut over to blue"},
    ]
    return runs("\n".join(json.dumps({**at, **event}) for event in events))


def test_the_history_has_one_line_a_command_the_latest_first(capsys: Capture) -> None:
    show_history("shop", journal(), as_json=False)

    lines = capsys.readouterr().out.splitlines()
    shown = [line.split() for line in lines if line.startswith("2026")]
    assert [line[2:5] for line in shown] == [
        ["rollback", "1", "not"],
        ["deploy", "2", "failed"],
        ["deploy", "1", "successful"],
    ]
    assert all(line[-2:] == ["5beba4c8a3f8+", "ann@desk"] for line in shown)
    assert max(map(len, lines)) <= 80
    assert lines[2] == "    last at cut over to blue"
    assert lines[4] == "    wait until green is ready: never ready"


def test_times_are_those_of_the_reader(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        show_history("shop", journal(), as_json=False)
        show_runs("shop", 1, journal(), as_json=False)
        assert local("of another form") == "of another form"
    finally:
        monkeypatch.undo()
        time.tzset()
    shown = capsys.readouterr().out
    assert "2026-11-23 06:46  rollback" in shown
    assert "06:46:16  start blue" in shown


def test_the_history_as_json_has_no_events(capsys: Capture) -> None:
    show_history("shop", journal(), as_json=True)

    shown = json.loads(capsys.readouterr().out)
    assert [one["outcome"] for one in shown] == ["", "failed", "successful"]
    assert all("events" not in one for one in shown)


def test_a_release_is_shown_with_all_its_commands(capsys: Capture) -> None:
    show_runs("shop", 1, journal(), as_json=False)

    shown = capsys.readouterr().out
    assert "deploy shop release 1  successful" in shown
    assert "rollback shop release 1  not ended, last at cut over to blue" in shown
    assert ":46:16  start blue (1.2 s): quick" in shown
    assert "release 1 is live (blue) after 2.0 s" in shown
    assert "of a newer hitless" in shown
    assert "never ready" not in shown


def test_a_failure_is_shown_with_its_logs_as_they_are(capsys: Capture) -> None:
    show_runs("shop", 2, journal(), as_json=False)

    shown = capsys.readouterr().out
    assert "services.web: has no health check" in shown
    assert "wait until green is ready failed after 9.0 s: never ready" in shown
    assert "| [bold]bad[/] settings\n      | the end" in shown
    assert "all undone" in shown


def test_without_a_release_the_last_command_is_shown(capsys: Capture) -> None:
    show_runs("shop", None, journal(), as_json=True)

    (shown,) = json.loads(capsys.readouterr().out)
    assert shown["operation"] == "rollback"
    assert len(shown["events"]) == 3


@pytest.mark.parametrize("as_json", [True, False])
def test_a_release_that_the_journal_does_not_know_is_an_error(as_json: bool) -> None:
    with pytest.raises(HitlessError, match="says nothing of release 9"):
        show_runs("shop", 9, journal(), as_json)


def test_no_journal_is_an_error_for_people_and_an_empty_list_for_programs(capsys: Capture) -> None:
    with pytest.raises(HitlessError, match="no journal of shop"):
        show_history("shop", (), as_json=False)
    with pytest.raises(HitlessError, match="no journal of shop"):
        show_runs("shop", None, (), as_json=False)
    show_runs("shop", 3, (), as_json=True)
    assert json.loads(capsys.readouterr().out) == []


def test_an_event_of_another_hitless_is_shown_by_its_name(capsys: Capture) -> None:
    began = {"event": "began", "operation": "deploy", "release": 7}
    others = [{"event": "step_done", "step": 7}, {"event": "found"}, {"event": "live", "seconds": "long"}]
    show_runs("shop", None, runs("\n".join(map(json.dumps, (began, *others)))), as_json=False)
    assert capsys.readouterr().out.split()[-3:] == ["step_done", "found", "live"]


def journal_of_today() -> tuple[Run, ...]:
    """A deployment that went well, and one whose release never got ready."""
    host = FakeHost()
    commands.deploy(host.ports(), shop())
    host.behaviour.states[2] = {"state": "exited", "exit_code": 1}
    with pytest.raises(HitlessError):
        commands.deploy(host.ports(), shop())
    return runs("\n".join(host.lines))


def test_a_journal_whose_steps_have_ids_is_shown_in_words(capsys: Capture) -> None:
    show_runs("shop", 2, journal_of_today(), as_json=False)

    shown = capsys.readouterr().out
    assert "deploy shop release 2  failed" in shown
    assert "create green (release 2) (0.0 s)" in shown
    assert "wait until green is ready failed after" in shown


def test_such_a_journal_as_json_has_every_event_as_it_is(capsys: Capture) -> None:
    found = journal_of_today()

    show_runs("shop", 1, found, as_json=True)
    (shown,) = json.loads(capsys.readouterr().out)
    assert shown["events"] == list(found[0].events)
    assert shown["step"] == {"kind": "promote", "id": "promote:1", **shown["step"]}
    show_history("shop", found, as_json=True)
    assert [one["step"]["kind"] for one in json.loads(capsys.readouterr().out)] == ["gate", "promote"]
