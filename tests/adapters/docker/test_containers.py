"""Containers on Docker's command line."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from hitless.adapters.docker import events as docker_events
from hitless.adapters.docker.cli import DockerCli
from hitless.adapters.docker.containers import DockerContainers
from hitless.domain.common.errors import LockLost, TimedOut
from hitless.domain.common.names import Colour
from hitless.domain.host.container_facts import HealthCheck, Listener
from hitless.domain.host.world import ComposeContainer, Port, Replica
from hitless.domain.proof.observations import Ending
from tests.adapters.fake_docker import FakeDocker, recorded, recorded_text

NETWORK = "adapters-rec_webgateway"
HEALTHY = "5ea5b42aa90996be4cc7fd1773b8fd9a4bb0d8ccaa9631d7b922b75c34c15b83"


def test_an_applications_containers_are_found_by_its_label(
    docker: FakeDocker, containers: DockerContainers
) -> None:
    docker.answers("ps", stdout=f"{HEALTHY}\n")
    docker.answers("container", "inspect", stdout=recorded_text("container_running_healthy"))

    [found] = containers.of("rec")

    assert "172.26.0.4" in found.addresses
    listing, inspect = docker.argvs
    assert listing[0] == "ps"
    assert {"--all", "--no-trunc", "{{.ID}}", "label=hitless.application=rec"} <= set(listing)
    assert inspect == ("container", "inspect", HEALTHY)


def test_the_containers_of_all_applications_are_those_on_this_gateway(
    docker: FakeDocker, containers: DockerContainers
) -> None:
    containers.of(None)

    [listing] = docker.argvs
    filters = [word for word in listing if word.startswith("label=")]
    assert sorted(filters) == ["label=hitless.application", "label=hitless.gateway=adapters-rec"]


def test_where_there_are_no_containers_none_is_inspected(
    docker: FakeDocker, containers: DockerContainers
) -> None:
    docker.answers("ps", stdout="\n")

    assert containers.of("rec") == ()
    assert len(docker.calls) == 1


def test_a_container_that_goes_between_two_looks_is_left_out(
    docker: FakeDocker, containers: DockerContainers
) -> None:
    gone = "Error response from daemon: No such container: gone\n"
    docker.answers("ps", stdout=f"{HEALTHY}\ngone\n")
    both = json.dumps(recorded("container_running_healthy"))
    docker.answers("container", "inspect", HEALTHY, "gone", stdout=both, stderr=gone, exit_code=1)
    docker.answers("container", "inspect", HEALTHY, stdout=both)
    docker.answers("container", "inspect", "gone", stdout="[]\n", stderr=gone, exit_code=1)

    assert [found.id for found in containers.of("rec")] == [HEALTHY]


def test_containers_that_are_known_by_name_take_one_command(
    docker: FakeDocker, containers: DockerContainers
) -> None:
    there = recorded_text("container_running_healthy")
    docker.answers("container", "inspect", "rec-green-app-1", stdout=there)

    assert [found.id for found in containers.named(("rec-green-app-1",))] == [HEALTHY]
    assert containers.named(()) == ()
    assert docker.argvs == [("container", "inspect", "rec-green-app-1")]


def test_what_lies_in_its_compose_projects_and_is_no_release_s(
    docker: FakeDocker, containers: DockerContainers
) -> None:
    rows = (
        "shop-green|web|d1|shop|traefik|False|-||i1|shop-green-web-1|running|Up 3 seconds|web:1|",
        "shop-green|db|d2|||False|/srv/shop.yml||i2|shop-green-db-1|running|Up 3 seconds|db:1|",
        "shop|db|d3|||False|/srv/shop.yml||i3|shop-db-1|running|Up 2 hours (healthy)|postgres:15|",
        "shop|cache|d4|||False|-|db:x:true,queue|i4|shop-cache-1|running|Up 1 s (health: starting)|redis|a,b",
        "shop|queue|d5|||False|/srv/shop.yml||i5|shop-queue-1|running|Up 2 minutes (unhealthy)|rabbitmq|",
        "shop|init|d6|||False|/srv/shop.yml||i6|shop-init-1|exited|Exited (3) 2 minutes ago|init|",
        "shop|db|d3|||True|/srv/shop.yml||i7|shop-db-run-7|running|Up 2 s|postgres:15|",
        "other-blue|web|d7|||False|/srv/shop.yml||i8|other-blue-web-1|running|Up 3 seconds|web:1|",
        "shop-blue-more|web|d8|||False|/srv/shop.yml||i9|shop-blue-more-web-1|running|Up 3 seconds|web:1|",
    )
    docker.answers("ps", stdout="".join(f"{row}\n" for row in rows).replace("|", "\t"))

    assert containers.composed("shop") == (
        ComposeContainer("shop-green", "db", "shop-green-db-1", "running", "", 0, "d2", "db:1", id="i2"),
        ComposeContainer("shop", "db", "shop-db-1", "running", "healthy", 0, "d3", "postgres:15", id="i3"),
        ComposeContainer(
            *("shop", "cache", "shop-cache-1", "running", "starting", 0, "d4", "redis", True),
            id="i4",
            depends_on=("db", "queue"),
            networks=("a", "b"),
        ),
        ComposeContainer(
            "shop", "queue", "shop-queue-1", "running", "unhealthy", 0, "d5", "rabbitmq", id="i5"
        ),
        ComposeContainer("shop", "init", "shop-init-1", "exited", "", 3, "d6", "init", id="i6"),
    )
    [argv] = docker.argvs
    assert {"--all", "label=com.docker.compose.project"} <= set(argv)


def test_where_there_are_no_containers_none_is_found(
    docker: FakeDocker, containers: DockerContainers
) -> None:
    assert containers.composed("shop") == ()


def test_a_log_is_both_streams(docker: FakeDocker, containers: DockerContainers) -> None:
    docker.answers("logs", "--tail", "20", "web", stdout="to stdout\n", stderr="to stderr\n")

    assert containers.logs("web", 20) == "to stdout\nto stderr"


def test_a_container_that_has_gone_has_no_log(docker: FakeDocker, containers: DockerContainers) -> None:
    docker.answers("logs", stderr="No such container", exit_code=1)

    assert containers.logs("web", 20) == ""


def test_a_colours_containers_are_called_as_the_engine_says(
    docker: FakeDocker, containers: DockerContainers
) -> None:
    docker.answers("ps", stdout="c2\tweb\t2\tshop-blue-web-2\nc1\tweb\t1\tshop-blue-web-1\n")

    assert containers.replicas("shop", Colour.BLUE) == (
        Replica("c2", "shop-blue-web-2", "web", 2),
        Replica("c1", "shop-blue-web-1", "web", 1),
    )
    (listing,) = docker.argvs
    assert [word for word in listing if word.startswith("label=")] == [
        "label=hitless.application=shop",
        "label=hitless.colour=blue",
        "label=hitless.gateway=adapters-rec",  # another gateway's application of this name is not ours
    ]


def test_containers_are_stopped_with_their_own_grace_period(
    docker: FakeDocker, containers: DockerContainers
) -> None:
    containers.stop(("c1", "c2"))

    assert docker.argvs == [("stop", "c1", "c2")]


def test_where_a_late_command_fails_the_lock_is_why(
    docker: FakeDocker, cli: DockerCli, containers: DockerContainers
) -> None:
    docker.answers("stop", stderr="No such container: c", exit_code=1)
    asked = iter((True, False))

    def guard() -> None:
        if not next(asked):
            raise LockLost("shop")

    cli.guards.append(guard)
    with pytest.raises(LockLost):
        containers.stop(("c",))


def test_a_gateway_of_the_applications_name_is_no_part_of_it(
    docker: FakeDocker, containers: DockerContainers
) -> None:
    row = "shop||||shop||-||i1|shop-traefik-1|running|Up 3 seconds|hitless-gateway:1|"
    docker.answers("ps", stdout=row.replace("|", "\t"))
    assert containers.composed("shop") == ()


def test_a_container_that_only_has_our_applications_label_is_not_ours(
    docker: FakeDocker, containers: DockerContainers
) -> None:
    labels = ({"hitless.application": "shop"}, {"hitless.colour": "red", "hitless.release": "1"}, None)
    found = [{"Id": "1", "Name": "/copy", "Config": {"Labels": one}, "State": {}} for one in labels]
    docker.answers("ps", stdout="1\n2\n3\n")
    docker.answers("container", "inspect", stdout=json.dumps(found))
    assert containers.of("shop") == ()


def event(action: str, at: float, container: str = "shop-blue-web-1", **attributes: str) -> dict[str, Any]:
    labels = {"hitless.colour": "blue", "com.docker.compose.service": "web", "name": container}
    return {
        "Action": action,
        "Actor": {"Attributes": {**labels, **attributes}},
        "timeNano": int(at * 1e9),
    }


def test_how_containers_ended_is_read_from_the_engines_events() -> None:
    events = [
        event("die", 99.0, "shop-green-web-1", **{"hitless.colour": "green", "exitCode": "139"}),
        event("kill", 100.0, signal="15"),
        event("kill", 110.0, signal="9"),
        event("die", 110.5, exitCode="137"),
        event("die", 120.0, "shop-hook-1", **{"hitless.colour": "", "exitCode": "0"}),
    ]

    assert docker_events.endings(events, -50.0) == (
        Ending("shop-green-web-1", "web", Colour.GREEN, 139, False, 0.0, 49.0),
        Ending("shop-blue-web-1", "web", Colour.BLUE, 137, True, 10.5, 60.5),
    )


def test_the_engine_is_asked_for_the_applications_own_events(
    docker: FakeDocker, containers: DockerContainers
) -> None:
    now = time.time()
    rows = [event("kill", now - 2), event("die", now - 1.5, exitCode="0")]
    docker.answers("events", stdout="\n".join(map(json.dumps, rows)) + "\n")

    [found] = containers.endings("shop", 4.2, 1000.0)

    assert (found.exit_code, found.is_asked) == (0, True)
    assert found.at == pytest.approx(998.5, abs=0.5)
    [argv] = docker.argvs
    assert (argv[0], argv[1], argv[3]) == ("events", "--since", "--until")
    assert float(argv[4]) - float(argv[2]) == pytest.approx(4.2, abs=0.001)
    assert "label=hitless.application=shop" in argv


def test_a_neighbour_tells_its_ports_networks_and_routes(
    docker: FakeDocker, containers: DockerContainers
) -> None:
    [found] = recorded("container_running_healthy")
    found["Config"]["Labels"] = {
        "com.docker.compose.project": "shop",
        "com.docker.compose.service": "web",
        "traefik.http.routers.web.rule": "Host(`x`)",
    }
    found["NetworkSettings"]["Ports"] = {
        "8000/tcp": [{"HostIp": "0.0.0.0", "HostPort": "80"}, {"HostIp": "::", "HostPort": "80"}],
        "9000/tcp": [{"HostIp": "127.0.0.1", "HostPort": "9000"}],
        "53/udp": [{"HostIp": "", "HostPort": "53"}],
        "7000/tcp": None,
    }
    docker.answers("ps", stdout="1\n")
    docker.answers("container", "inspect", stdout=json.dumps([found]))

    [neighbour] = containers.neighbours()

    assert (neighbour.project, neighbour.service) == ("shop", "web")
    assert neighbour.ports == (Port(80, 8000), Port(9000, 9000, "127.0.0.1"))
    assert (neighbour.is_labelled, neighbour.is_ours) == (True, False)
    assert neighbour.addresses[NETWORK] == ("172.26.0.4",)


def test_what_was_stopped_is_started_again(docker: FakeDocker, containers: DockerContainers) -> None:
    containers.start_again(("one", "two"))
    assert docker.argvs == [("start", "one", "two")]


def test_how_a_health_check_ended_last(docker: FakeDocker, containers: DockerContainers) -> None:
    log = [{"ExitCode": 0, "Output": "ok"}, {"ExitCode": 22, "Output": "404"}]
    config = {"Healthcheck": {"Test": ["CMD-SHELL", "curl -f localhost"]}}
    told = [{"State": {"Health": {"Status": "unhealthy", "Log": log}}, "Config": config}]
    docker.answers("container", "inspect", stdout=json.dumps(told))

    assert containers.last_check("web-1") == HealthCheck("curl -f localhost", 22, "404")


def test_a_container_without_a_health_check_has_none(
    docker: FakeDocker, containers: DockerContainers
) -> None:
    docker.answers("container", "inspect", stdout=json.dumps([{"State": {}, "Config": {}}]))

    assert containers.last_check("web-1") is None


def test_the_gateways_image_looks_who_listens(docker: FakeDocker, containers: DockerContainers) -> None:
    docker.answers("container", "inspect", stdout=json.dumps([{"Image": "sha256:gateway"}]))
    docker.answers("run", stdout="0: 00000000:1F40 00000000:0000 0A\n")

    assert containers.listening("web-1") == (Listener(8000, False),)
    words = docker.argvs[-1]
    assert tuple(
        word for word in words if word in ("--rm", "--network", "container:web-1", "sha256:gateway")
    ) == ("--rm", "--network", "container:web-1", "sha256:gateway")


def test_nobody_can_tell_who_listens_in_a_container_that_has_ended(
    docker: FakeDocker, containers: DockerContainers
) -> None:
    docker.answers("container", "inspect", stdout=json.dumps([{"Image": "sha256:gateway"}]))
    docker.answers("run", stderr="cannot join network of a non running container", exit_code=125)

    assert containers.listening("web-1") is None


@pytest.mark.parametrize(
    ("check", "shell", "words"),
    [
        (["CMD", "pg_isready", "-q"], None, ("pg_isready", "-q")),
        (
            ["CMD-SHELL", "curl -f x || exit 1"],
            None,
            ("/bin/sh", "-c", "curl -f x || exit 1"),
        ),
        (["CMD-SHELL", "true"], ["/bin/bash", "-ec"], ("/bin/bash", "-ec", "true")),
    ],
)
def test_a_health_check_is_run_as_the_engine_runs_it(
    docker: FakeDocker, containers: DockerContainers, check: list[str], shell: list[str] | None, words: Any
) -> None:
    config = {"Healthcheck": {"Test": check}, "Shell": shell}
    docker.answers("container", "inspect", stdout=json.dumps([{"Id": "c1", "Config": config}]))
    assert containers.passes_check("c1", 1)
    assert docker.argvs[-1] == ("exec", "c1", *words)
    docker.answers("exec", stderr="no route to host\n", exit_code=1)
    assert not containers.passes_check("c1", 1)


@pytest.mark.parametrize("config", [{}, {"Healthcheck": None}, {"Healthcheck": {"Test": ["NONE"]}}])
def test_where_there_is_no_health_check_none_is_run(
    docker: FakeDocker, containers: DockerContainers, config: Any
) -> None:
    docker.answers("container", "inspect", stdout=json.dumps([{"Id": "c1", "Config": config}]))
    assert not containers.passes_check("c1", 1)
    assert [argv[:2] for argv in docker.argvs] == [("container", "inspect")]


def test_a_health_check_that_does_not_end_has_a_deadline(
    docker: FakeDocker, containers: DockerContainers
) -> None:
    config = {"Healthcheck": {"Test": ["CMD", "sleep"]}}
    docker.answers("container", "inspect", stdout=json.dumps([{"Id": "c1", "Config": config}]))
    docker.answers("exec", way="hang")
    with pytest.raises(TimedOut):
        containers.passes_check("c1", 0.1)
