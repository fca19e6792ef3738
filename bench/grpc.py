"""gRPC calls over one channel of HTTP/2 without TLS (h2c); messages are bytes."""

from __future__ import annotations

from collections.abc import AsyncIterable
from typing import Any, Final, cast

from grpc import aio

from bench.exchange import Progress
from bench.report import Kind
from hitless.adapters.load.wire import Address

MESSAGES: Final = 20
_UNARY: Final = "/bench.Echo/Unary"
_STREAM: Final = "/bench.Echo/Stream"


class Grpc:
    """One channel, as a service keeps it to another one."""

    def __init__(self, address: Address, host: str) -> None:
        """Make the channel; it connects with the first call."""
        self._target = f"{f'[{address.ip}]' if ':' in address.ip else address.ip}:{address.port}"
        self._options = (
            ("grpc.default_authority", host),
            # Nothing is repaired: not even what gRPC knows that no server has seen.
            ("grpc.enable_retries", 0),
            ("grpc.enable_http_proxy", 0),
            ("grpc.use_local_subchannel_pool", 1),
            ("grpc.initial_reconnect_backoff_ms", 100),
            ("grpc.min_reconnect_backoff_ms", 100),
            ("grpc.max_reconnect_backoff_ms", 500),
        )
        self._channel: aio.Channel | None = None
        self._called = 0

    async def ask(self, kind: Kind, progress: Progress) -> str | None:
        """As in the protocol; what gRPC calls an error is a fault here, by its code."""
        if self._channel is None:
            self._channel = aio.insecure_channel(self._target, options=self._options)
        self._called += 1
        message = b"message %d" % self._called
        try:
            answers = await self._call(self._channel, kind, message, progress)
        except aio.AioRpcError as error:
            return f"grpc {error.code().name.lower()}"
        if progress.release is None:
            return "no release"
        if kind == "unary":
            return None if answers == [message] else "wrong echo"
        return None if answers == [message + b" %d" % n for n in range(1, MESSAGES + 1)] else "wrong echo"

    async def close(self) -> None:
        """Close the channel."""
        if self._channel is not None:
            await self._channel.close()

    @staticmethod
    async def _call(channel: aio.Channel, kind: Kind, message: bytes, progress: Progress) -> list[bytes]:
        if kind == "unary":
            call: Any = cast("Any", channel).unary_unary(_UNARY)(message)
        else:
            call = cast("Any", channel).unary_stream(_STREAM)(message)
        progress.connected = True
        metadata = dict(await call.initial_metadata())
        progress.answered(cast("str | None", metadata.get("x-release")))
        if kind == "unary":
            return [await call]
        return [answer async for answer in cast("AsyncIterable[bytes]", call)]
