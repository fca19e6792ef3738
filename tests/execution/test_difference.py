"""What `hitless diff` compares, on a host in memory."""

from __future__ import annotations

from typing import Any

import pytest

from hitless.domain.common.errors import GatewayDown, HitlessError
from hitless.domain.release.difference import ChangeKind, Difference
from hitless.execution.difference import of_file, of_releases
from tests.execution import commands
from tests.execution.applications import WEB, application
from tests.fakes.host import FakeHost


def shop(command: str) -> Any:
    return application({"web": {**WEB, "hostname": command}})


@pytest.fixture
def host() -> FakeHost:
    """A host with three releases; the last one is live."""
    made = FakeHost()
    for command in ("one", "two", "three"):
        commands.deploy(made.ports(), shop(command))
    return made


def changed(before: str, after: str) -> tuple[Difference, ...]:
    return (Difference("services.web.hostname", ChangeKind.CHANGED, before, after),)


def test_from_what_is_live_to_the_file(host: FakeHost) -> None:
    assert of_file(host.ports(), shop("four")) == ("release 3", changed("three", "four"))
    assert of_file(host.ports(), shop("three")) == ("release 3", ())


def test_from_a_release_to_what_is_live_or_to_another(host: FakeHost) -> None:
    assert of_releases(host.ports(), "shop", 1, None) == ("release 3", changed("one", "three"))
    assert of_releases(host.ports(), "shop", 2, 1) == ("release 1", changed("two", "one"))


def test_a_release_that_is_not_kept_is_told_with_those_that_are(host: FakeHost) -> None:
    with pytest.raises(HitlessError, match="release 9 is not kept") as raised:
        of_releases(host.ports(), "shop", 9, None)
    assert raised.value.hint == "those that are: 1, 2, 3"


def test_where_nothing_is_live() -> None:
    with pytest.raises(HitlessError, match="nothing of shop is live"):
        of_file(FakeHost().ports(), shop("one"))
    with pytest.raises(GatewayDown):
        of_file(FakeHost(has_gateway=False).ports(), shop("one"))
