from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from hitless.domain.gateway.compose_model import arguments, model
from hitless.domain.gateway.instances import redirection, udp_redirection
from hitless.domain.gateway.model import Software, container_name, network_name
from hitless.domain.gateway.settings import GatewaySettings

SOFTWARE = Software("hitless-gateway:1", "0123456789ab")
ALL_ELSE = GatewaySettings(
    8443, "127.0.0.1", True, True, "traefik:v9", {90: "127.0.0.1"}, (90,), True, 90.0, ("10.0.0.5",)
)


def service(settings: GatewaySettings) -> dict[str, Any]:
    found: dict[str, Any] = model("traefik", settings, SOFTWARE)["services"]["traefik"]
    return found


def sources(settings: GatewaySettings) -> list[str]:
    return [volume["source"] for volume in service(settings)["volumes"]]


@pytest.mark.parametrize(("is_root", "owner"), [(False, 65532), (True, 0)])
def test_what_traefik_reads_is_its_own_and_in_memory(is_root: bool, owner: int) -> None:
    found = service(GatewaySettings(docker_provider=is_root))

    assert found["tmpfs"] == [f"/run/hitless:uid={owner},gid={owner},mode=0755,size=256m"]
    assert found["user"] == f"{owner}:{owner}"


def test_the_script_that_starts_traefik_is_no_template_of_composes() -> None:
    made = model("traefik", GatewaySettings(), SOFTWARE, 'start() { exec "$@"; }')

    shell, option, text, *words = made["services"]["traefik"]["entrypoint"]
    assert (shell, option, words) == ("/bin/sh", "-c", ["sh", "start"])
    assert text == 'start() { exec "$$@"; }'


def test_traefik_is_a_program_beside_what_hitless_runs_and_nobody_can_change_it() -> None:
    made = model("traefik", GatewaySettings(image="traefik:v3.7.13"), SOFTWARE)

    found = made["services"]["traefik"]
    assert (found["image"], found["pull_policy"]) == ("hitless-gateway:1", "never")
    assert found["command"][0] == "0123456789ab"
    [programs] = [volume for volume in found["volumes"] if volume["source"] == "programs"]
    assert (programs["target"], programs["read_only"]) == ("/opt/traefik", True)
    assert made["volumes"]["programs"] == {"name": "hitless-traefik", "external": True}


@pytest.mark.parametrize("settings", [GatewaySettings(), ALL_ELSE], ids=["as-it-comes", "all-else"])
def test_the_gateway_can_do_as_little_as_possible(settings: GatewaySettings) -> None:
    found = service(settings)

    assert found["read_only"] is True
    assert found["cap_drop"] == ["ALL"]
    assert found["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in found
    assert found["cap_add"] == ["NET_ADMIN"]  # for root's `nft`, in the container's own network


def test_the_docker_socket_is_not_mounted_and_traefik_is_nobody() -> None:
    assert sources(GatewaySettings()) == ["routes", "state", "acme", "programs"]
    assert service(GatewaySettings())["user"] == "65532:65532"
    assert not [word for word in service(GatewaySettings())["command"] if "docker" in word]


def test_the_docker_socket_is_mounted_read_only_where_it_is_asked_for() -> None:
    settings = GatewaySettings(docker_provider=True)

    [socket] = [volume for volume in service(settings)["volumes"] if volume["type"] == "bind"]
    assert socket["source"] == "/var/run/docker.sock"
    assert socket["read_only"] is True
    command = service(settings)["command"]
    assert "--providers.docker.exposedbydefault=false" in command
    assert "--providers.docker.network=traefik_webgateway" in command


def test_only_the_web_is_published_and_the_api_answers_the_container_alone() -> None:
    found = service(GatewaySettings(http_port=8000, bind="10.0.0.1"))

    [port] = found["ports"]
    assert (port["host_ip"], port["published"], port["target"]) == ("10.0.0.1", "8000", 80)
    assert "--entrypoints.traefik.address=127.0.0.1:8080" in found["command"]
    assert "--api.dashboard=false" in found["command"]


def test_the_dashboard_is_published_on_the_loopback_alone() -> None:
    found = service(GatewaySettings(dashboard=True))

    _, port = found["ports"]
    assert (port["host_ip"], port["published"], port["target"]) == ("127.0.0.1", "8080", 60082)
    assert "--entrypoints.dashboard.address=:60082" in found["command"]
    assert "--api.dashboard=true" in found["command"]


def test_a_new_routing_file_is_in_force_after_a_tenth_of_a_second() -> None:
    command = service(GatewaySettings())["command"]

    assert "--providers.providersthrottleduration=100ms" in command
    assert "--providers.file.directory=/run/hitless/routes" in command
    assert "--providers.file.watch=true" in command


def test_a_request_may_take_an_hour_to_arrive_on_every_entry_point() -> None:
    def told(settings: GatewaySettings) -> list[str]:
        return [word for word in service(settings)["command"] if "readtimeout" in word]

    option = "--entrypoints.{}.transport.respondingtimeouts.readtimeout={}ms"
    assert told(GatewaySettings()) == [option.format("web", 3600000)]
    assert told(GatewaySettings(ports={90: ""}, read_timeout=0.5)) == [
        option.format("web", 500),
        option.format("port-90", 500),
    ]


def test_traefik_calls_nobody_on_the_internet() -> None:
    command = service(GatewaySettings())["command"]

    assert {"--global.checknewversion=false", "--global.sendanonymoususage=false"} <= set(command)


@pytest.mark.parametrize("settings", [GatewaySettings(), ALL_ELSE], ids=["as-it-comes", "all-else"])
def test_the_settings_survive_their_label(settings: GatewaySettings) -> None:
    label = service(settings)["labels"]["hitless.gateway.settings"]

    assert GatewaySettings.from_label(label) == settings


def test_every_entry_point_is_on_the_command_line_and_published() -> None:
    settings = GatewaySettings(ports={6379: "127.0.0.1", 8080: ""})
    found = service(settings)

    wanted = {"web": 80, "port-6379": 6379, "port-8080": 60081}  # 8080 is Traefik's API inside
    assert settings.entry_points == wanted
    assert "--entrypoints.web.address=:80" in found["command"]
    assert "--entrypoints.port-8080.address=:60081" in found["command"]
    assert [(port.get("host_ip"), port["published"], port["target"]) for port in found["ports"]] == [
        (None, "80", 80),
        ("127.0.0.1", "6379", 6379),
        (None, "8080", 60081),
    ]


def test_a_route_that_names_no_entry_point_is_not_on_the_ports_of_applications() -> None:
    assert "--entrypoints.web.asdefault=true" in service(GatewaySettings())["command"]


def test_a_port_that_another_has_still_is_an_entry_point_and_not_published() -> None:
    settings = GatewaySettings(ports={8080: ""}, held=(80, 8080))
    assert service(settings)["ports"] == []
    assert "--entrypoints.port-8080.address=:60081" in service(settings)["command"]


def test_ports_are_added_and_removed() -> None:
    settings = GatewaySettings().publishing({8080: "", 90: "127.0.0.1"})
    assert settings.publishing({90: ""}, [8080]).ports == {90: ""}


def test_two_gateways_share_no_name() -> None:
    one, two = (model(project, GatewaySettings(), SOFTWARE) for project in ("traefik", "second"))

    assert (one["name"], two["name"]) == ("traefik", "second")
    assert one["networks"]["webgateway"]["name"] == network_name("traefik") == "traefik_webgateway"
    assert two["networks"]["webgateway"]["name"] == network_name("second") == "second_webgateway"
    assert two["services"]["traefik"]["labels"]["hitless.gateway"] == "second"
    assert container_name("second") == "second-traefik-1"


def test_the_model_is_plain_json() -> None:
    found = model("traefik", ALL_ELSE, SOFTWARE)

    assert json.loads(json.dumps(found)) == found


def test_a_gateway_of_an_older_hitless_is_not_one_with_other_settings() -> None:
    """It published on IPv4 alone where nobody had asked for an address."""
    old = '{"bind": "0.0.0.0", "http_port": 80, "ports": {"8080": "0.0.0.0", "90": "127.0.0.1"}}'
    assert GatewaySettings.from_label(old) == GatewaySettings(ports={8080: "", 90: "127.0.0.1"})
    asked = GatewaySettings(bind="0.0.0.0")
    assert GatewaySettings.from_label(asked.to_label()) == asked


def test_a_proxy_in_front_is_trusted_for_its_headers_on_every_entry_point() -> None:
    def told(settings: GatewaySettings) -> list[str]:
        return [word for word in service(settings)["command"] if "trustedips" in word]

    assert told(GatewaySettings()) == []
    assert told(GatewaySettings(ports={90: ""}, trusted_proxies=("10.0.0.5", "10.1.0.0/16"))) == [
        "--entrypoints.web.forwardedheaders.trustedips=10.0.0.5,10.1.0.0/16",
        "--entrypoints.port-90.forwardedheaders.trustedips=10.0.0.5,10.1.0.0/16",
    ]


def test_the_access_log_has_no_secrets_and_is_off() -> None:
    def told(settings: GatewaySettings) -> list[str]:
        return [word for word in service(settings)["command"] if "accesslog" in word]

    assert told(GatewaySettings()) == []
    assert told(GatewaySettings(access_log=True)) == [
        "--accesslog=true",
        "--accesslog.format=json",
        "--accesslog.fields.queryparameters.defaultmode=drop",
    ]


def test_metrics_are_where_only_the_container_can_ask_and_off() -> None:
    def told(settings: GatewaySettings) -> list[str]:
        return [word for word in service(settings)["command"] if "metrics" in word]

    assert told(GatewaySettings()) == []
    first, where, buckets = told(GatewaySettings(metrics=True))
    assert (first, where) == (
        "--metrics.prometheus=true",
        "--metrics.prometheus.entrypoint=traefik",
    )
    seconds = [float(one) for one in buckets.partition("=")[2].split(",")]
    assert seconds == sorted(seconds)
    assert all(two <= 2.5 * one for one, two in pairwise(seconds))


def test_a_memory_limit_leaves_no_swap() -> None:
    assert "mem_limit" not in service(GatewaySettings())
    found = service(GatewaySettings(memory_limit=2**29))
    assert found["mem_limit"] == found["memswap_limit"] == str(2**29)


def test_no_proxy_of_the_operators_machine_is_the_gateways() -> None:
    environment = service(GatewaySettings())["environment"]

    assert environment.pop("TINI_KILL_PROCESS_GROUP") == "1"
    assert set(environment.values()) == {""}
    assert {"HTTP_PROXY", "https_proxy", "ALL_PROXY", "no_proxy"} < set(environment)


@pytest.mark.parametrize("dashboard", [False, True])
def test_the_api_is_never_on_a_network(dashboard: bool) -> None:
    found = service(GatewaySettings(dashboard=dashboard))

    assert "--entrypoints.traefik.address=127.0.0.1:8080" in found["command"]
    assert [port for port in found["ports"] if port["target"] == 8080] == []


def test_a_udp_port_for_applications_also_beside_tcp_with_the_same_number() -> None:
    settings = GatewaySettings(ports={53: "127.0.0.1"}, udp_ports={53: "127.0.0.1"}, read_timeout=90.0)
    assert GatewaySettings.from_label(settings.to_label()) == settings
    found = service(settings)
    published = {"host_ip": "127.0.0.1", "published": "53", "target": 53, "mode": "ingress"}
    for protocol in ("tcp", "udp"):
        assert {**published, "protocol": protocol} in found["ports"]
    assert "--entrypoints.port-53.address=:53" in found["command"]
    assert "--entrypoints.port-53-udp.address=:53/udp" in found["command"]
    assert not [word for word in found["command"] if "port-53-udp.transport" in word]
    # and an older hitless knows none
    assert GatewaySettings.from_label('{"ports": {"53": ""}, "read_timeout": 1}').udp_ports == {}


def test_http3_is_on_the_port_for_https_and_clients_are_told_that_one() -> None:
    settings = GatewaySettings(https_port=8443, http3=True, bind="127.0.0.1")
    found = service(settings)
    published = {"host_ip": "127.0.0.1", "published": "8443", "target": 60443, "mode": "ingress"}
    for protocol in ("tcp", "udp"):
        assert {**published, "protocol": protocol} in found["ports"]
    told = "--entrypoints.websecure.http3.advertisedport=8443"
    assert told in found["command"]
    assert told in arguments("traefik", settings, 1)  # whose own port is another one
    # something else has the port still: it would answer none of what clients are told
    held = service(replace(settings, held=(8443,)))
    assert [port["published"] for port in held["ports"]] == ["80"]
    off = service(replace(settings, http3=False))
    assert [port["protocol"] for port in off["ports"]] == ["tcp", "tcp"]
    assert not [word for word in off["command"] if "http3" in word]


def test_each_instance_gets_every_packet_and_answers_by_the_port_that_was_asked() -> None:
    points = GatewaySettings(ports={53: ""}, udp_ports={53: "", 54: ""}).entry_points
    there, back = udp_redirection(points, 1)
    assert there == "53 : 61003, 54 : 61004"
    assert redirection(points, 1) == "53 : 61002, 80 : 61005, 60082 : 61001"
    # those of the one that leaves, too
    assert back == "61003 : 53, 61004 : 54, 63003 : 53, 63004 : 54"
    assert udp_redirection(points, 2) == ("53 : 63003, 54 : 63004", back)
    assert udp_redirection(GatewaySettings(ports={53: ""}).entry_points, 1) == ("", "")
