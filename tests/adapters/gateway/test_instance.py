from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from threading import Thread

import pytest

from hitless.adapters.docker.cli import DockerCli
from hitless.adapters.gateway import instance
from hitless.adapters.gateway.connections import count_connections, count_sessions, udp_sessions
from hitless.adapters.gateway.instance import TraefikInstance, answer_of, request
from hitless.adapters.gateway.shell import GatewayShell
from hitless.adapters.gateway.traefik import Traefik
from hitless.domain.gateway.instances import Listening
from hitless.domain.release.requirements import Probe
from hitless.ports.balancer import Answer
from tests.adapters.fake_docker import FakeDocker
from tests.adapters.gateway.traefiks import CHUNKED, NC, NOT_FOUND, TABLE, TEAPOT, ok, traefik_of

# the request and its answer


def test_a_request_names_its_host_and_asks_for_the_connection_to_be_closed() -> None:
    probe = Probe("web-1", 8000, "/health?deep=1", "shop.example", method="HEAD", headers=(("X-A", "b"),))

    assert request(probe) == (
        b"HEAD /health?deep=1 HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: hitless\r\nAccept: */*\r\n"
        b"Connection: close\r\nX-A: b\r\n\r\n"
    )


def test_the_users_own_header_takes_the_place_of_ours() -> None:
    probe = Probe("web-1", 8000, "/", "shop.example", headers=(("User-Agent", "theirs"),))

    assert request(probe).count(b"User-Agent") == 1
    assert b"User-Agent: theirs\r\n" in request(probe)


@pytest.mark.parametrize(
    ("raw", "answer"),
    [
        (ok(b"hello"), Answer(200, "hello")),
        (TEAPOT, Answer(418, "")),
        (NOT_FOUND, Answer(404, "404 page not found\n")),
        (CHUNKED, Answer(200, "hello world")),
        (b"HTTP/1.0 200 OK\r\n\r\nto the end", Answer(200, "to the end")),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + ok(b"later"), Answer(200, "later")),
        (ok(b"caf\xe9"), Answer(200, "caf�")),
    ],
    ids=["200", "418", "404", "chunked", "until-closed", "continue", "no-utf8"],
)
def test_an_answer_has_its_status_and_body(raw: bytes, answer: Answer) -> None:
    assert answer_of(raw, "") == answer


@pytest.mark.parametrize(
    "raw",
    [
        b"\x16\x03\x01garbage\r\n",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnot a size\r\n",
    ],
    ids=["tls", "ssh", "no-status", "bad-chunk"],
)
def test_what_is_no_whole_http_answer_has_no_status_and_says_that(raw: bytes) -> None:
    answer = answer_of(raw, "")

    assert answer.status == 0
    assert answer.body.startswith("this is no HTTP answer")


def test_an_answer_to_head_has_a_length_and_no_body() -> None:
    raw = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"
    assert answer_of(raw, "", "HEAD") == Answer(200, "")


def test_an_answer_without_end_keeps_its_status() -> None:
    raw = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\ntoo little"
    assert answer_of(raw, "") == Answer(200, "too little")


def test_no_answer_at_all_gives_the_reason_that_nc_gave() -> None:
    # BusyBox writes it in this way
    refused = "nc: can't connect to remote host (127.0.0.1): Connection refused\n"

    assert answer_of(b"", refused) == Answer(
        0, "can't connect to remote host (127.0.0.1): Connection refused"
    )
    assert answer_of(b"", "") == Answer(0, "closed without an answer")


# asking


def test_a_request_is_made_by_nc_inside_the_gateway(docker: FakeDocker, gateway: Traefik) -> None:
    docker.answers(*NC, stdout=ok(b"up"), way="nc")
    probe = Probe("web-1", 8000, "/health", "shop.example")

    assert gateway.ask([probe]) == (Answer(200, "up"),)
    [call] = docker.requests
    assert call.argv == ("nc", "web-1", "8000")
    assert call.stdin.encode() == request(probe)


def test_stdin_stays_open_until_the_answer_is_there(docker: FakeDocker, gateway: Traefik) -> None:
    # nc half-closes the connection at the end of its stdin; the fake then answers nothing, as servers do
    # that take this for a client that has gone
    docker.answers(*NC, stdout=ok(b"still there"), way="nc")
    probe = Probe("web-1", 8000, "/", "h")

    assert gateway.ask([probe]) == (Answer(200, "still there"),)

    words = (docker.directory / "nc", "web-1", "8000")
    half_closed = subprocess.run(words, input=request(probe), capture_output=True, check=True)
    assert half_closed.stdout == b""  # so the fake knows the two from each other


def test_many_requests_are_answered_in_their_order(docker: FakeDocker, gateway: Traefik) -> None:
    probes = [Probe(f"web-{number}", 8000, "/", "h") for number in range(6)]
    for probe in probes:
        docker.answers(*NC, probe.container, stdout=ok(probe.container.encode()), way="nc")

    assert [answer.body for answer in gateway.ask(probes)] == [probe.container for probe in probes]


def test_nothing_to_ask_is_nothing_asked(docker: FakeDocker, gateway: Traefik) -> None:
    assert gateway.ask([]) == ()
    assert docker.calls == []


def test_a_refused_connection_is_no_answer(docker: FakeDocker, gateway: Traefik) -> None:
    docker.answers(*NC, stderr="nc: bad address 'nowhere'\n", exit_code=1, way="nc")

    assert gateway.ask([Probe("nowhere", 81, "/", "h")]) == (Answer(0, "bad address 'nowhere'"),)


def test_a_connection_that_is_accepted_or_not(docker: FakeDocker, gateway: Traefik) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert gateway.ask([Probe("127.0.0.1", port, tcp=True)])[0].status == 200
    assert gateway.ask([Probe("127.0.0.1", port, tcp=True)])[0].status == 0


def test_a_server_that_takes_the_request_and_never_answers_is_given_up(
    docker: FakeDocker, gateway: Traefik, monkeypatch: pytest.MonkeyPatch
) -> None:
    # BusyBox's -w limits the connecting alone: with stdin open, nc reads on for ever (seen in the gateway)
    monkeypatch.setattr(instance, "_ASK_TIMEOUT", 1)
    docker.answers(*NC, way="silent")
    began = time.monotonic()

    [answer] = gateway.ask([Probe("web-1", 8000, "/", "h")])

    assert answer.status == 0
    assert time.monotonic() - began < 2.5


# connections


def test_requests_in_flight_are_counted_and_those_that_ended_are_not() -> None:
    # 2 ESTABLISHED and 3 TIME_WAIT
    assert TABLE.count("04001AAC:1F40") == 5
    assert count_connections(TABLE, ["172.26.0.4"]) == 2


UDP_TABLE = """\
  sl local_address rem_address st tx_queue rx_queue tr tm->when retrnsmt uid timeout inode ref drops
  512: 00000000:1388 00000000:0000 07 00000000:00000000 00:00000000 00000000 65532        0 4001 2
  513: 03001AAC:1F40 04001AAC:14B4 01 00000000:00000000 00:00000000 00000000 65532        0 4002 2
  514: 03001AAC:9C42 04001AAC:14B4 01 00000000:00000000 00:00000000 00000000 65532        0 4003 2
  515: 03001AAC:9C43 05001AAC:14B4 01 00000000:00000000 00:00000000 00000000 65532        0 4004 2
  516: 0B00007F:8D7B 04001AAC:14B5 01 00000000:00000000 00:00000000 00000000 65532        0 4005 2
"""


def test_sessions_of_udp_are_counted_also_with_a_local_port_that_is_one_of_tcp() -> None:
    assert count_connections(UDP_TABLE, ["172.26.0.4"]) == 3
    assert count_connections(f"{TABLE}\n{UDP_TABLE}", ["172.26.0.4"]) == 5
    assert count_sessions(f"{TABLE}\n{UDP_TABLE}", ["172.26.0.4"]) == 3


def test_sessions_of_udp_to_a_server_by_their_sockets() -> None:
    assert udp_sessions(UDP_TABLE, {"172.26.0.4": [5300]}) == {"4002", "4003"}
    assert udp_sessions(UDP_TABLE, {"172.26.0.4": [53], "172.26.0.9": [5300]}) == frozenset()
    assert udp_sessions(TABLE, {"172.26.0.4": [8000]}) == frozenset()


ROW = "  99: 03001AAC:9C99 {}:14B4 01 00000000:00000000 00:00000000 00000000 65532 0 4099 2\n"


@pytest.mark.parametrize(
    ("more", "is_proven"),
    [(ROW.format("04001AAC"), True), (ROW.format("05001AAC"), False), ("", False)],
    ids=["to a server", "to another release", "not yet"],
)
def test_a_new_session_leads_to_a_server_or_not(
    more: str, is_proven: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, ...]] = []

    def run(self: GatewayShell, *function: str) -> tuple[bytes, str]:
        asked.append(function)
        if function[0] == "knock":
            return f"{UDP_TABLE}dns-1 172.26.0.4 \ndns-2 \n".encode(), ""
        return f"{TABLE}\n{UDP_TABLE}{more}".encode(), ""

    monkeypatch.setattr(GatewayShell, "run", run)
    second = Listening({"port-53-udp": 61_007})
    found = TraefikInstance(GatewayShell(DockerCli(), "traefik"), second)
    assert found.opens_session("port-53-udp", ["dns-1:5300", "dns-2:5300"]) is is_proven
    assert asked[0] == ("knock", "61007", "dns-1", "dns-2")


def test_a_probe_of_a_tcp_port_is_not_for_the_udp_port_with_its_number(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[tuple[str, ...]] = []

    def run(self: GatewayShell, *function: str, timeout: float) -> tuple[bytes, str]:
        asked.append(function)
        return ok(b""), ""

    monkeypatch.setattr(GatewayShell, "run", run)
    second = Listening({"port-53": 61_006, "port-53-udp": 61_007})
    TraefikInstance(GatewayShell(DockerCli(), "traefik"), second).ask([Probe("127.0.0.1", 53, "/", "h")])
    assert asked[0][:3] == ("probe", "127.0.0.1", "61006")


def test_without_an_address_of_any_server_nobody_can_be_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(GatewayShell, "run", lambda *_: (f"{UDP_TABLE}dns-1 \n".encode(), ""))
    found = TraefikInstance(GatewayShell(DockerCli(), "traefik"))
    assert found.opens_session("port-53-udp", ["dns-1:5300"])


def test_connections_to_other_addresses_are_not_counted() -> None:
    assert count_connections(TABLE, ["172.26.0.9"]) == 0
    assert count_connections(TABLE, []) == 0


def test_what_only_listens_is_no_connection() -> None:
    assert count_connections(TABLE, ["127.0.0.1", "127.0.0.11"]) == 0


@pytest.mark.parametrize(
    ("state", "count"),
    [("01", 1), ("02", 1), ("04", 1), ("08", 1), ("06", 0)],
    ids=["ESTABLISHED", "SYN_SENT", "FIN_WAIT1", "CLOSE_WAIT", "TIME_WAIT"],
)
def test_every_state_but_time_wait_counts(state: str, count: int) -> None:
    row = f"   9: 02001AAC:B394 05001AAC:1F40 {state} 00000000:00000000 00:00000000 00000000 65532 0 1 2\n"

    assert count_connections(TABLE + row, ["172.26.0.5"]) == count


def test_a_mapped_address_in_tcp6_counts_as_well() -> None:
    prefix = "0000000000000000FFFF0000"
    row = f"   9: {prefix}02001AAC:B394 {prefix}04001AAC:1F40 01 00000000:00000000 00:00000000 00000000 0 0\n"

    assert count_connections(TABLE + row, ["172.26.0.4"]) == 3


def test_the_connections_to_several_addresses_are_added_up() -> None:
    row = "   9: 02001AAC:B394 05001AAC:1F40 01 00000000:00000000 00:00000000 00000000 65532 0 1 2\n"

    assert count_connections(TABLE + row, ["172.26.0.4", "172.26.0.5"]) == 3


def test_a_container_that_is_a_client_of_the_gateway_holds_no_request_of_ours() -> None:
    # rows whose local port is the gateway's own (0050): somebody at 172.26.0.1 asks the gateway. A container
    # that keeps such a connection open (a pool, to another application) must not hold up its own draining.
    assert TABLE.count("01001AAC:") == 2
    assert count_connections(TABLE, ["172.26.0.1"]) == 0


def test_the_connections_are_those_of_the_gateways_own_kernel(gateway: Traefik) -> None:
    address = "127.77.66.55"  # nobody else's
    assert gateway.connections([address]) == 0
    with socket.create_server((address, 0)) as server:
        clients = [socket.create_connection(server.getsockname()) for _ in range(2)]
        assert gateway.connections([address]) == 2
        clients[0].close()
        assert gateway.connections([address]) in (1, 2)  # it may be there half closed
        clients[1].close()


# idle connections


def idle_server(seconds: float, answer: bytes) -> Iterator[int]:
    """A server that closes a connection so long after its answer; its port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(answer)
                time.sleep(seconds)

        thread = Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1]


@pytest.mark.parametrize(
    ("seconds", "answer", "is_early"),
    [
        (0.1, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", True),
        (3.0, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", False),
        (0.3, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok", False),
        (0.3, b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", False),
        (0.0, b"", False),
    ],
    ids=["early", "late", "says so", "HTTP/1.0", "no answer"],
)
def test_a_server_that_closes_idle_connections_before_the_gateway_does(
    seconds: float, answer: bytes, is_early: bool, docker: FakeDocker
) -> None:
    # the real script, and an nc that talks to a real server
    (docker.directory / "nc").write_text(NC_BY_SOCKET)
    docker.answers("exec", way="shell")
    shell = GatewayShell(DockerCli(), "adapters-rec")
    for port in idle_server(seconds, answer):
        found = traefik_of(shell).closes_idle(Probe("127.0.0.1", port, "/", "shop.example"))
        assert (found is not None and found < 1) is is_early
    shell.close()


NC_BY_SOCKET = f"""#!{sys.executable} -IS
import os, socket, sys
peer = socket.create_connection((sys.argv[1], int(sys.argv[2])))
peer.sendall(os.read(0, 65536))
while data := peer.recv(65536):
    os.write(1, data)
"""
