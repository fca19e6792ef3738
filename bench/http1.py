"""The kinds of request that are plain HTTP/1.1."""

from __future__ import annotations

import asyncio
import hashlib
import random
import time
from typing import Final

from bench.exchange import Progress
from bench.loopback import any_certificate
from bench.report import Kind
from hitless.adapters.load.wire import Address, Connection, Connections, Head

STREAM_LINES: Final = 20
BODIES: Final = 64
BODY_BYTES: Final = 4096
UPLOAD_CHUNKS: Final = 20
UPLOAD_EVERY: Final = 0.5
"""Seconds between two chunks of an upload, which therefore takes 10 s."""
LONG_CHUNKS: Final = 132
"""Of an upload that takes 66 s."""
CHUNK_BYTES: Final = 2048

_PATHS: Final[dict[Kind, str]] = {
    "kept": "/",
    "fresh": "/",
    "https": "/",
    "failing": "/failing",
    "slow": "/slow?seconds=3",
    "stream": "/stream?seconds=5",
    "events": "/events?seconds=5",
}


_RIGHT: Final[dict[Kind, tuple[int, ...]]] = {"failing": (200, 500, 503)}


class Http1:
    """All HTTP/1.1 kinds, on kept connections except for "fresh", "https" and uploads.

    The requests are built in advance: to send 140 of them a second must cost little.
    """

    def __init__(self, address: Address, host: str) -> None:
        """Build the requests; nothing is opened yet."""
        self._connections = Connections(address)
        self._address = address
        self._host = host
        self._tls = any_certificate("http/1.1")
        self._fixed = {kind: _request(host, "GET", path) for kind, path in _PATHS.items()}
        # Seeded: two runs send the same. They differ, so that a swapped answer would be noticed.
        bodies = [random.Random(number).randbytes(BODY_BYTES) for number in range(BODIES)]
        self._posts = [(_request(host, "POST", "/echo", body), _proof(body)) for body in bodies]
        self._posted = 0
        self._upload_head = _request(host, "POST", "/echo", more="Transfer-Encoding: chunked\r\n")

    async def ask(self, kind: Kind, progress: Progress) -> str | None:
        """As in the protocol; raises OSError, asyncio.IncompleteReadError or BadAnswerError."""
        if kind in ("upload", "long"):
            return await self._upload(kind, UPLOAD_CHUNKS if kind == "upload" else LONG_CHUNKS, progress)
        request, expected = (self._fixed[kind], b"") if kind != "post" else self._post()
        is_fresh = kind in ("fresh", "https")
        connection = await (self._secure() if kind == "https" else self._connections.get(fresh=is_fresh))
        progress.connected = True
        reusable = False
        try:
            connection.send(request)
            head, body = await _answer(connection, progress)
            reusable = head.lasting and not is_fresh
        finally:
            if reusable:
                self._connections.put(connection)
            else:
                connection.close()
        return _fault(kind, head.status, progress.release, body, expected)

    async def close(self) -> None:
        """Close the idle connections."""
        self._connections.close()

    async def _secure(self) -> Connection:
        opened = await asyncio.open_connection(*self._address, ssl=self._tls, server_hostname=self._host)
        return Connection(*opened)

    def _post(self) -> tuple[bytes, bytes]:
        self._posted += 1
        return self._posts[self._posted % BODIES]

    async def _upload(self, kind: Kind, chunks: int, progress: Progress) -> str | None:
        self._posted += 1
        body = random.Random(self._posted).randbytes(chunks * CHUNK_BYTES)
        connection = await self._connections.get(fresh=True)
        progress.connected = True
        # It listens from the beginning: a server that cuts an upload, or answers too early, is seen at once.
        answer = asyncio.create_task(_answer(connection, progress))
        try:
            connection.send(self._upload_head)
            due = time.monotonic()
            for start in range(0, len(body), CHUNK_BYTES):
                connection.send(b"%x\r\n%b\r\n" % (CHUNK_BYTES, body[start : start + CHUNK_BYTES]))
                due += UPLOAD_EVERY
                if (await asyncio.wait({answer}, timeout=max(0.0, due - time.monotonic())))[0]:
                    break
            else:
                connection.send(b"0\r\n\r\n")
            head, got = await answer
        finally:
            answer.cancel()
            connection.close()
        return _fault(kind, head.status, progress.release, got, _proof(body))


async def _answer(connection: Connection, progress: Progress) -> tuple[Head, bytes]:
    head = await connection.head()
    progress.answered(head.headers.get("x-release"))
    return head, await connection.body(head)


def _request(host: str, method: str, path: str, body: bytes = b"", more: str = "") -> bytes:
    length = f"Content-Length: {len(body)}\r\n" if body else ""
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: {host}\r\n"
        f"User-Agent: hitless-bench\r\nAccept: */*\r\n{length}{more}\r\n"
    )
    return head.encode() + body


def _proof(body: bytes) -> bytes:
    """The answer that proves that a body arrived whole."""
    return f"{hashlib.sha256(body).hexdigest()} {len(body)}\n".encode()


def _fault(kind: Kind, status: int, release: str | None, body: bytes, expected: bytes) -> str | None:
    """Return what is wrong with a complete answer, or None."""
    if status not in _RIGHT.get(kind, (200,)):
        return str(status)
    if release is None:
        # from another program, the gateway perhaps: not from the application under load
        return "no release"
    match kind:
        case "stream":
            return None if body.count(b"\n") >= STREAM_LINES else "stream cut"
        case "events":
            events = "".join(f"id: {n}\ndata: {release}\n\n" for n in range(1, STREAM_LINES + 1))
            return None if body == events.encode() else "wrong events"
        case "post" | "upload" | "long":
            return None if body == expected else "wrong body"
        case _:
            return None if release.encode() in body else "wrong body"
