"""The load against small real servers on loopback: each failure seen, and the bounds."""

from __future__ import annotations

import asyncio
import errno
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import pytest

from hitless.adapters.docker.cli import DockerCli
from hitless.adapters.load import load as loads
from hitless.adapters.load.load import GatewayLoad, published
from hitless.adapters.load.wire import Address
from hitless.domain.common.errors import HitlessError
from hitless.domain.gateway.settings import GatewaySettings
from hitless.domain.proof.observations import Failure, Sample, Target, Visit
from tests.adapters.fake_docker import FakeDocker

SHOP = Target("shop.example", "/")
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
NOT_FOUND = b"HTTP/1.1 404 Not Found\r\nContent-Length: 19\r\n\r\n404 page not found\n"
BAD_GATEWAY = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 11\r\n\r\nBad Gateway"


def load_at(ip: str, port: int) -> GatewayLoad:
    return GatewayLoad({"web": Address(ip, port)})


@dataclass
class Server:
    """Answers every request with `answer`; with b"" it closes at once, with None it sends nothing."""

    answer: bytes | None = OK
    closes: bool = False
    resets: bool = False
    port: int = 0
    connections: int = 0
    heads: list[str] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                self.heads.append((await reader.readuntil(b"\r\n\r\n")).decode())
                if self.answer is None:
                    await asyncio.sleep(30)
                if self.resets:
                    sock = writer.get_extra_info("socket")
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                writer.write(self.answer or b"")
                if not self.answer or self.closes:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    @property
    def load(self) -> GatewayLoad:
        return load_at("127.0.0.1", self.port)


@contextmanager
def serving(server: Server) -> Iterator[Server]:
    loop = asyncio.new_event_loop()
    up = threading.Event()

    async def run() -> None:
        listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
        server.port = listening.sockets[0].getsockname()[1]
        up.set()
        with suppress(asyncio.CancelledError):
            await listening.serve_forever()

    def work() -> None:
        with suppress(RuntimeError, asyncio.CancelledError):
            loop.run_until_complete(run())

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    assert up.wait(5)
    yield server
    loop.call_soon_threadsafe(lambda: [task.cancel() for task in asyncio.all_tasks(loop)])
    thread.join(5)


def wait_for(fact: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not fact():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def sent(
    load: GatewayLoad, seconds: float = 0.3, rate: float = 50, targets: tuple[Target, ...] = (SHOP,)
) -> list[Sample]:
    with load.sending(targets, rate) as running:
        time.sleep(seconds)
    return running.samples


def test_right_answers_at_the_rate_on_kept_and_fresh_connections() -> None:
    with serving(Server()) as server:
        samples = sent(server.load, seconds=1.0, rate=40)

    assert 35 <= len(samples) <= 45
    assert {(one.status, one.failure, one.is_gateways) for one in samples} == {(200, None, False)}
    assert all(0 <= one.ended - one.began < 1 for one in samples)
    # every fourth on its own connection, the others on few
    assert len(samples) / 4 <= server.connections <= len(samples) / 2
    assert "Host: shop.example\r\n" in server.heads[0]
    assert "User-Agent: hitless-prove\r\n" in server.heads[0]


def test_paths_take_turns() -> None:
    cart = Target("shop.example", "/cart?item=1")
    with serving(Server()) as server:
        samples = sent(server.load, targets=(SHOP, cart))

    counted = Counter(one.target for one in samples)
    assert abs(counted[SHOP] - counted[cart]) <= 1
    assert any(head.startswith("GET /cart?item=1 HTTP/1.1\r\n") for head in server.heads)


@pytest.mark.parametrize(
    ("server", "status", "failure", "is_gateways"),
    [
        (Server(b"HTTP/1.1 500 Oh\r\nContent-Length: 2\r\n\r\nno"), 500, None, False),
        (Server(b"HTTP/1.1 404 No\r\nContent-Length: 2\r\n\r\nno"), 404, None, False),
        (Server(NOT_FOUND), 404, None, True),
        (Server(BAD_GATEWAY), 502, None, True),
        (Server(b"HTTP/1.1 204 None\r\n\r\n"), 204, None, False),
        (Server(b"HTTP/1.1 304 Same\r\nContent-Length: 9\r\n\r\n"), 304, None, False),
        (Server(b""), 0, Failure.RESET, False),
        (Server(b"", resets=True), 0, Failure.RESET, False),
        (Server(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok", closes=True), 0, Failure.CUT, False),
        (Server(b"SSH-2.0-nothing\r\n\r\n"), 0, Failure.GARBLED, False),
    ],
    ids=["500", "404", "no route", "502", "204", "304", "closed", "reset", "cut", "no HTTP"],
)
def test_each_failure_is_seen(
    server: Server, status: int, failure: Failure | None, is_gateways: bool
) -> None:
    with serving(server):
        samples = sent(server.load)

    assert samples
    assert {(one.status, one.failure, one.is_gateways) for one in samples} == {(status, failure, is_gateways)}


def test_nobody_listens() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    samples = sent(load_at("127.0.0.1", port))

    assert {one.failure for one in samples} == {Failure.REFUSED}


def test_too_many_open_files_are_this_machines_own_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(*_: object) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(asyncio, "open_connection", refuse)
    assert {one.failure for one in sent(load_at("127.0.0.1", 1))} == {Failure.UNSENT}


def test_no_answer_in_time_and_too_many_that_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loads, "DEADLINE", 0.5)
    monkeypatch.setattr(loads, "MAX_UNDER_WAY", 5)
    with serving(Server(None)) as server:
        samples = sent(server.load)

    counted = Counter(one.failure for one in samples)
    assert counted[Failure.TIMEOUT] == 5
    assert counted[Failure.UNSENT] == len(samples) - 5 > 0


def test_those_under_way_are_waited_for_at_the_end() -> None:
    with serving(Server(None)) as server:
        began = time.monotonic()
        with server.load.sending((SHOP,), 20) as running:
            time.sleep(0.2)
            server.answer = OK
            time.sleep(0.2)
            # earlier requests get no answer, and would delay the test
            running.is_given_up = True
        assert time.monotonic() - began < 5
    assert {one.status for one in running.samples} == {200}


def test_a_block_that_fails_waits_for_nobody() -> None:
    with serving(Server(None)) as server:
        began = time.monotonic()
        with suppress(KeyboardInterrupt), server.load.sending((SHOP,), 20):
            time.sleep(0.2)
            raise KeyboardInterrupt
        assert time.monotonic() - began < 5


@pytest.mark.parametrize(("bound", "value"), [("MAX_REQUESTS", 5), ("MAX_SECONDS", 0.1)])
def test_the_load_ends_by_itself(bound: str, value: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loads, bound, value)
    with serving(Server()) as server, server.load.sending((SHOP,), 50) as running:
        wait_for(lambda: running.is_over)
    assert 1 <= len(running.samples) <= 6


@pytest.mark.parametrize("rate", [0, -1, 201])
def test_a_rate_that_is_out_of_bounds(rate: float) -> None:
    with pytest.raises(ValueError, match="at most 200"), load_at("::1", 1).sending((), rate):
        pass


def test_a_visit_takes_cookies_and_brings_cookies() -> None:
    answer = (
        b"HTTP/1.1 302 Found\r\nSet-Cookie: sid=abc=1; Path=/; HttpOnly\r\nSet-Cookie: a=b\r\n"
        b"Location: /login\r\nContent-Length: 0\r\n\r\n"
    )
    with serving(Server(answer)) as server:
        found = server.load.visit(SHOP, {"x": "1", "y": "2"})

    assert found == Visit(302, {"sid": "abc=1", "a": "b"}, "/login")
    assert "Cookie: x=1; y=2\r\n" in server.heads[0]


def test_a_visit_without_an_answer() -> None:
    with serving(Server(b"")) as server:
        assert server.load.visit(SHOP, {}) == Visit(0, problem="connection closed without an answer")


# where the gateway is


@pytest.mark.parametrize(
    ("bind", "ip"),
    [("0.0.0.0", "127.0.0.1"), ("::", "::1"), ("127.0.0.1", "127.0.0.1"), ("10.1.2.3", "10.1.2.3")],
)
def test_the_load_goes_to_where_the_gateway_is_published(
    bind: str, ip: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///var/run/docker.sock")
    assert published(DockerCli(), GatewaySettings(http_port=8081, bind=bind)) == {"web": Address(ip, 8081)}


@pytest.mark.parametrize("endpoint", ["ssh://deploy@shop.example", "tcp://10.0.0.9:2376"])
def test_another_machine_is_refused_with_a_next_step(endpoint: str, docker: FakeDocker) -> None:
    docker.answers("context", "inspect", stdout=f"{endpoint}\n")
    with pytest.raises(HitlessError) as refused:
        published(DockerCli("production"), GatewaySettings())
    assert endpoint in refused.value.message
    assert "on the Docker host itself" in refused.value.hint


@pytest.mark.parametrize(
    "endpoint", ["unix:///run/docker.sock", "tcp://127.0.0.1:2375", "tcp://localhost:2375"]
)
def test_a_docker_host_that_is_this_machine(endpoint: str, docker: FakeDocker) -> None:
    docker.answers("context", "inspect", stdout=f"{endpoint}\n")
    assert published(DockerCli(), GatewaySettings())["web"] == Address("127.0.0.1", 80)
    assert docker.argvs == [("context", "inspect", "--format", "{{.Endpoints.docker.Host}}")]


def test_without_a_gateway() -> None:
    with pytest.raises(HitlessError, match="the gateway is not up"):
        published(DockerCli(), None)


def test_ports_that_it_publishes_for_applications_are_asked_where_they_are(docker: FakeDocker) -> None:
    docker.answers("context", "inspect", stdout="unix:///run/docker.sock\n")
    settings = GatewaySettings(http_port=8081, ports={5000: "127.0.0.1", 8080: ""})

    assert published(DockerCli(), settings) == {
        "web": Address("127.0.0.1", 8081),
        "port-5000": Address("127.0.0.1", 5000),
        "port-8080": Address("127.0.0.1", 8080),
    }
