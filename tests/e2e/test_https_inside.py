"""Containers that speak TLS, and routers that lead to none."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest

from tests.common.certificates import Authority
from tests.e2e.conftest import NAMED, Cli, Gateway

SERVER = """
import http.server, os, ssl
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(os.environ["RELEASE"].encode())
server = http.server.ThreadingHTTPServer(("", 8443), Handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("/chain.pem", "/key.pem")
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
"""
ASKS = """
import socket, ssl
ssl._create_unverified_context().wrap_socket(socket.create_connection(("127.0.0.1", 8443)))
"""


@pytest.mark.long
@pytest.mark.more
def test_tls_to_the_containers_with_the_certificate_that_the_file_names(
    gateway: Gateway, image: str, tmp_path: Path
) -> None:
    host, file = f"{NAMED}-inside.localhost", tmp_path / "compose.yaml"
    authority = Authority("inside")
    chain, key = authority.issue("inside.example")

    def written(release: str, **transport: object) -> None:
        labels = {
            "traefik.http.routers.inside.rule": f"Host(`{host}`)",
            "traefik.http.services.inside.loadbalancer.server.port": "8443",
            "traefik.http.services.inside.loadbalancer.server.scheme": "https",
            "traefik.http.services.inside.loadbalancer.serverstransport": "own@file",
            "traefik.http.routers.away.rule": f"Host(`{host}`) && Path(`/away`)",
            "traefik.http.routers.away.service": "noop@internal",
            "traefik.http.routers.away.middlewares": "away",
            "traefik.http.routers.inside.service": "inside",
            "traefik.http.middlewares.away.redirectregex.regex": ".*",
            "traefik.http.middlewares.away.redirectregex.replacement": "http://there.example/",
        }
        web = {
            "image": image,
            "environment": {"RELEASE": release},
            "command": ["python3", "-c", SERVER],
            "healthcheck": {"test": ["CMD", "python3", "-c", ASKS], "interval": "1s"},
            "labels": labels,
            "configs": [
                {"source": "chain", "target": "/chain.pem"},
                {"source": "key", "target": "/key.pem"},
            ],
        }
        configs = {"chain": {"content": chain.decode()}, "key": {"content": key.decode()}}
        x_hitless = {"servers_transports": {"own": transport}}
        file.write_text(json.dumps({"services": {"web": web}, "configs": configs, "x-hitless": x_hitless}))

    app = Cli(("-p", f"{NAMED}-inside", "-f", str(file)), gateway.cli.environment)
    known = {"serverName": "inside.example", "rootCAs": [authority.certificate.decode()]}
    try:
        written("1", **known)
        app.run("deploy")
        assert gateway.get(host).text == "1"
        away = gateway.get(host, "/away")
        assert (away.status_code, away.headers["Location"]) == (302, "http://there.example/")

        # another authority: the gateway believes nobody, and the live release stays
        written("2", **{**known, "rootCAs": [Authority("other").certificate.decode()]})
        app.run("deploy", "--timeout", "8s", code=1)
        assert gateway.get(host).text == "1"

        written("3", insecureSkipVerify=True)
        app.run("deploy")
        assert gateway.get(host).text == "3"
    finally:
        app.run("down", "--volumes", "--drain-timeout", "1")
    assert httpx.get(f"{gateway.url}/", headers={"Host": host}, trust_env=False).status_code == 404
