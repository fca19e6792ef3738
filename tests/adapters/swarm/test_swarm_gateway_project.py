from __future__ import annotations

import json
from typing import Any

import pytest

from hitless.adapters.docker.cli import DockerCli
from hitless.adapters.gateway.shell import script
from hitless.adapters.swarm.gateway_project import SwarmGatewayProject
from hitless.domain.common.errors import HitlessError
from hitless.domain.common.names import LABEL_GATEWAY
from hitless.domain.gateway.model import GatewayContainer
from hitless.domain.gateway.settings import LABEL_SETTINGS, GatewaySettings
from tests.adapters.fake_docker import FakeDocker
from tests.adapters.swarm.test_swarm_nodes import node

SETTINGS = GatewaySettings(https_port=443)


def service(name: str = "traefik_traefik", **labels: str) -> dict[str, Any]:
    own = {LABEL_GATEWAY: "traefik", LABEL_SETTINGS: SETTINGS.to_label()}
    made = {"Image": "sha256:1", "Command": ["/bin/sh", "-c", script()]}
    return {
        "ID": "s1",
        "Spec": {"Name": name, "Labels": labels or own, "TaskTemplate": {"ContainerSpec": made}},
    }


@pytest.fixture
def project(docker: FakeDocker) -> SwarmGatewayProject:
    """A gateway's service on a Swarm with one node, which is no edge."""
    docker.answers("info", "--format", "{{.Swarm.ControlAvailable}}", stdout="true\n")
    docker.answers("service", "ls", stdout="s1\n")
    docker.answers("service", "inspect", stdout=json.dumps([service()]))
    docker.answers("node", "ls", stdout="id-a\n")
    docker.answers("node", "inspect", stdout=json.dumps([node("a")]))
    return SwarmGatewayProject(DockerCli(), "traefik")


def edge(docker: FakeDocker, **status: str) -> None:
    found = node("a", **{"hitless.context": "a", "hitless.edge": "1"})
    docker.answers("node", "inspect", stdout=json.dumps([{**found, "Status": {"State": "ready", **status}}]))


def test_the_service_tells_the_settings(project: SwarmGatewayProject) -> None:
    assert project.settings() == SETTINGS


def test_without_a_service_there_are_none(docker: FakeDocker, project: SwarmGatewayProject) -> None:
    docker.answers("service", "ls", stdout="")
    assert project.settings() is None
    assert project.container() is None


def test_a_name_that_only_begins_like_it_is_another_service(
    docker: FakeDocker, project: SwarmGatewayProject
) -> None:
    docker.answers("service", "inspect", stdout=json.dumps([service("traefik_traefik2")]))
    assert project.settings() is None


def test_a_service_of_somebody_else_is_refused(docker: FakeDocker, project: SwarmGatewayProject) -> None:
    docker.answers("service", "inspect", stdout=json.dumps([service(more="x")]))
    with pytest.raises(HitlessError, match="a service traefik_traefik that hitless did not make"):
        project.settings()


def test_an_engine_that_is_no_manager_has_no_gateway(
    docker: FakeDocker, project: SwarmGatewayProject
) -> None:
    docker.answers("info", "--format", "{{.Swarm.ControlAvailable}}", stdout="false\n")
    with pytest.raises(HitlessError, match="no manager of a Swarm"):
        project.settings()


def test_without_an_edge_nothing_starts(docker: FakeDocker, project: SwarmGatewayProject) -> None:
    for action in (lambda: project.unfit("traefik:v3.7.15"), lambda: project.apply(SETTINGS)):
        with pytest.raises(HitlessError) as refused:
            action()
        assert "hitless nodes add NODE --context C --edge" in refused.value.hint
    assert not any(call.argv[:2] == ("stack", "deploy") for call in docker.calls)


def test_an_edge_that_is_down_is_named(docker: FakeDocker, project: SwarmGatewayProject) -> None:
    edge(docker, State="down")
    with pytest.raises(HitlessError, match="a is an edge, and is down or takes no tasks"):
        project.apply(SETTINGS)


def test_what_a_swarm_can_t_have_is_refused_first(docker: FakeDocker, project: SwarmGatewayProject) -> None:
    with pytest.raises(HitlessError, match="on one address alone"):
        project.apply(GatewaySettings(bind="127.0.0.1"))
    assert not docker.calls


def test_files_for_a_ca_are_refused(project: SwarmGatewayProject) -> None:
    project.give({})
    with pytest.raises(HitlessError, match="takes no files yet"):
        project.give({"ca.pem": b""})


def test_an_edge_answers_if_its_traefik_says_so(docker: FakeDocker, project: SwarmGatewayProject) -> None:
    edge(docker, Addr="10.0.0.2")
    docker.answers("ps", stdout="c1\n")
    docker.answers("exec", "c1", "wget", stdout="OK")
    assert [(one.node, one.address, one.answers) for one in project.edge_statuses()] == [
        ("a", "10.0.0.2", True)
    ]
    docker.answers("exec", "c1", "wget", stderr="wget: can't connect", exit_code=1)
    assert not project.answers()


def test_an_edge_without_a_container_does_not_answer(
    docker: FakeDocker, project: SwarmGatewayProject
) -> None:
    edge(docker)
    docker.answers("image", "inspect", stdout='[{"Id": "sha256:1"}]')
    assert not project.answers()
    assert project.container() == GatewayContainer("exited", is_current=True)


def test_the_pool_is_the_swarm_s_own(docker: FakeDocker, project: SwarmGatewayProject) -> None:
    docker.answers("info", "--format", "{{json", stdout='["10.50.0.0/16"]\n')
    docker.answers("info", "--format", "{{json .Swarm.Cluster.DefaultAddrPool}}", stdout='["10.50.0.0/16"]\n')
    assert project.free_pool() == "10.50.0.0/16"


def test_other_services_in_a_stack_of_its_name_are_foreign(
    docker: FakeDocker, project: SwarmGatewayProject
) -> None:
    stack = ("service", "ls", "--filter", "label=com.docker.stack.namespace=traefik", "--format", "{{.Name}}")
    docker.answers(*stack, stdout="traefik_traefik\ntraefik_db\n")
    docker.answers(*stack, "--filter", "label=hitless.gateway=traefik", stdout="traefik_traefik\n")
    assert project.foreign() == ("traefik_db",)
