"""Questions to the engine's API; what it does not answer as expected, Docker's command line answers."""

from __future__ import annotations

import hashlib
import json
import os
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from socketserver import ThreadingTCPServer
from typing import Any

import pytest

from hitless.adapters.docker import queries
from hitless.adapters.docker.cli import DockerCli
from hitless.adapters.docker.containers import DockerContainers
from hitless.adapters.docker.endpoint import Endpoint, behind_ssh, endpoint
from hitless.adapters.docker.engine import Engine
from hitless.adapters.docker.images import DockerImages
from hitless.adapters.gateway.certificate import self_signed
from hitless.domain.common.errors import DockerFailed, TimedOut
from tests.adapters.fake_docker import FakeDocker, recorded
from tests.adapters.fake_engine import FakeEngine


@pytest.fixture
def engine(docker: FakeDocker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeEngine]:
    """The engine that DOCKER_HOST names; `docker` is no script."""
    made = FakeEngine(tmp_path / "engine.sock")
    monkeypatch.setenv("DOCKER_HOST", f"unix://{made.path}")
    monkeypatch.setattr("hitless.adapters.docker.endpoint._is_docker", lambda: True)
    yield made
    made.close()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, docker: FakeDocker) -> Path:
    """Docker's own folder of the user, where nothing is set; `docker` is no script."""
    monkeypatch.setattr("hitless.adapters.docker.endpoint._is_docker", lambda: True)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "config"))
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    (tmp_path / "config").mkdir()
    return tmp_path / "config"


def context(home: Path, name: str, host: str, **more: Any) -> Path:
    """Make a context; the folder of its certificates, which is not there yet."""
    place = hashlib.sha256(name.encode()).hexdigest()
    meta = home / "contexts" / "meta" / place
    meta.mkdir(parents=True)
    said = {"Name": name, "Endpoints": {"docker": {"Host": host, "SkipTLSVerify": False, **more}}}
    (meta / "meta.json").write_text(json.dumps(said))
    return home / "contexts" / "tls" / place / "docker"


LABELS = {"com.docker.compose.project": "shop", "com.docker.compose.service": "web"}
ROW = {
    "Id": "c1",
    "Names": ["/proxy/web", "/shop-web-1"],
    "Image": "web:1",
    "State": "running",
    "Status": "Up 2 seconds (healthy)",
    "Labels": LABELS,
    "NetworkSettings": {"Networks": {"a": {}, "b": {}}},
}


def test_a_list_is_one_question_and_no_process(engine: FakeEngine, docker: FakeDocker) -> None:
    engine.answers["/containers/json"] = (200, [ROW])
    [found] = DockerContainers(DockerCli(), "traefik").composed("shop")
    assert (found.id, found.name, found.service, found.state) == ("c1", "shop-web-1", "web", "running")
    assert (found.health, found.image, found.networks) == ("healthy", "web:1", ("a", "b"))
    assert engine.asked == [("/containers/json", {"label": ["com.docker.compose.project"]})]
    assert docker.calls == []


def test_a_thing_that_is_not_there_is_left_out(engine: FakeEngine, docker: FakeDocker) -> None:
    [there] = recorded("container_running_healthy")
    engine.answers["/containers/there/json"] = (200, there)
    engine.answers["/networks/gone"] = (404, {"message": "network gone not found"})
    found = DockerContainers(DockerCli(), "traefik").named(("gone", "there"))
    assert [one.id for one in found] == [there["Id"]]
    assert queries.inspect(DockerCli(), "network", ("gone",)) == []
    assert docker.calls == []


def test_tags_of_other_names_of_an_image_are_no_releases(engine: FakeEngine, docker: FakeDocker) -> None:
    tags = ["web:1", "hitless:other.r3.web", "hitless:shop.r12.web"]
    engine.answers["/images/json"] = (200, [{"RepoTags": tags}, {"RepoTags": None}])
    assert DockerImages(DockerCli()).tagged("shop") == {12}
    assert docker.calls == []


def test_one_connection_carries_many_questions(engine: FakeEngine, docker: FakeDocker) -> None:
    engine.answers["/volumes"] = (200, {"Volumes": None})
    cli = DockerCli()
    for _ in range(5):
        assert queries.rows(cli, "volume", "Name") == []
    assert engine.connections == 1


def test_a_connection_that_the_engine_has_ended_is_opened_again(
    engine: FakeEngine, docker: FakeDocker
) -> None:
    engine.answers["/networks"] = (200, [])
    engine.ends_connections = True
    cli = DockerCli()
    for _ in range(3):
        assert queries.rows(cli, "network", "Name") == []
    assert engine.connections == 3
    assert docker.calls == []


@pytest.mark.parametrize(
    "answer",
    [
        (400, {"message": "client version 1.45 is too new. Maximum supported API version is 1.41"}),
        (404, {"message": "page"}),  # of another program
        (404, b"[]"),
        (500, {"message": "something went wrong"}),
        (200, b"<html>"),
    ],
)
def test_an_answer_that_is_none_leaves_the_question_to_the_command(
    engine: FakeEngine, docker: FakeDocker, answer: tuple[int, Any]
) -> None:
    engine.answers["/containers/web/json"] = answer
    docker.answers("container", "inspect", stdout='[{"Id": "by the command"}]')
    assert queries.inspect(DockerCli(), "container", ("web",)) == [{"Id": "by the command"}]


def test_an_engine_that_is_not_there_is_told_by_the_command(engine: FakeEngine, docker: FakeDocker) -> None:
    engine.server.shutdown()
    engine.server.server_close()
    engine.path.unlink()
    docker.answers("ps", stderr="Cannot connect to the Docker daemon at x.\n", exit_code=1)
    with pytest.raises(DockerFailed, match="Cannot connect") as caught:
        DockerContainers(DockerCli(), "traefik").of("shop")
    assert "is the Docker engine running?" in caught.value.hint


def test_an_engine_that_hangs_has_a_deadline(engine: FakeEngine) -> None:
    engine.may_answer.clear()
    with pytest.raises(TimedOut, match=r"did not answer /v1\.45/networks"):
        Engine(Endpoint(path=str(engine.path))).get("/networks", {}, 0.01, lambda: False)


def test_an_interrupt_ends_the_wait_for_an_engine_that_hangs(engine: FakeEngine) -> None:
    engine.may_answer.clear()
    assert Engine(Endpoint(path=str(engine.path))).get("/networks", {}, 60, lambda: True) is None


def test_the_engine_is_the_one_of_the_user(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The order is Docker's: --context, DOCKER_HOST, DOCKER_CONTEXT, the context in use, the usual socket."""
    usual = Endpoint(path="/var/run/docker.sock")
    assert endpoint(None) == usual
    context(home, "used", "unix:///used.sock")
    context(home, "named", "unix:///named.sock")
    (home / "config.json").write_text('{"currentContext": "used", "auths": {}}')
    assert endpoint(None) == Endpoint(path="/used.sock")
    monkeypatch.setenv("DOCKER_CONTEXT", "named")
    assert endpoint(None) == Endpoint(path="/named.sock")
    monkeypatch.setenv("DOCKER_HOST", "unix:///host.sock")
    assert endpoint(None) == Endpoint(path="/host.sock")
    assert endpoint("used") == Endpoint(path="/used.sock")
    assert endpoint("default") == Endpoint(path="/host.sock")
    context(home, "far", "ssh://ann@shop.example:2222")
    assert endpoint("far") == Endpoint(ssh="ssh://ann@shop.example:2222")
    assert (behind_ssh("far"), behind_ssh("used")) == ("ssh://ann@shop.example:2222", "")
    monkeypatch.delenv("DOCKER_HOST")
    assert endpoint("default") == usual


def test_an_engine_behind_tls_is_asked_with_the_users_certificates(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificates = context(home, "far", "tcp://shop.example:2376")
    certificates.mkdir(parents=True)
    assert endpoint("far") == Endpoint(host="shop.example", port=2376, certificates=certificates)
    monkeypatch.setenv("DOCKER_HOST", "tcp://10.0.0.9:2376")
    monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
    assert endpoint(None) == Endpoint(host="10.0.0.9", port=2376, certificates=home)
    monkeypatch.setenv("DOCKER_CERT_PATH", "/certificates")
    assert endpoint(None) == Endpoint(host="10.0.0.9", port=2376, certificates=Path("/certificates"))


def test_an_engine_behind_tls_answers_who_has_its_certificates(
    engine: FakeEngine, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certify(home)
    trust = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(home / "ca.pem"))
    trust.verify_mode = ssl.CERT_REQUIRED
    trust.load_cert_chain(home / "cert.pem", home / "key.pem")
    engine.answers["/networks"] = (200, [{"Name": "by the API"}])
    server = ThreadingTCPServer(("127.0.0.1", 0), engine.handler)
    server.daemon_threads = True
    server.socket = trust.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    monkeypatch.setenv("DOCKER_HOST", f"tcp://localhost:{server.server_address[1]}")
    monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
    cli = DockerCli()
    cli.answered.add("a command")
    try:
        assert queries.rows(cli, "network", "Name") == [("by the API",)]
        certify(home)  # as another engine has them
        other = DockerCli(answered={"a command"})
        assert other.ask("/networks") is None
    finally:
        server.shutdown()
        server.server_close()


def certify(folder: Path) -> None:
    """Write ca.pem, cert.pem and key.pem: one certificate for localhost, which trusts itself."""
    certificate, key = self_signed("localhost")
    for name, text in (("ca", certificate), ("cert", certificate), ("key", key)):
        (folder / f"{name}.pem").write_text(text)


@pytest.mark.parametrize(
    "environment",
    [
        {"DOCKER_HOST": "tcp://10.0.0.9:2375/behind/a/path"},
        {"DOCKER_HOST": "tcp://10.0.0.9"},
        {"DOCKER_HOST": "tcp://10.0.0.9:2376", "https_proxy": "http://proxy:3128"},
        {"DOCKER_HOST": "fd://"},
        {"DOCKER_CONTEXT": "nonesuch"},
        {"DOCKER_CONTEXT": "lax"},
        {"DOCKER_API_VERSION": "1.44"},
        {"DOCKER_CUSTOM_HEADERS": "X-Team=shop"},
        {"DOCKER_CONFIG": "HEADERS"},
        {"DOCKER_CONFIG": "DAMAGED"},
    ],
)
def test_what_is_not_understood_is_left_to_the_command(
    home: Path, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]
) -> None:
    context(home, "lax", "tcp://shop.example:2376", SkipTLSVerify=True)
    for folder, text in (("HEADERS", '{"HttpHeaders": {"X-Team": "shop"}}'), ("DAMAGED", "{")):
        (home / folder).mkdir()
        (home / folder / "config.json").write_text(text)
    for name, value in environment.items():
        monkeypatch.setenv(name, str(home / value) if name == "DOCKER_CONFIG" else value)
    assert endpoint(None) is None


@pytest.mark.parametrize(("name", "text"), [("docker", b"#!/bin/sh\n"), ("podman", b"\x7fELF")])
def test_a_docker_that_is_another_program_may_go_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, text: bytes
) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    (tmp_path / name).write_bytes(text)
    (tmp_path / name).chmod(0o755)
    (folder / "docker").symlink_to(tmp_path / name)
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("DOCKER_HOST", "unix:///var/run/docker.sock")
    assert endpoint(None) is None
    (folder / "docker").unlink()
    assert endpoint(None) is None
    (folder / "docker").write_bytes(b"\x7fELF")
    (folder / "docker").chmod(0o755)
    assert (endpoint(None) is None) == bool(os.environ.get("DOCKER_API_VERSION"))
