"""The outside port: a thread for each port asks it again and again."""

from __future__ import annotations

import ipaddress
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from threading import Event, Thread

from hitless.ports.outside import Gaps, Speaks, Watched

_PAUSE = 0.02  # seconds between two requests
_LONGEST = 1.0  # seconds for one
_SLOW = 0.3  # an answer that takes longer is none yet
_MOMENT = 0.05  # a connection that nobody wants is closed at once
_NOBODY = (502, 503, 504)  # what a proxy says in place of an application


@dataclass(frozen=True)
class FromHere:
    """`name` is that of the Docker host, `localhost` for one on this machine."""

    name: str

    @contextmanager
    def watching(self, ports: Sequence[Watched]) -> Iterator[Callable[[], Gaps]]:
        """Ask these ports again and again until the block ends."""
        over = Event()
        watches = [_Watch(one, place) for one in ports if (place := self._place(one))]
        threads = [Thread(target=one.run, args=(over,), daemon=True) for one in watches]
        for thread in threads:
            thread.start()
        if watches:
            over.wait(2 * _PAUSE)  # an answer from before
        try:
            yield lambda: {
                one.port: next((watch.longest() for watch in watches if watch.watched is one), None)
                for one in ports
            }
        finally:
            over.set()
            for thread in threads:
                thread.join(2 * _LONGEST)

    def _place(self, one: Watched) -> str:
        """Where this machine reaches the port; "" if it can't."""
        if not one.address:
            return self.name
        with suppress(ValueError):
            if ipaddress.ip_address(one.address).is_loopback and self.name != "localhost":
                return ""
        return one.address


@dataclass
class _Watch:
    watched: Watched
    place: str
    gap: float | None = None
    last: float | None = None
    is_answering: bool = False

    def run(self, over: Event) -> None:
        while not over.wait(_PAUSE):
            self.is_answering = _answers(self.watched, self.place)
            if self.is_answering:
                now = time.monotonic()
                if self.last is not None:
                    self.gap = max(self.gap or 0.0, now - self.last)
                self.last = now

    def longest(self) -> float | None:
        """The longest time between two answers; None until there are two, and while it does not answer."""
        if self.last is None or not self.is_answering or time.monotonic() - self.last > _SLOW:
            return None
        return self.gap


def _answers(one: Watched, place: str) -> bool:
    try:
        with socket.create_connection((place, one.port), timeout=_LONGEST) as plain:
            if one.speaks is Speaks.TCP:
                plain.settimeout(_MOMENT)
                try:
                    return plain.recv(1) != b""
                except TimeoutError:
                    return True  # it waits for us, as most do
            with _secured(one, plain) if one.speaks is Speaks.HTTPS else plain as connection:
                connection.settimeout(_LONGEST)
                request = f"GET / HTTP/1.1\r\nHost: {one.host or place}\r\nConnection: close\r\n\r\n"
                connection.sendall(request.encode())
                words = connection.recv(64).split()
                return len(words) > 1 and words[1].isdigit() and int(words[1]) not in _NOBODY
    except (OSError, ValueError):
        return False


def _secured(one: Watched, plain: socket.socket) -> ssl.SSLSocket:
    """Whoever answers counts: whether its certificate is right was checked before."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context.wrap_socket(plain, server_hostname=one.host or None)
