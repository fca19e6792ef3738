"""A client over HTTP/3 (RFC 9114): one QUIC connection at a time, opened at the first need.

It sends nothing again: what gets no whole answer raises, and so counts as lost.
"""

from __future__ import annotations

import asyncio
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import httpx
from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.h3.connection import H3_ALPN, H3Connection
from aioquic.h3.events import DataReceived, HeadersReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection
from aioquic.quic.events import ConnectionTerminated, QuicEvent, StreamReset

DEADLINE = 20.0  # seconds for one request, its connection included


@dataclass
class Answer:
    """One answer; names of headers in lower case."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


class Client(Protocol):
    """It asks a site."""

    async def get(self) -> Answer:
        """One GET. Raises OSError or httpx.HTTPError where no whole answer comes."""
        ...

    async def close(self) -> None:
        """Close its connections; the next request opens others."""
        ...


def keep_asking(
    client: Client,
    is_kept: bool,
    is_over: threading.Event,
    pause: float,
    answered: Callable[[float, str], None],
    lost: Callable[[str], None],
) -> None:
    """Ask again and again in this thread, `pause` seconds after each answer.

    Each request is over a new connection, or over one that is kept. `answered` gets the moment at which a
    request began, and the release that answered; `lost` gets what went wrong.
    """

    async def ask() -> None:
        while not is_over.is_set():
            began = time.monotonic()
            try:
                answer = await client.get()
                if answer.status == 200:
                    answered(began, answer.headers["x-release"])
                else:
                    lost(str(answer.status))
            except (OSError, KeyError, httpx.HTTPError) as error:
                lost(repr(error))
            if not is_kept:
                await client.close()
            await asyncio.sleep(pause)
        await client.close()

    asyncio.run(ask())


class Browser:
    """One that goes where `Alt-Svc` says, as browsers do: over HTTP/3 to an alternative, or over TCP."""

    def __init__(self, http3: Http3, port: int, host: str, trust: ssl.SSLContext) -> None:
        """It begins over TCP."""
        self._http3, self._port, self._host, self._trust = http3, port, host, trust
        self._tcp = self._fresh()
        self._goes_over_http3 = False
        self.over = {"HTTP/3": 0, "TCP": 0}

    async def get(self) -> Answer:
        """As in the protocol."""
        if self._goes_over_http3:
            answer = await self._http3.get()
        else:
            names = {"sni_hostname": self._host}
            url, headers = f"https://127.0.0.1:{self._port}/", {"Host": self._host}
            found = await self._tcp.get(url, headers=headers, extensions=names)
            answer = Answer(found.status_code, dict(found.headers), found.content)
        self.over["HTTP/3" if self._goes_over_http3 else "TCP"] += 1
        if said := answer.headers.get("alt-svc"):
            self._goes_over_http3 = "h3=" in said
        return answer

    async def close(self) -> None:
        """As in the protocol."""
        await self._http3.close()
        await self._tcp.aclose()
        self._tcp = self._fresh()

    def _fresh(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(verify=self._trust, trust_env=False, timeout=DEADLINE)


class Http3:
    """A client of one host at an address of IPv4; `authority` is whom it trusts, in PEM.

    It asks for this path. In the handshake it asks for `name`, the host if that is left out.
    """

    def __init__(
        self, address: tuple[str, int], host: str, authority: bytes, path: str = "/", name: str = ""
    ) -> None:
        """Open nothing yet."""
        self._address = address
        self._host = host
        self._path = path
        self._configuration = QuicConfiguration(
            is_client=True, alpn_protocols=H3_ALPN, server_name=name or host, cadata=authority
        )
        self._session: _Session | None = None
        self.connections = 0

    def present(self, chain: str, key: str) -> None:
        """Present the client certificate in these files."""
        self._configuration.load_cert_chain(chain, key)

    async def get(self) -> Answer:
        """As in the protocol; TimeoutError is an OSError."""
        async with asyncio.timeout(DEADLINE):
            if self._session is None or not self._session.usable:
                await self.close()
                self._session = await self._open()
                self.connections += 1
            return await self._session.get(self._host, self._path)

    async def close(self) -> None:
        """Close the connection; the next request opens another one."""
        if self._session:
            self._session.end()
            self._session = None

    async def _open(self) -> _Session:
        _, session = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: _Session(QuicConnection(configuration=self._configuration)),
            # its own socket each time, and one that hears that nobody is there
            remote_addr=self._address,
        )
        try:
            session.connect(self._address)
            await session.wait_connected()
        except BaseException:
            session.end()
            raise
        return session


class _Session(QuicConnectionProtocol):
    """One QUIC connection."""

    def __init__(self, quic: QuicConnection) -> None:
        super().__init__(quic)
        self._http = H3Connection(quic)
        self._answers: dict[int, tuple[Answer, asyncio.Future[None]]] = {}
        self._is_over = False

    @property
    def usable(self) -> bool:
        """Whether another request may be sent, as far as this side knows."""
        # aioquic tells of a close when some more time has gone, but sends nothing any more
        return not self._is_over and self._quic._close_event is None

    async def get(self, host: str, path: str) -> Answer:
        """Send a GET and return the whole answer."""
        number = self._quic.get_next_available_stream_id()
        answer, done = Answer(), asyncio.get_running_loop().create_future()
        self._answers[number] = answer, done
        sent = {":method": "GET", ":scheme": "https", ":authority": host, ":path": path}
        self._http.send_headers(
            number, [(key.encode(), value.encode()) for key, value in sent.items()], end_stream=True
        )
        self.transmit()
        try:
            await done
        finally:
            del self._answers[number]
        return answer

    def end(self) -> None:
        """Tell the server, and close the socket."""
        self._is_over = True
        self.close()
        if self._transport:
            self._transport.close()

    def quic_event_received(self, event: QuicEvent) -> None:
        """Collect answers, and see how the connection ends."""
        match event:
            case ConnectionTerminated():
                self._fail(ConnectionResetError(f"closed: {event.error_code:#x} {event.reason_phrase}"))
            case StreamReset() if event.stream_id in self._answers:
                self._end(event.stream_id, ConnectionResetError(f"reset: {event.error_code:#x}"))
        for part in self._http.handle_event(event):
            match part:
                case HeadersReceived() if part.stream_id in self._answers:
                    answer, _ = self._answers[part.stream_id]
                    found = {name.decode(): value.decode() for name, value in part.headers}
                    answer.headers |= found
                    answer.status = int(found.get(":status", answer.status))
                case DataReceived() if part.stream_id in self._answers:
                    self._answers[part.stream_id][0].body += part.data
            if isinstance(part, HeadersReceived | DataReceived) and part.stream_ended:
                self._end(part.stream_id, None)

    def error_received(self, exc: Exception) -> None:
        """The server's host says that nobody is there."""
        self._quic.close()
        self._fail(exc)

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket is closed."""
        self._fail(exc or ConnectionResetError("closed"))

    def _fail(self, error: Exception) -> None:
        self._is_over = True
        for number in self._answers:
            self._end(number, error)

    def _end(self, number: int, error: Exception | None) -> None:
        _, done = self._answers.get(number, (None, None))
        if done is None or done.done():
            return
        if error:
            done.set_exception(error)
        else:
            done.set_result(None)
