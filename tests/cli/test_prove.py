"""`hitless prove` on the command line: what it takes, what it prints, how it ends."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from click.testing import CliRunner, Result

from hitless import wiring
from hitless.cli.main import hitless
from hitless.cli.views.proof import report, show_proof, verdict
from hitless.domain.common.errors import GateFailed, HitlessError
from hitless.domain.proof.observations import Observed, Sample, Session, Target, Timeline, Visit
from hitless.domain.proof.verdict import Proof, judge
from hitless.execution import prove as execution
from hitless.execution.prove import Wanted
from hitless.execution.session import Session as Command
from hitless.ports import Ports
from tests.fakes.host import FakeHost

SHOP = Target("shop.example", "/")
TIMELINE = Timeline(
    began=10, ended=20, cutting=13.9, live=14, stopping=17, stopped=19, gate=2.0, in_flight=3, cut=0
)
WELL = tuple(Sample(SHOP, number / 10, number / 10 + 0.004, 200) for number in range(300))
EARLY = tuple(Sample(SHOP, 14.1 + number / 10, 14.2 + number / 10, 503) for number in range(4))
Prove = Callable[..., Result]


def proof(*others: Sample, **fields: Any) -> Proof:
    observed = Observed("shop", 7, (SHOP,), 10, 1, (*WELL, *others), (TIMELINE,))
    return judge(replace(observed, **fields))


class Host:
    """What wiring would give."""

    def ports(self, _: object) -> Ports:
        return FakeHost().ports()

    def load(self) -> None:
        return None


@pytest.fixture
def prove(monkeypatch: pytest.MonkeyPatch) -> Prove:
    """Call the verb, with this result of the proof."""

    def call(
        *words: str, found: Proof | None = None, problem: HitlessError | None = None, asked: Any = None
    ) -> Result:
        def proved(session: Command, _load: object, wanted: Wanted) -> Any:
            assert session.application == "shop"
            if asked is not None:
                asked.append(wanted)
            return found or proof(), problem

        monkeypatch.setattr(wiring, "host", lambda *_: Host())
        monkeypatch.setattr(execution, "prove", proved)
        return CliRunner().invoke(hitless, ["-p", "shop", "prove", *words])

    return call


def test_by_itself_it_is_three_deployments_at_20_requests_a_second(prove: Prove) -> None:
    asked: list[Wanted] = []
    assert prove(asked=asked).exit_code == 0
    assert asked == [Wanted(3, 20, (), 5.0)]


def test_all_of_it_can_be_chosen(prove: Prove) -> None:
    asked: list[Wanted] = []
    words = ("-n", "5", "--rate", "2", "--path", "/a", "--path", "/b?c=d", "--baseline", "1m")
    assert prove(*words, asked=asked).exit_code == 0
    assert asked == [Wanted(5, 2, ("/a", "/b?c=d"), 60.0)]


@pytest.mark.parametrize(
    "words",
    [
        ("--deployments", "0"),
        ("--deployments", "51"),
        ("--rate", "0"),
        ("--rate", "201"),
        ("--rate", "nan"),
        ("--path", "cart"),
        ("--path", "/a b"),
        ("--path", "/a\r\nX: y"),
        ("--baseline", "soon"),
        ("--baseline", "1h"),
    ],
    ids=ascii,
)
def test_what_is_out_of_bounds_is_wrong_usage(words: tuple[str, ...], prove: Prove) -> None:
    assert prove(*words).exit_code == 2


def test_nothing_lost_ends_with_0(prove: Prove) -> None:
    done = prove()

    assert done.exit_code == 0
    assert done.output.splitlines()[-1] == "nothing lost: 300 requests, 1 deployment of release 7"
    assert "GET http://shop.example/" in done.output


def test_what_was_lost_ends_with_7_and_says_by_whom_and_what_to_do(prove: Prove) -> None:
    done = prove(found=proof(*EARLY))

    assert done.exit_code == 7
    assert "lost 4 requests, by the application: it said that it was ready too early" in done.output
    assert "have the health check answer 200 only once" in done.output
    assert done.output.splitlines()[-1] == (
        "lost: 4 of 304 requests, in 1 deployment of release 7; by the application"
    )


def test_a_lost_session_ends_with_7(prove: Prove) -> None:
    known = Visit(200)
    session = Session(SHOP, {"sid": "1"}, (known, known), Visit(200, {"sid": "2"}))
    done = prove(found=proof(sessions=(session,)))

    assert done.exit_code == 7
    assert "lost: 1 of 1 sessions, in 1 deployment" in done.output


def test_what_the_application_does_without_a_deployment_too_ends_with_0(prove: Prove) -> None:
    done = prove(found=proof(Sample(SHOP, 3, 3.1, 500), *(replace(one, status=500) for one in EARLY)))

    assert done.exit_code == 0
    assert "nothing lost" in done.output
    assert "5 answered as before any deployment" in done.output


def test_a_deployment_that_fails_is_an_error_after_the_report(prove: Prove) -> None:
    done = prove(
        found=proof(timelines=(replace(TIMELINE, live=None, cutting=None, problem="not ready"),)),
        problem=GateFailed("not ready", "look"),
    )

    assert isinstance(done.exception, GateFailed)
    assert "0 deployments of release 7" in done.output
    assert "failed" in done.output


def test_the_report_as_json(prove: Prove) -> None:
    done = prove("--json", found=proof(*EARLY))

    assert done.exit_code == 7
    told = json.loads(done.output)
    assert told == report(proof(*EARLY))
    assert (told["is_lossless"], told["requests"], told["lost"]) == (False, 304, 4)
    assert told["mixed"] is None
    assert told["verdict"] == verdict(proof(*EARLY))
    [fault] = told["faults"]
    assert (fault["cause"], fault["by"], fault["requests"]) == ("ready-too-early", "the application", 4)
    [deployment] = told["deployments"]
    assert (deployment["live_after"], deployment["ended_after"], deployment["cutover_took"]) == (4, 10, 0.1)
    periods = {period["period"]: period for period in told["periods"]}
    assert periods["the old release drains"]["lost"] == {"503": 4}
    assert periods["before any deployment"]["latency"]["p50"] == 0.004


def test_a_period_in_which_nothing_was_answered(capsys: pytest.CaptureFixture[str]) -> None:
    found = judge(Observed("shop", 7, (SHOP,), 10, 1, EARLY, (TIMELINE,)))
    show_proof(found, as_json=False)
    assert "4 x 503" in capsys.readouterr().out
