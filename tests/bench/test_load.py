"""The load generator against small real servers on loopback."""

from __future__ import annotations

import asyncio
import hashlib
import json
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import pytest

from bench.generator import DEFAULT_MIX, Generator, NotReadyError, Settings, in_turn
from bench.load import Load, LoadError, main
from bench.loopback import loopback
from bench.report import Kind, Report
from hitless.adapters.load.wire import KEPT_SECONDS, Address, Connection, Connections

QUICK_MIX: dict[Kind, float] = {"kept": 3, "fresh": 1, "post": 1}


class Server:
    """An application like the example's, but at once; ``broken`` makes one path misbehave."""

    def __init__(self) -> None:
        self.release = "1"
        self.broken: dict[str, str] = {}
        self.url = ""
        self.connections = 0
        self.requests = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while await self._answer(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        self.requests += 1
        path = head.split()[1].partition("?")[0]
        body = b""
        if "Content-Length: " in head:
            length = int(head.partition("Content-Length: ")[2].split()[0])
            body = await reader.readexactly(length)
        broken = self.broken.get(path)
        if broken == "reset":
            # No lingering: the close becomes a TCP reset instead of an orderly end.
            linger = struct.pack("ii", 1, 0)
            sock = writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            return False
        if broken == "close":
            return False
        if path == "/stream":
            return await self._stream(writer, 7 if broken == "cut" else 20)
        status = "502 Bad Gateway" if broken == "502" else "200 OK"
        text = f"{hashlib.sha256(body).hexdigest()} {len(body)}\n" if body else self.release
        text = "nonsense" if broken == "wrong" else text
        writer.write(
            f"HTTP/1.1 {status}\r\nX-Release: {self.release}\r\n"
            f"Content-Length: {len(text)}\r\n\r\n{text}".encode()
        )
        return broken != "close after"

    async def _stream(self, writer: asyncio.StreamWriter, lines: int) -> bool:
        head = f"HTTP/1.1 200 OK\r\nX-Release: {self.release}\r\nTransfer-Encoding: chunked\r\n\r\n"
        writer.write(head.encode())
        for _ in range(lines):
            writer.write(b"5\r\nline\n\r\n")
        if lines == 20:
            writer.write(b"0\r\n\r\n")
        return lines == 20


@contextmanager
def in_a_thread(server: Server) -> Iterator[None]:
    """Listen on a free port of loopback until the block ends."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    listening = asyncio.run_coroutine_threadsafe(
        asyncio.start_server(server.serve, "127.0.0.1", 0), loop
    ).result(5)
    server.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    try:
        yield
    finally:
        asyncio.run_coroutine_threadsafe(_shut(listening), loop).result(5)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        loop.close()


async def _shut(listening: asyncio.Server) -> None:
    listening.close()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    # A transport closes its socket a turn of the loop after its close().
    for _ in range(5):
        await asyncio.sleep(0)


@pytest.fixture
def server() -> Iterator[Server]:
    """Yield a server that answers rightly until told otherwise."""
    server = Server()
    with in_a_thread(server):
        yield server


def run(url: str, **settings: float | dict[Kind, float]) -> Report:
    """Run a short load in this process."""
    return asyncio.run(Generator(Settings(url, seconds=0.2, rate=200, **settings)).run())  # type: ignore[arg-type]


def test_a_server_that_answers_rightly_loses_nothing(server: Server) -> None:
    report = run(server.url, mix=dict(DEFAULT_MIX))

    assert report.lost == 0, report.lost_by
    assert report.sent == server.requests == 40
    assert report.ended_by == "time"
    assert report.releases == ("1",)
    assert {sample.kind for sample in report.samples} >= {"kept", "fresh", "post"}


def test_kept_requests_share_connections_and_fresh_ones_do_not(server: Server) -> None:
    kept = run(server.url, mix={"kept": 1})
    opened_by_kept = server.connections
    fresh = run(server.url, mix={"fresh": 1})

    assert kept.sent == fresh.sent == 40
    assert opened_by_kept < kept.sent  # how many, the machine decides: a late answer keeps its own
    assert server.connections - opened_by_kept == 40


@pytest.mark.parametrize(
    ("path", "broken", "lost"),
    [
        ("/", "reset", {("kept", "connection reset"), ("fresh", "connection reset")}),
        ("/", "close", {("kept", "disconnected"), ("fresh", "disconnected")}),
        ("/", "502", {("kept", "502"), ("fresh", "502")}),
        ("/", "wrong", {("kept", "wrong body"), ("fresh", "wrong body")}),
        ("/echo", "wrong", {("post", "wrong body")}),
        ("/echo", "reset", {("post", "connection reset")}),
        ("/stream", "cut", {("stream", "stream cut")}),
        ("/stream", "reset", {("stream", "connection reset")}),
    ],
)
def test_every_bad_answer_is_counted_with_its_cause(
    server: Server, path: str, broken: str, lost: set[tuple[Kind, str]]
) -> None:
    server.broken[path] = broken
    report = run(server.url, mix={"kept": 4, "fresh": 2, "post": 2, "stream": 2})
    kinds = {kind for kind, _ in lost}

    assert set(report.lost_by) == lost
    assert report.lost == sum(1 for sample in report.samples if sample.kind in kinds)
    # None was sent twice: what the server saw is what was counted.
    assert report.sent == server.requests


def test_a_refused_connection_is_counted() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        report = run(f"http://127.0.0.1:{unused.getsockname()[1]}", mix={"kept": 1})

    assert report.lost_by == {("kept", "connect refused"): 40}


def test_an_answer_of_somebody_else_is_lost(server: Server) -> None:
    server.release = ""
    assert set(run(server.url, mix={"kept": 1}).lost_by) == {("kept", "no release")}


@pytest.mark.parametrize("end", ["the server closes it", "it has been idle for long"])
def test_a_connection_that_has_ended_is_not_reused(server: Server, end: str) -> None:
    async def reused() -> list[bool]:
        connections = Connections(loopback(server.url))
        first = await _used(connections)
        again = await _used(connections)
        if end == "the server closes it":
            server.broken["/"] = "close after"
            await _used(connections)
            async with asyncio.timeout(5):
                while first.usable:
                    await asyncio.sleep(0.005)
        else:
            first.idle_since = time.monotonic() - KEPT_SECONDS
        other = await _used(connections)
        connections.close()
        await asyncio.sleep(0.01)
        return [again is first, other is first]

    assert asyncio.run(reused()) == [True, False]


async def _used(connections: Connections) -> Connection:
    connection = await connections.get(fresh=False)
    connection.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert await connection.body(await connection.head()) == b"1"
    connections.put(connection)
    return connection


def test_a_stalled_server_does_not_hold_back_the_schedule(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    deadlines = dict.fromkeys(DEFAULT_MIX, 0.3)
    monkeypatch.setattr("bench.generator.DEADLINES", deadlines)
    with socket.create_server(("127.0.0.1", 0), backlog=100) as deaf:
        report = run(f"http://127.0.0.1:{deaf.getsockname()[1]}", mix={"kept": 1})

    assert report.lost_by == {("kept", "read timeout"): 40}
    assert report.samples[-1].started - report.samples[0].started == pytest.approx(0.195, abs=0.1)


def test_kinds_take_turns_by_their_shares() -> None:
    turns = list(islice(in_turn(DEFAULT_MIX), 140))

    assert {kind: turns.count(kind) for kind in DEFAULT_MIX} == dict(DEFAULT_MIX)
    assert turns[:20].count("fresh") == 4


@pytest.mark.parametrize(
    "url",
    [
        "http://192.0.2.1:80",
        "http://example.org",
        "http://localhost.example.org",
        "https://127.0.0.1",
        "http://127.0.0.1:80/path",
        "127.0.0.1:80",
        "http://user@192.0.2.1:80",
        "http://0.0.0.0:80",
    ],
)
def test_load_goes_to_loopback_only(url: str) -> None:
    with pytest.raises(ValueError, match="LOOPBACK"):
        Load(url)


def test_loopback_has_several_names() -> None:
    assert loopback("http://localhost:8080") == Address("127.0.0.1", 8080)
    assert loopback("http://127.0.0.2/") == Address("127.0.0.2", 80)
    assert loopback("http://[::1]:8080") == Address("::1", 8080)


@pytest.mark.parametrize(
    "settings",
    [
        {"rate": 0},
        {"rate": 1e6},
        {"seconds": 0},
        {"seconds": 1e6},
        {"mix": {}},
        {"mix": {"held": 1}},
        {"held": 101},
    ],
)
def test_a_load_is_bounded(settings: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"rate|seconds|mix|held"):
        Load("http://127.0.0.1:1", **settings)  # type: ignore[arg-type]


def test_a_load_runs_beside_its_block(server: Server) -> None:
    before = time.monotonic()
    with Load(server.url, host="flask.localhost", rate=200, mix=QUICK_MIX) as load:
        began = time.monotonic()
        _wait(lambda: server.requests > 20)
        server.release = "2"
        seen = server.requests
        _wait(lambda: server.requests > seen + 20)
    report = load.report()

    assert report.lost == 0
    assert report.ended_by == "asked"
    assert report.releases == ("1", "2")
    assert report.mixed_seconds() < 0.1
    assert report.sent > 30
    first, second = report.first_answer("1"), report.first_answer("2")
    assert first is not None and second is not None
    assert before < first < began + 5 and began < second < time.monotonic()
    assert abs(report.epoch(second) - time.time()) < 30


def test_a_load_waits_for_the_first_right_answers_and_does_not_count_its_tries(
    server: Server,
) -> None:
    server.broken["/"] = "502"
    threading.Timer(0.5, server.broken.clear).start()
    with Load(server.url, rate=100, mix=QUICK_MIX) as load:
        assert not server.broken
    assert load.report().lost == 0


def test_an_application_that_never_answers_fails_the_load(server: Server) -> None:
    server.broken["/"] = "502"
    with (
        pytest.raises(LoadError, match=r"'kept'.*0\.2 s; the last try: 502"),
        Load(server.url, ready_deadline=0.2),
    ):
        pytest.fail("the block must not be entered")
    with pytest.raises(NotReadyError):
        asyncio.run(Generator(Settings(server.url, wait_ready=0.1)).run())


def test_there_is_no_report_while_the_load_runs(server: Server) -> None:
    with Load(server.url, mix=QUICK_MIX) as load, pytest.raises(LoadError):
        load.report()


def test_a_failing_block_keeps_its_error_and_the_report(server: Server) -> None:
    load = Load(server.url, mix=QUICK_MIX)
    with pytest.raises(ZeroDivisionError), load:
        _ = 1 / 0
    assert load.report().lost == 0


def test_the_shell_run_prints_a_summary_and_fails_when_something_was_lost(
    server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--url", server.url, "--seconds", "0.2", "--mix", "kept=1"]

    assert main(arguments) == 0
    assert "28 requests, 0 lost" in capsys.readouterr().out

    server.broken["/"] = "502"
    assert main([*arguments, "--json"]) == 1
    summary = json.loads(capsys.readouterr().out)
    assert summary["lost_by"] == [{"kind": "kept", "cause": "502", "count": 28}]


def test_the_module_runs_from_the_shell_and_refuses_other_hosts() -> None:
    done = subprocess.run(
        (sys.executable, "-m", "bench.load", "--url", "http://192.0.2.1:80"),
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "LOOPBACK" in done.stderr


def test_the_generator_ends_when_its_caller_dies(server: Server) -> None:
    worker = subprocess.Popen(
        (sys.executable, "-m", "bench.load", "--worker", "--url", server.url, "--mix", "kept=1"),
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    _wait(lambda: server.requests > 5)
    assert worker.stdin is not None and worker.stdout is not None and worker.stderr is not None
    worker.stdin.close()
    worker.stdout.close()

    assert worker.wait(5) == 0
    assert worker.stderr.read() == b""
    worker.stderr.close()


def _wait(fact: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not fact():
        assert time.monotonic() < deadline, "the fact did not come true within 5 s"
        time.sleep(0.005)
