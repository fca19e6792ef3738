from __future__ import annotations

import errno
import io
import json
import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import pytest

from hitless.cli import console
from hitless.cli.views.events import events
from hitless.cli.views.findings import show_findings
from hitless.domain.common.errors import HitlessError
from hitless.domain.common.events import (
    SCHEMA,
    Began,
    Drained,
    Ended,
    Event,
    Found,
    Live,
    Operation,
    Outcome,
    Output,
    Planned,
    StepBegan,
    StepDone,
    StepFailed,
    StepId,
    StepKind,
    StepProgress,
    Undone,
    Waiting,
    name_of,
)
from hitless.domain.common.findings import Finding
from hitless.domain.common.names import Colour
from hitless.domain.host.journal import step_of


def job(name: str) -> StepId:
    """A step that is shown as `run <name>`."""
    return StepId(StepKind.RUN_JOB, subjects=(name,))


# what rich would read as a colour, an end of something, a link, and the beginning of more
HOSTILE = "[red] [/] [link=x]y[/link] [bold"

EVENTS: tuple[Event, ...] = (
    Found((Finding("services.web.ports", "is published", "remove it"), Finding("x", "hm", is_error=False))),
    Began(Operation.DEPLOY, "shop", 7, "alice@one, process 1"),
    StepBegan(StepId(StepKind.DRAIN, Colour.BLUE)),
    StepProgress(StepId(StepKind.DRAIN, Colour.BLUE), "3 in flight"),
    StepDone(StepId(StepKind.DRAIN, Colour.BLUE), 1.25, "3 in flight answered"),
    StepFailed(
        StepId(StepKind.GATE, Colour.GREEN), 60.0, "never got ready", "look", {"shop-green-web-1": "boom\n"}
    ),
    Live(7, Colour.GREEN, 2.5),
    Drained(Colour.BLUE, 3, 1, 1.25),
    Ended(Operation.DEPLOY, "shop", Outcome.SUCCESSFUL, 4.0),
    Waiting("shop", "bob@two, process 2, for 3 min, last sign of life 2 s ago"),
    Planned((StepId(StepKind.DRAIN, Colour.BLUE),)),
    Undone(),
    Output(job("run migrate"), {"shop-green-migrate-1": "3 migrations\ndone [red]"}),
)

Capture = pytest.CaptureFixture[str]


def lines(capsys: Capture, *shown: Event) -> str:
    with events(as_lines_of_json=False) as emit:
        for event in shown:
            emit(event)
    return capsys.readouterr().out


def test_the_events_of_these_tests_are_all_there_are() -> None:
    assert {type(event) for event in EVENTS} == set(get_args(Event))


# for programs


def test_every_event_is_one_json_object_on_one_line(capsys: Capture) -> None:
    with events(as_lines_of_json=True) as emit:
        for event in EVENTS:
            emit(event)

    out, err = capsys.readouterr()
    decoded = [json.loads(line) for line in out.splitlines()]
    assert [one["event"] for one in decoded] == [
        "found",
        "began",
        "step_began",
        "step_progress",
        "step_done",
        "step_failed",
        "live",
        "drained",
        "ended",
        "waiting",
        "planned",
        "undone",
        "output",
    ]
    assert err == ""


def test_json_keeps_every_field_as_it_is(capsys: Capture) -> None:
    with events(as_lines_of_json=True) as emit:
        for event in EVENTS:
            emit(event)

    for event, line in zip(EVENTS, capsys.readouterr().out.splitlines(), strict=True):
        decoded = json.loads(line)
        assert (decoded.pop("event"), decoded.pop("schema")) == (name_of(type(event)), SCHEMA)
        assert datetime.fromisoformat(decoded.pop("time")).tzinfo is UTC
        if isinstance(event, Found):
            decoded["findings"] = tuple(Finding(**one) for one in decoded["findings"])
        if "step" in decoded:
            assert decoded["step"]["id"] == str(step_of(decoded["step"]))
            decoded["step"] = step_of(decoded["step"])
        if "steps" in decoded:
            decoded["steps"] = tuple(map(step_of, decoded["steps"]))
        assert type(event)(**decoded) == event


@pytest.mark.parametrize("as_json", [True, False], ids=["json", "lines"])
def test_a_reader_that_goes_away_does_not_stop_what_is_under_way(
    monkeypatch: pytest.MonkeyPatch, as_json: bool
) -> None:
    # `hitless deploy | head -3`: an error out of emit would cut the deployment off, and its undoing as well
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w", buffering=1, closefd=False) as broken:
        monkeypatch.setattr(sys, "stdout", broken)
        failed: list[str] = []
        try:
            with events(as_json) as emit:
                for event in EVENTS:
                    emit(event)
        except (OSError, SystemExit) as error:
            failed.append(repr(error))
        monkeypatch.undo()
        os.dup2(os.open(os.devnull, os.O_WRONLY), writer)  # what is left in its buffer must go somewhere
    os.close(writer)

    assert failed == []


@pytest.mark.parametrize("as_json", [True, False], ids=["json", "lines"])
@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC], ids=errno.errorcode.get)
def test_a_terminal_that_is_gone_does_not_stop_what_is_under_way(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, as_json: bool, number: int
) -> None:
    # a hung-up terminal (EIO), or `hitless deploy > log` on a full disk
    tried: list[str] = []

    class Gone(io.TextIOWrapper):
        def write(self, text: str) -> int:
            tried.append(text)
            raise OSError(number, os.strerror(number))

    with (tmp_path / "out").open("wb") as file:
        out = Gone(file, encoding="utf-8")
        monkeypatch.setattr(sys, "stdout", out)
        with events(as_json) as emit:
            for event in EVENTS:
                emit(event)
        monkeypatch.undo()

    assert tried


# for people


@pytest.mark.parametrize(
    ("event", "said"),
    [
        (EVENTS[0], "error services.web.ports: is published\n      remove it\nwarning x: hm\n"),
        (EVENTS[1], "deploy shop release 7\n"),
        (Began(Operation.DOWN, "shop", 0, "alice"), "down shop\n"),
        (EVENTS[4], "  ✓ drain blue                                     1.2 s  3 in flight answered\n"),
        (StepDone(job("x"), 0.04), "  ✓ run x                                          0.0 s\n"),
        (EVENTS[6], "  live after 2.5 s: every new request gets release 7 (green)\n"),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str) else "",
)
def test_an_event_is_a_line(capsys: Capture, event: Event, said: str) -> None:
    assert lines(capsys, event) == said


@pytest.mark.parametrize(
    ("event", "said"),
    [
        (Ended(Operation.DOWN, "shop", Outcome.SUCCESSFUL, 4.0), "down done in 4.0 s\n"),
        (
            Ended(Operation.DEPLOY, "shop", Outcome.FAILED, 4.0),
            "deploy failed after 4.0 s: undone: everything is as it was before\n",
        ),
    ],
    ids=["successful", "failed"],
)
def test_the_end_of_a_command_that_began_is_a_line_too(capsys: Capture, event: Event, said: str) -> None:
    began = lines(capsys, EVENTS[1])
    assert lines(capsys, EVENTS[1], event) == began + said


def test_a_refusal_is_said_by_its_error_alone(capsys: Capture) -> None:
    assert lines(capsys, Ended(Operation.DEPLOY, "shop", Outcome.FAILED, 0.1)) == ""


def test_a_failed_step_shows_the_last_lines_of_every_container(capsys: Capture) -> None:
    logs = {"shop-green-web-1": "one\ntwo", "shop-green-web-2": ""}

    shown = lines(capsys, StepFailed(job("wait"), 60.0, "never got ready", "look", logs)).splitlines()

    assert shown[0].split() == ["✗", "run", "wait", "60.0", "s"]
    assert shown[1:] == [
        "    last lines of shop-green-web-1:",
        "    | one",
        "    | two",
        "    last lines of shop-green-web-2:",
        "    | (it wrote nothing)",
    ]


@pytest.mark.parametrize("event", [EVENTS[2], EVENTS[3], EVENTS[7]], ids=lambda event: type(event).__name__)
def test_what_only_a_spinner_shows_is_no_line_in_a_pipe(capsys: Capture, event: Event) -> None:
    assert lines(capsys, event) == ""


def test_the_end_of_a_deployment_sums_up(capsys: Capture) -> None:
    shown = lines(capsys, EVENTS[1], EVENTS[6], EVENTS[7], Drained(Colour.BLUE, 2, 0, 0.5), EVENTS[8])

    assert shown.splitlines()[-1] == (
        "release 7 is live on green after 2.5 s; 5 requests in flight drained, 1 cut; 4.0 s in all"
    )


def test_a_deployment_that_failed_after_its_cutover_is_live_nevertheless(capsys: Capture) -> None:
    shown = lines(capsys, EVENTS[1], EVENTS[6], Ended(Operation.DEPLOY, "shop", Outcome.UNFINISHED, 9.0))

    assert (
        "release 7 is live, but some of the previous one is left; finish with hitless resume"
        in shown.splitlines()[-1]
    )
    assert "undone" not in shown


def test_where_a_container_was_bad_the_end_says_how_to_see_all_that_it_wrote(capsys: Capture) -> None:
    hint = "hitless logs --release 7 shows all that it wrote"
    failed = Ended(Operation.DEPLOY, "shop", Outcome.FAILED, 4.0)
    assert lines(capsys, EVENTS[1], EVENTS[5], failed).endswith(f"  {hint}\n")
    here = StepFailed(job("x"), 1.0, "ended with 1 here", "look", {"here": "boom"})
    assert hint not in lines(capsys, EVENTS[1], here, failed)
    assert hint not in lines(capsys, EVENTS[1], failed)


def test_a_deployment_that_could_not_be_undone_says_what_to_do(capsys: Capture) -> None:
    shown = lines(capsys, EVENTS[1], Ended(Operation.DEPLOY, "shop", Outcome.UNFINISHED, 9.0))

    said = "deploy failed after 9.0 s: some of it is not undone; see hitless status, then "
    assert shown.splitlines()[-1] == said + "hitless resume, abort, or deploy again"
    assert "serves" not in shown


def test_a_deployment_that_was_undone_after_it_was_live_for_a_moment_is_not_live(capsys: Capture) -> None:
    shown = lines(capsys, EVENTS[1], EVENTS[6], Ended(Operation.DEPLOY, "shop", Outcome.FAILED, 9.0))

    assert shown.splitlines()[-1].endswith("undone: everything is as it was before")


@pytest.mark.parametrize("seconds", [0.0, 59.96, 3600.0])
def test_no_line_is_broken_in_two(capsys: Capture, seconds: float) -> None:
    detail = "a long detail " * 20

    shown = lines(capsys, StepDone(job("a step"), seconds, detail.strip()))

    assert shown.count("\n") == 1
    assert detail.strip() in shown


# what others wrote is shown as they wrote it

SHOWN: dict[str, Callable[[str], Event]] = {
    "a log": lambda text: StepFailed(job("wait"), 1.0, "m", "h", {"web": text}),
    "a container": lambda text: StepFailed(job("wait"), 1.0, "m", "h", {text: "x"}),
    "a failed step": lambda text: StepFailed(job(text), 1.0, "m"),
    "a step": lambda text: StepDone(job(text), 1.0),
    "a detail": lambda text: StepDone(job("wait"), 1.0, text),
    "an application": lambda text: Began(Operation.DEPLOY, text, 1, "alice"),
    "a finding": lambda text: Found((Finding("x", text),)),
    "a path": lambda text: Found((Finding(text, "m"),)),
    "a hint": lambda text: Found((Finding("x", "m", text),)),
}


@pytest.mark.parametrize("event", SHOWN.values(), ids=SHOWN.keys())
@pytest.mark.parametrize("text", ["[red]", "[/]", "[/red] x", "[link=x]y[/link]", "[bold", "C:\\", "\\[red]"])
def test_markup_in_what_others_wrote_is_shown_literally(
    capsys: Capture, event: Callable[[str], Event], text: str
) -> None:
    assert text in lines(capsys, event(text))


def test_markup_in_an_error_is_shown_literally(capsys: Capture) -> None:
    console.complain(HitlessError(HOSTILE, HOSTILE))

    assert capsys.readouterr().err == f"hitless: {HOSTILE}\n  next: {HOSTILE}\n"


def test_names_between_colons_are_no_pictures(capsys: Capture) -> None:
    console.complain(HitlessError("redis:key:1", "redis:key:1"))

    assert capsys.readouterr().err == "hitless: redis:key:1\n  next: redis:key:1\n"
    assert "| redis:key:1\n" in lines(capsys, StepFailed(job("wait"), 1.0, "m", "h", {"web": "redis:key:1"}))


def test_a_backslash_at_the_end_of_a_line_stays_one(capsys: Capture) -> None:
    shown = lines(capsys, StepFailed(job("wait"), 1.0, "m", "h", {"web": "docker run \\\n  --rm x"}))

    assert "    | docker run \\\n    |   --rm x\n" in shown


def test_a_spinner_takes_markup_for_text_as_well(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    # a description with a wrong end of markup would raise in the middle of a deployment
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("FORCE_COLOR", "1")

    shown = lines(
        capsys,
        StepBegan(job("pull x[/]y")),
        StepProgress(job("pull x[/]y"), "[/red]"),
        StepDone(job("pull x"), 1.0),
    )

    assert "pull x" in shown


# findings


def test_errors_come_before_warnings_and_keep_their_order(capsys: Capture) -> None:
    found = [
        Finding("a", "first", is_error=False),
        Finding("b", "second"),
        Finding("c", "third", is_error=False),
        Finding("d", "fourth"),
    ]

    show_findings(console.console(), found)

    assert capsys.readouterr().out.splitlines() == [
        "error b: second",
        "error d: fourth",
        "warning a: first",
        "warning c: third",
    ]
