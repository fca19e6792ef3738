"""Rollbacks on a host in memory."""

from __future__ import annotations

import pytest

from hitless.domain.common.errors import GateFailed, HitlessError
from hitless.domain.common.names import Colour
from tests.execution.test_deploy import deploy, live, rollback
from tests.fakes.behaviour import UNWELL
from tests.fakes.host import FakeHost


@pytest.fixture
def deployed() -> FakeHost:
    """A host where release 1 is live on blue."""
    host = FakeHost()
    deploy(host)
    host.verbs.clear()
    host.events.clear()
    return host


def test_a_rollback_deploys_the_previous_release_with_the_same_steps(deployed: FakeHost) -> None:
    deploy(deployed)
    deployed.verbs.clear()
    rollback(deployed)
    assert live(deployed) == (Colour.BLUE, [1])
    assert deployed.verbs[:4] == ["create networks", "create", "connect", "start"]
    assert "build" not in deployed.verbs
    assert deployed.violations == []


def test_after_a_rollback_the_next_release_gets_a_new_number(deployed: FakeHost) -> None:
    deploy(deployed)
    rollback(deployed)
    deploy(deployed)
    assert live(deployed)[1] == [3]
    assert sorted(deployed.records) == [1, 2, 3]


def test_a_rollback_can_name_its_release() -> None:
    host = FakeHost()
    for _ in range(3):
        deploy(host)
    rollback(host, 1)
    assert live(host)[1] == [1]


def test_a_rollback_that_fails_keeps_the_live_release_and_the_former_one(deployed: FakeHost) -> None:
    deploy(deployed)
    deployed.behaviour.answers[1] = [UNWELL]
    with pytest.raises(GateFailed):
        rollback(deployed)
    assert live(deployed)[1] == [2]
    assert sorted(deployed.records) == [1, 2]
    assert "hitless:shop.r1.web" in deployed.tags


def test_without_a_former_release_a_rollback_says_so(deployed: FakeHost) -> None:
    with pytest.raises(HitlessError, match="no release before the live one"):
        rollback(deployed)


def test_an_unknown_release_is_named_with_those_that_are_kept(deployed: FakeHost) -> None:
    with pytest.raises(HitlessError) as error:
        rollback(deployed, 9)
    assert error.value.hint == "kept: 1"
