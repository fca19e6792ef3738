"""hitless dashboard: where it listens, its token, and what it says without the extra."""

from __future__ import annotations

import importlib.util
import socket
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from hitless.cli.main import hitless
from hitless.domain.common.errors import HitlessError
from hitless.web import server


@pytest.fixture(autouse=True)
def served(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[socket.socket]:
    """The sockets on which it would answer; nothing is asked, and nothing answers."""
    found: list[socket.socket] = []
    monkeypatch.setattr(server, "serve", lambda _app, listener: found.append(listener))
    monkeypatch.setattr("hitless.web.recorder.Recorder.start", lambda _: None)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere.sock")
    return found


def run(*words: str) -> Result:
    return CliRunner().invoke(hitless, ("dashboard", *words))


def refused(*words: str) -> HitlessError:
    error = run(*words).exception
    assert isinstance(error, HitlessError), error
    return error


def token_file(folder: Path, text: str, mode: int = 0o600) -> str:
    file = folder / "token"
    file.write_text(text)
    file.chmod(mode)
    return str(file)


def test_it_prints_one_address_with_a_token_for_one_session(served: list[Any]) -> None:
    output = run("--listen", "127.0.0.1:0").output
    assert "open http://127.0.0.1:" in output
    assert len(output.partition("/login#")[2].split()[0]) >= 32
    assert len(served) == 1


def test_a_token_of_your_own_is_not_shown(tmp_path: Path) -> None:
    output = run("--listen", "127.0.0.1:0", "--token-file", token_file(tmp_path, "0123456789abcdef\n")).output
    assert "the token is in" in output
    assert "0123456789abcdef" not in output


@pytest.mark.parametrize(
    ("text", "mode", "said"),
    [
        ("short", 0o600, "not one word of at least 16"),
        ("two words of a token", 0o600, "not one word"),
        ("", 0o600, "not one word"),
        ("0123456789abcdef", 0o644, "others can read the token"),
    ],
)
def test_a_token_that_protects_nothing_is_refused(tmp_path: Path, text: str, mode: int, said: str) -> None:
    error = refused("--listen", "127.0.0.1:0", "--token-file", token_file(tmp_path, text, mode))
    assert said in error.message
    assert error.hint


@pytest.mark.parametrize("address", ["0.0.0.0:0", "[::]:0", "192.0.2.1:7474"])
def test_an_address_of_the_network_needs_https_in_front(address: str) -> None:
    error = refused("--listen", address)
    assert "in clear" in error.message
    assert "--behind-https" in error.hint


def test_behind_https_the_address_is_the_public_one(served: list[Any]) -> None:
    output = run("--listen", "0.0.0.0:0", "--behind-https", "dash.example.org").output
    assert "open https://dash.example.org/login#" in output
    assert served


def test_a_port_that_is_taken_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        error = refused("--listen", f"127.0.0.1:{other.getsockname()[1]}")
    assert "can't listen on 127.0.0.1" in error.message
    assert "--listen" in error.hint


@pytest.mark.parametrize("listen", ["7474", "localhost:7474", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:99999"])
def test_what_is_no_address_is_wrong_usage(listen: str) -> None:
    assert run("--listen", listen).exit_code == 2


def test_without_the_extra_it_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *more: None if name == "uvicorn" else found(name, *more)
    )
    error = refused()
    assert "not here: uvicorn" in error.message
    assert "hitless[dashboard]" in error.hint


def test_both_dashboards_are_told_apart_in_the_help() -> None:
    own = run("--help").output
    other = CliRunner().invoke(hitless, ("gateway", "up", "--help")).output
    assert "hitless gateway up --dashboard" in " ".join(own.split())
    assert "hitless dashboard" in " ".join(other.split())


@pytest.mark.parametrize("host", ["https://dash.example.org", "dash.example.org:8443", "a b", ""])
def test_behind_https_takes_a_bare_host_name(host: str) -> None:
    result = run("--listen", "127.0.0.1:0", "--behind-https", host)
    assert result.exit_code == 2
    assert "no host name" in result.output
