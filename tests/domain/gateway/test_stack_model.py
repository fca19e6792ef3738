"""The gateway's Compose model in the words of `docker stack deploy`: nothing of it may get lost unseen."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from hitless.domain.common.errors import HitlessError
from hitless.domain.common.names import LABEL_GATEWAY
from hitless.domain.gateway.compose_model import model
from hitless.domain.gateway.model import Gateway, Software, edge_network
from hitless.domain.gateway.settings import LABEL_SETTINGS, GatewaySettings
from hitless.domain.gateway.stack_model import refuse_unable, stack

SOFTWARE = Software("hitless-gateway:1", "traefik-0123456789ab")
# what `docker stack deploy` refuses, ignores or drops, of what the Compose model has
NOT_TAKEN = {"pull_policy", "security_opt", "restart", "mem_limit", "memswap_limit", "tmpfs"}


def made(settings: GatewaySettings) -> tuple[dict[str, Any], dict[str, Any]]:
    """The service in the Compose model, and in the stack."""
    own = model("traefik", settings, SOFTWARE, 'start() { exec "$@"; }')
    found = stack(own, "zzz-traefik-edge", "node.labels.hitless.edge==1")
    return own["services"]["traefik"], found["services"]["traefik"]


def test_what_both_take_is_the_same() -> None:
    own, found = made(GatewaySettings(memory_limit=512 << 20, https_port=443))
    changed = {"ports", "networks", "volumes"}
    for key in own.keys() - NOT_TAKEN - changed:
        assert found[key] == own[key], key
    assert not NOT_TAKEN & found.keys()
    assert 'exec "$$@"' in found["entrypoint"][2]


def test_there_is_one_on_each_edge_and_it_always_starts_again() -> None:
    _, found = made(GatewaySettings())
    deploy = found["deploy"]
    assert (deploy["mode"], deploy["endpoint_mode"]) == ("global", "dnsrr")
    assert deploy["placement"] == {"constraints": ["node.labels.hitless.edge==1"]}
    assert deploy["restart_policy"]["condition"] == "any"
    assert deploy["update_config"]["order"] == deploy["rollback_config"]["order"] == "stop-first"
    assert deploy["update_config"]["failure_action"] == "pause"
    assert "resources" not in deploy


def test_the_limit_of_memory_is_the_task_s() -> None:
    own, found = made(GatewaySettings(memory_limit=512 << 20))
    assert found["deploy"]["resources"]["limits"]["memory"] == own["mem_limit"]


def test_service_and_container_tell_whose_they_are() -> None:
    _, found = made(GatewaySettings())
    assert found["labels"] == found["deploy"]["labels"]
    assert found["labels"].keys() == {LABEL_GATEWAY, LABEL_SETTINGS}


def test_ports_are_the_node_s_own() -> None:
    settings = GatewaySettings(http_port=81, https_port=443, http3=True, ports={5432: ""}, udp_ports={53: ""})
    _, found = made(settings)
    assert {one["mode"] for one in found["ports"]} == {"host"}
    published = sorted((one["published"], one["protocol"]) for one in found["ports"])
    assert published == [(53, "udp"), (81, "tcp"), (443, "tcp"), (443, "udp"), (5432, "tcp")]


def test_what_traefik_reads_is_in_memory_and_the_rest_on_the_node_s_disk() -> None:
    own, found = made(GatewaySettings())
    assert found["volumes"][:-1] == own["volumes"]
    assert found["volumes"][-1] == {"type": "volume", "source": "served", "target": "/run/hitless"}
    volume = stack(model("gw", GatewaySettings(), SOFTWARE), "", "")["volumes"]["served"]
    assert volume["driver_opts"]["type"] == "tmpfs"
    assert volume["driver_opts"]["o"] == "nosuid,nodev,noexec,uid=65532,gid=65532,mode=0755,size=256m"


def test_the_network_is_hitless_s_and_the_programs_are_there() -> None:
    found = stack(model("gw", GatewaySettings(), SOFTWARE), edge_network("gw"), "")
    assert found["networks"] == {"edge": {"external": True, "name": edge_network("gw")}}
    assert found["volumes"]["programs"] == {"name": "hitless-traefik", "external": True}
    assert not found.keys() - {"services", "networks", "volumes"}


@pytest.mark.parametrize("other", ["shop-blue_default", "zoo_default", "zz-blue_web"])
def test_a_name_is_looked_up_in_the_networks_of_an_application_first(other: str) -> None:
    assert other < edge_network("a")


def test_all_applications_share_the_network_on_a_swarm() -> None:
    gateway = Gateway("gw", "c", "gw_webgateway", {})
    assert gateway.network_of("shop") != gateway.network_of("blog")
    shared = replace(gateway, shared_network=edge_network("gw"))
    assert shared.network_of("shop") == shared.network_of("blog") == edge_network("gw")


@pytest.mark.parametrize(
    ("settings", "what"),
    [
        (GatewaySettings(bind="127.0.0.1"), "127.0.0.1"),
        (GatewaySettings(ports={5432: "10.0.0.5"}), "10.0.0.5"),
        (GatewaySettings(udp_ports={53: "10.0.0.5"}), "10.0.0.5"),
        (GatewaySettings(dashboard=True), "dashboard"),
        (GatewaySettings(docker_provider=True), "Docker provider"),
        (GatewaySettings(https_port=443, acme_email="a@example.org"), "certificates of a CA"),
    ],
)
def test_what_a_swarm_can_t_have_is_refused(settings: GatewaySettings, what: str) -> None:
    with pytest.raises(HitlessError, match=what):
        refuse_unable(settings)
    refuse_unable(GatewaySettings(https_port=443, http3=True))
