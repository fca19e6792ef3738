"""Slots of services, as a manager tells of their tasks."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hitless.adapters.docker.cli import DockerCli
from hitless.adapters.swarm.tasks import SwarmContainers
from hitless.domain.common.errors import HitlessError, TimedOut
from hitless.domain.common.names import Colour
from tests.adapters.fake_docker import FakeDocker

LABELS = {
    "hitless.application": "shop",
    "hitless.colour": "green",
    "hitless.release": "7",
    "hitless.gateway": "edge",
    "hitless.replicas": "2",
}


def service(replicas: int = 2, **labels: str) -> dict[str, Any]:
    return {
        "ID": "s1",
        "Spec": {
            "Name": "shop-green_web",
            "Labels": {**LABELS, "hitless.replicas": str(replicas), **labels},
            "TaskTemplate": {"Networks": [{"Target": "n1"}]},
        },
    }


def task(
    identity: str, slot: int, state: str, at: int = 0, code: int = 0, address: str = ""
) -> dict[str, Any]:
    return {
        "ID": identity,
        "ServiceID": "s1",
        "Slot": slot,
        "CreatedAt": f"2026-11-28T10:00:0{at}Z",
        "Version": {"Index": at},
        "Status": {"State": state, "ContainerStatus": {"ContainerID": "c", "ExitCode": code}},
        "NetworksAttachments": [{"Addresses": [f"{address}/24"]}] if address else [],
    }


@pytest.fixture
def own() -> SwarmContainers:
    return SwarmContainers(DockerCli(), "edge")


def answers(docker: FakeDocker, *tasks: dict[str, Any], there: dict[str, Any] | None = None) -> None:
    docker.answers("service", "ls", stdout="s1\n")
    docker.answers("inspect", "--type", "service", stdout=json.dumps([there or service()]))
    docker.answers("service", "ps", stdout="".join(f"{one['ID']}\n" for one in tasks))
    docker.answers("inspect", "--type", "task", stdout=json.dumps(tasks))


def test_a_service_without_tasks_has_the_slots_that_it_will_have(
    docker: FakeDocker, own: SwarmContainers
) -> None:
    answers(docker)
    found = own.replicas("shop", Colour.GREEN)
    assert [(one.id, one.name, one.service, one.number) for one in found] == [
        ("s1.1", "shop-green-web-1", "web", 1),
        ("s1.2", "shop-green-web-2", "web", 2),
    ]
    assert [one.state for one in own.of("shop")] == ["created", "created"]


@pytest.mark.parametrize(
    ("state", "code", "seen"),
    [
        ("preparing", 0, ("created", "", 0)),
        ("starting", 0, ("running", "starting", 0)),
        ("running", 0, ("running", "healthy", 0)),
        ("complete", 0, ("exited", "", 0)),
        ("failed", 3, ("exited", "", 3)),
        ("rejected", 0, ("exited", "", 127)),
        ("shutdown", 137, ("exited", "", 137)),
    ],
)
def test_a_slot_is_as_its_latest_task(
    docker: FakeDocker, own: SwarmContainers, state: str, code: int, seen: tuple[str, str, int]
) -> None:
    answers(docker, task("t1", 1, state, code=code, address="10.0.1.5"), there=service(1))
    [found] = own.of("shop")
    assert (found.state, found.health, found.exit_code) == seen
    assert (found.addresses, found.release, found.gateway) == (("10.0.1.5",), 7, "edge")


def test_a_task_that_took_the_place_of_a_failed_one_counts_as_a_restart(
    docker: FakeDocker, own: SwarmContainers
) -> None:
    answers(docker, task("t2", 1, "running", 2), task("t1", 1, "failed", 1), there=service(1))
    assert [(one.state, one.restarts) for one in own.of("shop")] == [("running", 1)]


def test_a_task_that_was_moved_from_a_node_is_no_restart(docker: FakeDocker, own: SwarmContainers) -> None:
    answers(docker, task("t2", 1, "running", 2), task("t1", 1, "shutdown", 1), there=service(1))
    assert [(one.state, one.restarts) for one in own.of("shop")] == [("running", 0)]


def test_a_stop_waits_until_no_task_runs(docker: FakeDocker, own: SwarmContainers) -> None:
    answers(docker, task("t1", 1, "shutdown"), task("t2", 2, "complete"))
    own.stop(("s1.1", "s1.2"))
    assert ("service", "scale", "--detach", "s1=0") in docker.argvs


def test_some_of_a_services_slots_cant_be_stopped_alone(docker: FakeDocker, own: SwarmContainers) -> None:
    answers(docker, task("t1", 1, "running"), task("t2", 2, "running"))
    with pytest.raises(HitlessError, match="1 of them are to stay"):
        own.stop(("s1.2",))
    assert not [argv for argv in docker.argvs if argv[:2] == ("service", "scale")]


def test_slots_are_filled_with_the_number_that_the_service_is_made_for(
    docker: FakeDocker, own: SwarmContainers
) -> None:
    answers(docker)
    own.start_again(("s1.1", "s1.2"))
    assert ("service", "scale", "--detach", "s1=2") in docker.argvs


def test_the_log_is_that_of_the_latest_task(docker: FakeDocker, own: SwarmContainers) -> None:
    answers(docker, task("t1", 1, "failed", 1), task("t2", 1, "running", 2), there=service(1))
    docker.answers("service", "logs", stdout="ready\n")
    assert own.logs("shop-green-web-1", 5) == "ready"
    assert docker.argvs[-1] == (
        *("service", "logs", "--raw", "--no-task-ids", "--tail", "5"),
        "t2",
    )


def test_a_health_check_is_left_to_its_node(own: SwarmContainers) -> None:
    with pytest.raises(TimedOut):
        own.passes_check("shop-green-web-1", 5)


def test_services_of_others_are_no_containers_of_ours(docker: FakeDocker, own: SwarmContainers) -> None:
    there = service()
    del there["Spec"]["Labels"]["hitless.colour"]
    answers(docker, task("t1", 1, "running"), there=there)
    assert own.of(None) == ()
