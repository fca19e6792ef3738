"""A release whose job writes a lot."""

from __future__ import annotations

from collections.abc import Callable

from tests.e2e.conftest import App, docker, wait_for

Make = Callable[..., App]

TEXT = """
services:
  web:
    image: IMAGE
    environment: {RELEASE: "${RELEASE}", BOOT_SECONDS: "${BOOT_SECONDS:-0}"}
    depends_on: {migrate: {condition: service_completed_successfully}}
    labels:
      traefik.http.routers.web.rule: Host(`HOST`)
      traefik.http.services.web.loadbalancer.server.port: 8000
      traefik.http.services.web.loadbalancer.healthcheck.path: /health
  migrate:
    image: IMAGE
    command: [python3, -c, "print(('x' * 8000 + chr(10)) * 20)"]
"""


def test_an_interrupted_deployment_is_known_however_much_its_job_wrote(app: Make) -> None:
    shop = app(TEXT)
    shop.cli.run("deploy")
    killed = shop.cli.start("deploy", RELEASE="2", BOOT_SECONDS="3")
    web = f"{shop.name}-green-web-1"
    wait_for(lambda: web in docker("ps", "--format", "{{.Names}}").split())
    killed.kill()
    killed.communicate()

    # a Docker command may outlive its hitless for a moment
    wait_for(lambda: not (shop.cli.json("status")["deployment"] or {}).get("is_under_way"))
    deployment = shop.cli.json("status")["deployment"]
    assert deployment, "status knows of no interrupted deployment"
    assert (deployment["operation"], deployment["release"]) == ("deploy", 2)
    shop.cli.run("resume")
    assert shop.get().headers["X-Release"] == "2"
