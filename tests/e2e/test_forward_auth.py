"""A `forwardAuth` that asks a service of the application: the one of its own release, and none gets lost."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.e2e.conftest import App
from tests.e2e.test_deploy import assert_lossless

Make = Callable[..., App]

LOGIN = """
import http.server, json, os
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        told = {name.lower(): value for name, value in self.headers.items()}
        is_known = self.path == "/health" or "x-stranger" not in told
        self.send_response(200 if is_known else 401)
        self.send_header("X-Login", json.dumps({"path": self.path, "release": os.environ["RELEASE"], **told}))
        self.send_header("Content-Length", "0")
        self.end_headers()
http.server.ThreadingHTTPServer.request_queue_size = 128
http.server.ThreadingHTTPServer(("", 9091), Handler).serve_forever()
"""
WEB = """
import hashlib, http.server, json, os
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        told = json.loads(self.headers.get("X-Login", "{}"))
        self.answer(json.dumps({"page": f"of release {os.environ['RELEASE']}", "told": told}).encode())
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.answer(f"{hashlib.sha256(body).hexdigest()} {len(body)}\\n".encode())
    def answer(self, body):
        self.send_response(200)
        self.send_header("X-Release", os.environ["RELEASE"])
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
http.server.ThreadingHTTPServer.request_queue_size = 128
http.server.ThreadingHTTPServer(("", 8000), Handler).serve_forever()
"""
FILES = f"""
services:
  web:
    image: python:3-slim
    init: true
    command: [python, -c, {json.dumps(WEB)}]
    environment: {{RELEASE: "${{RELEASE}}"}}
    labels:
      traefik.http.routers.web.rule: Host(`HOST`)
      traefik.http.routers.web.middlewares: login
      traefik.http.services.web.loadbalancer.server.port: 8000
  login:
    image: python:3-slim
    init: true
    command: [python, -c, {json.dumps(LOGIN)}]
    environment: {{RELEASE: "${{RELEASE}}"}}
    SETTINGS
    labels:
      traefik.http.routers.login.rule: Host(`login.HOST`)
      traefik.http.services.login.loadbalancer.server.port: 9091
      traefik.http.services.login.loadbalancer.healthcheck.path: /health
      traefik.http.middlewares.login.forwardauth.address: http://login:9091/verify?to=https://login.HOST
      traefik.http.middlewares.login.forwardauth.authresponseheaders: X-Login
      traefik.http.middlewares.login.forwardauth.trustforwardheader: "true"
"""
MIX = {"kept": 3, "fresh": 3, "post": 1}
TWO = "deploy: {replicas: 2}"
ALONE = 'volumes: ["data:/data"]\n    x-hitless: {exclusive: true}'
SHARED = "x-hitless: {role: shared}"


@pytest.mark.more
@pytest.mark.parametrize(
    "settings",
    [
        pytest.param(TWO, id="two"),
        pytest.param(ALONE, id="exclusive", marks=pytest.mark.long),
        pytest.param(SHARED, id="shared", marks=pytest.mark.long),
    ],
)
def test_it_asks_its_own_release_and_tells_it_of_the_client(app: Make, settings: str) -> None:
    text = FILES.replace("SETTINGS", settings) + ("volumes: {data: {}}\n" if settings is ALONE else "")
    shop = app(text)
    shop.cli.run("deploy")
    told = shop.gateway.get(shop.host, "/cart?id=1").json()["told"]
    assert {key: told[key] for key in ("path", "host", "x-forwarded-uri", "x-forwarded-host")} == {
        "path": f"/verify?to=https://login.{shop.host}",
        "host": "login:9091",
        "x-forwarded-uri": "/cart?id=1",
        "x-forwarded-host": shop.host,
    }
    # the client's own address, and no one's between
    assert told["x-forwarded-for"] not in ("", "127.0.0.1")
    assert "," not in told["x-forwarded-for"]
    assert "x-replaced-path" not in told
    stranger = shop.gateway.get(shop.host, **{"X-Stranger": "1"})
    assert (stranger.status_code, stranger.text) == (401, "")
    with shop.load(mix=MIX) as load:
        for release in ("2", "3"):
            shop.cli.run("deploy", RELEASE=release)
            told = shop.gateway.get(shop.host).json()["told"]
            assert told["release"] == ("1" if settings is SHARED else release)
    assert_lossless(load)
    # nobody outside can ask the way that Traefik asks
    assert shop.gateway.get(shop.host, f"/{shop.name}/ask/blue/login").json()["told"]["x-forwarded-uri"]
    shop.cli.run("down", "--volumes")
