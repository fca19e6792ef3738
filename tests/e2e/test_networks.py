"""No application reaches what belongs to another one: names, containers, addresses, on a real engine."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx
import pytest

from tests.e2e.conftest import GATEWAY, WEB, App, docker, gateway_of_its_own, wait_for
from tests.e2e.test_deploy import assert_lossless

Make = Callable[..., App]

ROUTED = """
      traefik.http.routers.web.rule: Host(`HOST`)
      traefik.http.services.web.loadbalancer.server.port: 8000
      traefik.http.services.web.loadbalancer.healthcheck.path: /health
"""
NAMED = f"""
x-hitless: {{bake: "${{BAKE:-0s}}"}}
services:
  web:
    image: IMAGE
    environment: {{RELEASE: "${{RELEASE}}"}}
    labels:{ROUTED}
  api:
    image: IMAGE
    hostname: NAME
    domainname: example.com
    container_name: api-container
    extra_hosts: ["elsewhere:192.0.2.1"]
    labels:{ROUTED.replace(".web", ".api").replace("Host(`HOST`)", "Host(`HOST`) && PathPrefix(`/api`)")}
  caller:
    image: IMAGE
    links: ["api:linked"]
    x-hitless: {{role: worker}}
"""
EVERY_NAME = ("api", "api-host", "api-container")


def addresses(container: str, name: str) -> set[str]:
    """The addresses of a name within a container; the engine gives several in turns."""
    found = docker("exec", container, "sh", "-c", f"getent ahosts {name} || true")
    return {line.split()[0] for line in found.splitlines()}


def own_addresses(container: str) -> set[str]:
    networks = json.loads(docker("inspect", "--format", "{{json .NetworkSettings.Networks}}", container))
    return {network["IPAddress"] for network in networks.values()}


@pytest.mark.parametrize("first", ["a", "z"])
def test_a_name_of_a_service_is_found_by_its_own_colour_and_by_nobody_else(app: Make, first: str) -> None:
    """`hostname`, a fixed `container_name`, `links`: two colours and another application have the same."""
    shop = app(NAMED.replace("NAME", "api-host"), name=f"{first}-e2e-called{GATEWAY[-3:]}")
    other = app(NAMED.replace("NAME", "api-host"), name=f"{first}-e2e-caller{GATEWAY[-3:]}")
    shop.cli.run("deploy")
    other.cli.run("deploy")
    # the old colour stays while the new one is there: in the bake
    deploying = shop.cli.start("deploy", BAKE="20s")
    try:
        wait_for(lambda: len([one for one in shop.containers() if "-web-" in one]) == 2)
        containers = shop.containers()
        colours = {one.split("-web-")[0] for one in containers if "-web-" in one}
        assert len(colours) == 2
        wait_for(lambda: all(own_addresses(f"{colour}-api-1") - {""} for colour in colours))
        for colour in colours:
            api = own_addresses(f"{colour}-api-1")
            for name in EVERY_NAME:
                # the web service is on the way to the gateway, where all applications were
                for caller in ("caller", "web"):
                    assert addresses(f"{colour}-{caller}-1", name) <= api, (caller, name)
            assert addresses(f"{colour}-web-1", "api") & api
            assert addresses(f"{colour}-web-1", "api-host") & api
            assert addresses(f"{colour}-web-1", "api-container") & api
            assert addresses(f"{colour}-caller-1", "linked") & api
    finally:
        deploying.terminate()
        deploying.communicate(timeout=60)


def test_a_hostname_like_another_applications_container_takes_nothing_from_it(app: Make) -> None:
    shop = app(WEB)
    shop.cli.run("deploy", RELEASE="shop")
    thief = app(NAMED.replace("NAME", f"{shop.name}-blue-web-1"))
    thief.cli.run("deploy", RELEASE="thief")
    assert {shop.get().headers["X-Release"] for _ in range(40)} == {"shop"}


WITH_A_DATABASE = """
services:
  web:
    image: IMAGE
    environment: {RELEASE: "${RELEASE}"}
    networks: [edge, default]
    labels:ROUTED
  db:
    image: IMAGE
    networks: [edge, default]
    x-hitless: {role: shared}
networks:
  edge: {external: true, name: GATEWAY_webgateway}
""".replace("ROUTED", ROUTED).replace("GATEWAY", GATEWAY)


@contextmanager
def stranger(network: str, image: str) -> Iterator[str]:
    """Somebody else's container that is called `db` on a network."""
    name = f"{GATEWAY}-stranger"
    docker("run", "--detach", "--rm", "--name", name, "--network", network, "--network-alias", "db", image)
    try:
        yield name
    finally:
        docker("rm", "--force", name)


@pytest.mark.parametrize("first", ["a", "z"])
def test_a_stranger_called_db_on_the_gateways_network_is_not_an_applications_db(
    app: Make, image: str, first: str
) -> None:
    """An application whose name sorts before the gateway's, and one whose name sorts after it."""
    shop = app(WITH_A_DATABASE, name=f"{first}-e2e-names{GATEWAY[-3:]}")
    other = app(WITH_A_DATABASE, name=f"{first}-e2e-others{GATEWAY[-3:]}")
    with stranger(f"{GATEWAY}_webgateway", image):
        other.cli.run("deploy")
        shop.cli.run("deploy")
        web = next(one for one in shop.containers() if "-web-" in one)
        found = [addresses(web, "db") for _ in range(6)]
        assert set().union(*found) <= own_addresses(f"{shop.name}-db-1")
        assert all(found)


ON_THE_GATEWAYS_NETWORK_ALONE = WITH_A_DATABASE.replace("[edge, default]", "[edge]")


def test_a_database_that_runs_on_the_gateways_network_alone_is_found_by_every_release(app: Make) -> None:
    """Plain Compose put it there, as an older hitless did. It stays as it is."""
    shop = app(ON_THE_GATEWAYS_NETWORK_ALONE)
    docker("compose", *shop.cli.options, "up", "--detach", "db")
    try:
        db = docker("inspect", "--format", "{{.Id}} {{.State.StartedAt}}", f"{shop.name}-db-1")
        for colour in ("blue", "green"):
            shop.cli.run("deploy")
            assert addresses(f"{shop.name}-{colour}-web-1", "db") & own_addresses(f"{shop.name}-db-1")
        shop.cli.run("scale", "web=2")
        assert addresses(f"{shop.name}-green-web-2", "db") & own_addresses(f"{shop.name}-db-1")
        assert docker("inspect", "--format", "{{.Id}} {{.State.StartedAt}}", f"{shop.name}-db-1") == db
        shop.cli.run("down")
    finally:
        docker("rm", "--force", f"{shop.name}-db-1")
        docker("network", "rm", f"{shop.name}_default")


def test_a_network_that_another_application_has_is_not_shared_unseen(app: Make) -> None:
    text = WITH_A_DATABASE.replace(
        f"{{external: true, name: {GATEWAY}_webgateway}}", f"{{name: {GATEWAY}-one}}"
    )
    shop, other = app(text), app(text)
    shop.cli.run("deploy")
    said = other.cli.run("deploy", code=1)
    assert f"the network {GATEWAY}-one belongs to the application {shop.name}" in said
    assert addresses(f"{shop.name}-blue-web-1", "db") <= own_addresses(f"{shop.name}-db-1")
    assert not other.leftovers()["networks"]


def test_a_stranger_on_a_colours_network_keeps_no_deployment_from_its_end(app: Make, image: str) -> None:
    """Somebody looks into a database, with a container that is not hitless's: it stays where it is."""
    shop = app(WEB)
    shop.cli.run("deploy")
    with stranger(f"{shop.name}-blue_default", image) as name:
        said = shop.cli.run("deploy")
        assert f"{shop.name}-blue_default stays: other containers are connected to it" in said
        shop.cli.run("deploy")
        shop.cli.run("deploy")
        assert docker("inspect", "--format", "{{.State.Running}}", name) == "true"
    shop.cli.run("down")
    assert not shop.leftovers()["networks"]


def test_no_application_reaches_another_ones_containers(app: Make) -> None:
    shop, other = app(WEB), app(WEB)
    shop.cli.run("deploy")
    other.cli.run("deploy")
    call = "import urllib.request as r, sys; r.urlopen('http://%s:8000/', timeout=2)"
    inside = next(one for one in shop.containers() if "-web-" in one)
    theirs = own_addresses(f"{other.name}-blue-web-1") - {""}
    assert len(theirs) == 2  # its own network, and the way to the gateway
    for address in theirs:
        said = docker("exec", inside, "sh", "-c", f'python3 -c "{call % address}" 2>&1 || true')
        assert "timed out" in said or "unreachable" in said or "refused" in said, said
    assert (shop.get().status_code, other.get().status_code) == (200, 200)


@pytest.mark.more
@pytest.mark.long
def test_applications_come_and_go_while_another_has_requests(app: Make) -> None:
    """The gateway is connected to each application's network, and disconnected: no other one may notice."""
    shop = app(WEB)
    shop.cli.run("deploy")
    with shop.load() as load:
        for _ in range(2):
            other = app(WEB)
            other.cli.run("deploy")
            other.cli.run("down")
            assert not any(other.leftovers().values())
    assert_lossless(load)


SIX = """
import sys, socket, signal, threading
sys.path.insert(0, "/")
import app
class Six(app.Server):
    address_family = socket.AF_INET6
    def server_bind(self):
        # else the gateway would use IPv4, which it prefers to an address of fd00::/8
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        super().server_bind()
Six(("::", 8000), app.Handler).serve_forever()
"""
OVER_SIX = f"""
services:
  web:
    image: IMAGE
    command: ["python3", "-c", {json.dumps(SIX)}]
    environment: {{RELEASE: "${{RELEASE}}"}}
    stop_signal: SIGKILL
    healthcheck:
      test: python3 -c "import urllib.request as r; r.urlopen('http://[::1]:8000/health')"
      interval: 1s
    labels:{"".join(line for line in ROUTED.splitlines(keepends=True) if "healthcheck" not in line)}
"""


@pytest.mark.more
@pytest.mark.parametrize("prefix", [pytest.param("fd00:6869:746c", marks=pytest.mark.long), "2001:db8:6869"])
def test_with_ipv6_between_the_gateway_and_the_containers_requests_in_flight_are_answered(
    app: Make, image: str, prefix: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    name = f"{GATEWAY}six"
    shop = "e2e-six"
    for number, network in enumerate((f"{name}_webgateway", f"{name}_webgateway.{shop}")):
        labels = {
            "com.docker.compose.project": name,
            "com.docker.compose.network": "webgateway",
            "hitless.gateway": name,
            "hitless.application": shop,
        }
        words = [word for label, value in labels.items() for word in ("--label", f"{label}={value}")]
        subnet = f"{prefix}:{number}::/64"
        docker("network", "create", "--ipv6", "--subnet", subnet, *words[: 4 if not number else 8], network)
    try:
        with gateway_of_its_own(name) as gateway:
            file = tmp_path_factory.mktemp("six") / "compose.yml"
            file.write_text(OVER_SIX.replace("IMAGE", image).replace("HOST", "six.localhost"))
            cli = type(gateway.cli)(("-p", shop, "-f", str(file)), {**gateway.cli.environment})
            one = App(shop, "six.localhost", cli, gateway)
            one.cli.run("deploy", RELEASE="1")
            began = time.monotonic()
            with httpx.stream(
                "GET", f"{gateway.url}/stream?seconds=80", headers={"Host": one.host}, timeout=30
            ) as answer:
                assert answer.headers["X-Release"] == "1"
                output = one.cli.run("deploy", RELEASE="2")
                text = answer.read().decode()
            assert text.count("from release 1") == 20
            assert time.monotonic() - began > 7
            assert "1 in flight answered" in output
            one.cli.run("down")
    finally:
        for network in (f"{name}_webgateway.{shop}", f"{name}_webgateway"):
            if network in docker("network", "ls", "--format", "{{.Name}}").split():
                docker("network", "rm", network)
