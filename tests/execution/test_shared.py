"""`hitless shared` on a host in memory: the shared services, and starting them."""

from __future__ import annotations

from typing import Any

import pytest

from hitless.domain.application.model import Application
from hitless.domain.common.errors import HitlessError
from hitless.domain.host.shared import Shared
from hitless.execution import observe
from hitless.execution.shared import shared
from tests.execution import commands
from tests.execution.test_whole_applications import new_host, whole
from tests.fakes.host import FakeHost


@pytest.fixture
def host() -> FakeHost:
    return new_host()


def up(host: FakeHost, *services: str, recreate: bool = False, **options: Any) -> bool:
    return commands.start_shared(host.ports(), whole(**options), services, recreate)


def test_up_starts_what_does_not_run(host: FakeHost) -> None:
    assert up(host)
    assert host.base["db"].state == "running"
    assert not up(host)


def test_up_does_not_change_what_differs_from_the_file(host: FakeHost) -> None:
    up(host)
    before = host.base["db"]
    assert not up(host, db="postgres:17")
    assert host.base["db"] is before


def test_recreate_creates_again_what_differs_from_the_file(host: FakeHost) -> None:
    up(host)
    before = host.base["db"]
    assert not up(host, recreate=True)
    assert up(host, recreate=True, db="postgres:17")
    assert host.base["db"] != before


def test_a_service_that_is_not_shared_is_refused_by_name(host: FakeHost) -> None:
    with pytest.raises(HitlessError, match="web is not a shared service of shop") as raised:
        up(host, "web")
    assert raised.value.hint.startswith("shared services: proxy, db")


def shared_services(host: FakeHost, application: Application) -> tuple[Shared, ...]:
    return shared(host.ports(), application, observe.world(host.ports(), application.name))


def test_the_state_of_the_shared_services(host: FakeHost) -> None:
    assert [one.container for one in shared_services(host, whole())] == [None, None, None]
    up(host)
    [_, found, _] = shared_services(host, whole(db="postgres:17"))
    assert found.container is host.base["db"]
    assert found.changes
    assert "what it keeps in data stays" in found.cost
