"""However many ask, the host is looked at once; and an answer that is late holds nobody up."""

from __future__ import annotations

import asyncio
import threading

import pytest

from hitless.domain.common.errors import HitlessError
from hitless.web import looks as module
from hitless.web.looks import Looks


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_FIRST", 0.2)
    monkeypatch.setattr(module, "_LATER", 0.05)
    monkeypatch.setattr(module, "_LATE", 0.1)


def test_fifty_pages_at_once_are_one_look() -> None:
    asked: list[int] = []
    may_answer = threading.Event()

    def look() -> int:
        asked.append(1)
        may_answer.wait(5)
        return 7

    async def all_pages() -> list[object]:
        seen = Looks()
        waiting = [asyncio.create_task(seen.get("host", look, 60)) for _ in range(50)]
        await asyncio.sleep(0)
        may_answer.set()
        first = [one.value for one in await asyncio.gather(*waiting)]
        return [*first, (await seen.get("host", look, 60)).value]

    assert asyncio.run(all_pages()) == [7] * 51
    assert asked == [1]


def test_another_question_is_another_look_and_an_old_answer_is_no_answer() -> None:
    asked: list[str] = []

    async def pages() -> None:
        seen = Looks()
        for name in ("host", "host", "shop"):
            await seen.get(name, lambda name=name: asked.append(name), 60)  # type: ignore[misc]
        await seen.get("host", lambda: asked.append("again"), 0)

    asyncio.run(pages())
    assert asked == ["host", "shop", "again"]


def test_an_engine_that_hangs_leaves_what_was_seen_last_with_its_age() -> None:
    hangs = threading.Event()

    def look() -> str:
        if hangs.is_set():
            hangs.wait(0.01)
            threading.Event().wait(2)
        return "as it was"

    async def pages() -> None:
        seen = Looks()
        good = await seen.get("host", look, 0)
        hangs.set()
        slow = await seen.get("host", look, 0)
        assert (slow.value, slow.error) == ("as it was", "")  # it may just be slow
        await asyncio.sleep(0.1)
        late = await seen.get("host", look, 0)
        assert (late.value, late.at) == ("as it was", good.at)
        assert "has not answered" in late.error
        assert "docker info" in late.hint
        never = await seen.get("shop", look, 0)
        assert (never.value, never.at) == (None, 0)
        assert "has not answered" in never.error

    asyncio.run(pages())


def test_an_error_is_beside_what_was_seen_before_it_until_the_host_answers() -> None:
    answers: list[Exception | str] = ["one", HitlessError("it is away", "wait"), "two"]

    def look() -> str:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def pages() -> None:
        seen = Looks()
        await seen.get("host", look, 0)
        failed = await seen.get("host", look, 0)
        assert (failed.value, failed.error, failed.hint) == ("one", "it is away", "wait")
        good = await seen.get("host", look, 0)
        assert (good.value, good.error) == ("two", "")

    asyncio.run(pages())


def test_a_bug_in_a_look_is_told_and_ends_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    async def page() -> str:
        return (await Looks().get("host", lambda: 1 / 0, 0)).error

    assert "a bug in hitless: ZeroDivisionError" in asyncio.run(page())
    assert "Traceback" in capsys.readouterr().err


def test_answers_that_nobody_asks_for_any_more_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST", 10)

    async def pages() -> int:
        seen = Looks()
        for number in range(100):
            await seen.get(number, lambda: 1, 60)
        return len(seen._entries)

    assert asyncio.run(pages()) == 10
