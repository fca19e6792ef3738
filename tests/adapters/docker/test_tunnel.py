"""One SSH connection for all that talks to an engine behind SSH, with a fake `ssh` and a fake engine."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from hitless.adapters.docker import cli as cli_module
from hitless.adapters.docker import tunnel
from hitless.adapters.docker.cli import DockerCli, kill_running
from hitless.domain.common.errors import DockerFailed, HitlessError, TimedOut
from tests.adapters.fake_docker import FakeDocker
from tests.adapters.fake_engine import FakeEngine

URL = "ssh://ann@shop.example:2222"
USUAL = "/var/run/docker.sock"
# The first line of `how` says what it does; more lines are for later calls.
SSH = """
import json, os, socket, sys, threading, time
home = os.path.dirname(os.path.abspath(__file__))
words = sys.argv[1:]
with open(home + "/ssh-calls", "a") as file:
    file.write(json.dumps(words) + "\\n")
with open(home + "/how") as file:
    hows = file.read().split("\\n")
with open(home + "/ssh-calls") as file:
    how = hows[min(len(file.readlines()), len(hows)) - 1]
if how.startswith("fails "):
    print(how.removeprefix("fails "), file=sys.stderr)
    sys.exit(255)
here, remote = words[words.index("-L") + 1].split(":")
def pass_on(one, other):
    try:
        while data := one.recv(65536):
            other.sendall(data)
        other.shutdown(socket.SHUT_WR)
    except OSError:
        pass
def serve(server):
    while True:
        client, _ = server.accept()
        if how == "forbids":
            print("channel 2: open failed: administratively prohibited: open failed", file=sys.stderr)
            client.close()
            continue
        engine = socket.socket(socket.AF_UNIX)
        engine.connect(home + "/../engine.sock")
        for pair in ((client, engine), (engine, client)):
            threading.Thread(target=pass_on, args=pair, daemon=True).start()
if how == "hangs":
    time.sleep(30)
if how != "can't bind":
    server = socket.socket(socket.AF_UNIX)
    server.bind(here)
    time.sleep(0.05)  # it may take that long on a busy machine
    server.listen(8)
    threading.Thread(target=serve, args=(server,), daemon=True).start()
if how == "forces dial-stdio":
    sys.stdin.readline()
    print("HTTP/1.1 400 Bad Request")
    sys.exit(0)
there = how.removeprefix("has ") if how.startswith("has ") else "unix:///var/run/docker.sock"
print("Welcome to shop.example")
print(("hitless " + there).strip(), flush=True)
while os.path.exists(here) or how == "can't bind":
    import select
    if select.select([0], [], [], 0.02)[0] and not os.read(0, 100):
        break
    if os.path.exists(home + "/cut"):
        print("Timeout, server shop.example not responding.", file=sys.stderr)
        os._exit(255)
"""


class FakeSsh:
    """The executable, and its calls."""

    def __init__(self, directory: Path, runtime: Path) -> None:
        self.directory = directory
        self.runtime = runtime
        self.does("opens")
        script = directory / "ssh"
        script.write_text(f"#!{sys.executable} -IS{SSH}")
        script.chmod(0o755)

    def does(self, *how: str) -> None:
        """What the first call does, the second one, and so on."""
        (self.directory / "how").write_text("\n".join(how))

    def cut(self) -> None:
        """End every connection, as a network does that is gone."""
        (self.directory / "cut").touch()
        until(lambda: not self.folders())
        (self.directory / "cut").unlink()

    @property
    def calls(self) -> list[list[str]]:
        file = self.directory / "ssh-calls"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    def folders(self) -> list[Path]:
        """What is there of connections."""
        return [*self.runtime.iterdir()]


@pytest.fixture
def ssh(docker: FakeDocker, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeSsh]:
    """An engine behind SSH, which DOCKER_HOST names."""
    engine = FakeEngine(docker.directory.parent / "engine.sock")
    engine.answers["/version"] = (200, {"ApiVersion": "1.47"})
    engine.answers["/networks"] = (200, [{"Name": "by the API"}])
    monkeypatch.setattr("hitless.adapters.docker.endpoint._is_docker", lambda: True)
    monkeypatch.setattr(tunnel, "_tunnels", {})
    monkeypatch.setenv("DOCKER_HOST", URL)
    monkeypatch.setenv("DOCKER_CONFIG", str(docker.directory))
    with tempfile.TemporaryDirectory(dir="/tmp") as runtime:  # a short path
        monkeypatch.setattr(tempfile, "tempdir", runtime)
        monkeypatch.setenv("TMPDIR", runtime)
        yield FakeSsh(docker.directory, Path(runtime))
        for one in tunnel._tunnels.values():
            if one._last:
                one._last._end()
    engine.close()


def until(fact: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 20
    while not fact():
        assert time.monotonic() < deadline, "it never came to be"
        time.sleep(0.02)


def test_commands_and_questions_go_over_one_connection(ssh: FakeSsh, docker: FakeDocker) -> None:
    one, other = DockerCli(), DockerCli()
    one.run("ps")
    with ThreadPoolExecutor(max_workers=4) as pool:
        found = [*pool.map(lambda _: other.ask("/networks"), range(8))]
    assert found == [(True, [{"Name": "by the API"}])] * 8
    one.run("stop", "web")

    (words,) = ssh.calls
    (folder,) = ssh.folders()
    assert docker.argvs == [
        ("--host", f"unix://{folder}/d", "ps"),
        ("--host", f"unix://{folder}/d", "stop", "web"),
    ]
    assert folder.stat().st_mode & 0o777 == 0o700
    assert words[words.index("-L") + 1] == f"{folder}/d:{USUAL}"
    assert words[-6:-1] == ["-l", "ann", "-p", "2222", "--"] or words[-7:-2] == [
        "-l",
        "ann",
        "-p",
        "2222",
        "--",
    ]


@pytest.mark.parametrize(
    ("url", "words", "path"),
    [
        ("ssh://Shop.example", ("--", "Shop.example"), ""),
        ("ssh://ann@shop", ("-l", "ann", "--", "shop"), ""),
        ("ssh://[2001:db8::1]:22/", ("-p", "22", "--", "2001:db8::1"), ""),
        ("ssh://shop/run/user/1000/docker.sock", ("--", "shop"), "/run/user/1000/docker.sock"),
        ("ssh://-oProxyCommand=x", None, ""),
        ("ssh://-l@shop", None, ""),
        ("ssh://ann:secret@shop", None, ""),
        ("ssh://shop/a:b", None, ""),
        ("ssh://shop/a%20b", None, ""),
        ("ssh://shop?x=y", None, ""),
    ],
)
def test_an_address_is_read_as_docker_reads_it_or_left_to_docker(
    url: str, words: tuple[str, ...] | None, path: str
) -> None:
    found = tunnel._Host.of(url)
    assert (found.words, found.path) == (words, path) if found else words is None


def test_the_socket_that_the_address_names_is_not_looked_for(
    ssh: FakeSsh, docker: FakeDocker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"{URL}/srv/engine.sock")
    DockerCli().run("ps")
    (words,) = ssh.calls
    assert words[words.index("-L") + 1].endswith("/d:/srv/engine.sock")
    assert "docker" not in words[-1]


def test_a_rootless_engine_is_reached_at_its_own_socket(ssh: FakeSsh, docker: FakeDocker) -> None:
    """It is the one that the docker command on the host uses; the usual socket may be another engine's."""
    ssh.does("has unix:///run/user/1000/docker.sock")
    DockerCli().run("ps")
    assert [words[words.index("-L") + 1].partition(":")[2] for words in ssh.calls] == [
        USUAL,
        "/run/user/1000/docker.sock",
    ]
    assert docker.argvs == [("--host", f"unix://{ssh.folders()[0]}/d", "ps")]


@pytest.mark.parametrize(
    "how",
    [
        "forbids",
        "can't bind",
        "forces dial-stdio",
        "has ",  # no docker command there
        "has tcp://10.0.0.1:2376",
        "fails ann@shop.example: Permission denied (publickey).",
        "fails Sessions have a timeout. Permission denied (keyboard-interactive).",
        "fails Host key verification failed.",
        "fails kex_exchange_identification: Connection closed by remote host",
    ],
)
def test_where_the_socket_can_not_be_brought_here_docker_goes_its_own_way(
    ssh: FakeSsh, docker: FakeDocker, how: str
) -> None:
    ssh.does(how)
    cli = DockerCli()
    assert cli.ask("/networks") is None
    cli.run("ps")
    cli.run("stop", "web")
    assert docker.argvs == [("ps",), ("stop", "web")]
    assert len(ssh.calls) == 1
    assert ssh.folders() == []


def test_without_an_ssh_docker_says_so_itself(
    ssh: FakeSsh, docker: FakeDocker, monkeypatch: pytest.MonkeyPatch
) -> None:
    (ssh.directory / "ssh").unlink()
    monkeypatch.setenv("PATH", f"{docker.directory}:{Path(sys.executable).parent}:/bin")
    monkeypatch.setattr(tunnel, "_KEEPER", 'shift; nosuchprogram; code=$?; rm -rf "$0"; exit $code')
    DockerCli().run("ps")
    assert docker.argvs == [("ps",)]


@pytest.mark.parametrize(
    ("said", "hint"),
    [
        ("ssh: connect to host shop.example port 2222: Connection refused", "is it up"),
        ("ssh: Could not resolve hostname shop.example: Name or service not known", "name right"),
        ("Connection timed out during banner exchange", "is it up"),
    ],
)
def test_a_host_that_is_not_there_is_tried_once(
    ssh: FakeSsh, docker: FakeDocker, said: str, hint: str
) -> None:
    ssh.does(f"fails {said}")
    cli = DockerCli("default")
    assert cli.ask("/networks") is None
    for _ in range(2):
        with pytest.raises(DockerFailed) as raised:
            cli.run("ps", "--all")
        assert said in raised.value.message
        assert raised.value.command == "docker --context default ps --all"
        assert hint in raised.value.hint
    assert len(ssh.calls) == 1
    assert docker.argvs == []


def test_compose_reads_the_file_while_the_connection_is_made(
    ssh: FakeSsh, docker: FakeDocker, monkeypatch: pytest.MonkeyPatch
) -> None:
    ssh.does("hangs")
    DockerCli().run("compose", "config", compose_env=True)
    (call,) = docker.calls
    assert call.argv[0] == "--host"
    until(lambda: ssh.calls)


def test_what_asks_for_the_context_needs_no_connection(ssh: FakeSsh, docker: FakeDocker) -> None:
    docker.answers("context", "inspect", stdout=URL)
    assert DockerCli("default").endpoint() == URL
    assert ssh.calls == []


def test_a_wait_for_a_connection_ends(ssh: FakeSsh, docker: FakeDocker) -> None:
    ssh.does("hangs")
    with pytest.raises(TimedOut, match=r"no SSH connection to ssh://ann@shop\.example:2222"):
        DockerCli(most=0.1).run("ps")

    def look() -> str:
        is_looking.set()
        return DockerCli().run("ps")

    is_looking = threading.Event()
    with ThreadPoolExecutor(max_workers=1) as pool:
        looked = pool.submit(look)
        is_looking.wait(10)
        kill_running()
        with pytest.raises(DockerFailed, match="interrupted"):
            looked.result(20)


def test_an_error_names_the_host_and_not_the_socket(ssh: FakeSsh, docker: FakeDocker) -> None:
    cli = DockerCli()
    cli.run("info")
    folder = ssh.folders()[0]
    quoted = str(folder).replace("/", "%2F")
    said = f'error during connect: Get "http://{quoted}%2Fd/v1.50/json": EOF'
    docker.answers("ps", stderr=said, exit_code=1)
    docker.answers("pull", stderr=f"Cannot connect to the Docker daemon at unix://{folder}/d.", exit_code=1)
    for verb in ("ps", "pull"):
        with pytest.raises(DockerFailed) as raised:
            cli.run(verb)
        assert folder.name not in raised.value.message
        assert URL in raised.value.message


def test_a_connection_that_is_lost_is_told_and_opened_again_later(
    ssh: FakeSsh, docker: FakeDocker, monkeypatch: pytest.MonkeyPatch
) -> None:
    cli = DockerCli()
    cli.run("info")
    docker.answers("ps", stderr="unexpected EOF", exit_code=1)
    ssh.cut()
    monkeypatch.setattr(tunnel, "_PAUSE", 600.0)
    assert cli.ask("/networks") is None
    for _ in range(2):
        with pytest.raises(DockerFailed, match="not responding") as raised:
            cli.run("ps")
        assert "hitless resume" in raised.value.hint
    assert len(ssh.calls) == 1

    monkeypatch.setattr(tunnel, "_PAUSE", 0.0)
    assert cli.ask("/networks") == (True, [{"Name": "by the API"}])
    cli.run("info")
    assert len(ssh.calls) == 2


def test_a_command_that_was_under_way_says_why_the_connection_ended(ssh: FakeSsh, docker: FakeDocker) -> None:
    cli = DockerCli()
    process = cli.open("exec", "web", "true")
    ssh.cut()
    process.communicate()
    error = cli.hinted(cli_module.failed(("docker", "exec"), 1, "unexpected EOF"))
    assert "the SSH connection to ssh://ann@shop.example:2222 ended" in error.output
    assert "not responding" in error.output
    assert "hitless resume" in error.hint


KILLED = """
import os, signal, sys, time
from hitless.adapters.docker import endpoint
from hitless.adapters.docker.cli import DockerCli
endpoint._is_docker = lambda: True
process = DockerCli().open("exec", "web", inherits=False)
print(process.pid, flush=True)
sys.stdin.read()
process.kill()
"""


@pytest.mark.parametrize("is_killed", [True, False])
def test_the_connection_lasts_as_long_as_what_hitless_has_begun(
    ssh: FakeSsh, docker: FakeDocker, is_killed: bool
) -> None:
    docker.answers("exec", way="hang")
    hitless = subprocess.Popen(
        (sys.executable, "-c", KILLED), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert hitless.stdin and hitless.stdout
    command = int(hitless.stdout.readline())
    (folder,) = ssh.folders()
    if is_killed:
        hitless.kill()
        hitless.wait()
        time.sleep(0.3)  # what must not happen takes some hundredths of a second
        assert (folder / "d").exists()
        os.kill(command, signal.SIGKILL)
    else:
        hitless.stdin.close()
    until(lambda: not ssh.folders())
    hitless.wait()
    hitless.stdout.close()


def test_a_docker_that_is_a_script_is_left_alone(
    ssh: FakeSsh, docker: FakeDocker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hitless.adapters.docker.endpoint._is_docker", lambda: False)
    DockerCli().run("ps")
    assert docker.argvs == [("ps",)]
    assert ssh.calls == []


def test_without_docker_the_error_is_the_same(ssh: FakeSsh, docker: FakeDocker) -> None:
    (docker.directory / "docker").write_text("")
    (docker.directory / "docker").chmod(0o644)
    with pytest.raises(HitlessError):
        DockerCli().run("ps")


def test_connections_that_are_opened_again_and_again_leave_no_open_files(
    ssh: FakeSsh, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tunnel, "_PAUSE", 0.0)
    ssh.does("fails ssh: connect to host shop.example port 2222: Connection refused")
    way = tunnel.tunnel(URL)

    def fail() -> int:
        while (found := way.begin()) and not found.known.wait(20):
            raise AssertionError
        return len(list(Path("/proc/self/fd").iterdir()))

    first = [fail() for _ in range(4)][-1]
    assert [fail() for _ in range(8)][-1] <= first
