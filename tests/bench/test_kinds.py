"""Each of the later kinds against small real servers on loopback: right, and wrong in every way.

server.pem is a certificate of nobody with its key, made for this file alone.
"""

from __future__ import annotations

import asyncio
import hashlib
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc import aio
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import RequestReceived
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from bench.generator import DEADLINES, Generator, Settings
from bench.http1 import UPLOAD_CHUNKS
from bench.report import Kind, Report

Serving = Callable[[str], AbstractAsyncContextManager[int]]

CERTIFICATE = Path(__file__).with_name("server.pem")
RELEASE = "7"


@pytest.fixture(autouse=True)
def _quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.http1.UPLOAD_EVERY", 0.01)
    monkeypatch.setattr("bench.http1.LONG_CHUNKS", 60)
    monkeypatch.setattr("bench.websocket.MESSAGE_EVERY", 0.01)
    monkeypatch.setattr("bench.websocket.HELD_EVERY", 0.02)
    monkeypatch.setattr("bench.generator.OPEN_AGAIN", 0.05)
    monkeypatch.setattr("bench.generator.DEADLINES", dict.fromkeys(DEADLINES, 2.0))


def run(serving: Serving, how: str, kind: Kind, held: int = 0, long: int = 0) -> Report:
    """Send ten requests of one kind to a server that behaves in this way."""

    async def both() -> Report:
        async with serving(how) as port:
            url = f"http://127.0.0.1:{port}"
            settings = Settings(url, "bench.localhost", 50, 0.2, {kind: 1}, held=held, long=long)
            return await Generator(settings).run()

    return asyncio.run(both())


@asynccontextmanager
async def http1(how: str) -> AsyncIterator[int]:
    """Uploads are proved and events counted."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        release = "" if how == "no release" else f"X-Release: {RELEASE}\r\n"
        status = how if how in ("500", "503", "502") else "200"
        body = b"".join(b"id: %d\ndata: 7\n\n" % n for n in range(1, 21 if how != "too few" else 20))
        if head.startswith(b"POST"):
            if how in ("cut", "502 before the end"):
                await reader.readexactly(5000)
                if how == "502 before the end":
                    writer.write(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
                writer.close()
                return
            got = bytearray()
            while size := int(await reader.readline(), 16):
                got += (await reader.readexactly(size + 2))[:-2]
            got += b"more" if how == "wrong" else b""
            body = f"{hashlib.sha256(got).hexdigest()} {len(got)}\n".encode()
        if b" /failing " in head or b" / " in head:
            body = b"from release 9" if how == "wrong" else b"from release 7"
        writer.write(f"HTTP/1.1 {status} X\r\n{release}Content-Length: {len(body)}\r\n\r\n".encode())
        writer.write(body[:-5] if how == "body cut" else body)
        writer.close()

    tls = None
    if how.startswith("tls "):
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(CERTIFICATE)
        how = how.removeprefix("tls ")
    async with await asyncio.start_server(answer, "127.0.0.1", 0, ssl=tls) as server:
        yield server.sockets[0].getsockname()[1]


@asynccontextmanager
async def sockets(how: str) -> AsyncIterator[int]:
    """What is sent comes back."""

    async def converse(socket: ServerConnection) -> None:
        seen = 0
        async for message in socket:
            seen += 1
            if seen == 3 and how == "cut":
                socket.transport.abort()
            elif seen == 3 and how.startswith("closed"):
                await socket.close(int(how.split()[1]))
            else:
                await socket.send("other" if how == "wrong" else message)

    def refuse(connection: ServerConnection, request: Request) -> Response | None:
        return connection.respond(HTTPStatus.SERVICE_UNAVAILABLE, "") if how == "503" else None

    def stamp(connection: ServerConnection, request: Request, response: Response) -> None:
        if how != "no release":
            response.headers["X-Release"] = RELEASE

    async with serve(converse, "127.0.0.1", 0, process_request=refuse, process_response=stamp) as server:
        yield next(iter(server.sockets)).getsockname()[1]


@asynccontextmanager
async def http2(how: str) -> AsyncIterator[int]:
    """Answer each stream."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(CERTIFICATE)
    if how != "no h2":
        tls.set_alpn_protocols(["h2"])

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        h2 = H2Connection(H2Configuration(client_side=False))
        h2.initiate_connection()
        writer.write(h2.data_to_send())
        while data := await reader.read(65536):
            for event in h2.receive_data(data):
                if isinstance(event, RequestReceived):
                    stream = event.stream_id
                    if how == "reset":
                        h2.reset_stream(stream)
                        continue
                    status = "502" if how == "502" else "200"
                    stamp = [] if how == "no release" else [("x-release", RELEASE)]
                    h2.send_headers(stream, [(":status", status), *stamp])
                    if how == "cut":
                        writer.write(h2.data_to_send())
                        writer.close()
                        return
                    h2.send_data(stream, b"release 9" if how == "wrong" else b"release 7", end_stream=True)
            if how == "goaway":
                h2.close_connection()
            writer.write(h2.data_to_send())
            if how == "goaway":
                break
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0, ssl=tls) as server:
        yield server.sockets[0].getsockname()[1]


@asynccontextmanager
async def grpcs(how: str) -> AsyncIterator[int]:
    """Unary and Stream, as the application has them."""

    async def stamp(context: Any) -> None:
        if how != "no release":
            await context.send_initial_metadata((("x-release", RELEASE),))
        if how == "abort":
            await context.abort(grpc.StatusCode.INTERNAL, "broken")

    async def unary(request: bytes, context: Any) -> bytes:
        await stamp(context)
        return b"other" if how == "wrong" else request

    async def stream(request: bytes, context: Any) -> AsyncIterator[bytes]:
        await stamp(context)
        for number in range(1, 20 if how == "too few" else 21):
            yield (b"other" if how == "wrong" else request) + b" %d" % number

    handlers: dict[str, Any] = {
        "Unary": grpc.unary_unary_rpc_method_handler(unary),
        "Stream": grpc.unary_stream_rpc_method_handler(stream),
    }
    server = aio.server()
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("bench.Echo", handlers),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    yield port
    await server.stop(None)


@pytest.mark.parametrize(
    ("serving", "kind"),
    [
        (http1, "upload"),
        (http1, "events"),
        (sockets, "websocket"),
        (http2, "http2"),
        (grpcs, "unary"),
        (grpcs, "streaming"),
    ],
)
def test_right_answers_lose_nothing(serving: Serving, kind: Kind) -> None:
    report = run(serving, "right", kind)

    assert report.lost_by == {}
    assert report.sent == 10
    assert report.releases == (RELEASE,)
    assert all(sample.first_byte is not None for sample in report.samples)


@pytest.mark.parametrize(
    ("serving", "kind", "how", "cause"),
    [
        (http1, "upload", "wrong", "wrong body"),
        (http1, "upload", "502 before the end", "502"),
        (http1, "upload", "no release", "no release"),
        (http1, "upload", "body cut", "body cut"),
        (http1, "https", "tls 502", "502"),
        (http1, "https", "tls wrong", "wrong body"),
        (http1, "https", "tls body cut", "body cut"),
        (http1, "failing", "502", "502"),
        (http1, "failing", "wrong", "wrong body"),
        (http1, "failing", "no release", "no release"),
        (http1, "events", "too few", "wrong events"),
        (http1, "events", "body cut", "stream cut"),
        (sockets, "websocket", "wrong", "wrong echo"),
        (sockets, "websocket", "cut", "cut without close frame"),
        (sockets, "websocket", "closed 1012", "closed 1012"),
        (sockets, "websocket", "closed 1000", "closed 1000"),
        (sockets, "websocket", "503", "503"),
        (sockets, "websocket", "no release", "no release"),
        (http2, "http2", "502", "502"),
        (http2, "http2", "wrong", "wrong body"),
        (http2, "http2", "no release", "no release"),
        (http2, "http2", "reset", "connection reset"),
        (grpcs, "unary", "wrong", "wrong echo"),
        (grpcs, "unary", "abort", "grpc internal"),
        (grpcs, "unary", "no release", "no release"),
        (grpcs, "streaming", "wrong", "wrong echo"),
        (grpcs, "streaming", "too few", "wrong echo"),
        (grpcs, "streaming", "abort", "grpc internal"),
    ],
)
def test_every_wrong_answer_is_lost_with_its_cause(
    serving: Serving, kind: Kind, how: str, cause: str
) -> None:
    assert run(serving, how, kind).lost_by == {(kind, cause): 10}


@pytest.mark.parametrize("status", ["200", "500", "503"])
def test_a_page_that_fails_by_itself_is_answered(status: str) -> None:
    report = run(http1, status, "failing")

    assert (report.sent, report.lost, report.releases) == (10, 0, (RELEASE,))


def test_a_long_upload_begins_with_the_load_and_is_waited_for() -> None:
    report = run(http1, "right", "fresh", long=2)
    long = [sample for sample in report.samples if sample.kind == "long"]

    assert [sample.failure for sample in long] == [None, None]
    # the load's last request begins after 0.2 s
    assert all(sample.ended - sample.started > 0.5 for sample in long)


def test_a_long_upload_that_is_cut_is_lost() -> None:
    report = run(http1, "502 before the end", "events", long=1)

    assert report.lost_by[("long", "502")] == 1


def test_an_upload_that_is_cut_is_seen_before_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    # it would end after its deadline, and be lost to that
    monkeypatch.setattr("bench.http1.UPLOAD_EVERY", 2 * 2.0 / UPLOAD_CHUNKS)
    report = run(http1, "cut", "upload")

    assert set(report.lost_by) <= {("upload", "disconnected"), ("upload", "connection reset")}
    assert report.lost == 10


def test_a_connection_that_is_cut_loses_all_of_its_streams() -> None:
    report = run(http2, "cut", "http2")

    # one may have been sent into the connection that was just being closed
    assert set(report.lost_by) <= {("http2", "body cut"), ("http2", "connection reset")}
    assert report.lost == 10


def test_a_server_without_http2_is_lost() -> None:
    assert run(http2, "no h2", "http2").lost == 10


def test_a_connection_that_goes_away_keeps_the_streams_that_it_answered() -> None:
    report = run(http2, "goaway", "http2")

    assert report.sent == 10
    assert report.lost < 10


def test_a_get_over_tls_that_is_answered_is_not_lost() -> None:
    report = run(http1, "tls right", "https")

    assert report.lost_by == {}
    assert report.sent == 10


@pytest.mark.parametrize("kind", ["websocket", "https", "http2", "upload"])
def test_a_refused_connection_is_lost(kind: Kind) -> None:
    @asynccontextmanager
    async def nobody(how: str) -> AsyncIterator[int]:
        async with await asyncio.start_server(_never, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
        yield port

    assert run(nobody, "", kind).lost_by == {(kind, "connect refused"): 10}


def test_a_held_websocket_stays_open_until_the_load_ends() -> None:
    report = run(sockets, "right", "websocket", held=3)
    held = [sample for sample in report.samples if sample.kind == "held"]

    assert report.lost == 0
    assert len(held) == 3
    assert all(sample.ended - sample.started > 0.15 for sample in held)


@pytest.mark.parametrize(
    ("how", "cause"), [("closed 1012", "closed 1012"), ("cut", "cut without close frame")]
)
def test_a_held_websocket_that_is_closed_is_opened_again(how: str, cause: str) -> None:
    report = run(sockets, how, "websocket", held=1)
    held = [sample for sample in report.samples if sample.kind == "held"]

    assert len(held) > 1
    assert held[0].failure == cause
    assert held[1].started - held[0].ended >= 0.05


async def _never(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    raise AssertionError("nobody listens")
