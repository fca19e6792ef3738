from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from hitless.adapters.docker.cli import DockerCli, kill_running
from hitless.adapters.gateway.shell import GatewayShell
from hitless.domain.common.errors import DockerFailed, TimedOut
from tests.adapters.fake_docker import FakeDocker


@pytest.fixture
def shell(docker: FakeDocker) -> Iterator[GatewayShell]:
    """The fake runs the real scripts; every other command is one of this machine's."""
    docker.answers("exec", way="shell")
    shell = GatewayShell(DockerCli(), "traefik")
    yield shell
    shell.close()


def shells(docker: FakeDocker) -> int:
    """How many shells were started."""
    return sum(argv[0] == "exec" for argv in docker.argvs)


def kill_the_shells(docker: FakeDocker) -> None:
    """How they end when the gateway's container ends."""
    for line in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = line.read_bytes()
        except OSError:
            continue
        if b"\0serve\0" in words and str(docker.root).encode() in words:
            with suppress(ProcessLookupError):  # it leads no group, or has gone with another's group
                os.killpg(int(line.parent.name), signal.SIGTERM)


def test_one_shell_serves_all_lines(docker: FakeDocker, shell: GatewayShell) -> None:
    assert [shell.run("printf", "%s", word)[0] for word in ("a", "b c", "$HOME `id` 'x'")] == [
        b"a",
        b"b c",
        b"$HOME `id` 'x'",
    ]
    assert shells(docker) == 1


def test_the_root_user_of_the_gateways_container_runs_them(docker: FakeDocker, shell: GatewayShell) -> None:
    shell.run("true")
    assert docker.argvs[0][:7] == ("exec", "-i", "-u", "0:65532", "traefik-traefik-1", "sh", "-c")


@pytest.mark.parametrize("output", [b"", b"\n", b"no end of line", b"\0\xff\n\n", b"x" * 300_000])
def test_every_byte_of_the_output_arrives_and_no_other(shell: GatewayShell, output: bytes) -> None:
    length = str(len(output))
    assert shell.run("head", "-c", length, stdin=output) == (output, "")
    assert shell.run("true") == (b"", "")


def test_standard_error_arrives_beside_it(shell: GatewayShell) -> None:
    assert shell.run("eval", "echo out; echo err >&2") == (b"out\n", "err\n")


def test_a_function_cannot_change_the_shell_for_the_next(shell: GatewayShell) -> None:
    shell.run("eval", "cd /; umask 777; state=elsewhere; exec 8</dev/null; held() { :; }")
    assert shell.run("eval", 'echo "$state"')[0] != b"elsewhere\n"


def test_several_at_once_have_a_shell_each_and_keep_them(docker: FakeDocker, shell: GatewayShell) -> None:
    def slow(number: int) -> bytes:
        return shell.run("eval", f"sleep 0.3; echo {number}")[0]

    with ThreadPoolExecutor(max_workers=4) as pool:
        assert list(pool.map(slow, range(4))) == [b"0\n", b"1\n", b"2\n", b"3\n"]
        assert list(pool.map(slow, range(4))) == [b"0\n", b"1\n", b"2\n", b"3\n"]
    assert shells(docker) == 4


def test_a_failed_function_has_its_exit_code_and_its_output(docker: FakeDocker, shell: GatewayShell) -> None:
    with pytest.raises(DockerFailed, match="no such luck") as raised:
        shell.run("eval", "echo no such luck >&2; exit 7")
    assert raised.value.exit_code == 7
    assert raised.value.command.startswith("docker exec -i -u 0:65532 traefik-traefik-1 eval")


def test_what_a_function_that_failed_left_unread_is_never_run(
    docker: FakeDocker, shell: GatewayShell
) -> None:
    trace = docker.root / "trace"
    with pytest.raises(DockerFailed):
        shell.run("false", stdin=f"touch {trace}\n".encode())
    assert shell.run("echo", "on")[0] == b"on\n"
    # what one that did not fail left is not run either: the shell ends there, and the next one continues
    shell.run("true", stdin=f"touch {trace}\n".encode())
    assert shell.run("echo", "on")[0] == b"on\n"
    assert not trace.exists()


@pytest.mark.parametrize("line", ["token touch {}", "touch {}\n", "other touch {}\n"])
def test_half_a_line_and_a_line_without_the_token_are_not_run(
    docker: FakeDocker, shell: GatewayShell, line: str
) -> None:
    trace = docker.root / "trace"
    words = ("docker", *shell.argv("serve", "token"))
    subprocess.run(words, input=line.format(trace).encode(), check=False)
    assert not trace.exists()


def test_a_gateway_that_was_restarted_is_asked_again(docker: FakeDocker, shell: GatewayShell) -> None:
    shell.run("true")
    kill_the_shells(docker)
    assert shell.run("echo", "here")[0] == b"here\n"
    assert shells(docker) == 2


def test_a_gateway_that_ends_in_the_middle(docker: FakeDocker, shell: GatewayShell) -> None:
    with ThreadPoolExecutor(max_workers=1) as pool:
        asked = pool.submit(shell.run, "sleep", "20")
        time.sleep(0.5)
        kill_the_shells(docker)
        with pytest.raises(DockerFailed):
            asked.result(10)


def test_a_gateway_that_does_not_run(docker: FakeDocker, shell: GatewayShell) -> None:
    said = "Error response from daemon: container is not running\n"
    docker.answers("exec", stderr=said, exit_code=1, way="refuse")
    with pytest.raises(DockerFailed, match="container is not running") as raised:
        shell.run("true")
    assert raised.value.exit_code == 1


def test_an_interrupt_ends_what_is_asked_and_nothing_is_asked_again(
    docker: FakeDocker, shell: GatewayShell
) -> None:
    shell.run("true")
    with ThreadPoolExecutor(max_workers=1) as pool:
        asked = pool.submit(shell.run, "sleep", "20")
        time.sleep(0.3)
        kill_running()
        with pytest.raises(DockerFailed):
            asked.result(10)
    assert shells(docker) == 1
    # what is done after the interrupt, to undo, is done
    assert shell.run("echo", "undone")[0] == b"undone\n"


def test_an_interrupt_ends_shells_that_are_idle_and_others_take_their_place(
    docker: FakeDocker, shell: GatewayShell
) -> None:
    shell.run("true")
    kill_running()
    assert shell.run("echo", "undone")[0] == b"undone\n"


def test_a_function_that_takes_too_long_is_given_up(shell: GatewayShell) -> None:
    with pytest.raises(TimedOut, match="`sleep` in the gateway"):
        shell.run("sleep", "20", timeout=0.5)
    assert shell.run("echo", "on")[0] == b"on\n"


@pytest.mark.parametrize("said", ["flock: not found", "flock: fcntl: Function not implemented"])
def test_a_lock_that_cant_be_taken_is_not_one_that_is_taken(
    docker: FakeDocker, shell: GatewayShell, said: str
) -> None:
    broken = f"flock() {{ echo '{said}' >&2; return 1; }}"
    with pytest.raises(DockerFailed, match=f"flock can't take the lock: {said}") as raised:
        shell.run("eval", f"{broken}; lock shop alice now")
    assert raised.value.exit_code == 71
