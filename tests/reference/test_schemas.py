"""The schemas that docs/reference publishes are those of the code, and are strict."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hitless.cli.views.documents import Document
from hitless.domain.common.events import SCHEMA, Event, StepBegan, StepId, StepKind, as_json, step_json
from hitless.domain.host.journal import step_of
from tests.domain.builders import examples
from tests.reference.published import UPDATE, check, check_line, check_output
from tests.reference.schemas import FOLDER, PRINTED_BY, texts

TIME = "2026-01-01T00:00:00.000+00:00"
BEGAN = StepBegan(StepId(StepKind.START))

# JSON has no other numbers, and hitless's mappings are dicts
st.register_type_strategy(float, st.floats(allow_nan=False, allow_infinity=False))
st.register_type_strategy(Mapping, lambda kind: st.dictionaries(*map(st.from_type, get_args(kind))))


def written(event: Event) -> str:
    return json.dumps(as_json(event, TIME))


@pytest.mark.parametrize("path", texts(), ids=lambda path: path.name)
def test_a_schema_is_that_of_the_code(path: Any) -> None:
    assert path.read_text(encoding="utf-8") == texts()[path], UPDATE


def test_there_is_no_other_schema() -> None:
    assert set(FOLDER.glob("*.schema.json")) == set(texts())


@pytest.mark.parametrize("kind", get_args(Event), ids=lambda kind: kind.__name__)
def test_whatever_an_event_holds_it_keeps_to_its_schema_and_no_field_can_be_added_or_left_out(
    kind: type[Event],
) -> None:
    @examples(25)
    @given(st.from_type(kind))
    def draws(event: Event) -> None:
        line = written(event)
        check_line(line)
        content = json.loads(line)
        for name in content.keys() - {"event"}:  # which says what kind to compare with
            with pytest.raises(AssertionError, match=f"'{name}' is a required property"):
                check("events", {key: value for key, value in content.items() if key != name})
        with pytest.raises(AssertionError, match="'more' was unexpected"):
            check("events", {**content, "more": 1})

    draws()


@examples(50)
@given(st.from_type(StepId))
def test_a_step_comes_back_from_its_json(step: StepId) -> None:
    assert step_of(json.loads(json.dumps(step_json(step)))) == step


def test_an_event_of_another_version_does_not_keep_to_the_schema() -> None:
    with pytest.raises(AssertionError, match=f"{SCHEMA} was expected"):
        check("events", {**json.loads(written(BEGAN)), "schema": SCHEMA + 1})


@pytest.mark.parametrize(
    "event",
    [
        {"event": "step_began", "step": "start blue"},  # of version 1
        {"event": "of tomorrow", "schema": SCHEMA + 1, "anything": [1]},
        json.loads(written(BEGAN)),
    ],
    ids=["of version 1", "of a newer hitless", "of this one"],
)
def test_a_journal_may_hold_events_of_every_version(event: dict[str, Any]) -> None:
    check("show", [run(event)])


def test_an_event_of_this_version_in_a_journal_keeps_to_its_schema() -> None:
    with pytest.raises(AssertionError, match=r"show\.schema\.json"):
        check("show", [run({**json.loads(written(BEGAN)), "more": 1})])


def run(*events: dict[str, Any]) -> dict[str, Any]:
    fields = {"operation": "deploy", "release": 1, "holder": "ann", "revision": "", "began": TIME}
    end = {"reason": "", "outcome": "", "seconds": 0.0}
    return {**fields, "step": "start blue", **end, "events": list(events)}


# what the tests on a real engine compare


def test_every_document_is_printed_by_a_command() -> None:
    assert set(PRINTED_BY) == set(Document)


@pytest.mark.parametrize(
    ("words", "schema"),
    [
        ("plan --json", "plan"),
        ("status --json", "status"),
        ("status --all --json", "gateway-status"),
        ("gateway status --json", "gateway-status"),
        ("shared status --json", "shared-status"),
        ("show 7 --json", "show"),
        ("adopt --json --dry-run", "adopt"),
        ("adopt --json --yes", "events"),
        ("deploy --json", "events"),
        ("gateway up --json", "events"),
    ],
)
def test_the_output_of_a_command_is_compared_with_its_schema(words: str, schema: str) -> None:
    wrong = '{"event": "step_began"}'
    with pytest.raises(AssertionError, match=rf"/{schema}\.schema\.json"):
        check_output(words.split(), f"a line for people\n{wrong}\n")


def test_lines_for_people_among_events_are_left_out() -> None:
    check_output(["deploy", "--json"], f"{written(BEGAN)}\nhitless: not ready\n  next: look\n")
