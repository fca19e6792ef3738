"""The engine's own API, for questions alone: an answer takes 2 ms, and one by Docker's command line 20 to 80.

What is not understood here is left to the command: `endpoint` and `Engine.get` return None
(docs/decisions/0051-questions-to-the-engine.md).
"""

from __future__ import annotations

import hashlib
import json
import os
import select
import shutil
import socket
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from hitless.domain.common.errors import TimedOut

VERSION = "v1.45"  # Engine 26, the oldest that hitless works with; Engine 29 answers to 1.44 and newer
_SLICE = 0.5  # seconds after which a thread that waits for an answer sees that it is interrupted
_REST = 10.0  # seconds in which an answer that has begun must go on
_CONNECT = 5.0
_OK, _MISSING = 200, 404
# with one of these the user asks Docker's command line for something that is not done here
_PROXIES = ("http_proxy", "https_proxy", "all_proxy")  # which it uses for a port
_NOT_OURS = ("DOCKER_API_VERSION", "DOCKER_CUSTOM_HEADERS", "DOCKER_TLS")


@dataclass(frozen=True)
class Endpoint:
    """Where an engine listens: the path of a socket; or a host and a port, with a folder of certificates.

    The folder has ca.pem, cert.pem and key.pem. `is_far`: only the docker command reaches it, by ssh.
    """

    path: str = ""
    host: str = ""
    port: int = 0
    certificates: Path | None = None
    is_far: bool = False


def endpoint(context: str | None) -> Endpoint | None:
    """The engine that Docker's command line talks to, by Docker's own rules; None if they lead elsewhere."""
    try:
        return _endpoint(context) if _is_docker() and not any(map(os.environ.get, _NOT_OURS)) else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _is_docker() -> bool:
    """Whether `docker` is Docker's program: a script of that name may go to any engine."""
    found = shutil.which("docker")
    if found is None or Path(found).resolve().name != "docker":
        return False
    with Path(found).open("rb") as file:
        return file.read(2) != b"#!"


def _endpoint(context: str | None) -> Endpoint | None:
    folder = Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker")
    config = {}
    with suppress(FileNotFoundError):
        config = json.loads((folder / "config.json").read_text("utf-8"))
    if config.get("HttpHeaders"):
        return None
    host = os.environ.get("DOCKER_HOST")
    # Docker's own order: --context, then DOCKER_HOST, then the context that is in use
    in_use = "" if host else os.environ.get("DOCKER_CONTEXT") or config.get("currentContext")
    name = context or in_use or "default"
    if name == "default":
        verified = Path(os.environ.get("DOCKER_CERT_PATH") or folder)
        return _parsed(
            host or "unix:///var/run/docker.sock", verified if os.environ.get("DOCKER_TLS_VERIFY") else None
        )
    place = hashlib.sha256(name.encode()).hexdigest()
    found = json.loads((folder / "contexts/meta" / place / "meta.json").read_text("utf-8"))
    docker = found["Endpoints"]["docker"]
    if docker.get("SkipTLSVerify"):
        return None
    certificates = folder / "contexts/tls" / place / "docker"
    return _parsed(docker["Host"], certificates if certificates.is_dir() else None)


def _parsed(host: str, certificates: Path | None) -> Endpoint | None:
    parts = urlsplit(host)
    if parts.scheme == "ssh":
        return Endpoint(is_far=True)
    if parts.scheme == "unix" and not parts.netloc and parts.path and certificates is None:
        return Endpoint(path=host.removeprefix("unix://"))
    is_direct = not any(name.lower() in _PROXIES and os.environ[name] for name in os.environ)
    if parts.scheme == "tcp" and parts.hostname and parts.port and parts.path in ("", "/") and is_direct:
        return Endpoint(host=parts.hostname, port=parts.port, certificates=certificates)
    return None


class _Local(HTTPConnection):
    """HTTP over a socket that `open_` opens."""

    def __init__(self, open_: Callable[[], socket.socket]) -> None:
        super().__init__("docker", timeout=_CONNECT)
        self._open = open_

    def connect(self) -> None:
        """Connect to the engine."""
        self.sock = self._open()


def _opened(path: str) -> socket.socket:
    opened = socket.socket(socket.AF_UNIX)
    opened.settimeout(_CONNECT)
    opened.connect(path)
    return opened


@dataclass(frozen=True)
class Engine:
    """Connections to an engine: one, or as many as are in use at once; to a far one it is one at a time.

    `dial` opens a socket to a far one.
    """

    endpoint: Endpoint
    dial: Callable[[], socket.socket]
    _idle: list[HTTPConnection] = field(default_factory=list, compare=False)
    _far: threading.Lock = field(default_factory=threading.Lock, compare=False)

    def get(
        self, path: str, query: Mapping[str, Any], timeout: float, is_interrupted: Callable[[], bool]
    ) -> tuple[bool, Any] | None:
        """Whether there is such a thing, and the answer; None if no usable answer came. Raises `TimedOut`."""
        if not self.endpoint.is_far:
            return self._get(path, query, timeout, is_interrupted)
        while not self._far.acquire(timeout=_SLICE):
            if is_interrupted():
                return None
        try:
            return self._get(path, query, timeout, is_interrupted)
        finally:
            self._far.release()

    def _get(
        self, path: str, query: Mapping[str, Any], timeout: float, is_interrupted: Callable[[], bool]
    ) -> tuple[bool, Any] | None:
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
            return _Local(partial(_opened, there.path)), True
        if there.is_far:
            return _Local(self.dial), True
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
