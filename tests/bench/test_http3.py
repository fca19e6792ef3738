"""What the clients over HTTP/3 count."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import pytest

from bench.http3 import Answer, keep_asking


class Told:
    """A client whose requests end in this way, one after the other; then it is over."""

    def __init__(self, ends: Sequence[Answer | Exception], is_over: threading.Event) -> None:
        self.left, self.is_over, self.closed = list(ends), is_over, 0

    async def get(self) -> Answer:
        end = self.left.pop(0)
        if not self.left:
            self.is_over.set()
        if isinstance(end, Exception):
            raise end
        return end

    async def close(self) -> None:
        self.closed += 1


@pytest.mark.parametrize(("is_kept", "closed"), [(True, 1), (False, 6)])
def test_what_is_no_whole_answer_of_a_release_is_lost(is_kept: bool, closed: int) -> None:
    is_over = threading.Event()
    ends = (
        Answer(200, {"x-release": "1"}),
        Answer(502, {"x-release": "1"}),
        Answer(200),
        ConnectionResetError("closed: 0x100"),
        Answer(200, {"x-release": "2"}),
    )
    client = Told(ends, is_over)
    releases: list[str] = []
    lost: list[str] = []
    keep_asking(client, is_kept, is_over, 0.0, lambda _, release: releases.append(release), lost.append)
    assert releases == ["1", "2"]
    assert lost == ["502", "KeyError('x-release')", "ConnectionResetError('closed: 0x100')"]
    assert client.closed == closed
