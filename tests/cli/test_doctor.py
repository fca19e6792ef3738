"""What `doctor` and `prune` print, and how they end."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from click.testing import CliRunner, Result

from hitless import wiring
from hitless.cli.main import hitless
from hitless.domain.common.errors import HitlessError
from hitless.domain.host.journal import Holder
from hitless.domain.host.leftovers import Belongings, OwnImage
from hitless.ports.balancer import Answer
from tests.cli.test_command import Host as CommandHost
from tests.execution.applications import shop
from tests.execution.commands import deploy
from tests.fakes.host import FakeHost
from tests.fakes.surroundings import FakeEngine, FakeMachine
from tests.reference.published import check_output

OLD = "hitless:shop.r9.web"
Run = Callable[..., Result]


class Host(CommandHost):
    """A host in memory whose engine and surroundings can be looked at, too."""

    def __init__(self, host: FakeHost, engine: FakeEngine) -> None:
        super().__init__(host)
        self._engine = engine

    def bounded(self, _: float) -> Host:
        return self

    def engine(self) -> FakeEngine:
        return self._engine

    def machine(self) -> FakeMachine:
        return FakeMachine(dns={"shop.example": ("9.9.9.9",)}, over=("dead@here",))


@pytest.fixture
def host() -> FakeHost:
    made = FakeHost()
    deploy(made.ports(), shop())
    return made


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine(Belongings(images=(OwnImage(OLD, 1_500_000, (OLD,)),)))


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, host: FakeHost, engine: FakeEngine) -> Run:
    def call(*words: str, unreadable: str = "", answer: str | None = None) -> Result:
        def application(*_: Any) -> Any:
            if unreadable:
                raise HitlessError(unreadable)
            return shop(), ()

        monkeypatch.setattr(host, "ask", lambda probes: [Answer(404, "404 page not found")] * len(probes))
        monkeypatch.setattr(wiring, "host", lambda *_: Host(host, engine))
        monkeypatch.setattr(wiring, "application", application)
        done = CliRunner().invoke(hitless, words, input=answer)
        if "--json" in words and done.exit_code in (0, 1):
            check_output(words, done.output)
        return done

    return call


def test_it_ends_with_1_exactly_if_there_is_an_error(run: Run, engine: FakeEngine) -> None:
    done = run("doctor")
    assert (done.exit_code, "1 warning" in done.output) == (0, True)
    assert "hitless prune (or --fix)" in done.output
    engine.problem = "the daemon is away"
    done = run("doctor")
    assert (done.exit_code, "the daemon is away" in done.output) == (1, True)
    done = run("doctor", "--json")
    assert (done.exit_code, json.loads(done.output)["diagnoses"][0]["level"]) == (1, "error")


def test_fix_says_what_it_did(run: Run, host: FakeHost, engine: FakeEngine) -> None:
    done = run("doctor", "--fix")
    assert f"removed the image {OLD}" in done.output
    assert "nothing is wrong" in done.output
    host.at_work = {"blog": Holder("ann@far", 9, 1)}
    engine.there = Belongings(images=(OwnImage(OLD, 7, (OLD,)),))
    done = run("doctor", "--fix", "--json")
    assert "another command works on blog" in json.loads(done.output)["fixed"][0]
    assert done.exit_code == 0


def test_a_broken_file_is_an_error_and_a_missing_one_is_none(run: Run) -> None:
    assert (
        "services.web must be a mapping" in run("doctor", unreadable="services.web must be a mapping").output
    )
    done = run("doctor", unreadable="`docker compose` failed: no configuration file provided: not found")
    assert "file" not in [line.split()[1] for line in done.output.splitlines() if len(line.split()) > 1]


def test_what_others_wrote_does_not_steer_the_terminal(run: Run) -> None:
    done = run("doctor", unreadable="\x1b[2J[bold]x")
    assert "\\x1b[2J[bold]x" in done.output


def test_prune_shows_sizes_first_and_asks(run: Run, engine: FakeEngine) -> None:
    done = run("prune", answer="n\n")
    assert "1.5 MB  image hitless:shop.r9.web: release 9 of shop is not kept" in done.output
    assert (type(done.exception), engine.there.images[0].reference) == (HitlessError, OLD)
    done = run("prune", answer="y\n")
    assert (done.exit_code, engine.there.images) == (0, ())
    assert "removed 1 thing" in done.output
    assert "are free on Docker's disk now" in done.output
    assert "there is nothing that nobody needs" in run("prune").output


@pytest.mark.parametrize("words", [("--dry-run",), ("--json",), ("--json", "--dry-run", "--yes")])
def test_prune_removes_nothing_if_it_only_shows(run: Run, engine: FakeEngine, words: tuple[str, ...]) -> None:
    assert OLD in run("prune", *words).output
    assert engine.there.images != ()


def test_prune_tells_programs_what_it_removed(run: Run, engine: FakeEngine) -> None:
    engine.there = replace(engine.there, volumes={"blog_data": "blog"})
    found = json.loads(run("prune", "--json", "--yes").output)
    assert [(one["name"], one["removed"]) for one in found["leftovers"]] == [(OLD, True)]
    assert (found["data"], found["free"]) == (["blog_data"], 10**10)
