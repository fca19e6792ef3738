"""Serve the dashboard until somebody ends it."""

from __future__ import annotations

import socket

import uvicorn
from starlette.types import ASGIApp

_AT_ONCE = 200  # requests; further ones get 503
_GOODBYE = 2  # seconds in which requests may end


def serve(app: ASGIApp, listener: socket.socket) -> None:
    """Answer on this socket; comes back after SIGINT or SIGTERM."""
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,  # an address can hold what is nobody's business
        server_header=False,
        proxy_headers=False,  # nothing here depends on who asks
        ws="none",
        limit_concurrency=_AT_ONCE,
        timeout_graceful_shutdown=_GOODBYE,
    )
    uvicorn.Server(config).run(sockets=[listener])
