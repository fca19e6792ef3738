"""What others have written, as a terminal shows it."""

from __future__ import annotations

import io
import json
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.table import Table

from hitless.cli import console
from hitless.cli.views.events import events
from hitless.cli.visible import echo, visible
from hitless.domain.common.errors import HitlessError
from hitless.domain.common.events import (
    Began,
    Event,
    Found,
    Operation,
    Output,
    StepBegan,
    StepDone,
    StepFailed,
    StepId,
    StepKind,
    StepProgress,
)
from hitless.domain.common.findings import Finding
from tests.domain.builders import examples


def job(name: str) -> StepId:
    """A step that is shown as `run <name>`."""
    return StepId(StepKind.RUN_JOB, subjects=(name,))


CONTROLS = [chr(code) for code in (*range(0x20), 0x7F, *range(0x80, 0xA0)) if chr(code) not in "\n\t"]
BIDI = [chr(code) for code in (0x61C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))]
Capture = pytest.CaptureFixture[str]


@pytest.mark.parametrize("character", CONTROLS, ids=lambda one: f"{ord(one):02x}")
def test_a_control_character_is_shown_by_its_number(character: str) -> None:
    assert visible(f"a{character}b") == f"a\\x{ord(character):02x}b"


@pytest.mark.parametrize("character", BIDI, ids=lambda one: f"{ord(one):04x}")
def test_what_turns_the_direction_of_a_text_is_shown_by_its_number(character: str) -> None:
    assert visible(f"a{character}b") == f"a\\u{ord(character):04x}b"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\tb\nc", "a\tb\nc"),
        ("a\r\nb", "a\nb"),  # the end of a line of Windows
        ("10 %\r20 %", "10 %\\x0d20 %"),
        ("\x1b[1;31mred\x1b[0m, \x1b[38:5:9mtoo\x1b[m", "red, too"),  # colours say nothing more
        ("\x1b[2J\x1b[H", "\\x1b[2J\\x1b[H"),
        ("\x1b]8;;http://a\x1b\\b", "\\x1b]8;;http://a\\x1b\\b"),
        ("\x1b\x1b[0m[2J", "\\x1b[2J"),  # what is left of it is shown, too
        ("zero\u200bwidth \ufeff \u2028 \U000e0041", "zero\\u200bwidth \\ufeff \\u2028 \\U000e0041"),
        ("\ud800", "\\ud800"),
        ("Grüße, 你好, 👩\u200d🚀, ک\u200cش", "Grüße, 你好, 👩\u200d🚀, ک\u200cش"),
        (r"C:\new\x1b", r"C:\new\x1b"),
    ],
)
def test_what_is_shown_how(text: str, shown: str) -> None:
    assert visible(text) == shown


@examples(200)
@given(st.text(st.sampled_from([*CONTROLS, *BIDI, *"\n\t[]0;mJ\\ab", "\u2028"]), max_size=30))
def test_nothing_that_steers_is_left_and_what_is_shown_stays(text: str) -> None:
    shown = visible(text)
    steering = [one for one in shown if unicodedata.category(one) in ("Cc", "Cf") and one not in "\n\t"]
    assert steering == []
    assert visible(shown) == shown


STEERING = "".join([*CONTROLS, *BIDI, "\x1b]0;title\x07\x1b[2J"])
FINDING = Finding(STEERING, STEERING, STEERING)
SHOWN: tuple[Event, ...] = (
    Found((FINDING,)),
    Began(Operation.DEPLOY, STEERING, 1, STEERING),
    StepBegan(job(STEERING)),
    StepProgress(job(STEERING), STEERING),
    StepDone(job(STEERING), 1.0, STEERING),
    StepFailed(job(STEERING), 1.0, STEERING, STEERING, {STEERING: STEERING}),
)


def is_harmless(text: str) -> bool:
    return not any(one in text for one in [*CONTROLS, *BIDI])


@pytest.mark.parametrize("event", SHOWN, ids=lambda event: type(event).__name__)
def test_no_event_steers_a_terminal(event: Event, capsys: Capture) -> None:
    with events(as_lines_of_json=False) as emit:
        emit(event)
    assert is_harmless(capsys.readouterr().out)


def test_the_line_of_progress_does_not_steer_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = io.StringIO()
    terminal.isatty = lambda: True  # type: ignore[method-assign]
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setenv("TERM", "xterm")
    with events(as_lines_of_json=False) as emit:
        emit(StepBegan(job("wait\x1b]0;title\x07")))
        emit(StepProgress(job("wait\x1b]0;title\x07"), "500: \x1b]0;body\x07\u202e"))
    shown = terminal.getvalue()
    assert "\x1b]0;" not in shown and "\x07" not in shown and "\u202e" not in shown
    assert "\\x1b]0;body\\x07\\u202e" in shown


def test_an_error_a_table_or_a_plain_line_does_not_steer_a_terminal(capsys: Capture) -> None:
    console.complain(HitlessError(STEERING, STEERING))
    table = Table(STEERING)
    table.add_row(STEERING)
    console.console().print(table)
    echo(STEERING)
    echo(STEERING, err=True)
    out, err = capsys.readouterr()
    assert is_harmless(out) and is_harmless(err)
    assert "\\x1b]0;title\\x07\\x1b[2J" in out and "\\x1b]0;title\\x07\\x1b[2J" in err


def test_json_escapes_it_by_itself(capsys: Capture) -> None:
    with events(as_lines_of_json=True) as emit:
        emit(Output(job("run"), {"a": STEERING}))
    out = capsys.readouterr().out
    assert out.rstrip("\n").isprintable() and out.isascii()
    assert json.loads(out)["logs"] == {"a": STEERING}
