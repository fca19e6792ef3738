"""How commands end on the command line: with one `ended` event for programs, in words for people."""

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
from hitless.domain.common.events import Event
from hitless.domain.gateway.settings import GatewaySettings
from hitless.ports import Ports
from tests.execution.applications import shop
from tests.execution.test_adopt import FakeGatewayProject
from tests.fakes.host import FakeHost

Run = Callable[..., Result]


class Host:
    """What wiring would give, for a host in memory."""

    def __init__(self, host: FakeHost) -> None:
        self.host = host

    def name(self) -> str:
        return "localhost"

    def ports(self, emit: Callable[[Event], None]) -> Ports:
        return replace(self.host.ports(), emit=emit)

    def gateway_project(self) -> FakeGatewayProject:
        return FakeGatewayProject(self.host, there=GatewaySettings() if self.host.has_gateway else None)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command line against this host; `unreadable` is the error of reading the Compose file."""

    def call(*words: str, host: FakeHost | None = None, unreadable: HitlessError | None = None) -> Result:
        def application(*_: Any) -> Any:
            if unreadable:
                raise unreadable
            return shop(), ()

        monkeypatch.setattr(wiring, "host", lambda *_: Host(host or FakeHost()))
        monkeypatch.setattr(wiring, "application", application)
        monkeypatch.setattr(wiring, "name", lambda *_: (application()[0].name, None))
        monkeypatch.setattr(wiring, "revision", lambda *_: "")
        return CliRunner().invoke(hitless, words)

    return call


def ends(done: Result) -> list[tuple[str, str, str]]:
    """The ends that were told; the last event is one of them."""
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert events[-1]["event"] == "ended"
    return [
        (one["operation"], one["application"], one["outcome"]) for one in events if one["event"] == "ended"
    ]


NO_FILE = HitlessError("no configuration file provided")


@pytest.mark.parametrize(
    "words", [("deploy",), ("rollback",), ("scale", "web=2"), ("shared", "up"), ("adopt", "--yes"), ("down",)]
)
def test_a_file_that_can_not_be_read_is_an_end_too(run: Run, words: tuple[str, ...]) -> None:
    done = run(*words, "--json", unreadable=NO_FILE)
    assert done.exception is NO_FILE
    assert ends(done) == [(" ".join(words[:2]) if words[0] == "shared" else words[0], "", "failed")]


def test_a_deployment_ends_once(run: Run) -> None:
    assert ends(run("deploy", "--json")) == [("deploy", "shop", "successful")]


def test_where_there_is_nothing_to_do(run: Run) -> None:
    host = FakeHost()
    run("deploy", host=host)
    assert ends(run("scale", "web=1", "--json", host=host)) == [("scale", "shop", "successful")]
    assert ends(run("shared", "up", "--json", host=host)) == [("shared up", "shop", "successful")]


def test_the_gateway_s_commands_concern_no_application(run: Run) -> None:
    up = ("gateway", "up", "--json")
    assert ends(run("-p", "shop", *up)) == [("gateway up", "", "successful")]
    assert ends(run(*up, "--bind", "10.1.1.1")) == [("gateway up", "", "failed")]
    assert ends(run("gateway", "down", "--json", host=FakeHost(has_gateway=False))) == [
        ("gateway down", "", "failed")
    ]


def test_a_person_reads_of_a_refusal_in_its_error_alone(run: Run) -> None:
    done = run("deploy", host=FakeHost(holder="ann"))
    assert isinstance(done.exception, HitlessError)
    assert done.stdout == ""


def test_an_adoption_that_is_only_shown_is_one_document(run: Run) -> None:
    done = run("adopt", "--dry-run", "--json", unreadable=NO_FILE)
    assert done.stdout == ""
