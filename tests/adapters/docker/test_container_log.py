"""The logs of containers on Docker's command line."""

from __future__ import annotations

import json
import time
from threading import Thread

import pytest

from hitless.adapters.docker import containers as docker_containers
from hitless.adapters.docker.cli import DockerCli, kill_running
from hitless.adapters.docker.container_log import ComposeLogs, last_lines
from hitless.adapters.docker.containers import DockerContainers
from hitless.domain.common.errors import DockerFailed, TimedOut
from hitless.domain.host.logs import Wanted
from tests.adapters.fake_docker import FakeDocker

AT = "2026-01-01T00:00:0{}.000000000Z {}\n"


def test_the_last_lines_of_both_streams_are_one_by_their_times(
    docker: FakeDocker, containers: DockerContainers
) -> None:
    docker.answers("logs", stdout=AT.format(1, "a") + AT.format(3, "c"), stderr=AT.format(2, "b"))
    assert containers.last_lines(["x"]) == {"x": AT.format(1, "a") + AT.format(2, "b") + AT.format(3, "c")}
    assert docker.argvs == [("logs", "--timestamps", "--tail", "10000", "x")]


def test_a_driver_that_keeps_no_log_leaves_none(docker: FakeDocker, containers: DockerContainers) -> None:
    why = "Error response from daemon: configured logging driver does not support reading\n"
    docker.answers("logs", stderr=why, exit_code=1)
    docker.answers("logs", "--timestamps", "--tail", "10000", "y", stdout=AT.format(1, "a"))
    assert containers.last_lines(["x", "y"]) == {"x": "", "y": AT.format(1, "a")}


def test_of_a_stream_that_is_longer_than_what_is_kept_the_last_whole_lines_are(docker: FakeDocker) -> None:
    said = "".join(AT.format(1, f"{number:07} {'x' * 1000}") for number in range(3000))
    docker.answers("logs", stdout=said)
    found = last_lines(DockerCli(), "x", time.monotonic() + 20)
    assert 900_000 < len(found) < 2_100_000
    assert said.endswith(found)
    assert found.startswith("2026-")


def test_an_engine_that_hangs_leaves_no_log_and_is_not_waited_for(docker: FakeDocker) -> None:
    docker.answers("logs", way="hang")
    assert last_lines(DockerCli(), "x", time.monotonic()) == ""


def test_later_lines_are_asked_for_by_their_time(docker: FakeDocker, containers: DockerContainers) -> None:
    docker.answers("logs", stdout=AT.format(1, "a"))
    since = "2026-01-01T00:00:01.000000000Z"
    assert containers.new_lines({"x": "", "y": since}, 20) == {"x": AT.format(1, "a"), "y": AT.format(1, "a")}
    assert docker.argvs == [
        ("logs", "--timestamps", "--tail", "20", "x"),
        ("logs", "--timestamps", "--tail", "20", "--since", since, "y"),
    ]


def test_a_look_at_later_lines_is_no_command_that_an_interrupt_has_ended(
    docker: FakeDocker, containers: DockerContainers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(docker_containers, "_READING", 1.0)
    docker.answers("logs", way="hang")
    kill_running()  # idle shells of other tests
    looking = Thread(target=lambda: containers.new_lines({"x": ""}, 20), daemon=True)
    looking.start()
    until = time.monotonic() + 10
    while not docker.calls and time.monotonic() < until:
        time.sleep(0.02)
    assert not kill_running()
    looking.join(20)
    assert not looking.is_alive()


def test_compose_is_asked_for_these_services_of_the_project(docker: FakeDocker) -> None:
    docker.answers("compose", stdout="\x1b[2Kweb-1  | größer\rno\nweb-1  | b\nweb-1 exited with code 0\n")
    found = list(ComposeLogs(DockerCli()).lines("shop-blue", ("web", "job"), Wanted()))
    assert found == ["web-1  | größer\rno", "web-1  | b", "web-1 exited with code 0"]
    [call] = docker.calls
    assert call.argv[call.argv.index("logs") :] == ("logs", "--no-color")
    assert call.argv[call.argv.index("--project-name") + 1] == "shop-blue"
    assert list(json.loads(call.stdin)["services"]) == ["web", "job"]


def test_compose_that_hangs_ends_where_every_command_must_end_in_time(docker: FakeDocker) -> None:
    docker.answers("compose", way="hang")
    with pytest.raises(TimedOut, match="docker compose logs"):
        list(ComposeLogs(DockerCli(most=0.5)).lines("shop-blue", ("web",), Wanted()))


def test_compose_gets_what_is_wanted(docker: FakeDocker) -> None:
    wanted = Wanted(since="2026-01-01T00:00:00Z", tail=0, has_times=True, follows=True)
    list(ComposeLogs(DockerCli()).lines("shop-blue", ("web",), wanted))
    [argv] = docker.argvs
    words = " ".join(argv[argv.index("logs") :])
    assert words == "logs --no-color --follow --timestamps --since 2026-01-01T00:00:00Z --tail 0"


def test_if_compose_fails_its_reason_is_the_error(docker: FakeDocker) -> None:
    docker.answers("compose", stdout="web-1  | a", stderr="the engine is gone\n", exit_code=1)
    found = ComposeLogs(DockerCli()).lines("shop-blue", ("web",), Wanted())
    assert next(found) == "web-1  | a"
    with pytest.raises(DockerFailed, match="the engine is gone"):
        next(found)
