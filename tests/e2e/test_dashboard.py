"""The dashboard: for the Docker host, and for no container."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

import httpx
import pytest

from hitless.domain.gateway.settings import DASHBOARD_PORT
from tests.e2e.conftest import GATEWAY, App, Gateway, docker, gateway_of_its_own, wait_for

Make = Callable[..., App]
HERE = "http://127.0.0.1:8080"
# prints the status of each address's answer, or that there is no answer
ASK = """
import sys, urllib.error, urllib.request
for url in sys.argv[1:]:
    try:
        print(urllib.request.urlopen(url, timeout=5).status)
    except urllib.error.HTTPError as error:
        print(error.code)
    except OSError as error:
        print("refused")
"""


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    with gateway_of_its_own(f"{GATEWAY}-dashboard") as made:
        yield made


def answers(path: str) -> bool:
    return is_ok(lambda: here(path))


def is_ok(ask: Callable[[], int]) -> bool:
    """While the gateway starts, Docker's proxy accepts connections that nobody serves."""
    try:
        return ask() == 200
    except httpx.TransportError:
        return False


def here(path: str) -> int:
    return httpx.get(f"{HERE}{path}", follow_redirects=True, trust_env=False).status_code


@pytest.mark.more
@pytest.mark.long
def test_the_docker_host_sees_it_and_no_container_does(app: Make, gateway: Gateway, image: str) -> None:
    gateway.cli.run("gateway", "up", "--replace", "--dashboard")
    made = app()
    cli = replace(made.cli, environment={**made.cli.environment, "HITLESS_GATEWAY": gateway.name})
    try:
        cli.run("deploy")
        for path in ("/", "/dashboard/", "/api/rawdata", "/api/http/routers"):
            wait_for(partial(answers, path))

        own = f"{gateway.name}_webgateway"
        shape = "{{json .NetworkSettings.Networks}}"
        networks = json.loads(docker("inspect", "--format", shape, gateway.container))
        assert set(networks) == {own, f"{own}.{made.name}"}
        for name, ask in (
            (f"{own}.{made.name}", ("exec", made.containers()[0])),
            (own, ("run", "--rm", "--network", own, image)),
        ):
            at = networks[name]["IPAddress"]
            ports = [8080, DASHBOARD_PORT]
            urls = [f"http://{at}:{port}/{path}" for port in ports for path in ("api/rawdata", "dashboard/")]
            said = docker(*ask, "python3", "-c", ASK, *urls, f"http://{at}:80/").split()
            assert said == ["refused", "refused", "404", "404", "404"], name

        # a damaged file of it removes no route, and is restored from its copy
        file = "/etc/hitless/routes/.dashboard.yml"
        docker("exec", "-u", "0:65532", gateway.container, "sh", "-c", f"head -c 300 /dev/zero > {file}")
        docker("restart", "--time", "2", gateway.container)
        wait_for(lambda: is_ok(lambda: gateway.get(made.host).status_code))
        wait_for(partial(answers, "/api/rawdata"))

        gateway.cli.run("gateway", "up", "--replace", "--no-dashboard")
        assert gateway.get(made.host).status_code == 200
        find = ("find", "/etc/hitless/routes", "-name", "*dash*")
        assert not docker("exec", "-u", "0:65532", gateway.container, *find)
        with pytest.raises(httpx.ConnectError):
            here("/")
    finally:
        cli.run("down", "--volumes", "--drain-timeout", "1")
