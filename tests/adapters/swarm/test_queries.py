"""What a manager says where something has just gone, or where it says nothing."""

from __future__ import annotations

import json

import pytest

from hitless.adapters.docker.cli import DockerCli
from hitless.adapters.swarm.queries import services, tasks
from hitless.domain.common.errors import DockerFailed
from tests.adapters.fake_docker import FakeDocker

GONE = "Error: No such object: x\n"
LOST = "Error response from daemon: rpc error: code = Unknown desc = The swarm does not have a leader\n"


def test_a_service_that_goes_between_two_questions_leaves_the_others(docker: FakeDocker) -> None:
    docker.answers("service", "ls", stdout="s1\ns2\n")
    docker.answers("inspect", "--type", "service", "s1", "s2", stderr=GONE, exit_code=1)
    docker.answers("inspect", "--type", "service", "s1", stderr=GONE, exit_code=1)
    docker.answers("inspect", "--type", "service", "s2", stdout=json.dumps([{"ID": "s2"}]))
    assert services(DockerCli(), "x") == [{"ID": "s2"}]


def test_the_tasks_of_a_service_that_is_gone_are_none(docker: FakeDocker) -> None:
    gone = "no such service: s1\n"
    docker.answers("service", "ps", "--quiet", "--no-trunc", "s1", stderr=gone, exit_code=1)
    docker.answers("service", "ps", "--quiet", "--no-trunc", "s1", "s2", stderr=gone, exit_code=1)
    docker.answers("service", "ps", "--quiet", "--no-trunc", "s2", stdout="t2\n")
    docker.answers("inspect", "--type", "task", stdout=json.dumps([{"ID": "t2"}]))
    assert tasks(DockerCli(), ("s1", "s2")) == [{"ID": "t2"}]
    assert tasks(DockerCli(), ("s1",)) == ()


def test_tasks_that_are_to_run_are_asked_for_as_such(docker: FakeDocker) -> None:
    docker.answers("service", "ps", stdout="")
    assert tasks(DockerCli(), ("s1",), running=True) == ()
    assert docker.argvs == [
        ("service", "ps", "--quiet", "--no-trunc", "--filter", "desired-state=running", "s1")
    ]


def test_without_a_service_nobody_is_asked(docker: FakeDocker) -> None:
    assert tasks(DockerCli(), ()) == ()
    assert docker.calls == []


def test_a_manager_that_can_not_answer_is_asked_once_and_not_for_each(docker: FakeDocker) -> None:
    docker.answers("service", "ls", stdout="s1\ns2\ns3\n")
    docker.answers("inspect", stderr=LOST, exit_code=1)
    with pytest.raises(DockerFailed, match="does not have a leader"):
        services(DockerCli(), "x")
    assert len([argv for argv in docker.argvs if argv[0] == "inspect"]) == 1
