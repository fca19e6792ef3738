"""`hitless logs` on the command line, against a host in memory."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result

from hitless import wiring
from hitless.cli.main import hitless
from hitless.cli.views.logs import LogView
from hitless.domain.common.errors import GateFailed
from hitless.domain.host.logs import Wanted
from tests.cli.test_command import Host
from tests.execution.test_deploy import deploy
from tests.execution.test_logs import AT, FakeLogs
from tests.fakes.behaviour import UNWELL
from tests.fakes.host import FakeHost

Capture = pytest.CaptureFixture[str]


class HostWithLogs(Host):
    """The same, with Compose's logs."""

    def __init__(self, host: FakeHost, compose: FakeLogs) -> None:
        super().__init__(host)
        self.compose = compose

    def logs(self) -> FakeLogs:
        return self.compose


@pytest.fixture
def compose() -> FakeLogs:
    return FakeLogs({"shop-green": ["web-1  | \x1b[31mI live\x1b[2J", "web-1 exited with code 0"]})


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, compose: FakeLogs) -> Callable[..., Result]:
    """Run the command line on a host where release 3 is live, after 1, and 2 that failed."""
    host = FakeHost()
    host.behaviour.words = {number: f"{AT} I was {number}\x1b[2J\n" for number in (1, 2, 3)}
    host.behaviour.answers[2] = [UNWELL]
    deploy(host)
    with pytest.raises(GateFailed):
        deploy(host)
    deploy(host)
    monkeypatch.setattr(wiring, "host", lambda *_: HostWithLogs(host, compose))

    def call(*words: str) -> Result:
        return CliRunner().invoke(hitless, ["-p", "shop", "logs", *words])

    return call


def test_the_live_release_is_shown_and_steers_no_terminal(run: Callable[..., Result]) -> None:
    assert run().output == "web-1  | I live\\x1b[2J\nweb-1 exited with code 0\n"


def test_a_release_that_is_gone_is_shown_in_the_same_way(run: Callable[..., Result]) -> None:
    assert run("--release", "1").output == "web-1  | I was 1\\x1b[2J\n"
    assert run("--release", "2", "-t").output == f"web-1  | {AT} I was 2\\x1b[2J\n"


def test_a_release_that_is_live_is_shown_by_its_number_too(run: Callable[..., Result]) -> None:
    assert run("--release", "3").output == run().output


def test_what_is_wanted_gets_to_compose(run: Callable[..., Result], compose: FakeLogs) -> None:
    assert run("web", "--tail", "5", "-t", "--since", "1767225600").exit_code == 0
    wanted = Wanted(("web",), "2026-01-01T00:00:00.000000000Z", 5, has_times=True)
    assert compose.asked == [("shop-green", ("web",), wanted)]


def test_f_is_to_follow_and_file_is_the_compose_file(run: Callable[..., Result], compose: FakeLogs) -> None:
    compose.ends["shop-green"] = _interrupt
    done = run("--file", "compose.yml", "-f", "--tail", "all")
    assert [one[2] for one in compose.asked] == [Wanted(follows=True)]
    assert done.exit_code == 130


def test_an_interrupt_ends_it_without_a_word(run: Callable[..., Result], compose: FakeLogs) -> None:
    compose.ends["shop-green"] = _interrupt
    done = run("-f")
    assert (done.exit_code, done.stderr) == (130, "")


def _interrupt() -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    "words", [("--tail", "some"), ("--tail", "-3"), ("--since", "soon"), ("--release", "0")]
)
def test_what_is_no_number_or_time_is_an_error_of_usage(
    run: Callable[..., Result], words: tuple[str, ...]
) -> None:
    done = run(*words)
    assert done.exit_code == 2
    assert words[0] in done.output


def test_names_of_containers_are_in_one_column(capsys: Capture) -> None:
    view = LogView()
    view.line("worker-1", "a")
    view.show("web-1  | b | c")
    view.show("web-1     | d\r")
    assert capsys.readouterr().out == "worker-1  | a\nweb-1     | b | c\nweb-1     | d\n"


def test_an_empty_line_keeps_its_name(capsys: Capture) -> None:
    LogView().show("web-1  | ")
    assert capsys.readouterr().out == "web-1  | \n"


def test_the_gateways_log_can_be_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    compose = FakeLogs({"traefik": ["traefik-1  | INF a | b"]})
    monkeypatch.setattr(wiring, "host", lambda *_: HostWithLogs(FakeHost(), compose))

    done = CliRunner().invoke(hitless, ["gateway", "logs", "-f", "-n", "5"])

    assert done.output == "INF a | b\n"
    assert compose.asked == [("traefik", ("traefik",), Wanted(tail=5, follows=True))]
