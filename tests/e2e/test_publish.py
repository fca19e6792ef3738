"""Ports that the gateway publishes in a service's place: HTTP, and TCP with its own protocol."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bench.load import Load
from tests.e2e.conftest import GATEWAY, Cli, docker, free_port, gateway_of_its_own, wait_for

PING = b"*1\r\n$4\r\nPING\r\n"
RELEASE = b"*3\r\n$6\r\nCONFIG\r\n$3\r\nGET\r\n$10\r\ndbfilename\r\n"

COMPOSE = """
x-hitless: {drain_timeout: 20s}
services:
  web:
    image: IMAGE
    environment: {RELEASE: "${RELEASE}"}
    ports: ["127.0.0.1:HTTP:8000"]
    x-hitless: {publish: gateway}
    healthcheck: {test: [CMD, "true"], interval: 1s}
  cache:
    image: redis:7
    command: redis-server --save '' --dbfilename release-${RELEASE}
    ports: ["127.0.0.1:TCP:6379"]
    x-hitless: {publish: gateway, protocol: tcp}
    healthcheck: {test: [CMD, redis-cli, ping], interval: 1s}
"""


@dataclass(frozen=True)
class Published:
    """An application with two services that are reached by ports that the gateway publishes."""

    cli: Cli
    http: int
    tcp: int

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.tcp), timeout=10)


@pytest.fixture(scope="module")
def published(image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Published]:
    name = f"{GATEWAY}-ports"
    http, tcp = free_port(), free_port()
    file = tmp_path_factory.mktemp(name) / "compose.yml"
    text = COMPOSE.replace("IMAGE", image).replace("HTTP", str(http)).replace("TCP", str(tcp))
    file.write_text(text)
    with gateway_of_its_own(name):
        cli = Cli(("-p", f"{name}-app", "-f", str(file)), {"HITLESS_GATEWAY": name, "RELEASE": "1"})
        refused = cli.run("plan", code=1)
        assert f"hitless gateway up --publish 127.0.0.1:{http}" in refused
        cli.run(
            *("gateway", "up", "--replace"),
            *("--publish", f"127.0.0.1:{http}", "--publish", f"127.0.0.1:{tcp}"),
        )
        cli.run("deploy")
        yield Published(cli, http, tcp)


def said(connection: socket.socket, request: bytes, ending: bytes) -> bytes:
    """What a Redis server answers."""
    connection.sendall(request)
    answer = b""
    while not answer.endswith(ending):
        more = connection.recv(1000)
        assert more, "closed"
        answer += more
    return answer


def release_of(connection: socket.socket) -> str:
    answer = said(connection, RELEASE, b"\r\n")
    while answer.count(b"\r\n") < 5:
        answer += connection.recv(1000)
    return answer.decode().rpartition("release-")[2].strip()


@dataclass
class Clients:
    """Redis clients: new connections all the time, and one that was there before and stays for a while."""

    published: Published
    new: list[tuple[float, str, float]] = field(default_factory=list)  # begun, release, answered
    failures: list[str] = field(default_factory=list)
    pings: int = 0
    _over: threading.Event = field(default_factory=threading.Event)

    def come_and_go(self) -> None:
        while not self._over.is_set():
            began = time.monotonic()
            try:
                with self.published.connect() as connection:
                    self.new.append((began, release_of(connection), time.monotonic()))
            except (OSError, AssertionError) as error:
                self.failures.append(f"new: {error!r}")
            time.sleep(0.01)

    def stay(self, seconds_longer: float) -> None:
        """A connection from before; it continues this long after another release has answered somebody."""
        until = None
        try:
            with self.published.connect() as connection:
                before = release_of(connection)
                while until is None or time.monotonic() < until:
                    assert said(connection, PING, b"\r\n") == b"+PONG\r\n"
                    self.pings += 1
                    if until is None and self.new and self.new[-1][1] != before:
                        until = time.monotonic() + seconds_longer
                    time.sleep(0.01)
                assert release_of(connection) == before
        except (OSError, AssertionError) as error:
            self.failures.append(f"stayed: {error!r}")

    def hold(self, seconds: float) -> None:
        """A connection that is open for this long, and then ends by itself."""
        until = time.monotonic() + seconds
        try:
            with self.published.connect() as connection:
                while time.monotonic() < until:
                    assert said(connection, PING, b"\r\n") == b"+PONG\r\n"
                    self.pings += 1
                    time.sleep(0.01)
        except (OSError, AssertionError) as error:
            self.failures.append(f"held: {error!r}")

    def stop(self) -> None:
        self._over.set()


def test_a_deployment_is_seen_by_no_tcp_client(published: Published) -> None:
    clients = Clients(published)
    with ThreadPoolExecutor(max_workers=3) as pool:
        for client in (clients.come_and_go, lambda: clients.stay(2)):
            pool.submit(client)
        try:
            wait_for(lambda: len(clients.new) > 10 and clients.pings > 10)
            output = published.cli.run("deploy", RELEASE="2")
        finally:
            clients.stop()
    assert clients.failures == []
    assert "drained, 0 cut" in output
    releases = [release for _, release, _ in clients.new]
    assert set(releases) == {"1", "2"}
    first = min(answered for _, release, answered in clients.new if release == "2")
    assert [one for one in clients.new if one[1] == "1" and one[0] > first] == []


def test_a_deployment_is_seen_by_no_http_client_of_a_published_port(published: Published) -> None:
    with Load(f"http://127.0.0.1:{published.http}") as load:
        published.cli.run("deploy", RELEASE="3")
    report = load.report()
    assert (report.lost, report.mixed()) == (0, 0), report.lost_by
    assert "3" in report.releases


def test_a_replaced_traefik_is_seen_by_no_client_of_a_published_port(published: Published) -> None:
    clients = Clients(published)
    with ThreadPoolExecutor(max_workers=3) as pool, Load(f"http://127.0.0.1:{published.http}") as load:
        held = pool.submit(lambda: clients.hold(10))
        pool.submit(clients.come_and_go)
        try:
            wait_for(lambda: len(clients.new) > 10 and clients.pings > 10)
            output = published.cli.run("gateway", "up", "--read-timeout", "50m")
            assert held.done()  # it was waited for
        finally:
            clients.stop()
    assert clients.failures == []
    assert " connections ended" in output
    assert load.report().lost == 0, load.report().lost_by


@pytest.mark.more
@pytest.mark.long
def test_a_held_tcp_connection_is_closed_at_the_deadline_and_a_new_one_is_not(published: Published) -> None:
    with published.connect() as old:
        assert said(old, PING, b"\r\n") == b"+PONG\r\n"
        published.cli.run("gateway", "up", "--read-timeout", "49m")
        assert old.recv(1) == b""
    with published.connect() as new:
        assert said(new, PING, b"\r\n") == b"+PONG\r\n"


def test_only_the_gateway_publishes(published: Published) -> None:
    names = docker("ps", "--filter", f"publish={published.tcp}", "--format", "{{.Names}}").split()
    assert names == [f"{GATEWAY}-ports-traefik-1"]
    status = published.cli.run("status")
    assert f"tcp://127.0.0.1:{published.tcp}" in status
    assert f"http://127.0.0.1:{published.http}" in status


def test_the_file_alone_is_left(published: Published, tmp_path: Path) -> None:
    """The ports go with the application: nobody answers there, and no other application by mistake."""
    published.cli.run("down")
    with pytest.raises((OSError, AssertionError)), published.connect() as connection:
        said(connection, PING, b"\r\n")
