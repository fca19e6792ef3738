"""Certificates from a CA: pebble, Let's Encrypt's own server for tests."""

from __future__ import annotations

import os
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from hitless.domain.gateway.compose_model import ACME
from hitless.domain.gateway.model import container_name, network_name
from tests.common.certificates import Authority
from tests.e2e.conftest import GATEWAY, ROOT, Cli, _remove_gateway, docker, free_port, wait_for
from tests.e2e.https import FRESH, KEPT, clients
from tests.e2e.pebble import Pebble, introduce, pebble

FILE = """
services:
  web:
    image: IMAGE
    environment: {RELEASE: "${RELEASE}"}
    labels:
      - traefik.http.routers.shop.rule=RULE
      - traefik.http.routers.shop.entrypoints=https
      - traefik.http.routers.shop.tls.certresolver=letsencrypt
      - traefik.http.services.shop.loadbalancer.server.port=8000
      - traefik.http.services.shop.loadbalancer.healthcheck.path=/health
"""
NOBODY = "127.0.0.2"  # an address of the CA itself, where nothing listens on port 80


@dataclass
class Site:
    """A gateway that gets certificates from this CA, and its applications."""

    cli: Cli
    https: int
    folder: Path
    image: str
    ca: Pebble

    def app(self, name: str, *hosts: str) -> Cli:
        """An application with these host names, release 1."""
        file = self.folder / f"{name}.yml"
        rule = " || ".join(f"Host(`{host}`)" for host in hosts)
        file.write_text(FILE.replace("IMAGE", self.image).replace("RULE", rule))
        words = ("-p", f"{GATEWAY.removeprefix('hitless-')}-{name}", "-f", str(file))
        return Cli(words, {**self.cli.environment, "RELEASE": "1"})

    def client(self, http2: bool = False) -> httpx.Client:
        trust = ssl.create_default_context(cadata=self.ca.root())
        return httpx.Client(verify=trust, trust_env=False, timeout=20, http2=http2)

    def get(self, client: httpx.Client, host: str) -> httpx.Response:
        url, names = f"https://127.0.0.1:{self.https}/", {"sni_hostname": host}
        return client.get(url, headers={"Host": host}, extensions=names)

    def release(self, host: str) -> str:
        """Which release answers a client that trusts this CA alone."""
        with self.client() as client:
            return self.get(client, host).headers["X-Release"]

    def kill_while_it_orders(self, app: Cli) -> None:
        """Deploy, kill the command as soon as its order is placed, and wait until the order is removed."""
        words = ("--at", "get-certificates: after order", "--do", "SIGKILL", "--", *app.options, "deploy")
        command = (sys.executable, "-m", "tests.e2e.faulty", *words)
        ended = subprocess.run(command, cwd=ROOT, env={**os.environ, **app.environment})
        assert ended.returncode == -signal.SIGKILL
        wait_for(lambda: self.storage("find /run/hitless -name '.order-*'") == "")

    @property
    def container(self) -> str:
        """The gateway's."""
        return container_name(self.cli.environment["HITLESS_GATEWAY"])

    def storage(self, command: str) -> str:
        """A shell command as Traefik's user, where Traefik keeps what is the CA's."""
        words = ("exec", "--user", "65532:65532", "--workdir", ACME, self.container)
        return docker(*words, "sh", "-c", command)


def documented() -> list[list[str]]:
    """The three commands of docs/https.md, from nothing to a certificate."""
    block = (ROOT / "docs/https.md").read_text().partition("```console\n")[2].partition("```")[0]
    return [line.removeprefix("$ hitless ").split() for line in block.splitlines()]


@contextmanager
def site_of(name: str, image: str, folder: Path, days: float = 90) -> Iterator[Site]:
    """A gateway whose CA's certificates are good for so many days."""
    cli = Cli((), {"HITLESS_GATEWAY": name})
    _remove_gateway(cli)
    http, https = free_port(), free_port()
    up = [word.replace("443", str(https)) for word in documented()[0]]
    cli.run(*up, "--http-port", str(http), "--bind", "127.0.0.1", *introduce(folder))
    # its place is on the gateway's network
    with pebble(name, folder, days) as ca:
        yield Site(cli, https, folder, image, ca)
    _remove_gateway(cli)


@pytest.fixture(scope="module")
def site(image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site_of(f"{GATEWAY}-acme", image, tmp_path_factory.mktemp("acme")) as made:
        yield made


def test_a_release_has_its_certificates_before_its_first_request(site: Site) -> None:
    shop = site.app("shop", "shop.example", "www.shop.example")
    _, plan, deploy = documented()
    assert "get the certificate for shop.example, www.shop.example from pebble:14000" in shop.run(*plan)
    before = site.ca.orders()
    shop.run(*deploy)
    assert (site.release("shop.example"), site.release("www.shop.example")) == ("1", "1")
    assert site.ca.orders() - before == 2
    listed = site.cli.json("gateway", "certificate", "list")["certificates"]
    assert {tuple(one["names"]): one["is_renewed"] for one in listed} == {
        ("shop.example",): True,
        ("www.shop.example",): True,
    }


def test_nobody_notices_deployments_and_replacements_and_nothing_is_ordered(site: Site) -> None:
    shop = site.app("kept", "kept.example")
    shop.run("deploy")
    before = site.ca.orders()
    with clients(site, "kept.example", FRESH, KEPT) as seen:
        shop.run("deploy", RELEASE="2")
        site.cli.run("gateway", "up", "--read-timeout", "900s")
        shop.run("deploy", RELEASE="3")
        after = len(seen.answers) + 3  # what is on its way
        time.sleep(0.5)
    assert set(seen.answers[after:]) == {"3"}
    assert seen.lost == []
    assert len(seen.answers) > 100
    assert site.ca.orders() == before


def test_a_name_that_leads_elsewhere_is_ordered_once_and_the_live_release_stays(site: Site) -> None:
    shop = site.app("moved", "moved.example")
    shop.run("deploy")
    site.ca.lead("new.example", NOBODY)
    before = site.ca.orders()
    wider = site.app("moved", "moved.example", "new.example")
    said = wider.run("deploy", code=1, RELEASE="2")
    assert "there is no certificate for new.example: the CA says: " in said
    assert "port 80 of the name must lead to this gateway" in said
    assert "hitless asks 2 more times at most in this hour" in said
    # another application's deployment is a reload, at which Traefik would ask again
    site.app("other", "moved.example.org").run("deploy")
    assert site.ca.orders() - before == 2  # one each
    assert site.release("moved.example") == "1"
    for _ in range(2):
        wider.run("deploy", code=1)
    assert "has refused a certificate for new.example 3 times in the last hour" in wider.run("deploy", code=1)
    assert site.ca.orders() - before == 4
    assert site.release("moved.example") == "1"


@pytest.mark.long
@pytest.mark.more
def test_a_ca_that_hangs_or_is_away_takes_no_try(site: Site) -> None:
    shop = site.app("away", "away.example")
    network = network_name(site.cli.environment["HITLESS_GATEWAY"])
    docker("network", "disconnect", network, site.ca.container)
    try:
        assert "the CA can't be asked: " in shop.run("deploy", code=1)
    finally:
        docker("network", "connect", "--alias", "pebble", network, site.ca.container)
    docker("pause", site.ca.container)
    try:
        assert "the CA can't be asked: " in shop.run("deploy", code=1)
    finally:
        docker("unpause", site.ca.container)
    shop.run("deploy")
    assert site.release("away.example") == "1"


@pytest.mark.more
def test_a_command_that_is_killed_while_it_orders_leaves_no_order(site: Site) -> None:
    shop = site.app("killed", "killed.example")
    site.ca.lead("killed.example", NOBODY)
    site.kill_while_it_orders(shop)
    # it counts, as nobody knows how it went
    site.ca.lead("killed.example", "")
    shop.run("deploy")
    assert site.release("killed.example") == "1"


@pytest.mark.more
@pytest.mark.long
def test_the_order_of_a_killed_command_that_traefik_still_has_delays_the_next_one_alone(site: Site) -> None:
    shop = site.app("passed", "passed.example")
    docker("pause", site.ca.container)
    try:
        site.kill_while_it_orders(shop)
        deployment = shop.start("deploy")
        # Traefik passes over its order until it gives the first one up
        wait_for(lambda: "passed.example" in _errors(site), seconds=90)
    finally:
        docker("unpause", site.ca.container)
    output, _ = deployment.communicate(timeout=120)
    assert deployment.returncode == 0, output
    assert site.release("passed.example") == "1"


def _errors(site: Site) -> str:
    return "".join(line for line in site.cli.run("gateway", "logs").splitlines() if " ERR " in line)


@pytest.mark.more
def test_certificates_outlive_a_file_that_was_cut_off(site: Site) -> None:
    shop = site.app("cut", "cut.example")
    shop.run("deploy")
    before = site.ca.orders()
    wait_for(lambda: "cut.example" in site.storage("cat *.copy.json"))
    site.storage("for file in *.[012].json; do truncate -s 900 $file; done")
    docker("restart", site.container)
    wait_for(lambda: bool(site.cli.json("gateway", "status")["gateway"]["health"]["answers"]))
    assert site.release("cut.example") == "1"
    assert "is damaged: another copy" in site.cli.run("gateway", "logs")
    shop.run("deploy", RELEASE="2")
    assert (site.release("cut.example"), site.ca.orders()) == ("2", before)


@pytest.mark.more
def test_a_certificate_of_ones_own_takes_the_place_of_the_cas(site: Site) -> None:
    shop = site.app("own", "own.example")
    shop.run("deploy")
    refused = site.cli.run("gateway", "certificate", "remove", "own.example", code=1)
    assert "nobody would reach" in refused
    authority = Authority("the operator's own")
    files = (site.folder / "chain.pem", site.folder / "key.pem")
    for file, content in zip(files, authority.issue("own.example"), strict=True):
        file.write_bytes(content)
    site.cli.run("gateway", "certificate", "add", *map(str, files))
    listed = site.cli.json("gateway", "certificate", "list")["certificates"]
    assert [one["is_renewed"] for one in listed if one["name"] == "own.example"] == [False]
    trust = ssl.create_default_context(cadata=authority.certificate.decode())
    with httpx.Client(verify=trust, trust_env=False) as client:
        assert site.get(client, "own.example").status_code == 200
    # the CA's again
    before = site.ca.orders()
    site.cli.run("gateway", "certificate", "remove", "own.example", "--force")
    shop.run("deploy")
    assert (site.release("own.example"), site.ca.orders() - before) == ("1", 1)


@pytest.mark.more
def test_names_and_wildcards_are_proved_by_the_dns(site: Site) -> None:
    wild = site.app("wild", "a.wild.example")
    file = site.folder / "wild.yml"
    label = "      - traefik.http.routers.shop.tls.domains[0].main=*.wild.example\n"
    file.write_text(file.read_text() + label)
    assert "a CA gives a certificate for *.wild.example only by a record in the DNS" in wild.run(
        "plan", code=1
    )
    variables = site.folder / "dns.env"
    variables.write_text(
        f'# of the provider\nHTTPREQ_ENDPOINT={site.ca.start_dns_provider()}\nexport HTTPREQ_USERNAME="ann"\n'
        "HTTPREQ_PASSWORD='a $hidden-word'\n"
    )
    provider = ("--acme-dns", "httpreq", "--acme-dns-env", str(variables))
    said = site.cli.run("gateway", "up", *provider, "--acme-dns-resolver", "pebble:53")
    assert "hidden-word" not in said
    assert "hidden-word" not in docker("inspect", site.container)
    wild.run("deploy")
    assert site.release("a.wild.example") == "1"


@pytest.mark.more
def test_a_renewal_during_a_deployment_is_seen_by_no_client(image: str, tmp_path: Path) -> None:
    with site_of(f"{GATEWAY}-renewed", image, tmp_path, days=25) as site:
        shop = site.app("renewed", "renewed.example")
        shop.run("deploy")

        def end() -> str:
            [one] = site.cli.json("gateway", "certificate", "list")["certificates"]
            return str(one["not_after"])

        first = end()
        # Traefik renews what has less than 30 days left when it starts
        docker("restart", site.container)
        wait_for(lambda: bool(site.cli.json("gateway", "status")["gateway"]["health"]["answers"]))
        with clients(site, "renewed.example", FRESH, KEPT) as seen:
            shop.run("deploy", RELEASE="2")
            wait_for(lambda: end() != first)
            shop.run("deploy", RELEASE="3")
            # a new Traefik asks for what it can't get, as the CA's request reaches the live one
            site.cli.run("gateway", "up", "--read-timeout", "900s")
            time.sleep(0.5)
        assert (seen.lost, seen.answers[-1]) == ([], "3")
        assert site.ca.orders() == 3


@pytest.mark.long
@pytest.mark.more
def test_a_ca_is_taken_without_a_restart(image: str, tmp_path: Path) -> None:
    name = f"{GATEWAY}-later"
    cli = Cli((), {"HITLESS_GATEWAY": name})
    _remove_gateway(cli)
    http, https = free_port(), free_port()
    ports = ("--http-port", str(http), "--https-port", str(https), "--bind", "127.0.0.1")
    cli.run("gateway", "up", *ports)
    started = docker("inspect", "--format", "{{.State.StartedAt}}", container_name(name))
    cli.run("gateway", "up", "--acme-email", "ann@example.org", *introduce(tmp_path))
    with pebble(name, tmp_path) as ca:
        site = Site(cli, https, tmp_path, image, ca)
        shop = site.app("later", "later.example")
        file = tmp_path / "later.yml"
        text = file.read_text()
        file.write_text("x-hitless: {certificates: later}\n" + text)
        shop.run("deploy")
        assert ca.orders() == 0
        file.write_text(text)
        shop.run("deploy", RELEASE="2")
        assert (site.release("later.example"), ca.orders()) == ("2", 1)
    assert docker("inspect", "--format", "{{.State.StartedAt}}", container_name(name)) == started
    _remove_gateway(cli)
