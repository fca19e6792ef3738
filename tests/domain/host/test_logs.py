"""What containers have written: the order of lines, the bounds, and how kept ones are shown."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from hitless.domain.host.logs import KeptLog, Wanted, cut, kept_log, merged, moment, service_of, shown

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def line(second: int, text: str) -> str:
    return f"2026-01-01T00:00:{second:02}.000000000Z {text}\n"


WEB = KeptLog(7, "shop-blue-web-1")
WORKER = KeptLog(7, "shop-blue-mail-worker-2")
LOGS = {WEB: line(1, "a") + line(4, "d"), WORKER: line(2, "b") + line(3, "c")}


def test_both_streams_are_one_in_the_order_of_time() -> None:
    out = (line(1, "a") + line(3, "c")).encode()
    err = (line(2, "b") + line(3, "d")).encode()
    assert merged(out, err) == line(1, "a") + line(2, "b") + line(3, "c") + line(3, "d")


def test_what_has_no_time_is_no_line_of_a_log() -> None:
    assert merged(b"half a line\n" + line(1, "a").encode(), b"Error response from daemon\n") == line(1, "a")


def test_a_line_that_the_engine_stored_in_parts_is_whole() -> None:
    stored = [line(5, part).rstrip("\n") for part in ("a" * 16384, "b" * 16384, "the end")]
    assert merged("".join(stored).encode()) == line(5, "a" * 16384 + "b" * 16384 + "the end")


def test_a_letter_on_the_edge_of_two_parts_is_whole() -> None:
    text = ("a" * 16383 + "é").encode()
    stored = line(5, "").rstrip("\n").encode()
    assert merged(stored + text[:16384] + stored + text[16384:]) == line(5, "a" * 16383 + "é")


def test_a_time_in_a_text_is_no_edge_of_parts() -> None:
    text = line(5, "a" * 20000 + line(1, "b").rstrip())
    assert merged(text.encode()) == text


def test_of_a_long_log_the_last_whole_lines_are_kept() -> None:
    text = line(1, "a") + line(2, "é") + line(3, "c")
    size = len(line(2, "é").encode())
    assert cut(text, 10 * size) == text
    assert cut(text, len(text.encode())) == text
    assert cut(text, 2 * size) == line(2, "é") + line(3, "c")
    assert cut(text, 2 * size - 2) == line(3, "c")
    assert cut(text, 3) == ""


def test_a_kept_log_is_known_by_its_name() -> None:
    assert kept_log(WORKER.name) == WORKER
    assert kept_log("7.a.b") == KeptLog(7, "a.b")
    assert [kept_log(name) for name in ("", "7", "7.", "x.web", ".next.12")] == [None] * 5


def test_kept_lines_are_in_the_order_of_time_and_named_as_compose_names_them() -> None:
    found = list(shown("shop", LOGS, Wanted()))
    assert found == [("web-1", "a"), ("mail-worker-2", "b"), ("mail-worker-2", "c"), ("web-1", "d")]
    assert service_of("shop", WORKER) == "mail-worker"
    assert service_of("shop", KeptLog(7, "shop-green_web_1")) == "web"


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (Wanted(services=("web",)), ["a", "d"]),
        (Wanted(tail=1), ["c", "d"]),
        (Wanted(tail=0), []),
        (Wanted(tail=9), ["a", "b", "c", "d"]),
        (Wanted(since="2026-01-01T00:00:03.000000000Z"), ["c", "d"]),
        (Wanted(services=("web",), has_times=True), [line(1, "a").rstrip(), line(4, "d").rstrip()]),
    ],
)
def test_of_kept_lines_those_that_are_wanted_are_shown(wanted: Wanted, said: list[str]) -> None:
    assert [text for _, text in shown("shop", LOGS, wanted)] == said


def test_what_ends_a_line_elsewhere_does_not_end_one_of_a_log() -> None:
    assert list(shown("shop", {WEB: line(1, "a\rb\x0bc\u2028d")}, Wanted())) == [
        ("web-1", "a\rb\x0bc\u2028d")
    ]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("10m", "2026-01-02T02:54:05.000000000Z"),
        ("240h", "2025-12-23T03:04:05.000000000Z"),
        ("2026-01-01T12:00:00+02:00", "2026-01-01T10:00:00.000000000Z"),
        ("2026-01-01T12:00:00.5Z", "2026-01-01T12:00:00.500000000Z"),
        ("1767225600", "2026-01-01T00:00:00.000000000Z"),
    ],
)
def test_since_when_is_a_time_or_so_long_ago(text: str, found: str) -> None:
    assert moment(text, NOW) == found


@pytest.mark.parametrize("text", ["", "yesterday", "10 minutes", "-5m"])
def test_what_is_no_time_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        moment(text, NOW)
