from __future__ import annotations

import errno
import io
import json
import os
import re
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import pytest
from rich.cells import cell_len
from rich.console import Console

from hitless.cli import console
from hitless.cli.views.events import AS_USUAL, Shown, _Lines, events
from hitless.cli.views.findings import show_findings
from hitless.cli.views.folds import Folds
from hitless.cli.views.running import Running
from hitless.domain.common.errors import HitlessError
from hitless.domain.common.events import (
    SCHEMA,
    Began,
    Drained,
    Ended,
    Event,
    Found,
    Live,
    NotNotified,
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
    Undoing,
    Undone,
    Waiting,
    Wrote,
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
    Ended(Operation.DEPLOY, "shop", Outcome.SUCCESSFUL, 4.0, ("http://shop.example",)),
    Waiting("shop", "bob@two, process 2, for 3 min, last sign of life 2 s ago"),
    Planned((StepId(StepKind.DRAIN, Colour.BLUE),)),
    Undone(),
    Output(job("run migrate"), {"shop-green-migrate-1": "3 migrations\ndone [red]"}),
    Wrote(StepId(StepKind.GATE, Colour.GREEN), "shop-green-web-1", "listening on 8000"),
    Undoing((StepId(StepKind.RETIRE, Colour.GREEN),), 10.0),
    NotNotified("ops", "it answers 500 [red]"),
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
        "wrote",
        "undoing",
        "not_notified",
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
        if "addresses" in decoded:
            decoded["addresses"] = tuple(decoded["addresses"])
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
        (EVENTS[14], "  undoing what was done\n"),
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


@pytest.mark.parametrize(
    "event", [EVENTS[2], EVENTS[3], EVENTS[7], EVENTS[13]], ids=lambda event: type(event).__name__
)
def test_what_only_a_terminal_shows_is_no_line_in_a_pipe(capsys: Capture, event: Event) -> None:
    assert lines(capsys, event) == ""


def test_the_end_of_a_deployment_sums_up(capsys: Capture) -> None:
    shown = lines(capsys, EVENTS[1], EVENTS[6], EVENTS[7], Drained(Colour.BLUE, 2, 0, 0.5), EVENTS[8])

    assert shown.splitlines()[-3:] == [
        "release 7 is live on green after 2.5 s; 5 requests in flight drained, 1 cut; 4.0 s in all",
        "  http://shop.example",
        "  next: hitless logs -f, hitless open",
    ]


def test_the_end_names_what_comes_next_for_the_same_application(capsys: Capture) -> None:
    leaves = Planned((StepId(StepKind.RETIRE, Colour.BLUE),))
    with events(as_lines_of_json=False, shown=Shown(words=" -p shop", host_name=lambda: "one")) as emit:
        for event in (
            EVENTS[1],
            leaves,
            EVENTS[6],
            Ended(Operation.DEPLOY, "shop", Outcome.SUCCESSFUL, 4.0, ("http://*:8080", "tcp://a.example:1")),
        ):
            emit(event)

    assert capsys.readouterr().out.splitlines()[-3:] == [
        "  http://one:8080",
        "  tcp://a.example:1",
        "  next: hitless -p shop logs -f, hitless -p shop open, hitless -p shop rollback",
    ]


def quietly(capsys: Capture, *shown: Event) -> list[str]:
    with events(as_lines_of_json=False, shown=Shown(is_quiet=True)) as emit:
        for event in shown:
            emit(event)
    return capsys.readouterr().out.splitlines()


def test_quiet_is_the_result_in_one_line(capsys: Capture) -> None:
    well = [event for event in EVENTS if not isinstance(event, Found | StepFailed | Ended | NotNotified)]

    assert quietly(capsys, *well, EVENTS[8]) == [
        "release 7 is live on green after 2.5 s; 3 requests in flight drained, 1 cut; 4.0 s in all"
    ]


def test_quiet_shows_errors_and_why_a_step_failed(capsys: Capture) -> None:
    assert quietly(
        capsys, EVENTS[0], EVENTS[1], EVENTS[5], Ended(Operation.DEPLOY, "shop", Outcome.FAILED, 4.0)
    ) == [
        "error services.web.ports: is published",
        "      remove it",
        "  ✗ wait until green is ready                     60.0 s",
        "    last lines of shop-green-web-1:",
        "    | boom",
        "deploy failed after 4.0 s: undone: everything is as it was before",
    ]


# what is written while a step runs

GATE = StepId(StepKind.GATE, Colour.GREEN)
SLOW = (
    EVENTS[1],
    StepBegan(GATE),
    Wrote(GATE, "shop-green-web-1", "one\x1b[2J"),
    Wrote(GATE, "shop-green-web-1", "10 %\r20 %\r"),
    StepDone(GATE, 2.0),
    StepBegan(job("x")),
    StepDone(job("x"), 1.0),
)


def test_a_github_workflow_folds_it(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")

    assert lines(capsys, *SLOW).splitlines() == [
        "deploy shop release 7",
        "::group::wait until green is ready",
        "    web-1 | one\\x1b[2J",
        "    web-1 | 20 %",
        "::endgroup::",
        "  ✓ wait until green is ready                      2.0 s",
        "  ✓ run x                                          1.0 s",
    ]
    monkeypatch.setenv("FORCE_COLOR", "1")  # many set it there; a picture that is drawn again is no log
    assert "\x1b[?25l" not in lines(capsys, *SLOW)


def test_what_others_wrote_is_no_command_to_a_github_workflow(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")

    shown = lines(
        capsys,
        *(Wrote(GATE, "web", text) for text in ("::error::x", "a ##[group]b", "a::b [::1]:80")),
        Found((Finding("::stop-commands::x", "m\n ::debug::n"),)),
    )

    assert "web | : :error::x\n" in shown
    assert "web | a ## [group]b\n" in shown
    assert "web | a::b [::1]:80\n" in shown
    assert "error ::stop-commands::x: m\n : :debug::n\n" in shown


def test_gitlab_folds_it(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITLAB_CI", "true")

    shown = lines(capsys, *SLOW)

    found = re.findall(r"\x1b\[0Ksection_(start|end):\d+:(\w+)(\[collapsed=true\])?\r\x1b\[0K(.*)\n", shown)
    assert [(kind, collapsed, title) for kind, _, collapsed, title in found] == [
        ("start", "[collapsed=true]", "wait until green is ready"),
        ("end", "", ""),
    ]
    assert len({name for _, name, *_ in found}) == 1
    assert shown.count("\x1b") == 4


def picture(width: int, *shown: Event, height: int = 24) -> list[str]:
    """What is drawn below the lines after these events, in a terminal of this size."""
    out = Console(width=width, height=height, file=io.StringIO(), color_system=None)
    running = Running(out, is_drawn=False)
    view = _Lines(out, running, Folds(io.StringIO()), AS_USUAL)
    for event in shown:
        view.show(event)
    out.file = io.StringIO()
    out.print(running)
    return out.file.getvalue().splitlines()


def test_a_terminal_shows_what_a_step_waits_for_how_long_and_what_is_written() -> None:
    shown = picture(
        80,
        Began(Operation.DEPLOY, "shop", 7, "alice@one, process 1", expected=30.0),
        Planned((GATE, job("x"))),
        StepBegan(GATE),
        StepProgress(GATE, "shop-green-web-1 is starting", 60.0),
        Wrote(GATE, "shop-green-web-1", "one\x1b[2J\ttwo"),
        Wrote(GATE, "shop-green-worker-1", "three"),
    )

    assert shown[0][2] in "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
    assert shown[0][4:] == "wait until green is ready  0 s of at most 60 s  web-1 is starting"
    assert shown[1:] == [
        "    web-1    | one\\x1b[2J  two",
        "    worker-1 | three",
        "  step 1 of 2, 0 s, about 30 s to go",
    ]


@pytest.mark.parametrize("width", [40, 80, 160])
def test_no_line_that_is_drawn_is_wider_than_the_terminal(width: int) -> None:
    shown = picture(
        width,
        EVENTS[1],
        StepBegan(GATE),
        StepProgress(GATE, "x" * 1000, 60.0),
        *(Wrote(GATE, "shop-green-web-1", f"{number} " + "語" * 400) for number in range(9)),
    )

    assert max(map(cell_len, shown)) < width
    assert [line.split("| ")[1][0] for line in shown[1:-1]] == list("345678")


def test_what_an_interrupt_says_is_drawn_and_then_a_line() -> None:
    out = Console(width=40, height=24, file=io.StringIO(), color_system=None)
    running = Running(out, is_drawn=False)
    view = _Lines(out, running, Folds(io.StringIO()), AS_USUAL)
    view.show(StepBegan(job("x")))
    running.notice("interrupted: hitless undoes what was done, which may take 40 s")
    out.print(running)
    view.show(StepDone(job("x"), 1.0))
    view.show(StepDone(job("y"), 1.0))

    assert isinstance(out.file, io.StringIO)
    said = ["interrupted: hitless undoes what was", "done, which may take 40 s"]
    shown = [line.rstrip() for line in out.file.getvalue().splitlines()]
    assert shown[:2] == said
    assert shown[4:6] == ["interrupted: hitless undoes what was", "done, which may take 40 s"]
    assert [line.split()[0] for line in shown[6:]] == ["✓", "✓"]


def test_a_low_terminal_shows_less() -> None:
    several = (Wrote(GATE, "web", str(number)) for number in range(9))
    assert len(picture(80, EVENTS[1], StepBegan(GATE), *several, height=5)) == 3


def test_nothing_is_drawn_between_two_steps() -> None:
    assert picture(80, *SLOW) == []


def test_while_it_undoes_nobody_knows_how_long_it_takes() -> None:
    shown = picture(
        80,
        Began(Operation.DEPLOY, "shop", 7, "a", expected=30.0),
        Planned((GATE,)),
        Undoing((job("x"),), 10.0),
        StepBegan(job("x")),
    )
    assert shown[-1] == "  0 s"


def test_a_narrow_terminal_has_the_detail_on_a_line_of_its_own(capsys: Capture) -> None:
    out = Console(width=40, file=io.StringIO(), soft_wrap=True, color_system=None)
    view = _Lines(out, Running(out, is_drawn=False), Folds(io.StringIO()), AS_USUAL)

    view.show(StepDone(StepId(StepKind.DRAIN, Colour.BLUE), 1.25, "3 in flight answered"))
    view.show(StepDone(StepId(StepKind.RETIRE, Colour.BLUE), 1.25))

    assert isinstance(out.file, io.StringIO)
    assert out.file.getvalue().splitlines() == [
        "  ✓ drain blue                     1.2 s",
        "      3 in flight answered",
        "  ✓ retire blue                    1.2 s",
    ]


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
    for where in ("here", "the build"):  # of no container
        elsewhere = StepFailed(job("x"), 1.0, "ended with 1", "look", {where: "boom"})
        assert hint not in lines(capsys, EVENTS[1], elsewhere, failed)
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
