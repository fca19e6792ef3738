"""The engine's own API, for questions alone: an answer takes 2 ms, and one by Docker's command line 20 to 80.

Where no good answer comes the command is asked: `Engine.get` returns None
(docs/decisions/0051-questions-to-the-engine.md).
"""

from __future__ import annotations

import json
import select
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from hitless.adapters.docker.endpoint import Endpoint
from hitless.domain.common.errors import TimedOut

VERSION = "v1.45"  # Engine 26, the oldest that hitless works with; Engine 29 answers to 1.44 and newer
_SLICE = 0.5  # seconds after which a thread that waits for an answer sees that it is interrupted
_REST = 10.0  # seconds in which an answer that has begun must go on
_CONNECT = 5.0
_OK, _MISSING = 200, 404


class _Local(HTTPConnection):
    """HTTP over a local socket."""

    def __init__(self, path: str) -> None:
        super().__init__("docker", timeout=_CONNECT)
        self._path = path

    def connect(self) -> None:
        """Connect to the engine."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(_CONNECT)
        self.sock.connect(self._path)


@dataclass(frozen=True)
class Engine:
    """Connections to an engine: one, or as many as are in use at once."""

    endpoint: Endpoint
    _idle: list[HTTPConnection] = field(default_factory=list, compare=False)

    def get(
        self, path: str, query: Mapping[str, Any], timeout: float, is_interrupted: Callable[[], bool]
    ) -> tuple[bool, Any] | None:
        """Whether there is such a thing, and the answer; None if no usable answer came. Raises `TimedOut`."""
        words = {key: one if isinstance(one, str) else json.dumps(one) for key, one in query.items()}
        asked = urlencode(words)
        whole = f"/{VERSION}{quote(path, safe='/:@')}" + (f"?{asked}" if asked else "")
        deadline = time.monotonic() + timeout
        while True:
            try:
                connection, is_new = self._connection()
            except (OSError, ValueError):  # its certificates can't be read
                return None
            try:
                answer = self._answer(connection, whole, deadline, is_interrupted)
            except (OSError, HTTPException, ValueError):
                connection.close()
                if is_new:
                    return None
                continue  # the engine has ended it since the last use
            except BaseException:
                connection.close()
                raise
            if answer is None:
                connection.close()
                return None
            self._idle.append(connection)
            return _understood(*answer)

    def _connection(self) -> tuple[HTTPConnection, bool]:
        with suppress(IndexError):
            return self._idle.pop(), False
        there = self.endpoint
        if there.path:
            return _Local(there.path), True
        if there.certificates is None:
            return HTTPConnection(there.host, there.port, timeout=_CONNECT), True
        return _secure(there, there.certificates), True

    def _answer(
        self, connection: HTTPConnection, path: str, deadline: float, is_interrupted: Callable[[], bool]
    ) -> tuple[int, Any] | None:
        connection.request("GET", path, headers={"User-Agent": "hitless"})
        # In slices: a signal that another thread gets wakes nobody up
        while not select.select([connection.sock], [], [], _SLICE)[0]:
            if is_interrupted():
                return None
            if time.monotonic() > deadline:
                raise TimedOut(
                    f"the Docker engine did not answer {path.partition('?')[0]} in time",
                    "does the Docker engine answer? try: docker info",
                )
        connection.sock.settimeout(_REST)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())


def _secure(there: Endpoint, certificates: Path) -> HTTPConnection:
    import ssl
    from http.client import HTTPSConnection

    trust = ssl.create_default_context(cafile=str(certificates / "ca.pem"))
    trust.load_cert_chain(str(certificates / "cert.pem"), str(certificates / "key.pem"))
    return HTTPSConnection(there.host, there.port, timeout=_CONNECT, context=trust)


def _understood(status: int, found: Any) -> tuple[bool, Any] | None:
    if status == _OK:
        return True, found
    # another program may answer 404 to any path
    said = str(found.get("message")).lower() if isinstance(found, dict) else ""
    return (False, None) if status == _MISSING and ("no such" in said or "not found" in said) else None
