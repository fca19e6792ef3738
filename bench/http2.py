"""GETs as streams of one HTTP/2 connection over TLS, as a browser sends them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Final, cast

from h2.config import H2Configuration
from h2.connection import ConnectionInputs, ConnectionState, H2Connection
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    ResponseReceived,
    StreamEnded,
    StreamReset,
)

from bench.exchange import Progress
from bench.loopback import any_certificate
from bench.report import Kind
from hitless.adapters.load.wire import Address

_PATHS: Final[dict[Kind, str]] = {"http2": "/"}


class StreamResetError(ConnectionResetError):
    """The server ended only this stream."""


@dataclass
class _Stream:
    progress: Progress
    done: asyncio.Future[None]
    status: str = ""
    body: bytearray = field(default_factory=bytearray)


class Http2:
    """One connection, opened at the first need and again after it has ended."""

    def __init__(self, address: Address, host: str) -> None:
        """Open nothing yet."""
        self._address = address
        self._host = host
        self._session: _Session | None = None
        self._opening = asyncio.Lock()
        self._tls = any_certificate("h2")

    async def ask(self, kind: Kind, progress: Progress) -> str | None:
        """As in the protocol; raises OSError when the stream or its connection ends early."""
        session = await self._open()
        progress.connected = True
        stream = await session.get(self._host, _PATHS[kind], progress)
        if stream.status != "200":
            return stream.status
        if progress.release is None:
            return "no release"
        return None if progress.release.encode() in stream.body else "wrong body"

    async def close(self) -> None:
        """Close the connection."""
        if self._session:
            self._session.close()

    async def _open(self) -> _Session:
        async with self._opening:
            if self._session is None or not self._session.usable:
                _, self._session = await asyncio.get_running_loop().create_connection(
                    _Session,
                    self._address.ip,
                    self._address.port,
                    ssl=self._tls,
                    server_hostname=self._host,
                )
            return self._session


class _Session(asyncio.Protocol):
    def __init__(self) -> None:
        self._h2 = H2Connection(H2Configuration(client_side=True, header_encoding="utf-8"))
        # h2 takes a connection for closed that was told GOAWAY, and the rest of the answers for an error. The
        # clients that people use read on (RFC 9113, 6.8).
        machine = self._h2.state_machine
        machine._transitions = {
            **machine._transitions,
            (ConnectionState.CLIENT_OPEN, ConnectionInputs.RECV_GOAWAY): (None, ConnectionState.CLIENT_OPEN),
        }
        self._streams: dict[int, _Stream] = {}
        self._transport: asyncio.Transport | None = None
        self.usable = False

    async def get(self, host: str, path: str, progress: Progress) -> _Stream:
        """Send a GET and return the whole answer."""
        if not self.usable:
            raise ConnectionResetError("no HTTP/2 here")
        number = self._h2.get_next_available_stream_id()
        stream = self._streams[number] = _Stream(progress, asyncio.get_running_loop().create_future())
        headers = [(":method", "GET"), (":scheme", "https"), (":authority", host), (":path", path)]
        self._h2.send_headers(number, headers, end_stream=True)
        self._flush()
        try:
            await stream.done
        finally:
            del self._streams[number]
        return stream

    def close(self) -> None:
        self.usable = False
        if self._transport:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        secured = transport.get_extra_info("ssl_object")
        if secured.selected_alpn_protocol() != "h2":
            # the requests that wait for it get an error when the connection is lost
            self._transport.abort()
            return
        self.usable = True
        self._h2.initiate_connection()
        self._flush()

    def data_received(self, data: bytes) -> None:
        for event in self._h2.receive_data(data):
            match event:
                case ConnectionTerminated():
                    # Streams that it still answers may remain; no new one may begin.
                    self.usable = False
                    self._fail(ConnectionResetError("GOAWAY"), above=event.last_stream_id or 0)
                case StreamReset() if stream := self._streams.get(event.stream_id):
                    self._end(stream, StreamResetError())
                case ResponseReceived() if stream := self._streams.get(event.stream_id):
                    headers = dict(cast("list[tuple[str, str]]", event.headers))
                    stream.status = headers[":status"]
                    stream.progress.answered(headers.get("x-release"))
                case DataReceived():
                    self._h2.acknowledge_received_data(event.flow_controlled_length or 0, event.stream_id)
                    if stream := self._streams.get(event.stream_id):
                        stream.body += event.data or b""
                case StreamEnded() if stream := self._streams.get(event.stream_id):
                    self._end(stream, None)
        self._flush()

    def connection_lost(self, exc: Exception | None) -> None:
        self.usable = False
        self._fail(exc if isinstance(exc, OSError) else ConnectionResetError("closed"), above=-1)

    def _fail(self, error: OSError, above: int) -> None:
        for number, stream in self._streams.items():
            if number > above:
                self._end(stream, error)

    @staticmethod
    def _end(stream: _Stream, error: OSError | None) -> None:
        if stream.done.done():
            return
        if error:
            stream.done.set_exception(error)
        else:
            stream.done.set_result(None)

    def _flush(self) -> None:
        if self._transport and not self._transport.is_closing():
            self._transport.write(self._h2.data_to_send())
