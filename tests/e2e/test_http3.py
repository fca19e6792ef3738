"""HTTP/3 beside HTTPS: deployments lose nothing, and neither does a replaced Traefik, for browsers."""

from __future__ import annotations

import asyncio
import json
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pytest

from bench.applications import address
from bench.http3 import Browser, Client, Http3, keep_asking
from bench.threads import running
from hitless.domain.routing.entry_points import WEBSECURE, inner_port
from tests.common.certificates import Authority
from tests.e2e.https import Seen
from tests.e2e.test_https import HOST, Site, site

__all__ = ["site"]


@pytest.fixture(scope="module")
def served(site: Site) -> Site:
    """A gateway with HTTP/3, and a live release behind it."""
    site.cli.run("gateway", "up", "--http3", "--replace")
    site.add(HOST)
    site.app.run("deploy")
    return site


def http3(site: Site, path: str = "/", name: str = "") -> Http3:
    """A client of the gateway's container: before the loopback address there is a proxy of Docker's."""
    gateway = site.cli.environment["HITLESS_GATEWAY"]
    ip = address(f"{gateway}-traefik-1", f"{gateway}_webgateway")
    return Http3((ip, inner_port(WEBSECURE)), HOST, site.authority.certificate, path, name)


def published(site: Site) -> Http3:
    """A client of the port that is published."""
    return Http3(("127.0.0.1", site.https), HOST, site.authority.certificate)


def browser(site: Site) -> Browser:
    trust = ssl.create_default_context(cadata=site.authority.certificate.decode())
    return Browser(http3(site), site.https, HOST, trust)


@contextmanager
def asking(kept: Mapping[str, Client], fresh: Mapping[str, Client]) -> Iterator[Mapping[str, Seen]]:
    """These clients ask all the time, over connections that they keep, and over a new one each time."""
    is_over = threading.Event()
    seen = {name: Seen() for name in (*kept, *fresh)}

    def ask(client: Client, is_kept: bool, into: Seen) -> None:
        keep_asking(
            client, is_kept, is_over, 0.01, lambda _, release: into.answers.append(release), into.lost.append
        )

    threads = [
        threading.Thread(target=ask, args=(client, name in kept, seen[name]))
        for name, client in (*kept.items(), *fresh.items())
    ]
    began = time.monotonic()
    with running(threads, is_over):
        yield seen
    print(f"{time.monotonic() - began:.1f} s")
    for name, one in seen.items():
        print(f"{name}: {len(one.answers)} answers, {len(one.lost)} lost", *one.lost[:3])


@pytest.mark.more
def test_deployments_lose_nothing_over_http3(served: Site) -> None:
    site = served
    with site.client() as client:
        assert f'h3=":{site.https}"' in site.get(client).headers["Alt-Svc"]
    kept: dict[str, Client] = {"kept": http3(site), "browser": browser(site)}
    fresh: dict[str, Client] = {"fresh": published(site)}
    with asking(kept, fresh) as seen:
        for release in ("2", "3", "4"):
            site.app.run("deploy", RELEASE=release)
            after = {name: len(one.answers) + 1 for name, one in seen.items()}  # what is on its way
            time.sleep(0.5)
            for name, one in seen.items():
                assert set(one.answers[after[name] :]) == {release}, name
    assert [(name, one.lost) for name, one in seen.items() if one.lost] == []
    assert all(len(one.answers) > 200 for one in seen.values())


@pytest.mark.long
@pytest.mark.more
def test_a_replaced_traefik_is_seen_by_no_browser(served: Site) -> None:
    site = served
    away = browser(site)
    with asking({"browser": away}, {"3 s": http3(site, "/slow?seconds=30")}) as seen:
        time.sleep(1)
        before = dict(away.over)
        said = site.cli.run("gateway", "up", "--read-timeout", "10m")
        during = dict(away.over)
        time.sleep(2)
    assert "HTTP/3 cut" not in said
    assert before["HTTP/3"] < during["HTTP/3"] < away.over["HTTP/3"]
    assert before["TCP"] < during["TCP"]
    assert [(name, one.lost) for name, one in seen.items() if one.lost] == []


@pytest.mark.more
@pytest.mark.long
def test_what_ignores_alt_svc_may_lose_what_is_on_its_way_when_the_old_traefik_ends(served: Site) -> None:
    site = served
    obstinate = http3(site)
    with asking({"obstinate": obstinate}, {"fresh": published(site)}) as seen:
        said = site.cli.run("gateway", "up", "--read-timeout", "11m")
        time.sleep(2)
    assert "over HTTP/3 cut" in said
    assert len(seen["obstinate"].lost) <= 1
    assert obstinate.connections == 2
    assert seen["fresh"].lost == []


@pytest.mark.more
def test_a_route_for_clients_with_a_certificate_alone_over_http3(served: Site) -> None:
    site = served
    site.add("other.example")
    staff = Authority("the staff's")
    options = {"clientAuthType": "RequireAndVerifyClientCert", "caFiles": [staff.certificate.decode()]}
    file = site.folder / "compose.yml"
    before = file.read_text()
    file.write_text(
        before.replace(
            "x-hitless: {",
            f"x-hitless: {{tls_options: {{staff: {{clientAuth: {json.dumps(options)}}}}}, ",
        )
        + "      - traefik.http.routers.shop.tls.options=staff@file\n"
    )
    site.app.run("deploy", RELEASE="7")
    ann = http3(site)
    pair = (site.folder / "ann.pem", site.folder / "ann.key")
    for one, content in zip(pair, staff.issue("ann"), strict=True):
        one.write_bytes(content)
    ann.present(*map(str, pair))

    async def ask() -> None:
        with pytest.raises(ConnectionError):
            await http3(site).get()
        # nor by the name of another host in the handshake
        fronted = http3(site, name="other.example")
        assert (await fronted.get()).status == 421
        assert (await ann.get()).headers["x-release"] == "7"
        await fronted.close()
        await ann.close()

    asyncio.run(ask())
    file.write_text(before)
    site.cli.run("gateway", "certificate", "remove", "other.example")
