"""What the shell completes, as a shell asks for it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from typing import Any

import click
import pytest
from click.shell_completion import ShellComplete

from hitless import wiring
from hitless.cli.main import hitless
from tests.cli.test_command import Host
from tests.execution import commands
from tests.execution.applications import shop
from tests.fakes.host import FakeHost

Complete = Callable[..., list[str]]


@pytest.fixture
def complete(monkeypatch: pytest.MonkeyPatch) -> Complete:
    """The names that complete the last word, on a host with two releases of `shop`."""
    host = FakeHost()
    for _ in range(2):
        commands.deploy(host.ports(), shop())
    monkeypatch.setattr(wiring, "host", lambda *_: Host(host))
    monkeypatch.setattr(wiring, "name", lambda *_: ("shop", None))

    def call(*words: str) -> list[str]:
        shell = ShellComplete(hitless, {}, "hitless", "_HITLESS_COMPLETE")
        return [item.value for item in shell.get_completions(list(words[:-1]), words[-1])]

    return call


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (("-p", ""), ["shop"]),
        (("status", "-p", "s"), ["shop"]),
        (("-p", "x"), []),
        (("rollback", ""), ["2", "1"]),
        (("-p", "shop", "show", "1"), ["1"]),
        (("diff", "1", ""), ["2", "1"]),
        (("scale", "w"), ["web="]),
        (("logs", ""), ["web"]),
        (("logs", "web", "--release", ""), ["2", "1"]),
        (("shared", "up", ""), []),
        (("rollback", "-p", "shop", ""), ["2", "1"]),
        (("dep",), ["deploy"]),
        (("gateway", "u"), ["up", "upgrade"]),
    ],
    ids=" ".join,
)
def test_names_are_completed(complete: Complete, words: tuple[str, ...], names: list[str]) -> None:
    assert complete(*words) == names


def test_a_host_that_does_not_answer_completes_nothing(
    complete: Complete, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> Any:
        raise OSError

    monkeypatch.setattr(wiring, "host", fail)
    assert complete("rollback", "") == []


def test_bash_takes_the_script(tmp_path: Any) -> None:
    found = click.shell_completion.get_completion_class("bash")
    assert found is not None
    script = found(hitless, {}, "hitless", "_HITLESS_COMPLETE").source()
    file = tmp_path / "script"
    file.write_text(f"{script}\ncomplete -p hitless\n")
    done = subprocess.run(("bash", str(file)), capture_output=True, text=True, check=False)
    assert "_hitless_completion" in done.stdout, done.stderr
