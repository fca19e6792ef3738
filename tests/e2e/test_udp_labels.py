"""UDP routes: a DNS server by labels, and one by a port that the gateway publishes for TCP and UDP both."""

from __future__ import annotations

import itertools
import json
import os
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import pytest

from tests.e2e.conftest import GATEWAY, Cli, _remove_gateway, free_port, wait_for
from tests.e2e.test_tcp_labels import Clients

SWITCHES = int(os.environ.get("HITLESS_SWITCHES", "2"))  # `make test-long` has 10
FRESH = itertools.cycle(range(20_000, 32_000))  # below the ports that the kernel gives by itself
TIMEOUT = 2.0  # seconds; a question without an answer until then is lost
PAUSE = 3.5  # seconds: Traefik's sessions end after 3 s in which nothing comes or goes
NAME = b"\7release\7example\0"
SERVER = """
import os, socket, threading
text = os.environ["RELEASE"].encode()
def over_tcp():
    listener = socket.create_server(("", 5300))
    while True:
        connection, _ = listener.accept()
        connection.sendall(text)
        connection.close()
threading.Thread(target=over_tcp, daemon=True).start()
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("", 5300))
while True:
    query, client = server.recvfrom(512)
    data = bytes([len(text)]) + text
    record = b"\\xc0\\x0c\\0\\x10\\0\\1\\0\\0\\0\\0" + len(data).to_bytes(2, "big") + data
    server.sendto(query[:2] + b"\\x81\\x80\\0\\1\\0\\1\\0\\0\\0\\0" + query[12:] + record, client)
"""
CHECK = """
import socket
client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
client.settimeout(1)
client.sendto(bytes(12), ("127.0.0.1", 5300))
client.recv(512)
"""
FILE = f"""
x-hitless: {{drain_timeout: 8s}}
x-server: &server
  image: python:3-slim
  init: true
  command: [python, -c, {json.dumps(SERVER)}]
  environment: {{RELEASE: "${{RELEASE}}"}}
  healthcheck: {{test: [CMD, python, -c, {json.dumps(CHECK)}], interval: 1s}}
services:
  dns:
    <<: *server
    labels:
      - traefik.udp.routers.dns.entrypoints=dns
      - traefik.udp.services.dns.loadbalancer.server.port=5300
  both:
    <<: *server
    ports: ["127.0.0.1:BOTH:5300/udp", "127.0.0.1:BOTH:5300"]
    x-hitless: {{publish: gateway, protocol: tcp}}
"""


def question(client: socket.socket) -> str:
    """Which release answers the next question for the TXT record."""
    ours = os.urandom(2)
    client.send(ours + b"\1\0\0\1\0\0\0\0\0\0" + NAME + struct.pack("!HH", 16, 1))
    until = time.monotonic() + TIMEOUT
    while True:
        client.settimeout(max(until - time.monotonic(), 0.001))
        answer = client.recv(512)
        if answer[:2] == ours:  # and no late answer to another one
            return answer[12 + len(NAME) + 4 + 12 + 1 :].decode()


@dataclass
class Site:
    """A gateway with two UDP entry points, and an application on them."""

    cli: Cli
    app: Cli
    dns: int
    both: int

    @contextmanager
    def client(self, port: int) -> Iterator[socket.socket]:
        """A socket with an address that nobody has had for a while, for a session is one of an address."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            while True:
                with suppress(OSError):  # somebody has it
                    client.bind(("127.0.0.1", next(FRESH)))
                    break
            client.connect(("127.0.0.1", port))
            yield client

    def ask(self, port: int) -> str:
        with self.client(port) as client:
            return question(client)

    def ask_tcp(self) -> str:
        with socket.create_connection(("127.0.0.1", self.both), timeout=10) as connection:
            return connection.recv(100).decode()

    @contextmanager
    def asked(self, clients: Clients) -> Iterator[None]:
        """Fresh sockets at every entry point, all the time."""
        kinds = {"dns": lambda: self.ask(self.dns), "port": lambda: self.ask(self.both), "tcp": self.ask_tcp}
        with clients.coming_and_going(kinds):
            yield


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("udp")
    dns, both = free_port(), free_port()
    (folder / "compose.yml").write_text(FILE.replace("BOTH", str(both)))
    name = f"{GATEWAY}-udp"
    cli = Cli((), {"HITLESS_GATEWAY": name})
    _remove_gateway(cli)
    words = ("-p", f"{name.removeprefix('hitless-')}-app", "-f", str(folder / "compose.yml"))
    app = Cli(words, {"HITLESS_GATEWAY": name, "RELEASE": "1"})
    cli.run("gateway", "up", "--http-port", str(free_port()), "--bind", "127.0.0.1")
    refused = app.run("plan", code=1)
    assert f"hitless gateway up --publish 127.0.0.1:{both}/udp" in refused
    assert "the gateway has no entry point 'dns'" in refused
    cli.run(
        *("gateway", "up", "--replace", "--entry-point-alias", f"dns={dns}/udp"),
        *("--publish", f"127.0.0.1:{dns}/udp", "--publish", f"127.0.0.1:{both}/udp"),
        *("--publish", f"127.0.0.1:{both}"),
    )
    app.run("deploy")
    yield Site(cli, app, dns, both)
    _remove_gateway(cli)


@pytest.mark.more
def test_deployments_lose_no_question(site: Site) -> None:
    clients = Clients()
    with site.asked(clients):
        for release in range(2, SWITCHES + 2):
            output = site.app.run("deploy", RELEASE=str(release))
            assert "cut" not in output.replace("0 cut", "").replace("cut over", ""), output
    assert (clients.lost, clients.old_answers()) == ([], [])
    by_kind = {kind: {one[2] for one in clients.answers if one[0] == kind} for kind in ("dns", "port", "tcp")}
    assert all(len(releases) > SWITCHES for releases in by_kind.values()), by_kind
    status = site.app.run("status")
    for address in (
        f"udp://127.0.0.1:{site.dns}",
        f"udp://127.0.0.1:{site.both}",
        f"tcp://127.0.0.1:{site.both}",
    ):
        assert address in status
    print(f"{len(clients.answers)} questions, 0 lost, 0 old answers")


class Kept(threading.Thread):
    """A client that keeps one socket, asks several times and waits, again and again."""

    def __init__(self, site: Site, pause: float) -> None:
        super().__init__()
        self.site, self.pause = site, pause
        self.answers: list[str] = []
        self.lost = 0
        self.is_over = threading.Event()

    def run(self) -> None:
        with self.site.client(self.site.dns) as client:
            while not self.is_over.is_set():
                try:
                    self.answers.append(question(client))
                except OSError:
                    self.lost += 1
                self.is_over.wait(self.pause)


@contextmanager
def keeping(*kept: Kept) -> Iterator[None]:
    for one in kept:
        one.start()
    try:
        yield
    finally:
        for one in kept:
            one.is_over.set()
        for one in kept:
            one.join()


@pytest.mark.more
def test_a_client_that_keeps_its_socket_stays_with_its_release_until_it_pauses(site: Site) -> None:
    """One that pauses moves without a loss; one that never does is moved at the drain's deadline."""
    pausing, busy = Kept(site, PAUSE), Kept(site, 0.02)
    with keeping(pausing, busy):
        output = site.app.run("deploy", RELEASE="50")
        last = len(pausing.answers)
        wait_for(lambda: len(pausing.answers) >= last + 2 and busy.answers[-1] == "50", seconds=30)
    assert pausing.lost == 0
    assert pausing.answers[-1] == "50"
    assert "1 cut" in output, output
    print(f"the busy one: {len(busy.answers)} answers, {busy.lost} lost at the deadline")
    assert busy.lost <= 1


@pytest.mark.long
@pytest.mark.more
def test_a_replaced_traefik_loses_no_question(site: Site) -> None:
    clients, busy = Clients(), Kept(site, 0.02)
    with site.asked(clients), keeping(busy):
        site.cli.run("gateway", "up", "--read-timeout", "50m")
        site.cli.run("gateway", "up", "--read-timeout", "51m")
    assert (clients.lost, busy.lost) == ([], 0)
    # and what it proves is proven of the new one, too
    clients = Clients()
    with site.asked(clients):
        site.app.run("deploy", RELEASE="60")
    assert (clients.lost, clients.old_answers()) == ([], [])
    print(f"{len(clients.answers)} questions and {len(busy.answers)} of one socket, 0 lost")


@pytest.mark.more
def test_after_down_nobody_answers(site: Site) -> None:
    assert site.ask(site.dns)
    site.app.run("down")
    with pytest.raises((TimeoutError, ConnectionError)):
        site.ask(site.dns)
