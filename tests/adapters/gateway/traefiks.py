"""What the tests of the gateway's Traefik share."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hitless.adapters.gateway.instances import TraefikInstances
from hitless.adapters.gateway.programs import Programs
from hitless.adapters.gateway.shell import GatewayShell
from hitless.adapters.gateway.traefik import Traefik
from hitless.domain.routing.split import NOBODY, Routing
from tests.adapters.fake_docker import recorded

CONTAINER = "adapters-rec-traefik-1"


NC = ("nc",)


# as Traefik gave them to nc
TEAPOT = b"HTTP/1.1 418 I'm a teapot\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


NOT_FOUND = (
    b"HTTP/1.1 404 Not Found\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 19\r\n"
    b"Connection: close\r\n\r\n404 page not found\n"
)


CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    b"6\r\nhello \r\n5\r\nworld\r\n0\r\n\r\n"
)


ROUTING = Routing("rec", 5, NOBODY, {})


TABLE = "\n".join(recorded("proc_net_tcp")["table"]) + "\n"


NONE = "Error response from daemon: No such container: adapters-rec-traefik-1\n"


def ok(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (len(body), body)


def rawdata(value: Any) -> bytes:
    return ok(json.dumps(value).encode())


def wait_for(fact: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not fact():
        assert time.monotonic() < deadline, "it never came to be"
        time.sleep(0.01)


def files(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def traefik_of(shell: GatewayShell) -> Traefik:
    """The gateway in whose container these shells are."""
    return Traefik(shell, TraefikInstances(shell, Programs(shell.cli, shell.project)).all)
