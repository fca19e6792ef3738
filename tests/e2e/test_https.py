"""HTTPS with certificates from files: who gets which, and no client notices a change."""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from tests.common.certificates import Authority
from tests.e2e.conftest import GATEWAY, NAMED, Cli, _remove_gateway, free_port
from tests.e2e.https import FRESH, HTTP2, KEPT, clients

HOST = "shop.example"
FILE = """
x-hitless: {bake: "${BAKE:-0s}"}
services:
  web:
    image: IMAGE
    environment: {RELEASE: "${RELEASE}"}
    labels:
      - traefik.enable=true
      - traefik.http.routers.shop.rule=Host(`shop.example`)
      - traefik.http.routers.shop.entrypoints=https
      - traefik.http.routers.shop.tls.certresolver=letsencrypt
      - traefik.http.services.shop.loadbalancer.server.port=8000
"""


@dataclass
class Site:
    """A gateway with HTTPS, an application on it, and clients that trust the authority of its certificate."""

    cli: Cli
    app: Cli
    http: int
    https: int
    folder: Path
    authority: Authority = field(default_factory=lambda: Authority("the tests' own"))

    def add(self, *names: str, code: int = 0) -> str:
        chain, key = self.authority.issue(*names)
        (self.folder / "chain.pem").write_bytes(chain)
        (self.folder / "key.pem").write_bytes(key)
        files = (str(self.folder / "chain.pem"), str(self.folder / "key.pem"))
        return self.cli.run("gateway", "certificate", "add", *files, code=code)

    def client(self, http2: bool = False) -> httpx.Client:
        trust = ssl.create_default_context(cadata=self.authority.certificate.decode())
        return httpx.Client(verify=trust, trust_env=False, timeout=20, http2=http2)

    def get(self, client: httpx.Client, host: str = HOST) -> httpx.Response:
        url, names = f"https://127.0.0.1:{self.https}/", {"sni_hostname": host}
        return client.get(url, headers={"Host": host}, extensions=names)


@pytest.fixture(scope="module")
def site(image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("https")
    (folder / "compose.yml").write_text(FILE.replace("IMAGE", image))
    name = f"{GATEWAY}-https"
    cli = Cli((), {"HITLESS_GATEWAY": name})
    _remove_gateway(cli)
    http, https = free_port(), free_port()
    said = cli.run(
        *("gateway", "up", "--http-port", str(http), "--https-port", str(https), "--bind", "127.0.0.1")
    )
    assert f"https://127.0.0.1:{https}" in said
    words = ("-p", f"{NAMED.removeprefix('hitless-')}-https", "-f", str(folder / "compose.yml"))
    yield Site(cli, Cli(words, {"HITLESS_GATEWAY": name, "RELEASE": "1"}), http, https, folder)
    _remove_gateway(cli)


@pytest.fixture(scope="module")
def served(site: Site) -> Site:
    """The same, with the certificate and a live release: also without the tests before."""
    site.add(HOST)
    site.app.run("deploy", RELEASE="4")
    return site


def test_from_a_refusal_to_a_certificate_that_clients_trust(site: Site) -> None:
    refused = site.app.run("deploy", code=1)
    assert f"the gateway has no valid certificate for {HOST}" in refused
    assert "hitless gateway certificate add CERTIFICATE KEY" in refused

    assert f"the gateway serves {HOST} until" in site.add(HOST)
    site.app.run("deploy")
    with site.client() as client:
        assert site.get(client).headers["X-Release"] == "1"
    with site.client() as client, pytest.raises(httpx.ConnectError, match=r"(?i)unrecognized.name"):
        site.get(client, "other.example")
    plain = httpx.get(f"http://127.0.0.1:{site.http}/path", headers={"Host": HOST}, trust_env=False)
    assert (plain.status_code, plain.headers["Location"]) == (302, f"https://{HOST}:{site.https}/path")
    [listed] = site.cli.json("gateway", "certificate", "list")["certificates"]
    assert (listed["names"], len(listed["applications"])) == ([HOST], 1)
    assert f"https://{HOST}:{site.https}" in site.app.run("status")


@pytest.mark.more
def test_deployments_and_a_replaced_traefik_are_seen_by_no_client(served: Site) -> None:
    site = served
    with clients(site, HOST, FRESH, KEPT, HTTP2) as seen:
        for release in ("2", "3", "4"):
            site.app.run("deploy", RELEASE=release)
            after = len(seen.answers) + 3  # what is on its way
            time.sleep(0.5)
            assert set(seen.answers[after:]) == {release}
    assert seen.lost == []
    assert len(seen.answers) > 200
    # without HTTP/2: at a GOAWAY this client gives up on answers that are on their way
    with clients(site, HOST, FRESH, KEPT) as seen:
        site.add(HOST)
        site.cli.run("gateway", "up", "--read-timeout", "900s", "--entry-point-alias", "mine=websecure")
        file = site.folder / "compose.yml"
        file.write_text(file.read_text().replace("entrypoints=https", "entrypoints=mine"))
        site.app.run("deploy", RELEASE="5")
        time.sleep(0.3)
    assert seen.lost == []
    assert seen.answers[-1] == "5"
    assert len(seen.answers) > 200


@pytest.mark.long
@pytest.mark.more
def test_a_certificate_that_is_removed_is_served_no_more(served: Site) -> None:
    site = served
    site.add("other.example")
    assert site.cli.run("gateway", "certificate", "remove", "none.example", code=1)
    needed = site.cli.run("gateway", "certificate", "remove", HOST, code=1)
    assert f"nobody would reach {site.app.options[1]} ({HOST})" in " ".join(needed.split())
    site.cli.run("gateway", "certificate", "remove", "other.example")
    names = [one["name"] for one in site.cli.json("gateway", "certificate", "list")["certificates"]]
    assert names == [HOST]
    # the wrong key, and nothing of it is served
    chain, _ = site.authority.issue("third.example")
    (site.folder / "chain.pem").write_bytes(chain)
    files = (str(site.folder / "chain.pem"), str(site.folder / "key.pem"))
    assert "don't belong together" in site.cli.run("gateway", "certificate", "add", *files, code=1)


@pytest.mark.long
@pytest.mark.more
def test_a_bake_asks_the_live_route_from_inside(served: Site) -> None:
    site = served
    site.cli.run("gateway", "up", "--access-log")
    site.app.run("deploy", RELEASE="6", BAKE="3s")
    colour = site.app.json("status")["live"]["colour"]
    lines = [
        json.loads(line) for line in site.cli.run("gateway", "logs").splitlines() if line.startswith("{")
    ]
    name = f"{site.app.options[1]}.shop.{colour}@file"
    asked = [line["OriginStatus"] for line in lines if line.get("RouterName") == name]
    assert len(asked) >= 3  # at the gate, and in the bake
    assert set(asked) == {200}


@pytest.mark.more
def test_a_route_for_clients_with_a_certificate_alone(served: Site) -> None:
    site = served
    staff = Authority("the staff's")
    file = site.folder / "compose.yml"
    before = file.read_text()
    options = {"clientAuthType": "RequireAndVerifyClientCert", "caFiles": [staff.certificate.decode()]}
    extension = f"x-hitless: {{tls_options: {{staff: {{clientAuth: {json.dumps(options)}}}}}}}\n"
    label = "      - traefik.http.routers.shop.tls.options=staff@file\n"
    file.write_text(extension + before.partition("\n")[2].partition("\n")[2] + label)
    chain, key = staff.issue("ann")
    pair = (site.folder / "ann.pem", site.folder / "ann.key")
    for one, content in zip(pair, (chain, key), strict=True):
        one.write_bytes(content)
    trust = ssl.create_default_context(cadata=site.authority.certificate.decode())
    for release in ("7", "8"):  # a candidate beside a live release with the same options
        site.app.run("deploy", RELEASE=release)
        with httpx.Client(verify=trust, trust_env=False) as nobody, pytest.raises(httpx.TransportError):
            site.get(nobody, HOST)
    trust.load_cert_chain(*map(str, pair))
    with httpx.Client(verify=trust, trust_env=False) as ann:
        assert site.get(ann, HOST).headers["X-Release"] == "8"
    file.write_text(before)
    site.app.run("deploy", RELEASE="9")
    with site.client() as anybody:
        assert site.get(anybody, HOST).headers["X-Release"] == "9"
