"""`hitless open`, on a host in memory."""

from __future__ import annotations

import webbrowser

import pytest
from click.testing import CliRunner

from hitless import wiring
from hitless.cli.main import hitless
from tests.cli.test_command import Host
from tests.execution import commands
from tests.execution.applications import shop
from tests.fakes.host import FakeHost


@pytest.mark.parametrize("display", ["", ":0"])
def test_the_first_address_is_printed_and_opened_where_there_is_a_display(
    monkeypatch: pytest.MonkeyPatch, display: str
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        monkeypatch.delenv(name, raising=False)
    if display:
        monkeypatch.setenv("DISPLAY", display)
    host = FakeHost()
    commands.deploy(host.ports(), shop())
    monkeypatch.setattr(wiring, "host", lambda *_: Host(host))

    done = CliRunner().invoke(hitless, ["-p", "shop", "open"])

    assert done.output == "http://shop.example\n"
    assert opened == (["http://shop.example"] if display else [])


def test_without_anything_live_there_is_nothing_to_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wiring, "host", lambda *_: Host(FakeHost()))

    done = CliRunner().invoke(hitless, ["-p", "shop", "open"])

    assert "shop is not deployed here" in str(done.exception)
