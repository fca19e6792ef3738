"""A gateway like the Traefik that somebody runs himself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.e2e.conftest import GATEWAY, Cli, docker, free_port

OWN = """\
services:
  proxy:
    image: traefik:v3.6
    profiles: [proxy]
    command:
      - --providers.docker=true
      - --providers.docker.exposedbydefault=false
      - --entrypoints.web.address=:80
      - --entrypoints.web.http.redirections.entrypoint.to=secured
      - --entrypoints.secured.address=:443
      - --entrypoints.secured.transport.respondingtimeouts.readtimeout=5m
      - --entrypoints.postgres.address=:5432
      - --entrypoints.web.forwardedheaders.trustedips=10.0.0.0/8
      - --certificatesresolvers.le.acme.email=$MAIL
      - --certificatesresolvers.le.acme.dnschallenge.provider=cloudflare
      - --accesslog=true
    environment:
      CF_DNS_API_TOKEN: the-token
    ports: ["127.0.0.1:$HTTP:80", "127.0.0.1:$HTTPS:443", "127.0.0.1:$PG:5432"]
    volumes: ["/var/run/docker.sock:/var/run/docker.sock:ro"]
"""


@pytest.fixture
def cli() -> Iterator[Cli]:
    cli = Cli((), {"HITLESS_GATEWAY": f"{GATEWAY}-like"})
    yield cli
    cli.run("gateway", "down", "--volumes", "--force")


def test_a_gateway_with_the_ports_and_the_account_of_ones_own_traefik(cli: Cli, tmp_path: Path) -> None:
    http, https, postgres = free_port(), free_port(), free_port()
    file = tmp_path / "compose.yaml"
    file.write_text(OWN)
    (tmp_path / ".env").write_text(f"MAIL=ann@example.org\nHTTP={http}\nHTTPS={https}\nPG={postgres}\n")

    cli.run("gateway", "up", "--like", str(file), "--dry-run")
    assert cli.json("gateway", "status")["gateway"]["settings"] is None

    said = cli.run("gateway", "up", "--like", str(file), "--no-access-log")
    assert f"http://127.0.0.1:{http}, https://127.0.0.1:{https}, 127.0.0.1:{postgres}" in said
    assert "the-token" not in said
    assert httpx.get(f"http://127.0.0.1:{http}/", trust_env=False).status_code == 404
    settings = cli.json("gateway", "status")["gateway"]["settings"]
    assert {key: settings[key] for key in ("http_port", "https_port", "bind", "ports", "aliases")} == {
        "http_port": http,
        "https_port": https,
        "bind": "127.0.0.1",
        "ports": {str(postgres): "127.0.0.1"},
        "aliases": {"secured": "websecure", "postgres": f"port-{postgres}"},
    }
    assert (settings["acme_email"], settings["acme_dns"]) == ("ann@example.org", "cloudflare")
    assert (settings["read_timeout"], settings["trusted_proxies"]) == (300.0, ["10.0.0.0/8"])
    assert settings["access_log"] is False
    container = f"{cli.environment['HITLESS_GATEWAY']}-traefik-1"
    process = docker("exec", container, "sh", "-c", "cat /proc/[0-9]*/environ | tr '\\0' '\\n' | sort -u")
    assert "CF_DNS_API_TOKEN=the-token" in process.splitlines()

    assert "nothing changed" in cli.run("gateway", "up", "--like", str(file), "--no-access-log")
