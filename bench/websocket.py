"""WebSockets: each message must come back as it was sent."""

from __future__ import annotations

import asyncio
from typing import Final

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidMessage, InvalidStatus

from bench.exchange import Progress
from bench.report import NO_FRAME, WITH_FRAME, Kind
from hitless.adapters.load.wire import Address

MESSAGES: Final = 20
MESSAGE_EVERY: Final = 0.25
"""Seconds between two messages of a WebSocket that ends by itself, and therefore takes 5 s."""
HELD_EVERY: Final = 1.0
_ANSWER: Final = 5.0
_FOREVER: Final = 1_000_000


class WebSockets:
    """WebSockets to one host; a "held" one stays open until :meth:`let_go`."""

    def __init__(self, address: Address, host: str) -> None:
        """Open nothing yet."""
        self._address = address
        self._host = host
        self._let_go = asyncio.Event()

    def let_go(self) -> None:
        """Let the client close every held WebSocket, as one that has had enough."""
        self._let_go.set()

    async def ask(self, kind: Kind, progress: Progress) -> str | None:
        """As in the protocol; raises OSError if no connection can be opened."""
        try:
            # compression and pings would be traffic of the client itself
            socket = await connect(
                f"ws://{self._host}/socket",
                host=self._address.ip,
                port=self._address.port,
                compression=None,
                ping_interval=None,
                open_timeout=None,
                proxy=None,
            )
        except InvalidStatus as error:
            progress.answered(error.response.headers.get("x-release"))
            return str(error.response.status_code)
        except InvalidMessage:
            return "disconnected"
        progress.connected = True
        assert socket.response is not None
        progress.answered(socket.response.headers.get("x-release"))
        try:
            if progress.release is None:
                return "no release"
            if kind == "held":
                return await self._converse(socket, _FOREVER, HELD_EVERY)
            return await self._converse(socket, MESSAGES, MESSAGE_EVERY)
        except ConnectionClosed as error:
            # an application that can says so before it ends; then the client knows that it should come back
            return f"{WITH_FRAME} {error.rcvd.code}" if error.rcvd else NO_FRAME
        finally:
            socket.transport.abort()

    async def close(self) -> None:
        """Let go of all."""
        self.let_go()

    async def _converse(self, socket: ClientConnection, messages: int, every: float) -> str | None:
        for number in range(messages):
            sent = f"message {number}"
            await socket.send(sent)
            async with asyncio.timeout(_ANSWER):
                if await socket.recv() != sent:
                    return "wrong echo"
            if await self._pause(socket, every):
                break
        await socket.close()
        return None if socket.close_code == 1000 else f"{WITH_FRAME} {socket.close_code}"

    async def _pause(self, socket: ClientConnection, seconds: float) -> bool:
        """Wait; whether the client has had enough. Raises ConnectionClosed as soon as it is."""
        gone = asyncio.create_task(socket.wait_closed())
        enough = asyncio.create_task(self._let_go.wait())
        try:
            done, _ = await asyncio.wait({gone, enough}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            gone.cancel()
            enough.cancel()
        if gone in done:
            await socket.recv()
            return True
        return enough in done and self._let_go.is_set()
