"""What is kept of the gateway's counts, look by look."""

from __future__ import annotations

from hitless.domain.common.errors import HitlessError
from hitless.domain.common.names import Colour
from hitless.domain.host.metrics import Counted, Look, Sample, Side
from hitless.web.recorder import Recorder
from tests.fakes.samples import FakeSamples

BLUE = ("shop", Colour.BLUE)


class Gateway:
    """A Traefik whose counts a test sets, and a clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.counts: dict[Side, Counted] = {BLUE: Counted(10)}
        self.origin = 1.0
        self.error: HitlessError | None = None

    def counted(self, at: float) -> Look:
        if self.error:
            raise self.error
        return Look(at, self.origin, dict(self.counts))

    def clock(self) -> float:
        return self.now

    def goes_on(self, requests: float, seconds: float = 5.0) -> None:
        self.now += seconds
        self.counts[BLUE] = Counted(requests)


def test_what_nobody_expected_is_told_and_the_next_look_is_made() -> None:
    gateway, samples = Gateway(), FakeSamples()
    seen = Recorder(samples, lambda at: Look(at, 1.0, {})[0], gateway.clock)  # type: ignore[index]
    seen.look()
    assert "TypeError" in seen.problem
    seen.counted = gateway.counted
    seen.look()
    assert seen.problem == ""


def test_after_a_step_of_the_clock_or_a_long_absence_the_last_minute_is_only_that() -> None:
    gateway, samples = Gateway(), FakeSamples()
    seen = recorder(gateway, samples)
    seen.look()
    gateway.goes_on(1000, 500)
    seen.look()
    assert seen.recent() == []
    gateway.goes_on(1010)
    seen.look()
    assert [one.seconds for one in seen.recent()] == [5]
    gateway.now -= 3600
    assert seen.recent() == []


def recorder(gateway: Gateway, samples: FakeSamples) -> Recorder:
    return Recorder(samples, gateway.counted, gateway.clock)


def requests(samples: FakeSamples) -> list[float]:
    return [one.counted[BLUE].requests for one in samples.found if BLUE in one.counted]


def test_the_first_look_is_where_counting_begins() -> None:
    gateway, samples = Gateway(), FakeSamples()
    seen = recorder(gateway, samples)
    seen.look()
    assert samples.found == []
    gateway.goes_on(25)
    seen.look()
    assert samples.found == [Sample(1005, 5, {BLUE: Counted(15)})]
    assert seen.recent() == samples.found


def test_a_dashboard_that_is_started_again_goes_on_where_the_last_one_ended() -> None:
    gateway, samples = Gateway(), FakeSamples()
    recorder(gateway, samples).look()
    gateway.goes_on(40, 30)
    seen = recorder(gateway, samples)
    seen.look()
    assert samples.found == [Sample(1030, 30, {BLUE: Counted(30)})]
    gateway.goes_on(41)
    seen.look()
    assert requests(samples) == [30, 1]


def test_after_a_long_time_it_begins_again() -> None:
    gateway, samples = Gateway(), FakeSamples()
    recorder(gateway, samples).look()
    gateway.goes_on(40, 3600)
    recorder(gateway, samples).look()
    assert samples.found == []


def test_a_gateway_that_was_replaced_counts_from_nothing() -> None:
    gateway, samples = Gateway(), FakeSamples()
    seen = recorder(gateway, samples)
    seen.look()
    gateway.origin = gateway.now + 1
    gateway.goes_on(12)
    seen.look()
    assert requests(samples) == [12]


def test_a_gateway_that_does_not_count_is_told_until_it_does() -> None:
    gateway, samples = Gateway(), FakeSamples()
    gateway.error = HitlessError("the gateway has no metrics", "run: hitless gateway up --metrics")
    seen = recorder(gateway, samples)
    seen.look()
    assert (seen.problem, seen.hint) == ("the gateway has no metrics", "run: hitless gateway up --metrics")
    gateway.error = None
    seen.look()
    assert (seen.problem, seen.hint) == ("", "")


def test_what_the_disk_could_not_take_is_in_the_next_sample() -> None:
    gateway, samples = Gateway(), FakeSamples()
    seen = recorder(gateway, samples)
    seen.look()
    samples.broken = HitlessError("no room", "make some")
    gateway.goes_on(20)
    seen.look()
    assert seen.problem == "no room"
    samples.broken = None
    gateway.goes_on(30)
    seen.look()
    assert samples.found == [Sample(1010, 10, {BLUE: Counted(20)})]


def test_a_second_dashboard_adds_nothing_and_shows_what_the_first_one_has() -> None:
    gateway = Gateway()
    samples = FakeSamples(found=[Sample(990, 5, {BLUE: Counted(3)})], is_ours=False)
    seen = recorder(gateway, samples)
    seen.look()
    assert samples.look is None
    assert seen.recent() == samples.found
    assert "another dashboard" in seen.hint


def test_recent_is_a_minute() -> None:
    gateway, samples = Gateway(), FakeSamples()
    seen = recorder(gateway, samples)
    for number in range(40):
        seen.look()
        gateway.goes_on(10 + number)
    assert len(seen.recent()) <= 12
