"""Middlewares of the gateway's own: in force for who refers to them, and never half of one."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from bench.load import Load
from hitless.adapters.gateway.configs import render
from hitless.domain.routing.gateway_config import Config
from tests.e2e.conftest import GATEWAY, NAMED, Cli, Gateway, docker, gateway_of_its_own, wait_for

HOST = "config.localhost"
USERS = "ann:$apr1$H6uskkkW$IgXLP6ewTrSuBkTrqE8wj/"  # her password is `test`: Traefik's own documentation
FILE = """
services:
  web:
    image: IMAGE
    environment: {RELEASE: "${RELEASE}"}
    labels:
      traefik.http.routers.open.rule: Host(`config.localhost`)
      traefik.http.routers.open.middlewares: marked@file
      traefik.http.routers.closed.rule: Host(`config.localhost`) && PathPrefix(`/closed`)
      traefik.http.routers.closed.middlewares: both
      traefik.http.middlewares.both.chain.middlewares: marked,login@docker
      traefik.http.services.web.loadbalancer.server.port: 8000
"""
COMMON = """
http:
  middlewares:
    marked:
      headers:
        customResponseHeaders:
          X-Marked: "MARK"
    login:
      basicAuth:
        users: ["USERS"]
"""


@dataclass
class Site:
    """A gateway, an application on it that refers to the gateway's middlewares, and the operator's folder."""

    gateway: Gateway
    app: Cli
    folder: Path

    def file(self, text: str, name: str = "common.yml") -> str:
        (self.folder / name).write_text(text)
        return str(self.folder / name)

    def add(self, mark: str) -> str:
        text = COMMON.replace("MARK", mark).replace("USERS", USERS)
        return self.gateway.cli.run("gateway", "config", "add", self.file(text))

    @property
    def mark(self) -> str | None:
        found: str | None = self.gateway.get(HOST).headers.get("X-Marked")
        return found

    def load(self) -> Load:
        return Load(self.gateway.url, host=HOST, rate=100.0, seconds=600.0)


@pytest.fixture(scope="module")
def site(image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("config")
    (folder / "compose.yml").write_text(FILE.replace("IMAGE", image))
    with gateway_of_its_own(f"{GATEWAY}-config") as made:
        words = ("-p", f"{NAMED.removeprefix('hitless-')}-config", "-f", str(folder / "compose.yml"))
        yield Site(made, Cli(words, {**made.cli.environment, "RELEASE": "1"}), folder)


@pytest.fixture(scope="module")
def served(site: Site) -> Site:
    """The same with the middlewares and a live release: also without the tests before."""
    site.add("one")
    site.app.run("deploy")
    return site


def test_from_a_refusal_to_a_middleware_that_is_in_force(site: Site) -> None:
    refused = " ".join(site.app.run("plan", code=1).split())
    assert "no middleware 'marked' in this application, nor in the gateway" in refused
    assert "hitless gateway config add" in refused

    assert "marked@file" in site.add("one")
    site.app.run("deploy")
    assert site.mark == "one"
    url = f"{site.gateway.url}/closed"
    asked = [
        httpx.get(url, headers={"Host": HOST}, auth=auth, trust_env=False)
        for auth in (None, ("ann", "wrong"), ("ann", "test"))
    ]
    assert [one.status_code for one in asked[:2]] == [401, 401]
    assert asked[2].status_code != 401
    assert {one.headers["X-Marked"] for one in asked} == {"one"}

    [listed] = site.gateway.cli.json("gateway", "config", "list")["configs"]
    assert listed["middlewares"] == {"marked": "headers", "login": "basicAuth"}
    assert list(listed["applications"]) == ["login", "marked"]
    # nobody but root and Traefik's group reads the hashes
    container = site.gateway.container
    mode = docker("exec", container, "sh", "-c", "stat -c %a $(find / -name .config-common.yml 2>/dev/null)")
    assert set(mode.split()) == {"640"}


def test_what_applications_use_is_not_removed(served: Site) -> None:
    refused = " ".join(served.gateway.cli.run("gateway", "config", "remove", "common", code=1).split())
    assert f"marked (used by {served.app.options[1]})" in refused
    only_login = COMMON.replace("marked:", "other:").replace("USERS", USERS)
    refused = served.gateway.cli.run("gateway", "config", "add", served.file(only_login), code=1)
    assert "http.middlewares.marked" in refused
    assert served.mark is not None


def test_one_that_traefik_cant_make_changes_nothing(served: Site) -> None:
    before = served.mark
    wrong = COMMON.replace("MARK", "wrong").replace("USERS", "a-secret-without-a-colon")
    with served.load() as load:
        refused = served.gateway.cli.run("gateway", "config", "add", served.file(wrong), code=1)
        assert "Traefik refuses what the config common has" in " ".join(refused.split())
        assert "a-secret-without-a-colon" not in refused
        served.app.run("deploy", RELEASE="2")
    assert load.report().lost == 0
    assert served.mark == before


@pytest.mark.more
def test_a_change_a_restart_and_an_upgrade_under_load(served: Site) -> None:
    with served.load() as load:
        for mark in ("two", "three", "four"):
            served.add(mark)
            assert served.mark == mark
        served.gateway.cli.run("gateway", "up", "--read-timeout", "900s")  # another Traefik takes over
        assert served.mark == "four"
        served.app.run("deploy", RELEASE="3")
        time.sleep(0.3)
    assert load.report().lost == 0
    served.gateway.cli.run("gateway", "up", "--replace", "--no-access-log")
    assert served.mark == "four"
    docker("restart", served.gateway.container)
    served.gateway.cli.run("gateway", "up")
    wait_for(lambda: _answers(served, "four"))


@pytest.mark.long
@pytest.mark.more
def test_a_config_that_nobody_uses_goes_without_a_trace(served: Site) -> None:
    unused = 'http = {middlewares = {spare = {headers = {customResponseHeaders = {X-Spare = "1"}}}}}'
    served.gateway.cli.run("gateway", "config", "add", served.file(unused, "spare.toml"))
    names = [one["name"] for one in served.gateway.cli.json("gateway", "config", "list")["configs"]]
    assert names == ["common", "spare"]
    taken = served.gateway.cli.run("gateway", "config", "add", served.file(unused, "again.toml"), code=1)
    assert "the config spare has a middleware of this name already" in " ".join(taken.split())
    served.gateway.cli.run("gateway", "config", "remove", "spare")
    assert "spare" not in served.gateway.cli.run("gateway", "config", "list")


@pytest.mark.long
@pytest.mark.more
def test_one_that_a_starting_traefik_refuses_is_set_aside(served: Site) -> None:
    """Like one with a word that an older Traefik does not know: whole, and refused."""
    before, file = served.mark, "/etc/hitless/routes/.config-later.yml"
    text = render(Config("later", 1, {"later": {"compress": {"ofTomorrow": "1"}}}))
    inside = ("docker", "exec", "-i", "-u", "0:65532", served.gateway.container, "sh", "-c")
    subprocess.run((*inside, f"cat > {file}"), input=text, text=True, check=True)
    docker("restart", served.gateway.container)
    wait_for(lambda: ".config-later.yml: it is set aside" in served.gateway.cli.run("gateway", "logs"))
    wait_for(lambda: _answers(served, before))
    served.app.run("deploy", RELEASE="9")
    served.gateway.cli.run("gateway", "config", "remove", "later")


def _answers(site: Site, mark: str | None) -> bool:
    try:
        return site.mark == mark
    except httpx.HTTPError:
        return False
