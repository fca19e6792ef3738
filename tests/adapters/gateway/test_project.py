from __future__ import annotations

import io
import json
import tarfile

import pytest

from hitless.adapters.docker.cli import DockerCli
from hitless.adapters.gateway.programs import Programs, gateway_image
from hitless.adapters.gateway.project import GatewayProject
from hitless.adapters.gateway.shell import script
from hitless.domain.common.errors import DockerFailed, HitlessError
from hitless.domain.gateway.compose_model import model
from hitless.domain.gateway.model import Software
from hitless.domain.gateway.settings import GatewaySettings
from tests.adapters.fake_docker import FakeDocker, recorded, recorded_text

CONTAINER = "adapters-rec-traefik-1"
COMPOSE = (
    *("compose", "--env-file", "/dev/null", "--project-name", "adapters-rec"),
    *("--progress", "plain", "--file", "-"),
)
SETTINGS = GatewaySettings(http_port=18199, bind="127.0.0.1", image="traefik:v3.7")


@pytest.fixture
def project(docker: FakeDocker) -> GatewayProject:
    """One that is not there, unless a test says so."""
    docker.answers("container", stderr="Error response from daemon: No such container: x", exit_code=1)
    docker.answers("container", "inspect", "--format", stdout="bridge ")  # once it is made
    return GatewayProject(DockerCli(), "adapters-rec", Programs(DockerCli(), "adapters-rec"))


@pytest.mark.parametrize("status", ["running", "exited"])
def test_a_gateway_tells_its_settings_running_or_not(
    docker: FakeDocker, project: GatewayProject, status: str
) -> None:
    found = recorded("container_gateway")
    found[0]["State"]["Status"] = status
    docker.answers("container", "inspect", CONTAINER, stdout=json.dumps(found))

    assert project.settings() == SETTINGS


def test_no_gateway_has_no_settings(docker: FakeDocker, project: GatewayProject) -> None:
    said = "Error response from daemon: No such container: x\n"
    docker.answers("container", "inspect", stdout="[]\n", stderr=said, exit_code=1)

    assert project.settings() is None


def test_a_foreign_container_is_refused(docker: FakeDocker, project: GatewayProject) -> None:
    docker.answers("container", "inspect", stdout=recorded_text("container_exited"))

    with pytest.raises(HitlessError, match="did not make"):
        project.settings()


def test_an_engine_that_does_not_answer_is_an_error(docker: FakeDocker, project: GatewayProject) -> None:
    docker.answers("container", "inspect", stderr="Cannot connect to the Docker daemon\n", exit_code=1)

    with pytest.raises(DockerFailed):
        project.settings()


def test_foreign_containers_are_those_without_the_label(docker: FakeDocker, project: GatewayProject) -> None:
    docker.answers("ps", stdout=f"{CONTAINER}\tadapters-rec\nadapters-rec-db-1\t\n")

    assert project.foreign() == ("adapters-rec-db-1",)
    assert "label=com.docker.compose.project=adapters-rec" in docker.argvs[0]


def test_the_gateway_is_applied_and_removed_by_its_model_on_standard_input(
    docker: FakeDocker, project: GatewayProject
) -> None:
    docker.answers("image", "inspect", stdout="sha256:0123456789abcdef\n")
    project.apply(SETTINGS)
    project.remove(SETTINGS, volumes=False)
    project.remove(SETTINGS, volumes=True)

    of_compose = [argv for argv in docker.argvs if argv[0] == "compose"]
    creation, up, down, down_with_volumes = of_compose
    assert creation == (*COMPOSE, "create")
    assert up[: len(COMPOSE) + 2] == (*COMPOSE, "up", "--detach")
    assert "--wait" in up
    assert down == (*COMPOSE, "down")
    assert down_with_volumes == (*COMPOSE, "down", "--volumes")
    models = [json.loads(call.stdin) for call in docker.calls if call.argv[0] == "compose"]
    software = Software(gateway_image(), "traefik-0123456789ab")
    assert models[:2] == [model("adapters-rec", SETTINGS, software, script())] * 2


@pytest.mark.parametrize(
    ("output", "exit_code", "answers"), [("OK", 0, True), ("", 1, False), ("<html>", 0, False)]
)
def test_traefik_answers_when_its_ping_says_ok(
    docker: FakeDocker, project: GatewayProject, output: str, exit_code: int, answers: bool
) -> None:
    docker.answers("exec", stdout=output, exit_code=exit_code)

    assert project.answers() is answers
    assert docker.argvs[0][-1] == "http://127.0.0.1:8080/ping"


def test_the_log_is_both_streams(docker: FakeDocker, project: GatewayProject) -> None:
    docker.answers("logs", "--tail", "7", CONTAINER, stdout="one\n", stderr="two\n")

    assert project.logs(7) == "one\ntwo"


@pytest.mark.parametrize(
    ("server", "compose", "said"),
    [
        ("26.1.5+dfsg1", "2.26.1-4", ""),
        ("27.0.0", "v2.20.0", ""),
        ("25.0.9", "2.40.3", "Docker Engine 25.0.9 is too old: hitless needs 26.0 or newer"),
        ("28.1.0", "2.19.9", "Compose 2.19.9 is too old: hitless needs 2.20 or newer"),
        ("dev", "dev", ""),
    ],
)
def test_what_is_too_old_is_named(
    docker: FakeDocker, project: GatewayProject, server: str, compose: str, said: str
) -> None:
    docker.answers("version", stdout=f"{server}\n")
    docker.answers("compose", "version", stdout=f"{compose}\n")

    assert project.outdated() == said


@pytest.mark.parametrize(
    ("names", "who"), [("nginx\n", "the container nginx"), ("", "a program outside Docker")]
)
def test_a_port_that_is_taken_is_named_with_its_owner_and_nothing_is_left(
    docker: FakeDocker, project: GatewayProject, names: str, who: str
) -> None:
    said = "Error response from daemon: Bind for 127.0.0.1:18199 failed: port is already allocated"
    docker.answers(*COMPOSE, "up", stderr=said, exit_code=1)
    docker.answers("ps", stdout=names)

    with pytest.raises(HitlessError, match=f"port 18199 is taken by {who}") as raised:
        project.apply(SETTINGS)

    assert "--http-port" in raised.value.hint
    assert (*COMPOSE, "down") in docker.argvs


def test_a_gateway_that_does_not_start_shows_its_last_lines(
    docker: FakeDocker, project: GatewayProject
) -> None:
    docker.answers(*COMPOSE, "up", stderr="container exited (1)", exit_code=1)
    docker.answers("logs", stdout="command error: no such flag\n")

    with pytest.raises(HitlessError, match="no such flag"):
        project.apply(SETTINGS)

    assert (*COMPOSE, "down") in docker.argvs


def test_a_container_whose_traefik_was_replaced_is_made_again(
    docker: FakeDocker, project: GatewayProject
) -> None:
    found = recorded("container_gateway")
    docker.answers("image", "inspect", stdout="sha256:0123456789abcdef\n")
    docker.answers("container", "inspect", CONTAINER, stdout=json.dumps(found))
    docker.answers("cp", stdout=archive(f"{found[0]['Id'][:12]}\n{SETTINGS.to_label()} \nprogram\n"))
    project.apply(SETTINGS)
    [creation] = [argv for argv in docker.argvs if argv[: len(COMPOSE) + 1] == (*COMPOSE, "create")]
    assert creation[-1] == "--force-recreate"


def archive(text: str) -> bytes:
    """One file as `docker cp` sends it."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        about = tarfile.TarInfo(".settled")
        about.size = len(text.encode())
        tar.addfile(about, io.BytesIO(text.encode()))
    return made.getvalue()
