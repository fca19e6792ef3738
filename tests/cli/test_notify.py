"""hitless gateway notify: how secrets come in, and that nothing shows them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hitless import wiring
from hitless.cli import notify
from hitless.cli.main import hitless
from hitless.domain.host.receivers import Kind, Occasion
from tests.cli.test_command import Host, Run, run
from tests.domain.host.test_receivers import KEY, MAIL, SLACK
from tests.fakes.host import FakeHost

__all__ = ["run"]
HOOK = "https://hooks.slack.com/services/T0/B0/hunter2"


def call(monkeypatch: pytest.MonkeyPatch, host: FakeHost, *words: str, said: str = "") -> Result:
    monkeypatch.setattr(wiring, "host", lambda *_: Host(host))
    done = CliRunner().invoke(hitless, ("gateway", "notify", *words), input=said)
    assert "hunter2" not in done.output
    return done


@pytest.fixture
def host() -> FakeHost:
    return FakeHost()


def test_the_help_names_all_that_there_is() -> None:
    assert set(notify._KINDS) == set(Kind)
    assert set(notify._OCCASIONS) == set(Occasion)


def test_the_address_as_an_argument(monkeypatch: pytest.MonkeyPatch, host: FakeHost) -> None:
    done = call(monkeypatch, host, "add", "ops", HOOK, "--on", "failed", "--application", "shop")
    assert done.exit_code == 0, done.output
    found = host.notified.there["ops"]
    assert found
    assert (found.kind, found.url) == (Kind.SLACK, HOOK)
    assert (found.on, found.applications) == ((Occasion.FAILED,), ("shop",))
    assert "ops (slack) is told about: failed" in done.output
    assert "hitless gateway notify test ops" in done.output


def test_the_address_from_a_file_standard_input_or_the_environment(
    monkeypatch: pytest.MonkeyPatch, host: FakeHost, tmp_path: Path
) -> None:
    file = tmp_path / "url"
    file.write_text(f"{HOOK}\n")
    call(monkeypatch, host, "add", "a", "--url-from", str(file))
    call(monkeypatch, host, "add", "b", "--url-from", "-", said=f"{HOOK}\n")
    monkeypatch.setenv("HITLESS_NOTIFY_URL", HOOK)
    call(monkeypatch, host, "add", "c")
    assert [one.url for one in host.notified.there.values() if one] == [HOOK] * 3


def test_a_key_from_standard_input(monkeypatch: pytest.MonkeyPatch, host: FakeHost) -> None:
    words = ("add", "ci", "https://ci.example.org/hunter2", "--secret-from", "-", "--json")
    done = call(monkeypatch, host, *words, said=f"{KEY}\n")
    assert done.exit_code == 0, done.output
    assert KEY not in done.output
    assert [json.loads(line)["event"] for line in done.stdout.splitlines()] == ["began", "ended"]
    found = host.notified.there["ci"]
    assert found
    assert (found.kind, found.secret) == (Kind.WEBHOOK, KEY)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("ops",), "Give a URL"),
        (("ops", HOOK, "--url-from", "-"), "not both"),
        (("ops", "--url-from", "-", "--secret-from", "-"), "Only one"),
        (("ops", "--url-from", "/nowhere/hunter"), "No such file"),
        (("Ops!", HOOK), "small letters"),
        (("ops", HOOK, "--on", "everything"), "everything"),
    ],
)
def test_wrong_usage(
    monkeypatch: pytest.MonkeyPatch, host: FakeHost, words: tuple[str, ...], said: str
) -> None:
    monkeypatch.delenv("HITLESS_NOTIFY_URL", raising=False)
    done = call(monkeypatch, host, "add", *words)
    assert done.exit_code == 2
    assert said in done.output
    assert host.notified.there == {}


def test_one_that_is_wrong_is_refused_without_its_address(
    monkeypatch: pytest.MonkeyPatch, host: FakeHost
) -> None:
    done = call(monkeypatch, host, "add", "ops", HOOK.replace("https", "http"))
    assert done.exit_code != 0
    assert "is not encrypted" in done.output


def test_the_list_has_scheme_and_host_alone(monkeypatch: pytest.MonkeyPatch, host: FakeHost) -> None:
    assert "nobody is told" in call(monkeypatch, host, "list").output
    host.notified.there = {"ops": SLACK, "mail": MAIL, "old": None}
    done = call(monkeypatch, host, "list")
    assert "https://hooks.slack.com" in done.output
    assert "services" not in done.output
    assert "can't be read" in done.output
    found = json.loads(call(monkeypatch, host, "list", "--json").output)["receivers"]
    assert [(one["name"], one["kind"], one["address"]) for one in found] == [
        ("ops", "slack", "https://hooks.slack.com"),
        ("mail", "mail", "smtps://mail.example.org"),
        ("old", None, ""),
    ]


def test_a_test_says_who_did_not_get_it(monkeypatch: pytest.MonkeyPatch, host: FakeHost) -> None:
    host.notified.there = {"ops": SLACK, "mail": MAIL}
    assert "sent to ops, mail" in call(monkeypatch, host, "test").output
    host.notified.failing = {"mail": "it answers 554"}
    done = call(monkeypatch, host, "test", "mail")
    assert "not told: mail: it answers 554" in done.output
    assert done.exit_code != 0


def test_a_deployment_says_who_was_not_told(run: Run) -> None:
    host = FakeHost()
    host.notified.there = {"ops": SLACK}
    host.notified.failing = {"ops": "it answers 500"}
    for words in (("deploy",), ("-q", "deploy")):
        done = run(*words, host=host)
        assert done.exit_code == 0
        assert "not told: ops: it answers 500" in done.output
