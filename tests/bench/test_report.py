"""The sums over what a load saw, on made samples."""

from __future__ import annotations

import pytest

from bench.report import Report, Sample


def report_of(*samples: Sample) -> Report:
    """Return a report of made samples."""
    return Report(samples, max_lag=0.0, cpu_seconds=0.0, epoch_offset=100.0, ended_by="asked")


def sample(started: float, release: str | None, took: float = 0.01, **fields: str) -> Sample:
    """Return an answered kept-alive GET."""
    ended = started + took
    first_byte = None if release is None else ended
    return Sample("kept", started, first_byte, ended, release, fields.get("failure"))


def test_a_clean_switch_mixes_nothing() -> None:
    report = report_of(
        sample(1.0, "a"),
        # Begun before the switch, answered long after it: in flight, not mixed.
        sample(1.9, "a", took=3.0),
        sample(2.0, "b"),
        # Begun before the first new answer had been seen.
        sample(2.005, "a"),
        sample(2.02, "b"),
    )

    assert report.mixed() == 0
    assert report.mixed_seconds() == 0
    assert report.first_answer("b") == pytest.approx(2.01)
    assert report.epoch(2.01) == pytest.approx(102.01)


def test_old_answers_to_new_requests_are_mixed() -> None:
    report = report_of(
        sample(1.0, "a"), sample(2.0, "b"), sample(2.5, "a"), sample(5.0, "a"), sample(6.0, "b")
    )
    (switch,) = report.switches()

    assert (switch.before, switch.after, switch.requests) == ("a", "b", 2)
    assert switch.seconds == pytest.approx(5.0 - 2.01)
    assert report.mixed() == 2
    assert report.mixed_seconds() == pytest.approx(2.99)


def test_many_releases_are_compared_pair_by_pair_in_order_of_appearance() -> None:
    clean = [sample(float(second), f"v{second}") for second in range(1, 12)]
    report = report_of(*clean)

    assert report.releases == tuple(f"v{second}" for second in range(1, 12))
    assert len(report.switches()) == 10
    assert report.mixed() == 0

    late = report_of(*sorted([*clean, sample(4.5, "v3")], key=lambda one: one.started))
    assert [(s.before, s.requests) for s in late.switches() if s.requests] == [("v3", 1)]
    assert late.mixed_seconds() == pytest.approx(0.49)


def test_errors_without_a_release_belong_to_no_release() -> None:
    report = report_of(sample(1.0, "a"), sample(1.5, None, failure="502"), sample(2.0, "b"))

    assert report.releases == ("a", "b")
    assert report.lost_by == {("kept", "502"): 1}


def test_a_report_can_be_cut() -> None:
    report = report_of(sample(1.0, "a"), sample(2.0, "b"), sample(3.0, "a"))

    assert report.mixed() == 1
    assert report.between(0.0, 2.5).mixed() == 0
    assert report.between(2.5).releases == ("a",)


def test_latency_is_that_of_right_quick_answers() -> None:
    quick = [sample(float(n), "a", took=n / 1000) for n in range(1, 101)]
    slow = Sample("slow", 1.0, 4.0, 4.0, "a", None)
    latency = report_of(*quick, slow, sample(200.0, "a", took=9.0, failure="502")).latency()

    assert latency is not None
    assert (latency.p50, latency.p99, latency.max) == pytest.approx((0.05, 0.099, 0.1))
    assert report_of().latency() is None


def test_a_report_survives_its_journey_between_processes() -> None:
    report = report_of(sample(1.0, "a"), sample(1.5, None, failure="connect refused"))

    assert Report.from_json(report.to_json()) == report
