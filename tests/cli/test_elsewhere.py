"""What commands say of an application that runs behind another gateway than the one that was asked."""

from __future__ import annotations

from dataclasses import replace

import pytest
from click.testing import CliRunner

from hitless import wiring
from hitless.cli.main import hitless
from hitless.domain.common.errors import GatewayDown
from tests.cli.test_command import Host
from tests.execution import commands
from tests.execution.applications import shop
from tests.fakes.host import FakeHost


class WithoutState(FakeHost):
    """A host whose gateway is not up: nothing can be read in it."""

    def journal(self, application: str) -> str:
        if not self.has_gateway:
            raise GatewayDown
        return ""

    def unlock(self, application: str) -> None:
        if not self.has_gateway:
            raise GatewayDown


@pytest.mark.parametrize("is_up", [True, False], ids=["another is up", "none is up"])
@pytest.mark.parametrize(
    "words",
    [
        ("open",),
        ("logs",),
        ("diff", "1"),
        ("history",),
        ("show",),
        ("unlock",),
        ("rollback",),
        ("scale", "web=2"),
        ("abort",),
        ("down",),
    ],
    ids=" ".join,
)
def test_the_gateway_to_use_is_named(
    monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], is_up: bool
) -> None:
    host = WithoutState()
    commands.deploy(host.ports(), shop())
    host.routings.clear()
    host.running = {name: replace(one, gateway="edge") for name, one in host.running.items()}
    host.has_gateway = is_up
    host.gateways_beside = ("edge", "far")
    monkeypatch.setattr(wiring, "host", lambda *_: Host(host))

    done = CliRunner().invoke(hitless, ["-p", "shop", *words])

    assert "shop runs behind the gateway edge" in str(done.exception)
    assert "use --gateway edge" in getattr(done.exception, "hint", "")


@pytest.mark.parametrize("words", [("logs",), ("rollback",), ("history",), ("down",)], ids=" ".join)
def test_of_a_gateway_that_is_not_up_nobody_says_that_the_application_is_behind_it(
    monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    host = WithoutState()
    commands.deploy(host.ports(), shop())
    host.has_gateway = False
    monkeypatch.setattr(wiring, "host", lambda *_: Host(host))

    done = CliRunner().invoke(hitless, ["-p", "shop", *words])

    assert isinstance(done.exception, GatewayDown)
