"""A proxy in front of the gateway that ends TLS: the recipes of docs/behind-a-proxy.md, with real proxies."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from hitless.adapters.gateway.certificate import self_signed
from hitless.domain.gateway.image import TRAEFIK_IMAGE
from tests.e2e.conftest import GATEWAY, ROOT, App, Cli, docker, free_port, gateway_of_its_own, wait_for

pytestmark = pytest.mark.more

HOST = "shop.example"
SERVER = """
import http.server, json, os
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps(dict(self.headers)).encode()
        self.send_response(503 if os.environ["BROKEN"] else 200)
        self.send_header("X-Release", os.environ["RELEASE"])
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
http.server.ThreadingHTTPServer(("0.0.0.0", 8000), Handler).serve_forever()
"""
COMPOSE = f"""
services:
  web:
    image: python:3-slim
    command: [python3, -S, -c, {json.dumps(SERVER)}]
    environment: {{RELEASE: "${{RELEASE}}", BROKEN: "${{BROKEN:-}}"}}
    labels:
      traefik.http.routers.web.rule: Host(`{HOST}`)
      traefik.http.routers.web.middlewares: secure
      traefik.http.middlewares.secure.redirectscheme.scheme: https
      traefik.http.services.web.loadbalancer.server.port: 8000
      traefik.http.services.web.loadbalancer.healthcheck.path: /
    x-hitless: {{ask_routes: false}}
"""


@dataclass(frozen=True)
class Front:
    """Where a proxy must listen, and with which certificate."""

    port: int
    upstream: int
    folder: Path

    def recipe(self, language: str) -> str:
        """A block of the document with this test's own ports and certificate."""
        text = (ROOT / "docs" / "behind-a-proxy.md").read_text()
        (found,) = re.findall(rf"```{language}\n(.*?)```", text, re.S)
        return (
            str(found)
            .replace("127.0.0.1:8081", f"127.0.0.1:{self.upstream}")
            .replace("listen 443 ssl", f"listen 127.0.0.1:{self.port} ssl")
            .replace("/etc/ssl/shop.example", str(self.folder / "tls"))
        )

    def get(self, **headers: str) -> httpx.Response:
        """A visitor's request by HTTPS."""
        with httpx.Client(verify=False, trust_env=False, timeout=5) as client:
            return client.get(
                f"https://127.0.0.1:{self.port}/",
                headers={"Host": HOST, **headers},
                extensions={"sni_hostname": HOST},
            )


@contextmanager
def running(front: Front, *command: str) -> Iterator[None]:
    """A proxy on this machine."""
    log = (front.folder / "log").open("wb")
    with (
        log,
        subprocess.Popen(
            command, stdout=log, stderr=log, env={**os.environ, "HOME": str(front.folder)}
        ) as it,
    ):
        try:
            yield
        finally:
            it.terminate()


@contextmanager
def nginx(front: Front) -> Iterator[None]:
    text = (
        f"pid {front.folder}/pid; daemon off; worker_processes 1; error_log stderr; user root;\n"
        "events {}\nhttp {\naccess_log off;\n" + front.recipe("nginx") + "}\n"
    )
    (front.folder / "nginx.conf").write_text(text)
    program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    assert program, "there is no nginx: dev/servers installs it"
    with running(front, program, "-c", str(front.folder / "nginx.conf"), "-p", str(front.folder)):
        yield


@contextmanager
def caddy(front: Front) -> Iterator[None]:
    pair = f"{front.folder}/tls.pem {front.folder}/tls.key"
    own = f"https://{HOST}:{front.port} {{\n    bind 127.0.0.1\n    tls {pair}\n"
    text = front.recipe("caddyfile").replace(f"{HOST} {{\n", own)
    (front.folder / "Caddyfile").write_text("{\n    admin off\n    auto_https disable_redirects\n}\n" + text)
    assert shutil.which("caddy"), "there is no caddy: dev/servers installs it"
    with running(front, "caddy", "run", "--config", str(front.folder / "Caddyfile")):
        yield


@contextmanager
def traefik(front: Front) -> Iterator[None]:
    certificate = "tls: {certificates: [{certFile: /own/tls.pem, keyFile: /own/tls.key}]}\n"
    (front.folder / "shop.yml").write_text(front.recipe('yaml title="dynamic/hitless.yml"') + certificate)
    container = docker(
        *(
            "run",
            "--detach",
            "--rm",
            "--network",
            "host",
            "--volume",
            f"{front.folder}:/own:ro",
            TRAEFIK_IMAGE,
        ),
        *(
            "--providers.file.filename=/own/shop.yml",
            f"--entrypoints.websecure.address=127.0.0.1:{front.port}",
        ),
    )
    try:
        yield
    finally:
        docker("rm", "--force", container)


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """An application that redirects from http to https, behind its own gateway on the loopback."""
    name = f"{GATEWAY}-front"
    file = tmp_path_factory.mktemp("front") / "compose.yml"
    file.write_text(COMPOSE)
    with gateway_of_its_own(name) as gateway:
        cli = Cli(("-p", f"{name}-shop", "-f", str(file)), {"HITLESS_GATEWAY": name, "RELEASE": "1"})
        made = App(f"{name}-shop", HOST, cli, gateway)
        cli.run("deploy")
        yield made


@pytest.fixture(scope="module")
def trusting(app: App) -> App:
    """The same, and its gateway trusts what comes from the Docker host."""
    # without that, the application sees what the gateway sees
    assert app.get("/", **{"X-Forwarded-Proto": "https"}).headers["Location"] == f"https://{HOST}/"
    form = f'{{{{(index .NetworkSettings.Networks "{app.gateway.name}_webgateway").Gateway}}}}'
    addresses = docker("inspect", app.gateway.container, "--format", form)
    app.cli.run("gateway", "up", "--trusted-proxy", addresses, "--replace")
    return app


@pytest.fixture
def front(trusting: App, tmp_path: Path) -> Front:
    made = Front(free_port(), int(trusting.gateway.url.rpartition(":")[2]), tmp_path)
    certificate, key = self_signed(HOST)
    (tmp_path / "tls.pem").write_text(certificate)
    (tmp_path / "tls.key").write_text(key)
    return made


@pytest.mark.parametrize("proxy", [nginx, caddy, traefik])
def test_a_proxy_that_ends_tls_tells_the_application_of_its_visitor(
    front: Front, proxy: Callable[[Front], Any]
) -> None:
    with proxy(front):
        wait_for(lambda: answers(front), 15)
        # the proxy does not believe what a visitor says about itself
        response = front.get(**{"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "http"})

    assert response.status_code == 200, response.headers
    told = response.json()
    assert told["X-Forwarded-Proto"] == "https"
    assert told["X-Forwarded-For"].split(", ")[0] == "127.0.0.1"
    assert told["X-Forwarded-Host"] == HOST
    assert told["Host"] == HOST


def answers(front: Front) -> bool:
    try:
        return front.get().status_code != 404  # Traefik opens its ports before it has read its routes
    except httpx.HTTPError:
        return False


def test_a_client_that_is_no_trusted_proxy_is_not_believed(trusting: App) -> None:
    """A container on the gateway's network says that it is one."""
    container = trusting.containers()[0]
    code = (
        "import http.client as h; c = h.HTTPConnection('GATEWAY'); "
        "c.request('GET', '/', headers={'Host': 'HOST', 'X-Forwarded-Proto': 'https'}); "
        "print(c.getresponse().status)"
    )
    code = code.replace("GATEWAY", trusting.gateway.container).replace("HOST", HOST)
    assert docker("exec", container, "python3", "-c", code) == "302"


def test_forged_headers_from_a_trusted_address_open_nothing_that_is_for_the_inside(trusting: App) -> None:
    forged = {"X-Forwarded-For": "127.0.0.1", "X-Real-Ip": "127.0.0.1", "X-Forwarded-Proto": "https"}
    file = docker("exec", trusting.gateway.container, "cat", f"/etc/hitless/routes/{trusting.name}.yml")
    (marker,) = re.findall(r"Path\(`(/[^`]+)`\)", file.partition("\n")[2])
    ask = f"wget -S -O /dev/null --header 'Host: hitless.internal' http://127.0.0.1{marker} 2>&1"
    inside = docker("exec", trusting.gateway.container, "sh", "-c", f"{ask} | grep -c 418; true")
    assert inside != "0"  # it exists

    assert trusting.gateway.get("hitless.internal", marker, **forged).status_code == 404

    # and not a colour that is not live: its routes exist while it does not get ready
    forged["X-Hitless-Colour"] = "green"
    shown = f"grep -c X-Hitless-Colour.*green /run/hitless/routes/{trusting.name}.yml || true"
    seen = set()
    with trusting.cli.start("deploy", "--timeout", "4", RELEASE="2", BROKEN="yes") as deploying:
        while deploying.poll() is None:
            is_shown = docker("exec", trusting.gateway.container, "sh", "-c", shown) != "0"
            seen.add((is_shown, trusting.get("/", **forged).headers["X-Release"]))
        assert deploying.returncode == 1
    assert (True, "1") in seen
    assert {release for _, release in seen} == {"1"}
