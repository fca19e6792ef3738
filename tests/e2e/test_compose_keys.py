"""Keys of the Compose file that need more than one deployment to go wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.e2e.conftest import App, docker
from tests.e2e.test_deploy import assert_lossless

Make = Callable[..., App]

WEB = """
  web:
    image: IMAGE
    environment: {RELEASE: "${RELEASE}"}
    labels:
      traefik.http.routers.web.rule: Host(`HOST`)
      traefik.http.services.web.loadbalancer.server.port: 8000
      traefik.http.services.web.loadbalancer.healthcheck.path: /health
"""
VALUES = f"""
services:{WEB}
    secrets: [token]
    configs: [{{source: conf, target: /etc/conf}}]
secrets: {{token: {{environment: TOKEN}}}}
configs: {{conf: {{environment: CONF}}}}
"""
JOINED = f"""
services:{WEB}
  side:
    image: IMAGE
    command: [sleep, infinity]
    init: true
    network_mode: service:web
    x-hitless: {{role: worker}}
  extra: {{image: IMAGE, profiles: [more], environment: {{RELEASE: x}}}}
  store: {{image: IMAGE, profiles: [data], environment: {{RELEASE: x}}, x-hitless: {{role: shared}}}}
"""


def values(container: str) -> list[str]:
    """The secret and the config, as the container reads them."""
    return [docker("exec", container, "cat", file) for file in ("/run/secrets/token", "/etc/conf")]


def told(app: App, release: str, variables: dict[str, str]) -> App:
    """The same application, called with these variables."""
    cli = replace(app.cli, environment={**app.cli.environment, "RELEASE": release, **variables})
    return replace(app, cli=cli)


@pytest.mark.long
@pytest.mark.more
def test_secrets_and_configs_from_the_environment_are_those_of_each_release(app: Make) -> None:
    shop = app(VALUES)
    first, second = {"TOKEN": 'one$HOME"', "CONF": "a\nb"}, {"TOKEN": "s3cret-two", "CONF": "c"}
    assert "the variable TOKEN is not set" in shop.cli.run("plan", code=1, CONF="a")
    told(shop, "1", first).cli.run("deploy")
    blue, green = f"{shop.name}-blue-web-1", f"{shop.name}-green-web-1"
    assert values(blue) == list(first.values())
    with shop.load() as load:
        said = told(shop, "2", second).cli.run("deploy")
    assert_lossless(load)
    assert values(green) == list(second.values())
    # nobody has the variables of release 1 any more
    with shop.load() as load:
        said += shop.cli.run("rollback") + shop.cli.run("scale", "web=2")
    assert_lossless(load)
    docker("restart", "--time", "0", blue)
    for container in (blue, f"{shop.name}-blue-web-2"):
        assert values(container) == list(first.values())
    assert "s3cret-two" not in said + shop.cli.run("history", "--json")


@pytest.mark.more
def test_what_shares_a_network_goes_with_its_release_and_profiles_choose_services(app: Make) -> None:
    shop = app(JOINED)
    shop.cli.run("--profile", "more", "--profile", "data", "deploy", RELEASE="1")
    names = {f"{shop.name}-blue-{one}-1" for one in ("web", "side", "extra")}
    assert names <= set(shop.containers())
    store = docker("inspect", "--format", "{{.Id}}", f"{shop.name}-store-1")
    with shop.load() as load:
        said = shop.cli.run("deploy", RELEASE="2")
    assert_lossless(load)
    assert "is it in a profile?" in said
    colour = f"{shop.name}-green"
    # the side's network is that of its own release, and a service that is not enabled is gone
    assert [one for one in shop.containers() if "-store-" not in one] == [
        f"{colour}-side-1",
        f"{colour}-web-1",
    ]
    answer = "import urllib.request as u; print(u.urlopen('http://127.0.0.1:8000/').headers['X-Release'])"
    assert docker("exec", f"{colour}-side-1", "python3", "-c", answer) == "2"
    assert docker("inspect", "--format", "{{.Id}}", f"{shop.name}-store-1") == store
    shop.cli.run("deploy", RELEASE="3", COMPOSE_PROFILES="more")
    assert f"{shop.name}-blue-extra-1" in shop.containers()
