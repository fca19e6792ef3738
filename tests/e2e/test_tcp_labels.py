"""TCP routes of labels: PostgreSQL by name over TLS, Redis over TLS beside HTTPS, Redis on its own port."""

from __future__ import annotations

import os
import re
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from bench.threads import running
from hitless.domain.gateway.model import container_name
from tests.common.certificates import Authority
from tests.e2e.conftest import GATEWAY, Cli, _remove_gateway, docker, free_port
from tests.e2e.test_publish import PING, release_of, said

SWITCHES = int(os.environ.get("HITLESS_SWITCHES", "2"))  # `make test-long` has 10
FILE = """
x-hitless: {drain_timeout: 10s}
services:
  db:
    image: postgres:15
    command: postgres -c cluster_name=release-${RELEASE} -c fsync=off
    environment: {POSTGRES_HOST_AUTH_METHOD: trust}
    tmpfs: [/var/lib/postgresql/data]
    healthcheck: {test: [CMD, pg_isready, -h, 127.0.0.1, -U, postgres], interval: 1s, retries: 60}
    x-hitless: {role: web}
    labels:
      - traefik.tcp.routers.db.rule=HostSNI(`db.example`)
      - traefik.tcp.routers.db.entrypoints=postgres
      - traefik.tcp.routers.db.tls=true
      - traefik.tcp.services.db.loadbalancer.server.port=5432
  cache: &cache
    image: redis:7
    command: redis-server --save '' --dbfilename release-${RELEASE}
    healthcheck: {test: [CMD, redis-cli, ping], interval: 1s, retries: 60}
    x-hitless: {role: web}
    labels:
      - traefik.tcp.routers.cache.rule=HostSNI(`cache.example`)
      - traefik.tcp.routers.cache.entrypoints=https
      - traefik.tcp.routers.cache.tls=true
      - traefik.tcp.routers.cache.middlewares=few
      - traefik.tcp.middlewares.few.inflightconn.amount=100
      - traefik.tcp.services.cache.loadbalancer.server.port=6379
  queue:
    <<: *cache
    labels:
      - traefik.tcp.routers.queue.rule=HostSNI(`*`)
      - traefik.tcp.routers.queue.entrypoints=queue
      - traefik.tcp.services.queue.loadbalancer.server.port=6379
"""


@dataclass
class Site:
    """A gateway with HTTPS and two published ports, and an application on it."""

    cli: Cli
    app: Cli
    https: int
    postgres: int
    queue: int
    authority: Authority

    def trust(self) -> ssl.SSLContext:
        return ssl.create_default_context(cadata=self.authority.certificate.decode())

    @contextmanager
    def connect(self, port: int, name: str = "", hello: bytes = b"") -> Iterator[socket.socket]:
        """A connection; with a name it is over TLS, and the server's certificate is for that name."""
        with socket.create_connection(("127.0.0.1", port), timeout=10) as plain:
            if hello:
                plain.sendall(hello)
                assert plain.recv(1) == b"S", "no TLS"
            if not name:
                yield plain
                return
            with self.trust().wrap_socket(plain, server_hostname=name) as secure:
                yield secure

    def of_postgres(self) -> str:
        """Which release a new client of PostgreSQL gets, with `sslmode=verify-full`."""
        with self.connect(self.postgres, "db.example", struct.pack("!II", 8, 80877103)) as connection:
            start = struct.pack("!I", 196608) + b"user\0postgres\0\0"
            connection.sendall(struct.pack("!I", len(start) + 4) + start)
            _until_ready(connection)
            query = b"show cluster_name\0"
            connection.sendall(b"Q" + struct.pack("!I", len(query) + 4) + query)
            return _until_ready(connection)[b"D"].decode().rpartition("release-")[2]

    def of_cache(self) -> str:
        with self.connect(self.https, "cache.example") as connection:
            return release_of(connection)

    def of_queue(self) -> str:
        with self.connect(self.queue) as connection:
            return release_of(connection)


def _until_ready(connection: socket.socket) -> dict[bytes, bytes]:
    """All that PostgreSQL says until it waits for a query: kind of message -> the last one."""
    found: dict[bytes, bytes] = {}
    while b"Z" not in found:
        kind, length = struct.unpack("!cI", _exactly(connection, 5))
        found[kind] = _exactly(connection, length - 4)
        assert kind != b"E", found[kind]
    return found


def _exactly(connection: socket.socket, size: int) -> bytes:
    read = b""
    while len(read) < size:
        more = connection.recv(size - len(read))
        assert more, "closed"
        read += more
    return read


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("tcp")
    (folder / "compose.yml").write_text(FILE)
    name = f"{GATEWAY}-tcp"
    cli = Cli((), {"HITLESS_GATEWAY": name})
    _remove_gateway(cli)
    https, postgres, queue = free_port(), free_port(), free_port()
    cli.run(
        *("gateway", "up", "--http-port", str(free_port()), "--https-port", str(https)),
        *("--bind", "127.0.0.1", "--publish", f"127.0.0.1:{postgres}", "--publish", f"127.0.0.1:{queue}"),
        *("--entry-point-alias", f"postgres={postgres}", "--entry-point-alias", f"queue={queue}"),
    )
    authority = Authority("the tests' own")
    chain, key = authority.issue("db.example", "cache.example")
    (folder / "chain.pem").write_bytes(chain)
    (folder / "key.pem").write_bytes(key)
    words = ("-p", f"{name.removeprefix('hitless-')}-app", "-f", str(folder / "compose.yml"))
    app = Cli(words, {"HITLESS_GATEWAY": name, "RELEASE": "1"})
    assert "no valid certificate for cache.example" in app.run("plan", code=1)
    cli.run("gateway", "certificate", "add", str(folder / "chain.pem"), str(folder / "key.pem"))
    app.run("deploy")
    yield Site(cli, app, https, postgres, queue, authority)
    _remove_gateway(cli)


@dataclass
class Clients:
    """New connections of every kind, all the time, and some that stay as long as their release is live."""

    # kind, when it began, release, when that was known
    answers: list[tuple[str, float, str, float]] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    _is_over: threading.Event = field(default_factory=threading.Event)

    def come_and_go(self, kind: str, ask: Callable[[], str]) -> None:
        while not self._is_over.is_set():
            began = time.monotonic()
            try:
                self.answers.append((kind, began, ask(), time.monotonic()))
            except (OSError, AssertionError, ValueError) as error:
                self.lost.append(f"{kind}: {error!r}")
            time.sleep(0.01)

    def stay(self, site: Site) -> None:
        """A connection that is in use for 4 s: it is never cut."""
        while not self._is_over.is_set():
            try:
                with site.connect(site.https, "cache.example") as connection:
                    until = time.monotonic() + 4
                    while time.monotonic() < until:
                        assert said(connection, PING, b"\r\n") == b"+PONG\r\n"
                        time.sleep(0.02)
            except (OSError, AssertionError) as error:
                self.lost.append(f"stays: {error!r}")

    @contextmanager
    def at(self, site: Site) -> Iterator[None]:
        kinds = {"postgres": site.of_postgres, "cache": site.of_cache, "queue": site.of_queue}
        with self.coming_and_going(kinds, threading.Thread(target=self.stay, args=(site,))):
            yield

    @contextmanager
    def coming_and_going(
        self, kinds: Mapping[str, Callable[[], str]], *more: threading.Thread
    ) -> Iterator[None]:
        """Clients of these kinds, each by what one does, and what else runs beside them."""
        threads = [threading.Thread(target=self.come_and_go, args=kind) for kind in kinds.items()]
        with running([*threads, *more], self._is_over):
            yield

    def old_answers(self) -> list[tuple[str, float, str, float]]:
        """Those of connections that began after the same kind of client had an answer of a later release."""
        found, since = [], dict.fromkeys((kind for kind, *_ in self.answers), (0.0, 0))
        for one in sorted(self.answers, key=lambda one: one[3]):
            kind, began, release, answered = one
            answered_then, newest = since[kind]
            if int(release) < newest and began > answered_then:
                found.append(one)
            if int(release) > newest:
                since[kind] = answered, int(release)
        return found


@pytest.mark.more
def test_each_raw_port_has_its_own_proof(site: Site) -> None:
    """Each generation leads a connection from inside elsewhere, and to a port that this Traefik has."""
    marker = f"{site.app.options[1]}.generation.marker@file"
    ask = f"printf 'GET /api/tcp/services/{marker} HTTP/1.0\\r\\n\\r\\n' | nc 127.0.0.1 8080"
    seen = set()
    deployment = site.app.start("deploy")
    while deployment.poll() is None:
        answer = docker("exec", container_name(site.cli.environment["HITLESS_GATEWAY"]), "sh", "-c", ask)
        seen |= set(re.findall(r"127\.0\.0\.1:[0-9]+", answer))
    assert deployment.returncode == 0
    assert seen <= {"127.0.0.1:80", "127.0.0.1:8080", "127.0.0.1:1"}
    assert len(seen) > 1


@pytest.mark.more
def test_deployments_are_seen_by_no_client(site: Site) -> None:
    clients = Clients()
    with clients.at(site):
        for release in range(2, SWITCHES + 2):
            output = site.app.run("deploy", RELEASE=str(release))
            assert "cut" not in output.replace("0 cut", "").replace("cut over", ""), output
    assert (clients.lost, clients.old_answers()) == ([], [])
    status = site.app.run("status")
    for address in (f"db.example:{site.postgres}", f"cache.example:{site.https}", f"127.0.0.1:{site.queue}"):
        assert f"tcp://{address}" in status
    by_kind = {kind: {one[2] for one in clients.answers if one[0] == kind} for kind in ("postgres", "cache")}
    assert all(len(releases) > SWITCHES for releases in by_kind.values()), by_kind
    print(f"{len(clients.answers)} connections, 0 lost, 0 old answers")


@pytest.mark.long
@pytest.mark.more
def test_a_replaced_traefik_is_seen_by_no_client(site: Site) -> None:
    clients = Clients()
    with clients.at(site):
        site.cli.run("gateway", "up", "--read-timeout", "50m")
    assert clients.lost == []
    # and what it proves is proven of the new one, too
    clients = Clients()
    with clients.at(site):
        site.app.run("deploy", RELEASE="50")
    assert (clients.lost, clients.old_answers()) == ([], [])


@pytest.mark.more
def test_a_name_that_is_not_there_is_refused(site: Site) -> None:
    with pytest.raises((ssl.SSLError, OSError)), site.connect(site.https, "other.example"):
        pass
