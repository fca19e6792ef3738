"""Just enough of HTTP/1.1 to ask one server cheaply, and to see every failure.

Written by hand because the load shares two cores with what it measures: at 140 requests/s, a request costs
0.6 to 1.1 ms of CPU this way and 2.0 to 2.5 ms through httpx 0.28. It retries and repairs nothing: what is
not a whole, plain HTTP/1.1 answer raises, and so counts as lost.

It does not reuse an idle connection that the server has closed, as browsers do. A request that meets the
close on its way is lost here, although a browser would try an idempotent one again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

KEPT_CONNECTIONS: Final = 32


# Below the idle timeouts of common servers and balancers, among them the example's 15 s.
KEPT_SECONDS: Final = 10.0


LONGEST_BODY: Final = 1 << 24


class BadAnswerError(ValueError):
    """The server sent something that is not HTTP/1.1, or more than any answer should be."""


class Address(NamedTuple):
    """A literal IP address and a port."""

    ip: str
    port: int


@dataclass(frozen=True, slots=True)
class Head:
    """Status and headers of an answer; names in lower case, of a repeated one the last value.

    ``cookies`` are the values of every Set-Cookie header.
    """

    status: int
    headers: Mapping[str, str]
    cookies: tuple[str, ...] = ()

    @property
    def lasting(self) -> bool:
        """Whether the connection can carry another request after this answer."""
        framed = "content-length" in self.headers or "transfer-encoding" in self.headers
        return (framed or self.bare) and self.headers.get("connection", "").lower() != "close"

    @property
    def bare(self) -> bool:
        """Whether an answer of this status has no body, whatever its headers say (RFC 9112, 6.3)."""
        return self.status in (204, 304)


class Connection:
    """One TCP connection, for one request at a time: :meth:`send`, :meth:`head`, :meth:`body`.

    The last two raise asyncio.IncompleteReadError when the server closes early, OSError when it
    resets, BadAnswerError for anything else but HTTP.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Wrap an open pair of streams."""
        self._reader = reader
        self._writer = writer
        self.idle_since = 0.0

    @property
    def usable(self) -> bool:
        """Whether another request may be sent, as far as this side knows."""
        closed = self._reader.at_eof() or self._reader.exception() or self._writer.is_closing()
        return not closed and time.monotonic() - self.idle_since < KEPT_SECONDS

    def send(self, request: bytes) -> None:
        """Send a whole request; a failure shows when the answer is read."""
        self._writer.write(request)

    async def head(self) -> Head:
        """Return the status and headers of the answer, and skip those of 1xx."""
        while True:
            try:
                text = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            except asyncio.LimitOverrunError:
                raise BadAnswerError("endless headers") from None
            first, *lines = text[:-4].split("\r\n")
            version, status, *_ = (*first.split(" ", 2), "")
            if version != "HTTP/1.1" or not status.isdecimal():
                raise BadAnswerError(first[:80])
            if not status.startswith("1"):
                parted = (line.partition(":") for line in lines)
                pairs = [(name.lower(), value.strip()) for name, _, value in parted]
                cookies = tuple(value for name, value in pairs if name == "set-cookie")
                return Head(int(status), dict(pairs), cookies)

    async def body(self, head: Head) -> bytes:
        """Return the whole body of the answer that ``head`` began."""
        if head.bare:
            return b""
        if head.headers.get("transfer-encoding", "").lower() == "chunked":
            return await self._chunks()
        length = head.headers.get("content-length")
        if length is not None:
            return await self._reader.readexactly(_bounded(int(length)))
        body = await self._reader.read(LONGEST_BODY)
        while more := await self._reader.read(LONGEST_BODY):
            body += more
            _bounded(len(body))
        return body

    async def _chunks(self) -> bytes:
        body = bytearray()
        while size := int((await self._reader.readuntil(b"\r\n")).partition(b";")[0], 16):
            _bounded(len(body) + size)
            chunk = await self._reader.readexactly(size + 2)
            body += chunk[:-2]
        while await self._reader.readuntil(b"\r\n") != b"\r\n":
            pass
        return bytes(body)

    def close(self) -> None:
        """Close at once; may be called twice."""
        self._writer.close()


class Connections:
    """Connections to one address, kept for the next request or used once."""

    def __init__(self, address: Address) -> None:
        """Open nothing yet."""
        self._address = address
        self._idle: list[Connection] = []

    async def get(self, *, fresh: bool) -> Connection:
        """Return an idle connection, or a new one; OSError if it cannot be opened."""
        while self._idle and not fresh:
            connection = self._idle.pop()
            if connection.usable:
                return connection
            connection.close()
        return Connection(*await asyncio.open_connection(*self._address))

    def put(self, connection: Connection) -> None:
        """Keep a connection whose answer was read to its end."""
        if len(self._idle) < KEPT_CONNECTIONS:
            connection.idle_since = time.monotonic()
            self._idle.append(connection)
        else:
            connection.close()

    def close(self) -> None:
        """Close all idle connections."""
        while self._idle:
            self._idle.pop().close()


def _bounded(size: int) -> int:
    if not 0 <= size <= LONGEST_BODY:
        raise BadAnswerError(f"a body of {size} bytes")
    return size
