"""Serve the dashboard until somebody ends it."""

from __future__ import annotations

import asyncio
import socket

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

_AT_ONCE = 200  # requests; further ones get 503
_GOODBYE = 2  # seconds in which requests may end
_SILENT = 5  # seconds after which a connection ends on which nothing has come


class _Impatient(H11Protocol):
    """Ends a connection on which nothing comes, as uvicorn itself does after the first request."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait."""
        super().connection_made(transport)
        self.timeout_keep_alive_task = self.loop.call_later(
            self.timeout_keep_alive, self.timeout_keep_alive_handler
        )


def serve(app: ASGIApp, listener: socket.socket) -> None:
    """Answer on this socket; comes back after SIGINT or SIGTERM."""
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,  # an address can hold what is nobody's business
        server_header=False,
        proxy_headers=False,  # nothing here depends on who asks
        ws="none",
        http=_Impatient,
        timeout_keep_alive=_SILENT,
        limit_concurrency=_AT_ONCE,
        timeout_graceful_shutdown=_GOODBYE,
    )
    uvicorn.Server(config).run(sockets=[listener])
