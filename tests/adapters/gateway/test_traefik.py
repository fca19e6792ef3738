from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from hitless.adapters.docker.cli import DockerCli
from hitless.adapters.gateway import instance
from hitless.adapters.gateway.instance import answer_of, count_connections, request
from hitless.adapters.gateway.routing_file import is_whole, render
from hitless.adapters.gateway.shell import GatewayShell
from hitless.adapters.gateway.state import GatewayState
from hitless.adapters.gateway.traefik import Traefik
from hitless.domain.common.errors import DockerFailed, HitlessError
from hitless.domain.common.names import Colour
from hitless.domain.gateway.model import Gateway
from hitless.domain.release.requirements import Probe
from hitless.domain.routing.split import NOBODY, Routing
from hitless.ports.balancer import Answer
from tests.adapters.fake_docker import FakeDocker, recorded, recorded_text
from tests.domain.builders import part, router, routing

CONTAINER = "adapters-rec-traefik-1"
NC = ("nc",)
# as Traefik gave them to nc
TEAPOT = b"HTTP/1.1 418 I'm a teapot\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
NOT_FOUND = (
    b"HTTP/1.1 404 Not Found\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 19\r\n"
    b"Connection: close\r\n\r\n404 page not found\n"
)
CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    b"6\r\nhello \r\n5\r\nworld\r\n0\r\n\r\n"
)
ROUTING = Routing("rec", 5, NOBODY, {})
ONE, TWO = routing(Colour.BLUE, generation=1), routing(Colour.BLUE, generation=2)
TABLE = "\n".join(recorded("proc_net_tcp")["table"]) + "\n"
NONE = "Error response from daemon: No such container: adapters-rec-traefik-1\n"


def ok(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (len(body), body)


def rawdata(value: Any) -> bytes:
    return ok(json.dumps(value).encode())


@pytest.fixture
def gateway(docker: FakeDocker) -> Iterator[Traefik]:
    """The fake runs the real shell scripts, and an `nc` of the tests' own."""
    docker.answers("exec", way="shell")
    shell = GatewayShell(DockerCli(), "adapters-rec")
    yield Traefik.of_one(shell)
    shell.close()


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
def test_what_is_no_whole_http_answer_has_no_status_and_says_so(raw: bytes) -> None:
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
    # as BusyBox writes it
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
    assert half_closed.stdout == b""  # so the fake does tell the two apart


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


# the gateway's container


def test_the_running_gateway_and_what_its_labels_say(docker: FakeDocker, gateway: Traefik) -> None:
    docker.answers("container", "inspect", CONTAINER, stdout=recorded_text("container_gateway"))

    assert gateway.gateway() == Gateway(
        project="adapters-rec",
        container=CONTAINER,
        network="adapters-rec_webgateway",
        entry_points={"web": 80},
        http_port=18199,
        bound={"web": "127.0.0.1"},
        id="7dbb3088d29c6885856ecae5918b44a1ebc218d9790fb7afbd15467c7e650cce",
        networks=frozenset({"adapters-rec_webgateway"}),
    )


def test_no_gateway(docker: FakeDocker, gateway: Traefik) -> None:
    docker.answers("container", "inspect", stdout="[]\n", stderr=NONE, exit_code=1)

    assert gateway.gateway() is None


@pytest.mark.parametrize("status", ["exited", "created", "restarting", "paused"])
def test_a_gateway_that_does_not_run_is_none(docker: FakeDocker, gateway: Traefik, status: str) -> None:
    found = recorded("container_gateway")
    found[0]["State"]["Status"] = status
    docker.answers("container", "inspect", stdout=json.dumps(found))

    assert gateway.gateway() is None


@pytest.mark.parametrize("label", [None, "another"])
def test_a_container_that_hitless_did_not_make_is_not_touched(
    docker: FakeDocker, gateway: Traefik, label: str | None
) -> None:
    found = recorded("container_gateway")
    found[0]["Config"]["Labels"] = {"hitless.gateway": label} if label else None
    docker.answers("container", "inspect", stdout=json.dumps(found))

    with pytest.raises(HitlessError, match="hitless did not make") as raised:
        gateway.gateway()

    assert "--gateway" in raised.value.hint


def test_an_engine_that_does_not_answer_is_not_a_missing_gateway(
    docker: FakeDocker, gateway: Traefik
) -> None:
    docker.answers("container", "inspect", stderr="Cannot connect to the Docker daemon\n", exit_code=1)

    with pytest.raises(DockerFailed):
        gateway.gateway()


# the routing file


def test_the_delivered_file_is_there_whole_and_nothing_else(docker: FakeDocker, gateway: Traefik) -> None:
    docker.answers("exec", way="shell")
    routes = docker.root / "etc/hitless/routes"
    routes.mkdir(parents=True)

    locks = ExitStack()
    for name in ("rec", "other"):
        locks.enter_context(GatewayState(gateway.shell).lock(name, "alice", 0, print))
    hostile = routing(Colour.BLUE, {Colour.BLUE: part(1, router("Host(`größer`) && Path(`/$HOME/$(id)`)"))})
    gateway.deliver("rec", ONE)
    gateway.deliver("rec", hostile)
    gateway.deliver("other", TWO)

    texts = {"rec": render(hostile), "other": render(TWO)}
    assert files(routes) == {
        **{f"{name}.yml": text for name, text in texts.items()},
        **{f".copy/{name}": text for name, text in texts.items()},
    }
    with locks:
        gateway.deliver("rec", None)
        gateway.deliver("rec", None)
    assert set(files(routes)) == {"other.yml", ".copy/other"}


def test_an_application_called_copy_takes_nothing_from_a_delivery_of_another(
    docker: FakeDocker, gateway: Traefik
) -> None:
    """Whoever delivers takes away first what an earlier one has left under its name."""
    docker.answers("exec", way="shell")
    routes = docker.root / "etc/hitless/routes"
    routes.mkdir(parents=True)
    meanwhile = docker.directory / "cp"
    meanwhile.write_text(f'#!/bin/sh\n/bin/cp "$@" && rm -f {routes}/.next/copy.*\n')
    meanwhile.chmod(0o755)
    with GatewayState(gateway.shell).lock("rec", "alice", 0, print):
        gateway.deliver("rec", ONE)
    assert files(routes) == {"rec.yml": render(ONE), ".copy/rec": render(ONE)}


def test_what_is_delivered_is_what_traefik_reads_once_it_is_on_the_disk(
    docker: FakeDocker, gateway: Traefik
) -> None:
    docker.answers("exec", way="shell")
    routes, served = (docker.root / path for path in ("etc/hitless/routes", "run/hitless"))
    for folder in (routes, *(served / name for name in ("routes", "next", "aside"))):
        folder.mkdir(parents=True)
    (served / "aside/rec.yml").write_text("refused when it started")

    with GatewayState(gateway.shell).lock("rec", "alice", 0, print):
        gateway.deliver("rec", ONE)
        assert files(routes)["rec.yml"] == render(ONE)
        assert files(served) == {"lock": "", "routes/rec.yml": render(ONE)}
        gateway.deliver("rec", None)
    assert files(served) == {"lock": ""}


def test_a_delivery_that_finds_no_room_for_its_second_copy_has_changed_nothing(
    docker: FakeDocker, gateway: Traefik
) -> None:
    docker.answers("exec", way="shell")
    routes, served = (docker.root / path for path in ("etc/hitless/routes", "run/hitless"))
    for folder in (routes, *(served / name for name in ("routes", "next", "aside"))):
        folder.mkdir(parents=True)
    with GatewayState(gateway.shell).lock("rec", "alice", 0, print):
        gateway.deliver("rec", ONE)
        before = (files(routes), files(served))
        full = docker.directory / "cp"
        full.write_text("#!/bin/sh\necho 'cp: write error: No space left on device' >&2\nexit 1\n")
        full.chmod(0o755)
        with pytest.raises(DockerFailed, match="No space left on device"):
            gateway.deliver("rec", TWO)
    assert (files(routes), files(served)) == before


def test_a_sender_that_stands_still_in_the_middle_of_a_delivery_keeps_nobody_out(
    docker: FakeDocker, gateway: Traefik
) -> None:
    docker.answers("exec", way="shell")
    routes, served = (docker.root / path for path in ("etc/hitless/routes", "run/hitless"))
    for folder in (routes, *(served / name for name in ("routes", "next", "aside"))):
        folder.mkdir(parents=True)
    state = GatewayState(gateway.shell)
    with state.lock("rec", "alice", 0, print), state.lock("other", "bob", 0, print):
        frozen = gateway.shell.cli.open(*gateway.shell.argv("serve", "token"))
        try:
            assert frozen.stdin
            frozen.stdin.write(f"token deliver rec {gateway.shell.claims['rec']} 100\nhalf".encode())
            frozen.stdin.flush()
            wait_for(lambda: any(path.name.startswith("rec.") for path in routes.rglob(".next/*")))
            gateway.deliver("other", TWO)
        finally:
            frozen.kill()
            frozen.communicate()
    assert files(served)["routes/other.yml"] == render(TWO)
    assert "routes/rec.yml" not in files(served)


def wait_for(fact: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not fact():
        assert time.monotonic() < deadline, "it never came to be"
        time.sleep(0.01)


def files(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_the_file_that_traefik_refuses_is_named_in_its_own_words(
    docker: FakeDocker, gateway: Traefik
) -> None:
    assert gateway.refused() == ""
    line = (
        "\x1b[90m2026-11-26T02:29:31Z\x1b[0m \x1b[31mERR\x1b[0m \x1b[1mError occurred during watcher callback"
        '\x1b[0m \x1b[36merror=\x1b[0m\x1b[31m\x1b[1m"collecting file configs: /run/hitless/routes/b.yml: '
        'field not found, node: rulee"\x1b[0m\x1b[0m \x1b[36mproviderName=\x1b[0mfile\n'
    )
    docker.answers("logs", stderr=line)
    assert gateway.refused() == "b.yml: field not found, node: rulee"


@pytest.mark.parametrize("arrived", ["", "one: complete"])
def test_a_delivery_that_is_cut_short_leaves_the_former_file_in_force(
    docker: FakeDocker, gateway: Traefik, arrived: str
) -> None:
    # hitless killed before it has written all: docker exec passes the end of its stdin on like any other
    routes = docker.root / "etc/hitless/routes"
    routes.mkdir(parents=True)
    docker.answers("exec", way="shell")
    with GatewayState(gateway.shell).lock("rec", "alice", 0, print):
        gateway.deliver("rec", ONE)
        words = gateway.shell.argv("serve", "token")
        line = f"token deliver rec {gateway.shell.claims['rec']} 23\n{arrived}"
        subprocess.run(("docker", *words), input=line.encode(), check=False)

    assert (routes / "rec.yml").read_text() == render(ONE)


# what is in force


@pytest.mark.parametrize(
    ("raw", "is_in_force"),
    [(TEAPOT, True), (NOT_FOUND, False), (ok(b"an application"), False), (b"", False), (b"garbage", False)],
)
def test_a_generation_is_in_force_when_its_marker_answers(
    docker: FakeDocker, gateway: Traefik, raw: bytes, is_in_force: bool
) -> None:
    docker.answers(*NC, stdout=raw, way="nc")

    assert gateway.in_force("rec", ROUTING) is is_in_force
    [call] = docker.requests
    assert call.argv[-2:] == ("127.0.0.1", "80")
    assert call.stdin.startswith("GET /rec/5 HTTP/1.1\r\nHost: hitless.internal\r\n")


@pytest.mark.parametrize(
    ("application", "is_gone"), [("rec", False), ("broken", False), ("re", True), ("shop", True)]
)
def test_no_routing_is_in_force_when_no_router_is_left(
    docker: FakeDocker, gateway: Traefik, application: str, is_gone: bool
) -> None:
    docker.answers(*NC, stdout=rawdata(recorded("rawdata")), way="nc")

    assert gateway.in_force(application, None) is is_gone
    [call] = docker.requests
    assert call.argv[-2:] == ("127.0.0.1", "8080")
    assert call.stdin.startswith("GET /api/rawdata HTTP/1.1\r\n")


def test_no_routing_is_in_force_where_traefik_has_nothing_at_all(
    docker: FakeDocker, gateway: Traefik
) -> None:
    docker.answers(*NC, stdout=rawdata({}), way="nc")

    assert gateway.in_force("rec", None)


@pytest.mark.parametrize(("raw", "said"), [(NOT_FOUND, "404"), (b"", "closed without an answer")])
def test_an_api_that_does_not_answer_is_an_error_that_says_so(
    docker: FakeDocker, gateway: Traefik, raw: bytes, said: str
) -> None:
    docker.answers(*NC, stdout=raw, way="nc")

    with pytest.raises(HitlessError, match=said) as raised:
        gateway.in_force("rec", None)

    assert "hitless gateway logs" in raised.value.hint


def test_complaints_name_what_is_broken_as_the_user_named_it(docker: FakeDocker, gateway: Traefik) -> None:
    docker.answers(*NC, stdout=rawdata(recorded("rawdata")), way="nc")

    assert gateway.complaints(Routing("broken", 1, NOBODY, {})) == (
        'router api.v1: middleware "missing@file" does not exist',
        "router web: error parsing BasicUser: nocolon",
        "middleware auth: error parsing BasicUser: nocolon",
    )


def test_an_application_without_faults_has_no_complaints(docker: FakeDocker, gateway: Traefik) -> None:
    docker.answers(*NC, stdout=rawdata(recorded("rawdata")), way="nc")

    assert gateway.complaints(ROUTING) == ()


# connections


def test_requests_in_flight_are_counted_and_those_that_ended_are_not() -> None:
    # 2 ESTABLISHED and 3 TIME_WAIT
    assert TABLE.count("04001AAC:1F40") == 5
    assert count_connections(TABLE, ["172.26.0.4"]) == 2


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
        found = Traefik.of_one(shell).closes_idle(Probe("127.0.0.1", port, "/", "shop.example"))
        assert (found is not None and found < 1) is is_early
    shell.close()


NC_BY_SOCKET = f"""#!{sys.executable} -IS
import os, socket, sys
peer = socket.create_connection((sys.argv[1], int(sys.argv[2])))
peer.sendall(os.read(0, 65536))
while data := peer.recv(65536):
    os.write(1, data)
"""


# the gateway's own certificate


def test_the_gateways_own_certificate_is_made_once(docker: FakeDocker, gateway: Traefik) -> None:
    docker.answers("exec", way="shell")
    routes = docker.root / "etc/hitless/routes"
    routes.mkdir(parents=True)
    file = routes / ".certificate.yml"

    gateway.certify()

    text = file.read_text()
    assert is_whole(text)
    assert file.stat().st_mode & 0o137 == 0  # its group, which is Traefik's, reads it, and nobody else
    pair = yaml.safe_load(text)["tls"]["stores"]["default"]["defaultCertificate"]
    found = x509.load_pem_x509_certificate(pair["certFile"].encode())
    key = serialization.load_pem_private_key(pair["keyFile"].encode(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    assert found.public_key() == key.public_key()
    assert timedelta(days=3640) < found.not_valid_after_utc - datetime.now(UTC) < timedelta(days=3660)

    gateway.certify()
    assert file.read_text() == text
    # nor while its copy is there
    file.write_text("")
    gateway.certify()
    assert file.read_text() == ""
    assert GatewayState(gateway.shell).heal() == ()
    assert file.read_text() == text
    # one that is lost is made again
    file.write_text("")
    (routes / ".copy/.certificate").write_text("")
    gateway.certify()
    assert is_whole(file.read_text())
    assert file.read_text() != text


def test_the_gateways_own_files_are_no_routing_files(docker: FakeDocker, gateway: Traefik) -> None:
    docker.answers("exec", way="shell")
    for folder in ("etc/hitless/routes", "var/lib/hitless"):
        (docker.root / folder).mkdir(parents=True)
    gateway.certify()
    with GatewayState(gateway.shell).lock("rec", "alice", 0, print):
        gateway.deliver("rec", replace(ONE, application="rec"))
    found = GatewayState(gateway.shell).read(None)
    assert (set(found.routings), found.broken) == ({"rec"}, {})


def test_the_dashboards_routes_are_for_the_addresses_of_the_docker_host(
    docker: FakeDocker, gateway: Traefik
) -> None:
    docker.answers("exec", way="shell")
    docker.answers("network", "inspect", stdout="172.20.0.1 fd00::1/64 \n")
    routes = docker.root / "etc/hitless/routes"
    routes.mkdir(parents=True)
    file = routes / ".dashboard.yml"
    gateway.show_dashboard(True)

    text = file.read_text()
    assert is_whole(text)
    for found in yaml.safe_load(text)["http"]["routers"].values():
        assert found["rule"].startswith("(ClientIP(`172.20.0.1`) || ClientIP(`fd00::1`)) && ")
        assert found["entryPoints"] == ["dashboard"]

    gateway.show_dashboard(True)
    assert file.read_text() == text
    gateway.show_dashboard(False)
    assert [path for path in routes.rglob("*") if path.is_file()] == []
