"""Spans of time, as people and Compose files write them."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hitless.domain.common import durations
from tests.domain.builders import (
    examples,
    hostile_texts,
)


class TestSeconds:
    """Durations as Compose writes them."""

    @pytest.mark.parametrize(
        ("value", "seconds"),
        [
            (0, 0.0),
            (5, 5.0),
            (1.5, 1.5),
            ("5", 5.0),
            ("5s", 5.0),
            (" 5s ", 5.0),
            ("1m30s", 90.0),
            ("1h2m3s", 3723.0),
            ("1.5h", 5400.0),
            ("100ms", 0.1),
            ("1m500ms", 60.5),
        ],
    )
    def test_read(self, value: object, seconds: float) -> None:
        assert durations.seconds(value) == pytest.approx(seconds)

    @pytest.mark.parametrize(
        "value", ["", " ", None, True, "s", "5 s", "5d", "-5s", -1, "1m30", "nan", [], {}]
    )
    def test_no_duration(self, value: object) -> None:
        with pytest.raises(ValueError, match="is no duration"):
            durations.seconds(value)

    @examples(200)
    @given(st.integers(0, 99), st.integers(0, 59), st.integers(0, 59), st.integers(0, 999))
    def test_the_sum_of_its_parts(self, hours: int, minutes: int, whole: int, milli: int) -> None:
        text = f"{hours}h{minutes}m{whole}s{milli}ms"
        assert durations.seconds(text) == pytest.approx(hours * 3600 + minutes * 60 + whole + milli / 1000)

    @examples(300)
    @given(hostile_texts() | st.text("0123456789.hms ") | st.none() | st.floats() | st.integers())
    def test_anything_else_is_a_value_error(self, value: object) -> None:
        with suppress(ValueError):
            assert durations.seconds(value) >= 0
