from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from hitless.adapters.gateway.routing_file import is_whole
from hitless.adapters.gateway.state import GatewayState
from hitless.adapters.gateway.traefik import Traefik
from hitless.domain.common.errors import DockerFailed, HitlessError
from hitless.domain.gateway.acme import LETS_ENCRYPT
from hitless.domain.gateway.model import Gateway
from hitless.domain.routing.split import NOBODY, Routing
from tests.adapters.fake_docker import FakeDocker, recorded, recorded_text
from tests.adapters.gateway.test_delivery import ONE
from tests.adapters.gateway.traefiks import CONTAINER, NC, NONE, NOT_FOUND, ROUTING, TEAPOT, ok, rawdata

# the gateway's container


def test_the_running_gateway_and_what_its_labels_say(docker: FakeDocker, gateway: Traefik) -> None:
    docker.answers("container", "inspect", CONTAINER, stdout=recorded_text("container_gateway"))

    assert gateway.gateway() == Gateway(
        project="adapters-rec",
        container=CONTAINER,
        network="adapters-rec_webgateway",
        entry_points={"web": 80},
        http_port=18199,
        bound={"web": "127.0.0.1"},
        id="7dbb3088d29c6885856ecae5918b44a1ebc218d9790fb7afbd15467c7e650cce",
        since="2026-11-22T21:46:15.44685421Z",
        networks={"adapters-rec_webgateway": "172.26.0.2"},
        ca=LETS_ENCRYPT,
    )


def test_no_gateway(docker: FakeDocker, gateway: Traefik) -> None:
    docker.answers("container", "inspect", stdout="[]\n", stderr=NONE, exit_code=1)

    assert gateway.gateway() is None


@pytest.mark.parametrize("status", ["exited", "created", "restarting", "paused"])
def test_a_gateway_that_does_not_run_is_none(docker: FakeDocker, gateway: Traefik, status: str) -> None:
    found = recorded("container_gateway")
    found[0]["State"]["Status"] = status
    docker.answers("container", "inspect", stdout=json.dumps(found))

    assert gateway.gateway() is None


@pytest.mark.parametrize("label", [None, "another"])
def test_a_container_that_hitless_did_not_make_is_not_touched(
    docker: FakeDocker, gateway: Traefik, label: str | None
) -> None:
    found = recorded("container_gateway")
    found[0]["Config"]["Labels"] = {"hitless.gateway": label} if label else None
    docker.answers("container", "inspect", stdout=json.dumps(found))

    with pytest.raises(HitlessError, match="hitless did not make") as raised:
        gateway.gateway()

    assert "--gateway" in raised.value.hint


def test_an_engine_that_does_not_answer_is_not_a_missing_gateway(
    docker: FakeDocker, gateway: Traefik
) -> None:
    docker.answers("container", "inspect", stderr="Cannot connect to the Docker daemon\n", exit_code=1)

    with pytest.raises(DockerFailed):
        gateway.gateway()


def test_the_file_that_traefik_refuses_is_named_in_its_own_words(
    docker: FakeDocker, gateway: Traefik
) -> None:
    assert gateway.refused() == ""
    line = (
        "\x1b[90m2026-11-26T02:29:31Z\x1b[0m \x1b[31mERR\x1b[0m \x1b[1mError occurred during watcher callback"
        '\x1b[0m \x1b[36merror=\x1b[0m\x1b[31m\x1b[1m"collecting file configs: /run/hitless/routes/b.yml: '
        'field not found, node: rulee"\x1b[0m\x1b[0m \x1b[36mproviderName=\x1b[0mfile\n'
    )
    docker.answers("logs", stderr=line)
    assert gateway.refused() == "b.yml: field not found, node: rulee"


# what is in force


@pytest.mark.parametrize(
    ("raw", "is_in_force"),
    [(TEAPOT, True), (NOT_FOUND, False), (ok(b"an application"), False), (b"", False), (b"garbage", False)],
)
def test_a_generation_is_in_force_when_its_marker_answers(
    docker: FakeDocker, gateway: Traefik, raw: bytes, is_in_force: bool
) -> None:
    docker.answers(*NC, stdout=raw, way="nc")

    assert gateway.in_force("rec", ROUTING) is is_in_force
    [call] = docker.requests
    assert call.argv[-2:] == ("127.0.0.1", "80")
    assert call.stdin.startswith("GET /rec/5 HTTP/1.1\r\nHost: hitless.internal\r\n")


@pytest.mark.parametrize(
    ("application", "is_gone"), [("rec", False), ("broken", False), ("re", True), ("shop", True)]
)
def test_no_routing_is_in_force_when_no_router_is_left(
    docker: FakeDocker, gateway: Traefik, application: str, is_gone: bool
) -> None:
    docker.answers(*NC, stdout=rawdata(recorded("rawdata")), way="nc")

    assert gateway.in_force(application, None) is is_gone
    [call] = docker.requests
    assert call.argv[-2:] == ("127.0.0.1", "8080")
    assert call.stdin.startswith("GET /api/rawdata HTTP/1.1\r\n")


def test_no_routing_is_in_force_where_traefik_has_nothing_at_all(
    docker: FakeDocker, gateway: Traefik
) -> None:
    docker.answers(*NC, stdout=rawdata({}), way="nc")

    assert gateway.in_force("rec", None)


@pytest.mark.parametrize(("raw", "said"), [(NOT_FOUND, "404"), (b"", "closed without an answer")])
def test_an_api_that_does_not_answer_is_an_error_that_says_so(
    docker: FakeDocker, gateway: Traefik, raw: bytes, said: str
) -> None:
    docker.answers(*NC, stdout=raw, way="nc")

    with pytest.raises(HitlessError, match=said) as raised:
        gateway.in_force("rec", None)

    assert "hitless gateway logs" in raised.value.hint


def test_complaints_name_what_is_broken_as_the_user_named_it(docker: FakeDocker, gateway: Traefik) -> None:
    docker.answers(*NC, stdout=rawdata(recorded("rawdata")), way="nc")

    assert gateway.complaints(Routing("broken", 1, NOBODY, {})) == (
        'router api.v1: middleware "missing@file" does not exist',
        "router web: error parsing BasicUser: nocolon",
        "middleware auth: error parsing BasicUser: nocolon",
    )


def test_an_application_without_faults_has_no_complaints(docker: FakeDocker, gateway: Traefik) -> None:
    docker.answers(*NC, stdout=rawdata(recorded("rawdata")), way="nc")

    assert gateway.complaints(ROUTING) == ()


# the gateway's own certificate


def test_the_gateways_own_certificate_is_made_once(docker: FakeDocker, gateway: Traefik) -> None:
    docker.answers("exec", way="shell")
    routes = docker.root / "etc/hitless/routes"
    routes.mkdir(parents=True)
    file = routes / ".certificate.yml"

    gateway.certify(is_strict=False)

    text = file.read_text()
    assert is_whole(text)
    assert file.stat().st_mode & 0o137 == 0  # its group, which is Traefik's, reads it, and nobody else
    pair = yaml.safe_load(text)["tls"]["stores"]["default"]["defaultCertificate"]
    found = x509.load_pem_x509_certificate(pair["certFile"].encode())
    key = serialization.load_pem_private_key(pair["keyFile"].encode(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    assert found.public_key() == key.public_key()
    assert timedelta(days=3640) < found.not_valid_after_utc - datetime.now(UTC) < timedelta(days=3660)

    gateway.certify(is_strict=False)
    assert file.read_text() == text
    # nor while its copy is there
    file.write_text("")
    gateway.certify(is_strict=False)
    assert file.read_text() == ""
    assert GatewayState(gateway.shell).heal() == ()
    assert file.read_text() == text
    # one that is lost is made again
    file.write_text("")
    (routes / ".copy/.certificate").write_text("")
    gateway.certify(is_strict=False)
    assert is_whole(file.read_text())
    assert file.read_text() != text


def test_the_gateways_own_files_are_no_routing_files(docker: FakeDocker, gateway: Traefik) -> None:
    docker.answers("exec", way="shell")
    for folder in ("etc/hitless/routes", "var/lib/hitless"):
        (docker.root / folder).mkdir(parents=True)
    gateway.certify(is_strict=False)
    with GatewayState(gateway.shell).lock("rec", "alice", 0, print):
        gateway.deliver("rec", replace(ONE, application="rec"))
    found = GatewayState(gateway.shell).read(None)
    assert (set(found.routings), found.broken) == ({"rec"}, {})


def test_the_dashboards_routes_are_for_the_addresses_of_the_docker_host(
    docker: FakeDocker, gateway: Traefik
) -> None:
    docker.answers("exec", way="shell")
    docker.answers("network", "inspect", stdout="172.20.0.1 fd00::1/64 \n")
    routes = docker.root / "etc/hitless/routes"
    routes.mkdir(parents=True)
    file = routes / ".dashboard.yml"
    gateway.show_dashboard(True)

    text = file.read_text()
    assert is_whole(text)
    for found in yaml.safe_load(text)["http"]["routers"].values():
        assert found["rule"].startswith("(ClientIP(`172.20.0.1`) || ClientIP(`fd00::1`)) && ")
        assert found["entryPoints"] == ["dashboard"]

    gateway.show_dashboard(True)
    assert file.read_text() == text
    gateway.show_dashboard(False)
    assert [path for path in routes.rglob("*") if path.is_file()] == []
