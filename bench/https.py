"""Deployments and replacements of the gateway's Traefik over HTTPS, with many TLS hosts on the gateway.

    python -m bench.https [HOSTS [DEPLOYMENTS]]

One application is deployed for real, with a certificate of its own; hitless's own code delivers its routing
under the other names. Clients ask it all the time, over a new connection each time, over a kept one, over
HTTP/2, over HTTP/3 and by WebSockets (wss). Each WebSocket has some messages. An old answer is one of the
release before to a request that began after `deploy` had said `live`. While Traefik is replaced, the client
over HTTP/3 is one that minds `Alt-Svc`, as browsers do.
"""

from __future__ import annotations

import asyncio
import json
import os
import ssl
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import httpx
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from bench.applications import (
    TINY,
    Application,
    applications,
    at,
    build,
    free_port,
    gateway,
    hitless,
    output,
    web,
)
from bench.applications import run as run_quietly
from bench.host import IMAGE as TALKING
from bench.host import build_app
from bench.http3 import Answer as Whole
from bench.http3 import Browser, Client, Http3, keep_asking
from bench.threads import running
from bench.times import Row, fill
from hitless.adapters.gateway.certificate import self_signed
from hitless.domain.routing.entry_points import WEBSECURE, inner_port

IMAGE = "hitless-speed-tiny:1"
NAME = "hitless-speed-https"
HOSTS = 600
DEPLOYMENTS = 20
REPLACEMENTS = 3
PAUSE = 0.01  # seconds between two requests of a client
AFTERWARDS = 0.5  # seconds of requests after the last change
MESSAGES = 10  # of one WebSocket
MESSAGE_EVERY = 0.1  # seconds
ANSWER = 20.0  # seconds for one WebSocket
FRESH, KEPT, HTTP2, HTTP3, BROWSER, WSS = "fresh", "kept", "HTTP/2", "HTTP/3", "browser", "wss"


@dataclass(frozen=True)
class Answer:
    """One answer: when its request began, and which release gave it."""

    began: float
    release: str


@dataclass
class Clients:
    """What clients saw; `lost` are the reasons, each after the kind of the client."""

    answers: list[Answer] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    connections: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    messages: int = 0


def main(hosts: int = HOSTS, deployments: int = DEPLOYMENTS) -> int:
    """Measure and print; 1 if a request was lost, or an old answer came."""
    build(IMAGE, TINY)
    build_app()
    try:
        missed = False
        for row in measure(hosts, deployments):
            print(row, flush=True)
            missed |= row.goal is not None and row.measured > row.goal
    finally:
        output("docker", "rmi", IMAGE)
    return int(missed)


def measure(hosts: int, deployments: int) -> Iterator[Row]:
    """All of it, a row for each figure."""
    port = free_port()
    ports = ("--https-port", str(port), "--http3")
    with (
        tempfile.TemporaryDirectory() as folder,
        gateway(f"{NAME}-gateway", *ports) as on,
        applications() as make,
    ):
        service = web(NAME, IMAGE, environment={"RELEASE": "${RELEASE}"})
        service["labels"][f"traefik.http.routers.{NAME}.entrypoints"] = WEBSECURE
        talk = web(f"{NAME}-talk", TALKING, environment={"RELEASE": "${RELEASE}"})
        talk["labels"] |= {
            f"traefik.http.routers.{NAME}-talk.entrypoints": WEBSECURE,
            f"traefik.http.routers.{NAME}-talk.rule": f"Host(`{NAME}.localhost`) && PathPrefix(`/talk`)",
        }
        shop = make(NAME, on, {"web": service, "talk": talk})
        site = Site(shop.host, port, on.address, *_certified(shop, Path(folder)))
        shop.run("deploy", RELEASE="0")
        fill(shop, hosts)
        with clients(site, FRESH, KEPT, HTTP2, HTTP3, WSS) as seen:
            live = [_deployed(shop, str(number)) for number in range(1, deployments + 1)]
            time.sleep(AFTERWARDS)
        yield from _rows(f"{deployments} deployments, {hosts} TLS hosts", seen, live)
        # this client's HTTP/2 gives up answers that are on their way when it is told to go
        with clients(site, FRESH, KEPT, BROWSER, WSS) as seen:
            for number in range(REPLACEMENTS):
                run_quietly(hitless("gateway", "up", "--read-timeout", f"{600 + number}s"), **at(on))
            time.sleep(AFTERWARDS)
        yield from _rows(f"{REPLACEMENTS} replacements of Traefik, {hosts} TLS hosts", seen, [])


def _rows(what: str, seen: Clients, live: Sequence[float]) -> Iterator[Row]:
    for why in sorted(set(seen.lost)):
        print(f"lost: {why}", file=sys.stderr)
    yield Row(f"{what}: requests", len(seen.answers) + len(seen.lost), None, "")
    for kind, number in seen.kinds.items():
        yield Row(f"… of {kind}", number, None, "")
    yield Row("… messages of WebSockets", seen.messages, None, "")
    yield Row("… TLS connections over TCP", seen.connections, None, "")
    yield Row("… lost", len(seen.lost), 0.0, "")
    if live:
        old = sum(
            answer.began > moment and int(answer.release) < number
            for answer in seen.answers
            for number, moment in enumerate(live, start=1)
        )
        yield Row("… old answers after `live`", old, 0.0, "")
        took = [after - before for before, after in pairwise(live)]
        yield Row("… from one release live to the next, the median", statistics.median(took))


def _certified(shop: Application, folder: Path) -> tuple[ssl.SSLContext, bytes]:
    """A certificate for the application's host in the gateway, what trusts it alone, and itself in PEM."""
    files = (folder / "certificate.pem", folder / "key.pem")
    for file, text in zip(files, self_signed(shop.host), strict=True):
        file.write_text(text)
    run_quietly(hitless("gateway", "certificate", "add", *map(str, files)), **at(shop.gateway))
    return ssl.create_default_context(cafile=str(files[0])), files[0].read_bytes()


def _deployed(shop: Application, release: str) -> float:
    """The moment at which `deploy` said that this release is live."""
    process = subprocess.Popen(
        shop.argv("deploy", "--json"),
        env={**os.environ, **at(shop.gateway), "RELEASE": release},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    moment = 0.0
    for line in process.stdout:
        if json.loads(line)["event"] == "live":
            moment = time.monotonic()
    if process.wait() or not moment:
        raise SystemExit(f"the deployment of release {release} failed")
    return moment


@dataclass(frozen=True)
class Site:
    """A host, its port of loopback, the address of the gateway's container, and who is trusted."""

    host: str
    port: int
    inside: str
    trust: ssl.SSLContext
    certificate: bytes


@contextmanager
def clients(site: Site, *kinds: str) -> Iterator[Clients]:
    """Clients of these kinds that ask all the time."""
    seen, is_over = Clients(), threading.Event()

    def ask(kind: str) -> None:
        def answered(began: float, release: str) -> None:
            seen.answers.append(Answer(began, release))
            seen.kinds[kind] += 1

        def lost(why: str) -> None:
            seen.lost.append(f"{kind}: {why}")

        if kind in (HTTP3, BROWSER, WSS):
            keep_asking(_asking(site, kind, seen), True, is_over, PAUSE, answered, lost)
            return
        http = _client(site, kind)
        seen.connections += 1
        while not is_over.is_set():
            began = time.monotonic()
            try:
                answered(began, _get(site, http))
            except (httpx.HTTPError, KeyError) as error:
                lost(repr(error))
            if kind == FRESH:
                http.close()
                http = _client(site, kind)
                seen.connections += 1
            time.sleep(PAUSE)
        http.close()

    threads = [threading.Thread(target=ask, args=(kind,)) for kind in kinds]
    with running(threads, is_over):
        yield seen


def _client(site: Site, kind: str) -> httpx.Client:
    return httpx.Client(verify=site.trust, trust_env=False, timeout=20, http2=kind == HTTP2)


def _get(site: Site, client: httpx.Client) -> str:
    names = {"sni_hostname": site.host}
    answer = client.get(f"https://127.0.0.1:{site.port}/", headers={"Host": site.host}, extensions=names)
    answer.raise_for_status()
    return answer.headers["X-Release"]


def _asking(site: Site, kind: str, seen: Clients) -> Client:
    if kind == WSS:
        return Talk(site, seen)
    # past the loopback address, before which there is a proxy of Docker's for UDP
    over_http3 = Http3((site.inside, inner_port(WEBSECURE)), site.host, site.certificate)
    return Browser(over_http3, site.port, site.host, site.trust) if kind == BROWSER else over_http3


@dataclass(frozen=True)
class Talk:
    """WebSockets over TLS, one after the other. All messages of each have to come back."""

    site: Site
    seen: Clients

    async def get(self) -> Whole:
        """One of them, from its opening to its close by the client."""
        site = self.site
        self.seen.connections += 1
        try:
            async with (
                asyncio.timeout(ANSWER),
                connect(
                    f"wss://{site.host}:{site.port}/talk",
                    host="127.0.0.1",
                    port=site.port,
                    ssl=site.trust,
                    server_hostname=site.host,
                    compression=None,
                    proxy=None,
                ) as one,
            ):
                assert one.response
                for number in range(MESSAGES):
                    await one.send(str(number))
                    if await one.recv() != str(number):
                        raise OSError("another message came back")
                    self.seen.messages += 1
                    await asyncio.sleep(MESSAGE_EVERY)
                return Whole(200, {"x-release": one.response.headers["X-Release"]})
        except WebSocketException as error:
            raise OSError(repr(error)) from error

    async def close(self) -> None:
        """Each is closed."""


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
