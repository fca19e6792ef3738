"""What follows from two looks at what the gateway has counted."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hitless.domain.common.names import Colour
from hitless.domain.host.metrics import Counted, Look, Sample, joined, rates, sample, series, thinned
from tests.domain.builders import examples

BOUNDS = (0.1, 0.5, 1.0, math.inf)
BLUE = ("shop", Colour.BLUE)
GREEN = ("shop", Colour.GREEN)


def counted(*took: float, errors: int = 0) -> Counted:
    """Requests that took so long each."""
    return Counted(len(took), errors, {bound: sum(one <= bound for one in took) for bound in BOUNDS})


def at(moment: float, *took: float, seconds: float = 5.0) -> Sample:
    return Sample(moment, seconds, {BLUE: counted(*took)} if took else {})


durations = st.lists(st.floats(0.001, 5.0), max_size=20)


@examples(100)
@given(st.lists(st.tuples(durations, st.booleans()), max_size=12))
def test_no_request_is_missing_or_counted_twice_whatever_restarts_between_two_looks(
    steps: list[tuple[list[float], bool]],
) -> None:
    """Each step is what comes until the next look, and whether another Traefik counts from then on."""
    looks = [Look(0.0, 1.0, {BLUE: Counted()})]
    total, origin = Counted(), 1.0
    every: list[float] = []
    for number, (took, is_new) in enumerate(steps):
        if is_new:
            total, origin = Counted(), origin + 1
        total = total.plus(counted(*took))
        every += took
        looks.append(Look(5.0 * (number + 1), origin, {BLUE: total}))
    samples = [sample(*pair) for pair in itertools.pairwise(looks)]
    if not samples:
        return
    whole = joined(samples).counted.get(BLUE, Counted())
    assert whole.requests == len(every)
    if every:
        assert dict(whole.within) == dict(counted(*every).within)


@examples(100)
@given(durations, durations)
def test_a_count_that_is_lower_than_before_began_again(before: list[float], after: list[float]) -> None:
    found = counted(*after).since(counted(*before))
    assert 0 <= found.requests <= len(after)
    assert all(count >= 0 for count in found.within.values())
    if len(after) < len(before):
        assert found == counted(*after)


@examples(100)
@given(st.lists(st.floats(0.001, 0.99), min_size=1, max_size=50), st.floats(0.01, 1.0))
def test_the_share_that_took_at_most_so_long_is_in_the_bucket_of_the_true_one(
    took: list[float], share: float
) -> None:
    found = counted(*took).took(share)
    true = sorted(took)[max(0, math.ceil(share * len(took) - 1e-9) - 1)]
    bound = next(one for one in BOUNDS if true <= one)
    below = max((one for one in BOUNDS if one < bound), default=0.0)
    assert found is not None
    assert below - 1e-9 <= found <= bound + 1e-9


@examples(100)
@given(st.lists(st.floats(0.001, 5.0), min_size=1, max_size=50), st.floats(0.01, 1.0), st.floats(0.01, 1.0))
def test_a_greater_share_takes_no_less_time(took: list[float], one: float, other: float) -> None:
    low, high = (counted(*took).took(share) for share in sorted((one, other)))
    assert low is not None
    assert high is not None
    assert low <= high


def test_a_step_of_the_clock_is_no_other_traefik_and_one_that_began_since_is() -> None:
    many, more = Counted(1e6), Counted(1e6 + 10)
    before = Look(10_000, 50.0, {BLUE: many})
    for moved in (49.0, 51.0, 3650.0):
        assert sample(before, Look(10_005, moved, {BLUE: more})).counted == {BLUE: Counted(10)}
    assert sample(before, Look(10_005, 10_001.0, {BLUE: more})).counted == {BLUE: more}


def test_what_is_slower_than_every_bound_counts_as_the_highest() -> None:
    assert counted(30.0, 40.0).took(0.95) == 1.0


def test_without_requests_there_is_no_p95() -> None:
    assert Counted().took(0.95) is None
    assert counted().took(0.95) is None


@examples(100)
@given(st.lists(st.tuples(st.floats(1, 600), durations), max_size=20), st.sampled_from([10.0, 60.0]))
def test_joining_samples_loses_nothing_and_joining_them_again_changes_nothing(
    found: list[tuple[float, list[float]]], width: float
) -> None:
    samples = [at(moment, *took) for moment, took in sorted(found, key=lambda one: one[0])]
    thin = thinned(samples, width)
    assert sum(one.seconds for one in thin) == pytest.approx(5.0 * len(samples))
    assert sum(one.counted.get(BLUE, Counted()).requests for one in thin) == sum(len(one) for _, one in found)
    assert thinned(thin, width) == thin


def test_the_rate_is_of_the_time_that_was_sampled() -> None:
    found = rates([at(5, 0.05, 0.05), at(10), at(15, *[0.2] * 10)], "shop")
    assert found is not None
    assert found.requests == pytest.approx(12 / 15)
    assert rates([], "shop") is None
    other = rates([at(5, 0.05)], "other")
    assert other is not None
    assert (other.requests, other.p95) == (0, None)


def test_both_colours_of_an_application_are_one_rate_and_two_lines() -> None:
    both = Sample(10, 5, {BLUE: counted(*[0.05] * 5), GREEN: counted(*[0.2] * 10, errors=2)})
    whole = rates([both], "shop")
    assert whole is not None
    assert (whole.requests, whole.errors) == (3.0, 0.4)
    lines = series([both], "shop", 10)
    assert [point.requests for point in lines[Colour.BLUE]] == [1.0]
    assert [point.errors for point in lines[Colour.GREEN]] == [0.4]


def test_a_line_has_no_point_where_nobody_has_looked() -> None:
    lines = series([at(5, 0.1), at(100, 0.1)], "shop", 10)
    assert [point.at for point in lines[Colour.BLUE]] == [5, 100]
