"""A shared service with a route: it runs once, and deployments lose none of its requests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.conftest import App, docker, wait_for
from tests.e2e.test_deploy import assert_lossless
from tests.e2e.test_services import started

Make = Callable[..., App]

FILES = """
services:
  web:
    image: IMAGE
    environment: {RELEASE: "${RELEASE}", BROKEN: "${BROKEN:-}"}
    labels:
      traefik.http.routers.web.rule: Host(`HOST`)
      traefik.http.services.web.loadbalancer.server.port: 8000
      traefik.http.services.web.loadbalancer.healthcheck.path: /health
  store:
    image: IMAGE
    environment: {RELEASE: store}
    x-hitless: {role: shared}
    volumes: ["data:/data"]
    labels:
      traefik.http.routers.store.rule: Host(`store.HOST`)
      traefik.http.services.store.loadbalancer.server.port: 8000
    healthcheck:
      test: ["CMD", "python3", "-S", "-c", "import urllib.request as u; u.urlopen('http://localhost:8000/health')"]
      interval: 1s
volumes: {data: {}}
"""


def of_store(shop: App) -> str:
    """The release that answers on the store's route; "" if none does."""
    answer = shop.gateway.get(f"store.{shop.host}")
    return str(answer.headers.get("X-Release", ""))


@pytest.mark.more
@pytest.mark.long
def test_it_answers_through_every_deployment_and_stays_the_same(app: Make) -> None:
    shop = app(FILES)
    roles = {one["service"]: one["role"] for one in shop.cli.json("plan")["services"]}
    assert roles == {"web": "web", "store": "shared"}
    shop.cli.run("deploy")
    assert of_store(shop) == "store"
    store = started(f"{shop.name}-store-1")
    of_the_store = App(shop.name, f"store.{shop.host}", shop.cli, shop.gateway)
    with shop.load() as load, of_the_store.load() as on_store:
        for release in ("2", "3"):
            shop.cli.run("deploy", RELEASE=release)
        shop.cli.run("deploy", code=1, RELEASE="4", BROKEN="exit")
    assert_lossless(load)
    assert assert_lossless(on_store).releases == ("store",)
    shop.cli.run("rollback")
    assert (of_store(shop), started(f"{shop.name}-store-1")) == ("store", store)
    shop.cli.run("down", "--volumes")
    assert not any(shop.leftovers().values())


@pytest.mark.more
def test_it_is_found_again_when_it_is_recreated(app: Make) -> None:
    shop = app(FILES)
    shop.cli.run("deploy")
    file = Path(shop.cli.options[3])
    file.write_text(file.read_text().replace("RELEASE: store", "RELEASE: newer"))
    docker("stop", "--time", "1", f"{shop.name}-store-1")
    # the name that the gateway asks for is nobody else's, here or on the internet
    assert shop.gateway.get(f"store.{shop.host}").status_code == 502
    shop.cli.run("shared", "up", "--recreate")
    wait_for(lambda: of_store(shop) == "newer")
    [found] = shop.cli.json("shared", "status")["shared"]
    assert found["changes"] == ""


@pytest.mark.more
def test_one_that_plain_compose_has_started_gets_its_route_and_stays(app: Make) -> None:
    shop = app(FILES)
    file = shop.cli.options[3]
    docker("compose", "-p", shop.name, "-f", file, "up", "--detach", "--wait", "store")
    try:
        before = started(f"{shop.name}-store-1")
        # the first release fails: what was there before it is there after it
        shop.cli.run("deploy", code=1, BROKEN="exit")
        assert (of_store(shop), started(f"{shop.name}-store-1")) == ("", before)
        shop.cli.run("deploy")
        assert of_store(shop) == "store"
        [found] = shop.cli.json("shared", "status")["shared"]
        assert (found["state"], found["changes"]) == ("running", "")
        shop.cli.run("down")
        assert started(f"{shop.name}-store-1") == before
    finally:
        docker("compose", "-p", shop.name, "-f", file, "down", "--volumes", "--timeout", "1")
