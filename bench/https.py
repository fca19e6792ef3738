"""Deployments and replacements of the gateway's Traefik over HTTPS, with many TLS hosts on the gateway.

    python -m bench.https [HOSTS]

One application is deployed for real, with a certificate of its own; hitless's own code delivers its routing
under the other names. Clients ask it all the time, over a new connection each time, over a kept one, and over
HTTP/2. An old answer is one of the release before to a request that began after `deploy` had said `live`.
"""

from __future__ import annotations

import json
import os
import ssl
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import httpx

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
from bench.threads import running
from bench.times import Row, fill
from hitless.adapters.gateway.certificate import self_signed

IMAGE = "hitless-speed-tiny:1"
NAME = "hitless-speed-https"
HOSTS = 600
DEPLOYMENTS = 20
REPLACEMENTS = 3
PAUSE = 0.01  # seconds between two requests of a client
AFTERWARDS = 0.5  # seconds of requests after the last change
FRESH, KEPT, HTTP2 = "fresh", "kept", "HTTP/2"


@dataclass(frozen=True)
class Answer:
    """One answer: when its request began, and which release gave it."""

    began: float
    release: str


@dataclass
class Clients:
    """What clients saw; `lost` are the reasons."""

    answers: list[Answer] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    connections: int = 0


def main(hosts: int) -> int:
    """Measure and print; 1 if a request was lost, or an old answer came."""
    build(IMAGE, TINY)
    try:
        missed = False
        for row in measure(hosts):
            print(row, flush=True)
            missed |= row.goal is not None and row.measured > row.goal
    finally:
        output("docker", "rmi", IMAGE)
    return int(missed)


def measure(hosts: int) -> Iterator[Row]:
    """All of it, a row for each figure."""
    port = free_port()
    ports = ("--https-port", str(port))
    with (
        tempfile.TemporaryDirectory() as folder,
        gateway(f"{NAME}-gateway", *ports) as on,
        applications() as make,
    ):
        service = web(NAME, IMAGE, environment={"RELEASE": "${RELEASE}"})
        service["labels"][f"traefik.http.routers.{NAME}.entrypoints"] = "websecure"
        shop = make(NAME, on, {"web": service})
        trust = _certified(shop, Path(folder))
        shop.run("deploy", RELEASE="0")
        fill(shop, hosts)
        with clients(shop.host, port, trust, (FRESH, KEPT, HTTP2)) as seen:
            live = [_deployed(shop, str(number)) for number in range(1, DEPLOYMENTS + 1)]
            time.sleep(AFTERWARDS)
        yield from _rows(f"{DEPLOYMENTS} deployments, {hosts} TLS hosts", seen, live)
        # this client's HTTP/2 gives up answers that are on their way when it is told to go
        with clients(shop.host, port, trust, (FRESH, KEPT)) as seen:
            for number in range(REPLACEMENTS):
                run_quietly(hitless("gateway", "up", "--read-timeout", f"{600 + number}s"), **at(on))
            time.sleep(AFTERWARDS)
        yield from _rows(f"{REPLACEMENTS} replacements of Traefik, {hosts} TLS hosts", seen, [])


def _rows(what: str, seen: Clients, live: Sequence[float]) -> Iterator[Row]:
    for why in sorted(set(seen.lost)):
        print(f"lost: {why}", file=sys.stderr)
    yield Row(f"{what}: requests", len(seen.answers) + len(seen.lost), None, "")
    yield Row("… TLS connections", seen.connections, None, "")
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


def _certified(shop: Application, folder: Path) -> ssl.SSLContext:
    """A certificate for the application's host in the gateway, and what trusts it alone."""
    files = (folder / "certificate.pem", folder / "key.pem")
    for file, text in zip(files, self_signed(shop.host), strict=True):
        file.write_text(text)
    run_quietly(hitless("gateway", "certificate", "add", *map(str, files)), **at(shop.gateway))
    return ssl.create_default_context(cafile=str(files[0]))


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


@contextmanager
def clients(host: str, port: int, trust: ssl.SSLContext, kinds: Sequence[str]) -> Iterator[Clients]:
    """Clients of these kinds that ask all the time."""
    seen, is_over = Clients(), threading.Event()

    def client(kind: str) -> httpx.Client:
        seen.connections += 1
        return httpx.Client(verify=trust, trust_env=False, timeout=20, http2=kind == HTTP2)

    def ask(kind: str) -> None:
        one = client(kind)
        while not is_over.is_set():
            began = time.monotonic()
            try:
                names = {"sni_hostname": host}
                answer = one.get(f"https://127.0.0.1:{port}/", headers={"Host": host}, extensions=names)
                answer.raise_for_status()
                seen.answers.append(Answer(began, answer.headers["X-Release"]))
            except (httpx.HTTPError, KeyError) as error:
                seen.lost.append(repr(error))
            if kind == FRESH:
                one.close()
                one = client(kind)
            time.sleep(PAUSE)
        one.close()

    threads = [threading.Thread(target=ask, args=(kind,)) for kind in kinds]
    with running(threads, is_over):
        yield seen


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else HOSTS))
