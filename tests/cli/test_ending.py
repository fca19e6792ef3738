from __future__ import annotations

import json

import pytest

from hitless.cli.ending import ending
from hitless.domain.common.errors import HitlessError, LockLost
from hitless.domain.common.events import Ended, Event, Operation, Outcome, StepBegan, StepId, StepKind


def job(name: str) -> StepId:
    """A step that is shown as `run <name>`."""
    return StepId(StepKind.RUN_JOB, subjects=(name,))


def told(capsys: pytest.CaptureFixture[str]) -> list[tuple[str, str, str, str]]:
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return [(one["event"], one["operation"], one["application"], one["outcome"]) for one in events]


def command(error: HitlessError, *events: Event, operation: str = "deploy", as_json: bool = True) -> None:
    """A command that tells these events, and then fails."""
    with ending(operation, None, as_json) as end:
        end.application = "shop"
        for event in events:
            end.heard(lambda _: None)(event)
        raise error


@pytest.mark.parametrize(
    ("error", "outcome"), [(HitlessError("no"), "failed"), (LockLost("shop"), "unfinished")]
)
def test_what_fails_before_it_begins_has_an_outcome(
    capsys: pytest.CaptureFixture[str], error: HitlessError, outcome: str
) -> None:
    with pytest.raises(HitlessError):
        command(error)
    assert told(capsys) == [("ended", "deploy", "shop", outcome)]


def test_so_has_what_had_nothing_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    with ending("scale", "shop", as_json=True) as end:
        end.heard(lambda _: None)(StepBegan(job("look")))
    assert told(capsys) == [("ended", "scale", "shop", "successful")]


def test_an_outcome_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(HitlessError):
        command(HitlessError("no"), Ended(Operation.DEPLOY, "shop", Outcome.FAILED, 1.0))
    assert told(capsys) == []


def test_an_outcome_of_a_part_is_not_the_last_word(capsys: pytest.CaptureFixture[str]) -> None:
    events = (Ended(Operation.DEPLOY, "shop", Outcome.SUCCESSFUL, 1.0), StepBegan(job("take over port 80")))
    with pytest.raises(HitlessError):
        command(HitlessError("no"), *events, operation="adopt")
    assert told(capsys) == [("ended", "adopt", "shop", "failed")]


def test_a_person_is_told_by_the_error_alone(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(HitlessError):
        command(HitlessError("no"), as_json=False)
    assert told(capsys) == []
