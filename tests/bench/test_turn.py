"""The results of one deployment under load, on made samples."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from bench.comparison import ALONE_METHOD, METHOD
from bench.contenders import ALONE, TOOLS
from bench.endurance import batch_of
from bench.endurance import page as endurance_page
from bench.plots import draw
from bench.report import Kind, Report, Sample
from bench.tables import page
from bench.turn import Turn, summary, turn_of


def sample(started: float, release: str | None, failure: str | None = None, kind: Kind = "kept") -> Sample:
    return Sample(
        kind, started, None if release is None else started + 0.01, started + 0.01, release, failure
    )


def held(started: float, ended: float, failure: str | None, release: str = "1") -> Sample:
    return Sample("held", started, started + 0.01, ended, release, failure)


def turn(*samples: Sample, deadline: float | None = None, number: int = 1, held: int = 0) -> Turn:
    """A deployment whose command ran from 10 s to 14 s."""
    report = Report(samples, max_lag=0.02, cpu_seconds=1.0, epoch_offset=0.0, ended_by="asked")
    return turn_of(report, Turn("tool", number, held), 10.0, 14.0, ("1", "2"), deadline)


USUAL = (
    sample(9.0, "1"),
    sample(11.0, None, "502"),
    sample(12.0, "2"),
    sample(12.5, "1"),
    sample(15.0, "2"),
)


def test_moments_count_from_the_command() -> None:
    found = turn(*USUAL)

    assert (found.sent, found.lost, found.lost_by) == (5, 1, (("kept", "502", 1),))
    assert (found.first_new, found.last_old, found.last_lost, found.took) == pytest.approx(
        (2.01, 2.51, 1.0, 4.0)
    )
    assert found.outage == 0.0
    assert turn(*USUAL, sample(13.5, None, "404")).outage == pytest.approx(2.5)
    assert found.mixed == 1
    assert found.mixed_seconds == pytest.approx(0.49)
    assert found.before and found.during and found.after


def test_a_timeline_says_who_answered_what_was_begun_when() -> None:
    points = {point.at: (point.old, point.new, point.lost) for point in turn(*USUAL).timeline}

    assert points[-1.0] == (1, 0, 0)
    assert points[1.0] == (0, 0, 1)
    assert points[2.0] == (0, 1, 0)
    assert points[2.5] == (1, 0, 0)
    assert points[0.0] == (0, 0, 0)
    assert len(points) == 13


def test_a_held_websocket_that_is_cut_before_the_deadline_is_lost() -> None:
    early, late = held(5.0, 13.0, "cut without close frame"), held(5.0, 17.2, "closed 1012")
    found = turn(*USUAL, early, late, deadline=5.0)

    assert found.lost == 2
    assert ("held", "cut without close frame", 1) in found.lost_by
    assert found.cut_at_deadline == (("cut at deadline, closed 1012", 1),)


def test_without_a_promise_a_cut_websocket_of_the_old_release_is_always_counted_separately() -> None:
    cut, other = held(5.0, 11.0, "cut without close frame"), held(12.1, 13.0, "closed 1012", release="2")
    found = turn(*USUAL, cut, other, sample(11.5, None, "502", kind="held"))

    assert found.cut_at_deadline == (("cut at deadline, cut without close frame", 1),)
    assert {(kind, cause) for kind, cause, _ in found.lost_by} == {
        ("kept", "502"),
        ("held", "502"),
        ("held", "closed 1012"),
    }


def test_a_wrong_echo_on_a_held_websocket_is_always_lost() -> None:
    assert turn(*USUAL, held(5.0, 20.0, "wrong echo"), deadline=1.0).lost == 2


def test_a_turn_survives_its_file() -> None:
    found = turn(*USUAL, held(5.0, 20.0, "closed 1012"), deadline=5.0)
    again = Turn.from_json(json.loads(json.dumps(found.to_json())))

    assert again.to_json() == found.to_json()
    assert again.timeline == found.timeline


def test_a_summary_takes_times_from_turns_without_held_websockets() -> None:
    quick = turn(*USUAL)
    waiting = turn(sample(9.0, "1"), sample(30.0, "2"), held(5.0, 31.0, "closed 1012"), held=1, number=2)
    found = summary([quick, waiting, Turn("tool", 3, failed="no such thing")])

    assert (found.deployments, found.sent, found.lost) == (2, 8, 1)
    assert (found.framed, found.unframed) == (1, 0)
    assert found.first_new == pytest.approx(2.01)
    assert found.failed == "no such thing"


def test_the_page_says_what_was_lost_and_what_could_not_be_done() -> None:
    tools = [tool for tool in TOOLS if tool.key in ("recreate", "hitless", "swarm")]
    base = turn(*USUAL)
    turns = [
        Turn.from_json({**base.to_json(), "tool": "recreate"}),
        Turn("swarm", 1, failed="no manager"),
        Turn.from_json({**turn(sample(9.0, "1"), sample(12.0, "2")).to_json(), "tool": "hitless"}),
    ]
    text = page(tools, turns, {"machine": "2 cores"}, METHOD, "comparison")

    assert "| docker compose up -d | 1 | 5 | **1** | 1 | 0 | 0 |" in text
    assert "can't: no manager" in text
    assert "| hitless | 1 | 2 | **0** | 0 | 0 | 0 |" in text
    assert "| docker compose up -d | kept | 1 x 502 |" in text
    assert "| machine | 2 cores |" in text


def test_the_page_of_an_application_that_must_not_run_twice_has_the_outage() -> None:
    figures = turn(*USUAL, sample(13.5, None, "404")).to_json()
    turns = [Turn.from_json({**figures, "tool": "stop-start"})]
    text = page(ALONE, turns, {}, ALONE_METHOD, "alone")

    assert "Written by `make bench BENCH_OPTIONS=--alone`" in text
    assert "| stop, then start | 2.5 | 0.0 |" in text


def test_figures_of_before_have_no_outage() -> None:
    figures = turn(*USUAL).to_json()
    del figures["outage"]
    assert Turn.from_json(figures).outage == 0.0


def test_plots_are_the_same_for_the_same_figures(tmp_path: Path) -> None:
    tools = [tool for tool in TOOLS if tool.key == "hitless"]
    turns = [Turn.from_json({**turn(*USUAL).to_json(), "tool": "hitless"}), Turn("hitless", 2, failed="no")]
    for name in ("one", "two"):
        draw(tools, turns, tmp_path, name)

    assert (tmp_path / "one-lost.png").read_bytes() == (tmp_path / "two-lost.png").read_bytes()
    assert (tmp_path / "one-timeline.svg").read_text() == (tmp_path / "two-timeline.svg").read_text()
    assert "hitless: 1 lost" in (tmp_path / "one-timeline.svg").read_text()


def test_deployments_in_a_row_are_judged_one_by_one() -> None:
    samples = (
        sample(1.0, "1"),
        held(1.0, 15.5, "closed 1012", release="1"),
        sample(3.0, "2"),
        held(16.0, 24.0, "cut without close frame", release="2"),
        sample(22.0, "3"),
    )
    report = Report(samples, max_lag=0.0, cpu_seconds=0.0, epoch_offset=0.0, ended_by="asked")
    found = batch_of(report, [(2.0, 16.0), (20.0, 36.0)], ["1", "2", "3"], load_average=1.0)

    assert found.first_new == pytest.approx((1.01, 2.01))
    assert found.took == (14.0, 16.0)
    # the first is kept to its deadline, the second is cut 2 s after the cutover
    assert found.cut_at_deadline == {"cut at deadline, closed 1012": 1}
    assert found.lost == (("held", "cut without close frame", 1),)
    assert "**1 of 5 requests lost**" in endurance_page([found], {}, 150.0)


def test_the_deployment_with_the_long_upload_is_counted_separately() -> None:
    samples = (sample(1.0, "1"), sample(1.5, None, "499", kind="long"), sample(3.0, "2"))
    report = Report(samples, max_lag=0.0, cpu_seconds=0.0, epoch_offset=0.0, ended_by="asked")
    long = batch_of(report, [(2.0, 70.0)], ["1", "2"], load_average=1.0, drain=90.0, long=1)
    usual = batch_of(
        replace(report, samples=(samples[0], samples[2])), [(2.0, 6.0)], ["1", "2"], load_average=1.0
    )

    told = endurance_page([long, usual], {}, 150.0)

    assert "2 deployments in a row" in told
    assert "which took 68 s and is not among those below: lost" in told
    assert "| to its end, the drain deadline included | 4.0 | 4.0 | 4.0 |" in told


def test_a_release_that_never_answered_is_no_figure() -> None:
    report = Report((sample(1.0, "1"),), 0.0, 0.0, 0.0, "asked")

    with pytest.raises(ValueError, match="release 2"):
        batch_of(report, [(2.0, 3.0)], ["1", "2"], load_average=1.0)
