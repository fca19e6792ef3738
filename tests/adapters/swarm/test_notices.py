"""Notices on a Swarm, where nobody can be told yet."""

from __future__ import annotations

import pytest

from hitless.adapters.swarm.notices import NoNotices
from hitless.domain.common.errors import HitlessError
from hitless.domain.host.receivers import Kind, Receiver


def test_a_receiver_is_refused_and_nobody_is_told() -> None:
    nobody, receiver = NoNotices(), Receiver("team", next(iter(Kind)), "https://example.com")
    with pytest.raises(HitlessError, match="nobody can be told yet"):
        nobody.keep_receiver(receiver)
    nobody.forget_receiver(receiver.name)
    assert nobody.receivers() == {}
    assert nobody.claim(("1",)) == ()
    assert nobody.tell({receiver: ()}) == {}
