"""What a step tells while it waits: for people, bounded, and never in its way."""

from __future__ import annotations

import time
from collections.abc import Mapping
from threading import Event as Gate
from threading import active_count

import pytest

from hitless.domain.common.errors import DockerFailed, HitlessError
from hitless.domain.common.events import (
    Began,
    Ended,
    Event,
    StepFailed,
    StepId,
    StepKind,
    StepProgress,
    Undoing,
    Wrote,
)
from hitless.execution.progress import Progress
from tests.execution import commands
from tests.execution.applications import shop
from tests.fakes.host import FakeHost

STEP = StepId(StepKind.RUN_JOB, subjects=("x",))
WEB = "shop-green-web-1"


def at(second: int, text: str) -> str:
    return f"2026-01-01T00:00:{second:02}.000000000Z {text}"


def written(events: list[Event]) -> list[tuple[str, str]]:
    return [(event.source, event.line) for event in events if isinstance(event, Wrote)]


def heard(host: FakeHost, progress: Progress, enough: int) -> list[tuple[str, str]]:
    """What is told of this container, look after look, until there are so many lines."""
    until = time.monotonic() + 10
    while len(written(host.events)) < enough and time.monotonic() < until:
        progress.hear((WEB,))
        host.clock.pause(0.5)
    return written(host.events)


def test_lines_are_told_once_whatever_a_look_finds() -> None:
    host = FakeHost()
    progress = Progress(host.ports(), STEP)
    host.behaviour.written[WEB] = f"{at(1, 'one')}\n{at(2, 'two')}\n"
    assert heard(host, progress, 2) == [(WEB, "one"), (WEB, "two")]

    host.behaviour.written[WEB] += f"{at(3, '')}\n{at(4, 'four')}\n"
    assert heard(host, progress, 4)[2:] == [(WEB, ""), (WEB, "four")]


def test_a_quick_step_looks_at_no_log() -> None:
    host = FakeHost()
    progress = Progress(host.ports(), STEP)
    host.behaviour.written[WEB] = f"{at(1, 'one')}\n"

    for _ in range(9):
        progress.hear((WEB,))
        host.clock.pause(0.1)

    assert written(host.events) == []


@pytest.mark.parametrize("error", [DockerFailed("docker logs", 1, "no"), HitlessError("no")])
def test_a_log_that_can_not_be_read_is_no_matter(error: HitlessError) -> None:
    host = FakeHost()
    host.behaviour.unreadable = error
    progress = Progress(host.ports(), STEP)
    for _ in range(9):
        progress.hear((WEB,))
        host.clock.pause(0.5)
    assert written(host.events) == []


def test_a_look_that_hangs_holds_nobody_up() -> None:
    host = FakeHost()
    released = Gate()
    looks: list[Mapping[str, str]] = []

    class Hanging(FakeHost):
        def new_lines(self, since: Mapping[str, str], lines: int) -> dict[str, str]:
            looks.append(since)
            released.wait(20)
            return {}

    hanging = Hanging(clock=host.clock)
    progress = Progress(hanging.ports(), STEP)
    before = active_count()
    for _ in range(9):
        hanging.clock.pause(1)
        progress.hear((WEB,))
    assert active_count() == before + 1
    released.set()
    assert looks == [{WEB: ""}]


def test_lines_that_come_too_fast_are_left_out_and_counted() -> None:
    host = FakeHost()
    progress = Progress(host.ports(), STEP)
    for number in range(100):
        progress.wrote("web", str(number))
    host.clock.pause(1)
    progress.wrote("web", "the last")

    told = [line for _, line in written(host.events)]
    assert told == [*map(str, range(30)), "(70 lines are left out)", "the last"]


def test_a_long_line_is_cut_where_a_secret_can_not_be_told_in_half() -> None:
    host = FakeHost()
    Progress(host.ports(), STEP).wrote("web", "x" * 1_000_000)
    assert written(host.events) == [("web", "x" * 400 + "…")]


def test_a_build_and_a_slow_start_are_told_and_are_not_in_the_journal() -> None:
    host = FakeHost()
    application = shop()
    host.behaviour.built["web"] = "compiling"
    commands.deploy(host.ports(), application)

    assert ("web", "compiling") in written(host.events)
    assert any(isinstance(event, StepProgress) and "RUN make" in event.detail for event in host.events)
    assert not any('"event": "wrote"' in line for line in host.lines)


def test_a_deployment_knows_how_long_the_last_one_took_that_went_well() -> None:
    host = FakeHost()
    commands.deploy(host.ports(), shop())
    host.behaviour.connections = [2, 0]
    commands.deploy(host.ports(), shop())
    commands.deploy(host.ports(), shop())

    seconds = [event.seconds for event in host.events if isinstance(event, Ended)]
    began = [event for event in host.events if isinstance(event, Began)]
    assert [event.expected for event in began] == [0.0, *seconds[:2]]
    assert seconds[1] > 0


def test_the_end_names_the_addresses_of_what_is_live() -> None:
    host = FakeHost()
    commands.deploy(host.ports(), shop())
    assert [event.addresses for event in host.events if isinstance(event, Ended)] == [
        ("http://shop.example",)
    ]


def test_an_undo_is_announced_with_how_long_it_may_take() -> None:
    host = FakeHost()
    commands.deploy(host.ports(), shop())
    host.behaviour.states[2] = {"state": "exited", "exit_code": 3}
    with pytest.raises(HitlessError):
        commands.deploy(host.ports(), shop())

    undoing = [event for event in host.events if isinstance(event, Undoing)]
    assert [event.limit for event in undoing] == [30.0 + 10.0]  # requests in flight, and containers that stop
    assert StepKind.RETIRE in {step.kind for step in undoing[0].steps}
    assert not any('"event": "undoing"' in line for line in host.lines)


def test_a_line_of_a_megabyte_in_a_failed_build_is_cut_in_the_event_and_the_journal() -> None:
    class Failing(FakeHost):
        def build(self, *_: object) -> None:
            raise DockerFailed("docker compose build", 1, "why", printed=f"one\n{'x' * 1_000_000}\nthe end")

    host = Failing()
    with pytest.raises(HitlessError):
        commands.deploy(host.ports(), shop())

    [failed] = [event for event in host.events if isinstance(event, StepFailed)]
    assert failed.logs == {"the build": f"one\n{'x' * 1000}…\nthe end"}
    assert max(map(len, host.lines)) < 10_000
