from __future__ import annotations

import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hitless.adapters.docker.cli import DockerCli, failed, kill_running
from hitless.domain.common.errors import DockerFailed, HitlessError, TimedOut
from tests.adapters.fake_docker import FakeDocker


def test_without_a_context_the_environment_decides(docker: FakeDocker) -> None:
    DockerCli().run("ps", "--all")

    assert docker.argvs == [("ps", "--all")]


def test_a_context_comes_before_the_verb(docker: FakeDocker) -> None:
    DockerCli("far-away").run("ps", "--all")

    assert docker.argvs == [("--context", "far-away", "ps", "--all")]


def test_standard_output_is_returned(docker: FakeDocker) -> None:
    docker.answers("ps", stdout="größer\n", stderr="a warning\n")

    assert DockerCli().run("ps") == "größer\n"
    assert DockerCli().run_bytes("ps") == ("größer\n".encode(), "a warning\n")


def test_output_that_is_no_utf8_is_read_too(docker: FakeDocker) -> None:
    docker.answers("logs", stdout=b"caf\xe9")

    assert DockerCli().run("logs") == "caf�"


def test_stdin_reaches_the_command(docker: FakeDocker) -> None:
    DockerCli().run("exec", stdin="services: {}\n")

    assert docker.calls[0].stdin == "services: {}\n"


def test_without_stdin_the_command_finds_its_end_at_once(docker: FakeDocker) -> None:
    DockerCli().run("exec")  # the fake reads to the end of its stdin; the terminal's would keep it for ever

    assert docker.calls[0].stdin == ""


@pytest.mark.parametrize(("compose_env", "seen"), [(False, {}), (True, {"COMPOSE_FILE": "theirs.yml"})])
def test_compose_variables_are_seen_only_where_asked_for(
    docker: FakeDocker, monkeypatch: pytest.MonkeyPatch, compose_env: bool, seen: dict[str, str]
) -> None:
    monkeypatch.setenv("COMPOSE_FILE", "theirs.yml")

    DockerCli().run("compose", "config", compose_env=compose_env)

    assert docker.calls[0].compose_env == seen


def test_a_started_command_does_not_see_compose_variables_either(
    docker: FakeDocker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMPOSE_PROFILES", "debug")

    with DockerCli().open("exec") as process:
        process.communicate(b"hello")

    assert docker.calls[0].compose_env == {}
    assert docker.calls[0].stdin == "hello"


def test_a_failure_has_the_command_its_exit_code_and_its_last_lines(docker: FakeDocker) -> None:
    said = "\n".join(f"line {number}" for number in range(1, 31))
    docker.answers("pull", stderr=said + "\n\n", exit_code=18)

    with pytest.raises(DockerFailed) as raised:
        DockerCli("far").run("pull", "--quiet", "x")

    error = raised.value
    assert error.command == "docker --context far pull --quiet x"
    assert error.exit_code == 18
    assert error.output.splitlines() == [f"line {number}" for number in range(19, 31)]
    assert "exit code 18" in error.message


def test_a_failure_without_output_says_that(docker: FakeDocker) -> None:
    docker.answers("pull", exit_code=1)

    with pytest.raises(DockerFailed, match="it printed nothing"):
        DockerCli().run("pull")


@pytest.mark.parametrize(
    ("said", "hint"),
    [
        ("Cannot connect to the Docker daemon at unix:///nonexistent. Is the docker", "docker info"),
        (
            "permission denied while trying to connect to the Docker daemon socket at "
            "unix:///var/run/docker.sock",
            "group docker",
        ),
        ("docker: 'compose' is not a docker command.\nSee 'docker --help'", "Compose v2 plug-in"),
        ("Bind for 127.0.0.1:80 failed: port is already allocated", "--http-port"),
        ("listen tcp4 0.0.0.0:80: bind: address already in use", "--http-port"),
        ('Conflict. The container name "/shop-blue-web-1" is already in use by container "db7"', "-p"),
        ('unable to resolve docker endpoint: context "nosuch": context not found: open', "docker context ls"),
        ("Error response from daemon: No such image: hitless:shop.r2.web", "another release"),
        (
            "Error response from daemon: no available IPv4 addresses on this network's address pools: "
            "traefik_webgateway.shop (c6a9)",
            "hitless down",
        ),
        ("Error response from daemon: No such container: nosuch", ""),
    ],
)
def test_a_common_error_has_a_hint(said: str, hint: str) -> None:
    error = failed(("docker", "up"), 1, said)

    assert hint in error.hint
    assert bool(hint) == bool(error.hint)


@pytest.mark.parametrize(
    ("said", "is_missing"),
    [
        ("Error response from daemon: No such container: web", True),
        ("Error: No such image: web:1", True),
        ("error: no such object: web", True),
        ("Error response from daemon: network ade10b879f43 not found", True),
        ("dial tcp: lookup docker.example: no such host", False),
        ("open /nosuch: no such file or directory", False),
        ("Cannot connect to the Docker daemon", False),
    ],
)
def test_what_is_not_there_is_told_from_an_engine_that_can_not_be_reached(
    said: str, is_missing: bool
) -> None:
    assert failed(("docker", "inspect", "web"), 1, said).is_missing is is_missing


def test_a_command_that_hangs_is_ended_and_named(docker: FakeDocker) -> None:
    docker.answers("ps", way="hang")
    began = time.monotonic()

    with pytest.raises(TimedOut, match="docker ps --all") as raised:
        DockerCli().run("ps", "--all", timeout=0.5)

    assert time.monotonic() - began < 5
    assert "docker info" in raised.value.hint


def test_a_thread_that_comes_to_its_command_after_an_interrupt_does_not_wait_for_it(
    docker: FakeDocker,
) -> None:
    docker.answers("ps", way="hang")
    is_interrupted = threading.Event()

    def look() -> str:
        is_interrupted.wait(10)
        return DockerCli().run("ps", timeout=20)

    with ThreadPoolExecutor(max_workers=1) as pool:
        looked = pool.submit(look)
        kill_running()
        is_interrupted.set()
        with pytest.raises(DockerFailed, match="interrupted"):
            looked.result(30)


def test_an_interrupt_that_the_kernel_gives_to_another_thread_is_noticed(docker: FakeDocker) -> None:
    docker.answers("ps", way="hang")

    def interrupt() -> None:
        while not docker.calls:
            time.sleep(0.01)
        time.sleep(0.1)  # the main thread waits
        signal.pthread_kill(threading.get_ident(), signal.SIGINT)

    began = time.monotonic()
    with ThreadPoolExecutor(max_workers=1) as pool:
        pool.submit(interrupt)
        with pytest.raises(KeyboardInterrupt):
            DockerCli().run("ps", timeout=20)
    assert time.monotonic() - began < 10


def test_what_is_undone_after_an_interrupt_is_done_in_threads_as_before(docker: FakeDocker) -> None:
    docker.answers("ps", stdout="web")
    kill_running()

    with ThreadPoolExecutor(max_workers=1) as pool:
        assert pool.submit(DockerCli().run, "ps").result(30) == "web"
    assert DockerCli().run("ps") == "web"


@pytest.mark.parametrize("verb", ["run", "open"])
def test_without_docker_on_the_path_the_error_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(HitlessError, match=r"the `docker` command can.t be run") as raised:
        getattr(DockerCli(), verb)("ps")

    assert "install Docker" in raised.value.hint


@pytest.mark.parametrize("verb", ["run", "open"])
def test_a_docker_that_may_not_be_run_is_no_bug_of_hitless(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    (tmp_path / "docker").write_text("#!/bin/sh\n")
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(HitlessError):
        getattr(DockerCli(), verb)("ps")


def test_a_secret_given_by_stdin_never_shows_in_an_error(docker: FakeDocker) -> None:
    docker.answers("compose", stderr="invalid", exit_code=15)
    docker.answers("hanging", way="hang")

    for verb in ("compose", "hanging"):
        with pytest.raises(HitlessError) as raised:
            DockerCli().run(verb, stdin="PASSWORD=hunter2", timeout=0.5 if verb == "hanging" else 20)
        assert "hunter2" not in f"{raised.value!r}{raised.value}{raised.value.hint}"


def test_the_later_lines_of_an_argument_never_show_in_an_error(docker: FakeDocker) -> None:
    docker.answers("exec", exit_code=1)

    with pytest.raises(DockerFailed) as raised:
        DockerCli().run("exec", "sh", "-c", "set -e\nPASSWORD=hunter2", "")

    assert raised.value.command == "docker exec sh -c set -e ''"
    assert "hunter2" not in raised.value.message


def test_a_long_command_is_shown_by_its_first_words(docker: FakeDocker) -> None:
    docker.answers("rm", exit_code=1)

    with pytest.raises(DockerFailed) as raised:
        DockerCli().run("rm", *(f"c{number}" for number in range(20)))

    assert raised.value.command == "docker rm c0 c1 c2 c3 c4 c5 …"


SSH = "error during connect: Get x: command [ssh -T -- far docker system dial-stdio] has exited: stderr="


@pytest.mark.parametrize(
    ("said", "hint"),
    [
        ("ssh: connect to host far port 22: Connection refused", "does not answer: is it up"),
        ("ssh: Could not resolve hostname far: Name or service not known", "is the host's name right"),
        ("Host key verification failed.", "accept its key"),
        ("ann@far: Permission denied (publickey).", "no key that the host accepts"),
        ("sh: docker: command not found", "install Docker on that host"),
    ],
)
def test_a_host_that_never_answered_is_not_called_a_lost_connection(
    docker: FakeDocker, said: str, hint: str
) -> None:
    docker.answers("ps", stderr=f"{SSH}{said}\n", exit_code=1)
    docker.answers("compose", stdout="services: {}\n")
    cli = DockerCli()
    cli.run("compose", "config")  # which needs no engine

    with pytest.raises(DockerFailed) as raised:
        cli.run("ps")
    assert hint in raised.value.hint
    assert "resume" not in raised.value.hint


def test_a_connection_that_ends_after_an_answer_is_lost(docker: FakeDocker) -> None:
    docker.answers("ps", stderr=f"{SSH}ssh: connect to host far port 22: Connection refused\n", exit_code=1)
    cli = DockerCli()
    cli.run("info")

    with pytest.raises(DockerFailed) as raised:
        cli.run("ps")
    assert "hitless resume" in raised.value.hint
