"""`hitless --version`, alone and with what it works with."""

from __future__ import annotations

import platform
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import CliRunner, Result

from hitless import __version__, wiring
from hitless.cli.main import hitless
from tests.cli.test_doctor import Host
from tests.fakes.host import FakeHost
from tests.fakes.surroundings import FakeEngine

Run = Callable[..., Result]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    def call(*words: str, has_gateway: bool = True, problem: str = "") -> Result:
        asked: list[Any] = []

        def host(context: str | None, gateway: str, *_: Any) -> Host:
            asked.append((context, gateway))
            return Host(FakeHost(has_gateway=has_gateway), FakeEngine(problem=problem))

        monkeypatch.setattr(wiring, "host", host)
        done = CliRunner().invoke(hitless, words)
        done.asked = asked  # type: ignore[attr-defined]
        return done

    return call


def test_it_is_one_line_and_asks_nobody(run: Run) -> None:
    done = run("--version")
    assert (done.output, done.exit_code) == (f"hitless {__version__}\n", 0)
    assert done.asked == []  # type: ignore[attr-defined]


@pytest.mark.parametrize("words", [("--version", "--verbose"), ("--verbose", "--version")])
def test_with_verbose_it_names_all(run: Run, words: tuple[str, ...]) -> None:
    done = run("-c", "far", *words, "--gateway", "edge")
    assert done.output.splitlines() == [
        f"hitless {__version__}",
        f"Python {platform.python_version()} on {platform.system()}",
        "Docker Engine 26.1.5, API 1.45",
        "Docker Compose 2.30.0",
        "gateway edge: Traefik 3.7.15 (traefik:v3.7.15)",
    ]
    assert (done.exit_code, done.asked) == (0, [("far", "edge")])  # type: ignore[attr-defined]


def test_what_is_away_says_so(run: Run) -> None:
    assert run("--version", "--verbose", has_gateway=False).output.endswith("gateway traefik: not there\n")
    done = run("--version", "--verbose", problem="no daemon\x1b[2J")
    assert done.output.splitlines()[2:] == ["Docker Engine: no daemon\\x1b[2J", "Docker Compose 2.30.0"]
    assert done.exit_code == 0


def test_verbose_alone_is_wrong(run: Run) -> None:
    done = run("--verbose", "status")
    assert (done.exit_code, "--verbose is for --version" in done.output) == (2, True)
