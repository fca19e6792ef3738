"""What a proof concludes, by named situations: a deployment from 10 to 20, its cutover at 14, the stop at 17.

The load asks ten times a second from 0 to 30; a situation says what goes otherwise.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hitless.domain.common.names import Colour
from hitless.domain.proof.as_before import at_most
from hitless.domain.proof.observations import (
    Ending,
    Failure,
    Observed,
    Period,
    Sample,
    Session,
    Target,
    Timeline,
    Visit,
)
from hitless.domain.proof.verdict import Cause, Proof, Side, judge, refused
from tests.domain.builders import examples

SHOP = Target("shop.example", "/")
CART = Target("shop.example", "/cart")
TIMELINE = Timeline(
    began=10, ended=20, cutting=13.9, live=14, stopping=17, stopped=19, gate=2.0, in_flight=1, cut=0
)
STOPPED = Ending("shop-blue-web-1", "web", Colour.BLUE, 0, True, 0.2, 17.5)
Bad = Callable[[Sample], Sample]


def sample(began: float, took: float = 0.005, status: int = 200, **fields: Any) -> Sample:
    return Sample(fields.pop("target", SHOP), began, began + took, status, **fields)


def observed(*others: Sample, **fields: Any) -> Observed:
    """The usual requests, and these."""
    usual = [sample(number / 10) for number in range(300)]
    known: dict[str, Any] = {
        "application": "shop",
        "release": 7,
        "targets": (SHOP,),
        "rate": 10,
        "wanted": 1,
        "samples": (*usual, *others),
        "timelines": (TIMELINE,),
        "grace": {"web": 10.0},
    }
    return Observed(**{**known, **fields})


def causes(found: Proof) -> list[tuple[Cause, int]]:
    return [(fault.cause, fault.lost) for fault in found.faults]


def failed(at: float, failure: Failure, took: float = 0.005) -> Sample:
    return Sample(SHOP, at, at + took, 0, failure)


def by_gateway(at: float, status: int) -> Sample:
    return sample(at, status=status, is_gateways=True)


def test_where_all_is_answered_nothing_is_lost_and_each_period_has_its_figures() -> None:
    found = judge(observed())

    assert found.is_lossless
    assert (found.requests, found.lost, found.faults) == (300, 0, ())
    assert [row.period for row in found.rows] == list(Period)
    assert sum(row.requests for row in found.rows) == 300
    assert found.rows[0].latency is not None
    assert found.rows[0].latency.p50 == pytest.approx(0.005)


def test_errors_in_the_first_seconds_of_a_release_are_its_health_checks() -> None:
    found = judge(observed(sample(14.1, status=503), sample(14.6, status=500), by_gateway(15.0, 502)))

    assert causes(found) == [(Cause.TOO_EARLY, 3)]
    [fault] = found.faults
    assert fault.side is Side.APPLICATION
    assert "up to 1.0 s after the cutover" in fault.message
    assert "health check" in fault.remedy
    assert not found.is_lossless


def test_errors_of_a_fresh_release_are_its_own_also_when_the_next_deployment_has_begun() -> None:
    second = Timeline(began=18, ended=28, cutting=22, live=22.1, stopping=25, stopped=27)

    found = judge(observed(sample(18.5, status=500), timelines=(replace(TIMELINE, ended=17.9), second)))

    assert causes(found) == [(Cause.TOO_EARLY, 1)]


def test_an_error_that_comes_without_a_deployment_too_is_not_blamed_on_one() -> None:
    found = judge(observed(sample(3, status=500), sample(14.2, status=500), sample(18, status=500)))

    assert causes(found) == [(Cause.OWN, 3)]
    assert (found.lost, found.as_before) == (0, 3)
    assert found.is_lossless
    assert [dict(row.as_before) for row in found.rows if row.as_before] == [{"500": 1}] * 3
    assert found.rows[0].latency is not None


def test_the_same_error_of_another_path_is_another_error() -> None:
    found = judge(
        observed(sample(3, status=500, target=CART), sample(14.2, status=500), targets=(SHOP, CART))
    )

    assert causes(found) == [(Cause.TOO_EARLY, 1), (Cause.OWN, 1)]
    assert (found.lost, found.as_before) == (1, 1)


def test_an_error_that_comes_much_more_often_than_before_is_a_loss() -> None:
    burst = [
        sample(14 + number / 20, status=500) for number in range(40)
    ]  # all that ended as the old one drained

    found = judge(observed(sample(3, status=500), sample(25, status=500), *burst))

    assert (Cause.TOO_EARLY, 40) in causes(found)
    assert (found.lost, found.as_before) == (40, 2)
    assert not found.is_lossless


def test_an_application_that_fails_as_often_as_before_loses_nothing() -> None:
    every_third = [sample(number / 2, status=503 if number % 2 else 500) for number in range(60)]

    found = judge(observed(*every_third))

    assert causes(found) == [(Cause.OWN, 60)]
    assert (found.lost, found.as_before) == (0, 60)


@examples(200)
@given(st.integers(1, 400), st.integers(0, 400), st.integers(1, 4000))
def test_what_chance_explains_is_no_less_than_the_share_of_before(of: int, seen: int, requests: int) -> None:
    bound = at_most(min(seen, of), of, requests)
    assert bound >= requests * min(seen, of) / of - 1e-9
    assert bound <= requests
    assert at_most(of, of, requests) == pytest.approx(requests)
    assert bool(bound) == bool(seen)


def test_another_error_than_before_is_a_loss() -> None:
    found = judge(observed(sample(3, status=500), sample(14.2, status=503)))

    assert causes(found) == [(Cause.TOO_EARLY, 1), (Cause.OWN, 1)]


def test_a_status_that_the_path_has_always_had_is_right() -> None:
    found = judge(
        observed(
            sample(2, status=401, target=CART), sample(15, status=401, target=CART), targets=(SHOP, CART)
        )
    )

    assert found.lost == 0


def test_a_status_that_the_path_never_had_is_wrong() -> None:
    found = judge(observed(sample(15, status=404, target=CART), targets=(SHOP, CART)))

    assert causes(found) == [(Cause.TOO_EARLY, 1)]
    assert "of http://shop.example/cart" in found.faults[0].detail


def test_what_is_cut_at_the_drain_deadline_is_the_applications_with_two_remedies() -> None:
    long = failed(12, Failure.CUT, took=5.4)

    found = judge(observed(long, timelines=(replace(TIMELINE, cut=1),), drain_timeout=3.0))

    assert causes(found) == [(Cause.CUT_IN_FLIGHT, 1)]
    assert "drain_timeout (3 s)" in found.faults[0].message
    assert "the old release stops" in found.faults[0].detail
    assert "SIGTERM" in found.faults[0].remedy
    assert "drain_timeout" in found.faults[0].remedy


def test_what_is_stopped_although_the_drain_saw_nothing_is_hitless_own_fault() -> None:
    found = judge(observed(by_gateway(12, 502), failed(13, Failure.RESET, took=4.3)))

    assert (Cause.STOPPED_IN_FLIGHT, 1) in causes(found)
    fault = next(fault for fault in found.faults if fault.cause is Cause.STOPPED_IN_FLIGHT)
    assert fault.side is Side.HITLESS
    assert "buffering" in fault.remedy


@pytest.mark.parametrize(
    "lost",
    [
        failed(11, Failure.REFUSED),
        failed(14.5, Failure.REFUSED),
        failed(16, Failure.RESET),
        by_gateway(12, 502),
        by_gateway(28, 504),
    ],
    ids=lambda one: f"{one.what} at {one.began}",
)
def test_what_nobody_else_explains_is_hitless_or_its_gateway(lost: Sample) -> None:
    found = judge(observed(lost))

    assert causes(found) == [(Cause.GATEWAY, 1)]
    assert found.faults[0].side is Side.HITLESS


def test_a_gateways_404_after_the_cutover_is_the_gateways() -> None:
    assert causes(judge(observed(by_gateway(15, 404)))) == [(Cause.GATEWAY, 1)]


def test_a_502_of_an_application_that_closes_idle_connections_is_explained_by_that() -> None:
    found = judge(observed(by_gateway(12, 502), idle={"web": 0.5}))

    assert causes(found) == [(Cause.IDLE_CLOSED, 1)]
    assert "keep-alive timeout above 0.25 s" in found.faults[0].remedy


def test_idle_connections_that_are_closed_early_are_told_though_nothing_was_lost() -> None:
    found = judge(observed(idle={"web": 0.5}))

    assert causes(found) == [(Cause.IDLE_CLOSED, 0)]
    assert "web after 0.5 s" in found.faults[0].message
    assert found.is_lossless


def test_what_is_lost_at_a_crash_is_explained_by_it() -> None:
    crash = replace(STOPPED, is_asked=False, exit_code=139, at=15.0)

    found = judge(observed(by_gateway(15.1, 502), timelines=(replace(TIMELINE, endings=(crash,)),)))

    assert causes(found) == [(Cause.CRASHED, 1)]
    assert "docker logs" in found.faults[0].remedy


def test_errors_while_two_releases_run_come_from_something_that_is_not_enough_for_two() -> None:
    found = judge(observed(sample(11, status=500), sample(12, status=500)))

    assert causes(found) == [(Cause.TWO_AT_ONCE, 2)]
    assert "connections of the database" in found.faults[0].remedy


def test_errors_long_after_a_deployment_are_the_applications_own() -> None:
    assert causes(judge(observed(sample(29, status=500)))) == [(Cause.SELDOM, 1)]


@pytest.mark.parametrize("failure", [Failure.TIMEOUT, Failure.UNSENT])
def test_requests_that_are_not_answered_in_time(failure: Failure) -> None:
    found = judge(observed(failed(11, failure, took=1)))

    assert causes(found) == [(Cause.HANGS, 1)]
    assert "workers" in found.faults[0].remedy


def test_a_program_that_dies_at_once_when_told_is_noted_and_cost_nothing() -> None:
    dying = replace(STOPPED, exit_code=143, seconds=0.1)

    found = judge(observed(timelines=(replace(TIMELINE, endings=(dying,)),)))

    assert causes(found) == [(Cause.DIES_AT_ONCE, 0)]
    assert "no loss here" in found.faults[0].message
    assert found.is_lossless


def test_a_program_that_does_not_end_when_told_makes_every_deployment_longer() -> None:
    deaf = replace(STOPPED, exit_code=137, seconds=10.1)

    found = judge(observed(timelines=(replace(TIMELINE, endings=(deaf,)),)))

    assert causes(found) == [(Cause.IGNORES_SIGTERM, 0)]
    assert "killed after 10 s" in found.faults[0].message
    assert "init: true" in found.faults[0].remedy


def test_a_program_that_ends_well_is_not_mentioned() -> None:
    assert judge(observed(timelines=(replace(TIMELINE, endings=(STOPPED,)),))).faults == ()


def test_a_slow_start_is_told_where_it_is_most_of_the_deployment() -> None:
    found = judge(observed(timelines=(replace(TIMELINE, gate=7.5),)))

    assert causes(found) == [(Cause.SLOW_START, 0)]
    assert "start faster" in found.faults[0].remedy
    assert judge(observed(timelines=(replace(TIMELINE, gate=4.0),))).faults == ()


def session(after: Visit, *before: Visit) -> Session:
    return Session(SHOP, {"sid": "1"}, before or (Visit(200), Visit(200)), after)


@pytest.mark.parametrize(
    "after",
    [Visit(200, {"sid": "2"}), Visit(401), Visit(403), Visit(302, location="/login")],
    ids=["another cookie", "401", "403", "to the login page"],
)
def test_a_session_that_the_next_release_does_not_know_is_lost(after: Visit) -> None:
    found = judge(observed(sessions=(session(after), session(Visit(200)))))

    assert causes(found) == [(Cause.SESSIONS, 0)]
    assert "1 of 2" in found.faults[0].message
    assert "cookie sid of http://shop.example/" in found.faults[0].detail
    assert "Redis" in found.faults[0].remedy
    assert not found.is_lossless


@pytest.mark.parametrize(
    "one",
    [
        session(Visit(200)),
        session(Visit(200, {"sid": "1"})),
        session(Visit(200, {"csrf": "9"})),
        session(Visit(500)),
        session(Visit(0, problem="connection refused")),
        session(Visit(302, location="/"), Visit(302, location="/"), Visit(302, location="/")),
        session(Visit(200, {"sid": "4"}), Visit(200, {"sid": "2"}), Visit(200, {"sid": "3"})),
    ],
    ids=["known", "same cookie", "another name", "error", "no answer", "as ever", "new at every request"],
)
def test_a_session_that_is_known_or_unclear_is_not_lost(one: Session) -> None:
    assert judge(observed(sessions=(one,))).is_lossless


def test_a_load_that_was_late_or_ended_first_is_told() -> None:
    assert causes(judge(observed(lag=0.8))) == [(Cause.LOAD_LATE, 0)]
    assert causes(judge(observed(is_over=True, wanted=3))) == [(Cause.LOAD_ENDED, 0)]
    assert "1 of 3" in judge(observed(is_over=True, wanted=3)).faults[0].message


def test_losses_come_before_remarks_and_the_greater_before_the_lesser() -> None:
    found = judge(
        observed(sample(3, status=500), sample(11, status=503), *[by_gateway(12, 502)] * 2, lag=0.8)
    )

    assert causes(found) == [
        (Cause.GATEWAY, 2),
        (Cause.TWO_AT_ONCE, 1),
        (Cause.OWN, 1),
        (Cause.LOAD_LATE, 0),
    ]


def test_a_deployment_that_failed_before_its_cutover_has_no_later_period() -> None:
    broken = Timeline(began=10, ended=20, problem="not ready")

    found = judge(observed(timelines=(broken,)))

    assert [row.period for row in found.rows] == [Period.BASELINE, Period.STARTING, Period.AFTER]
    assert found.is_lossless


def test_what_nothing_can_be_proved_with() -> None:
    assert refused(500, False)
    assert refused(404, True)
    assert not refused(404, False)
    assert not refused(302, False)
