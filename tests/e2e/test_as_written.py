"""A Compose file as people write it for a Traefik of their own: it runs as it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.load import Load
from tests.e2e.conftest import GATEWAY, Cli, docker, free_port, gateway_of_its_own

FILE = """
services:
  traefik:
    image: traefik:v3.7.15
    command: [--providers.docker=true, --entrypoints.web.address=:80, --api.insecure=true]
    ports: ["80:80", "8080:8080"]
    volumes: ["/var/run/docker.sock:/var/run/docker.sock:ro"]
    labels:
      - traefik.enable=true
      - traefik.http.routers.dashboard.rule=Host(`traefik.example`)
      - traefik.http.routers.dashboard.service=api@internal
      - traefik.http.middlewares.told.headers.customresponseheaders.X-Told=yes
  web:
    image: IMAGE
    depends_on: [traefik]
    environment: {RELEASE: "${RELEASE}"}
    ports: ["127.0.0.1:PORT:8000"]
    deploy:
      labels: [traefik.enable=true]
    labels:
      - traefik.enabled=true
      - traefik.http.routers.web.rule=Host(`shop.example`)
      - traefik.http.routers.web.middlewares=told@docker
      - traefik.http.middlewares.told.headers.customresponseheaders.X-Told=yes
      - traefik.http.services.web.loadbalancer.server.port=8000
      - traefik.http.services.web.loadbalancer.healthcheck.path=/health
"""


@pytest.mark.more
@pytest.mark.long
def test_its_traefik_is_left_out_and_its_port_is_the_gateways(image: str, tmp_path: Path) -> None:
    name, port = f"{GATEWAY}-written", free_port()
    file = tmp_path / "compose.yml"
    file.write_text(FILE.replace("IMAGE", image).replace("PORT", str(port)))
    with gateway_of_its_own(name) as gateway:
        app = Cli(("-p", f"{name}-app", "-f", str(file)), {"HITLESS_GATEWAY": name, "RELEASE": "1"})
        plan = app.run("plan", code=1)
        assert "gateway it is a Traefik: left out" in " ".join(plan.split())
        assert f"the gateway publishes {port} (http) for it" in " ".join(plan.split())
        assert f"hitless gateway up --publish 127.0.0.1:{port}" in plan
        gateway.cli.run("gateway", "up", "--replace", "--publish", f"127.0.0.1:{port}")
        app.run("deploy")
        with (
            Load(gateway.url, host="shop.example") as by_name,
            Load(f"http://127.0.0.1:{port}") as by_port,
        ):
            app.run("deploy", RELEASE="2")
        for load in (by_name, by_port):
            report = load.report()
            assert (report.lost, report.mixed(), "2" in report.releases) == (0, 0, True), report.lost_by
        named = docker(
            "ps", "--all", "--filter", "label=com.docker.compose.service=traefik", "--format", "{{.Names}}"
        )
        assert f"{name}-app" not in named
