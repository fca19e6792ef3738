"""Clients that take their time."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable

import pytest

from tests.e2e.conftest import App

pytestmark = pytest.mark.more

SECONDS = 66  # more than a minute, which is Traefik's own limit for a whole request


@pytest.mark.long
def test_an_upload_may_take_longer_than_a_minute(app: Callable[..., App]) -> None:
    web = app()
    web.cli.run("deploy")
    port = int(web.gateway.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=30) as client:
        lines = (
            "POST /echo HTTP/1.1",
            f"Host: {web.host}",
            f"Content-Length: {SECONDS}",
            "Connection: close",
        )
        client.sendall("\r\n".join((*lines, "", "")).encode())
        for _ in range(SECONDS):
            client.sendall(b"x")
            time.sleep(1)  # this is the test
        answer = b"".join(iter(lambda: client.recv(4096), b""))

    assert answer.startswith(b"HTTP/1.1 200")
    assert answer.endswith(f" {SECONDS}\n".encode())
