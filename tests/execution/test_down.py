"""Applications are removed, on a host in memory."""

from __future__ import annotations

import pytest

from hitless.domain.common.errors import HitlessError
from hitless.domain.common.events import Ended, StepDone, StepId, StepKind
from tests.execution import commands
from tests.execution.test_deploy import deploy, down
from tests.fakes.host import FakeHost


@pytest.fixture
def deployed() -> FakeHost:
    """A host where release 1 is live on blue."""
    host = FakeHost()
    deploy(host)
    host.verbs.clear()
    host.events.clear()
    return host


def test_down_with_volumes_removes_them_last_and_names_them(deployed: FakeHost) -> None:
    deployed.volumes.add("shop_data")
    assert commands.down(deployed.ports(), 5.0, volumes=True) == ()
    assert deployed.verbs[-1] == "remove volumes"
    assert StepDone(StepId(StepKind.REMOVE_VOLUMES), 0, "shop_data") in deployed.events
    assert isinstance(deployed.events[-1], Ended)


def test_down_names_the_volumes_that_it_leaves(deployed: FakeHost) -> None:
    deployed.volumes.add("shop_data")
    assert commands.down(deployed.ports(), 5.0) == ("shop_data",)
    assert deployed.volumes == {"shop_data"}


def test_down_leaves_nothing(deployed: FakeHost) -> None:
    deploy(deployed)
    down(deployed)
    assert (deployed.routings, deployed.running, deployed.tags, deployed.records) == ({}, {}, {}, {})
    assert deployed.violations == []


def test_down_without_an_application_says_so() -> None:
    with pytest.raises(HitlessError, match="no application shop"):
        down(FakeHost())
