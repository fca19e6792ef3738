"""The requests themselves: an open loop of mixed load against one loopback address.

Open loop: a request begins when its time has come, whether or not earlier ones were answered, so
that a stalled server is seen by as many clients as it would be in earnest.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final
from urllib.parse import urlsplit

from bench.report import EndedBy, Kind, Report, Sample
from hitless.adapters.wire import Connections, loopback

DEFAULT_MIX: Final[Mapping[Kind, float]] = MappingProxyType(
    {"kept": 86, "fresh": 28, "post": 23, "slow": 2, "stream": 1}
)
"""Shares of the kinds; at the default 140 requests/s, requests per second."""

MAX_SECONDS: Final = 900.0
MAX_RATE: Final = 1000.0
MAX_REQUESTS: Final = 250_000
MAX_OUTSTANDING: Final = 3000

# For the whole request; generous, so that only an answer that nobody would wait for is lost.
DEADLINES: Final[Mapping[Kind, float]] = MappingProxyType(
    {"kept": 10.0, "fresh": 10.0, "post": 10.0, "slow": 20.0, "stream": 20.0}
)
LONGEST_REQUEST: Final = max(DEADLINES.values())
PROBE_EVERY: Final = 0.05
STREAM_LINES: Final = 20
BODIES: Final = 64
BODY_BYTES: Final = 4096


@dataclass(frozen=True)
class Settings:
    """What to send, where, and for how long at most.

    ``url`` is ``http://`` and a loopback address or ``localhost``, with a port; ``host`` is the
    Host header, by default the URL's. ``seconds`` and ``rate`` (requests/s) are bounded. With
    ``wait_ready`` above 0, the load begins once every quick kind was answered rightly, for which
    it waits so many seconds. Raises ValueError for anything else.
    """

    url: str
    host: str | None = None
    rate: float = 140.0
    seconds: float = 300.0
    mix: Mapping[Kind, float] = field(default_factory=lambda: DEFAULT_MIX)
    wait_ready: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what could harm anybody else or never end."""
        loopback(self.url)
        if not 0 < self.seconds <= MAX_SECONDS:
            raise ValueError(f"seconds must be above 0 and at most {MAX_SECONDS:g}")
        if not 0 < self.rate <= MAX_RATE:
            raise ValueError(f"rate must be above 0 and at most {MAX_RATE:g} requests/s")
        unknown = sorted(set(self.mix) - set(DEFAULT_MIX))
        if unknown:
            raise ValueError(f"unknown kinds in mix: {', '.join(unknown)}")
        if min(self.mix.values(), default=0) < 0 or sum(self.mix.values()) <= 0:
            raise ValueError("the shares of a mix must not be negative, nor all 0")


class NotReadyError(Exception):
    """The application gave no right answers within the time that was set for it."""


def in_turn(mix: Mapping[Kind, float]) -> Iterator[Kind]:
    """Yield kinds for ever, each as often as its share, spread as evenly as can be."""
    total = sum(mix.values())
    credit = dict.fromkeys(mix, 0.0)
    while True:
        for kind, share in mix.items():
            credit[kind] += share / total
        kind = max(credit, key=credit.__getitem__)
        credit[kind] -= 1
        yield kind


class Generator:
    """One run of the load: :meth:`run` once, :meth:`stop` from the same event loop."""

    def __init__(self, settings: Settings) -> None:
        """Build all requests beforehand: what is sent 140 times a second should cost little."""
        self._settings = settings
        self._samples: list[Sample] = []
        self._max_lag = 0.0
        self._stopped = False
        self._ended_by: EndedBy = "asked"
        self._requests = _Requests(settings)
        self._connections = Connections(loopback(settings.url))

    def stop(self) -> None:
        """Begin no more requests; :meth:`run` returns when the outstanding ones have ended."""
        self._stopped = True

    async def run(self, on_ready: Callable[[], None] = lambda: None) -> Report:
        """Send until stopped or bounded, wait for what is outstanding, and report.

        ``on_ready`` is called when the load begins. Raises NotReadyError.
        """
        cpu = time.process_time()
        try:
            await self._wait_until_ready()
            on_ready()
            await self._send_on_schedule()
        finally:
            self._connections.close()
        return Report(
            samples=tuple(sorted(self._samples, key=lambda sample: sample.started)),
            max_lag=self._max_lag,
            cpu_seconds=time.process_time() - cpu,
            epoch_offset=time.time() - time.monotonic(),
            ended_by=self._ended_by,
        )

    async def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + self._settings.wait_ready
        kinds: list[Kind] = ["kept", "fresh", "post"] if self._settings.wait_ready > 0 else []
        while kinds and not self._stopped:
            probe = await self._exchange(kinds[0])
            if probe.failure is None:
                kinds.pop(0)
            elif time.monotonic() < deadline:
                await asyncio.sleep(PROBE_EVERY)
            else:
                raise NotReadyError(
                    f"no right answer to {probe.kind!r} from {self._settings.url} within "
                    f"{self._settings.wait_ready:g} s; the last try: {probe.failure}"
                )

    async def _send_on_schedule(self) -> None:
        outstanding: set[asyncio.Task[None]] = set()
        began = time.monotonic()
        for number, kind in enumerate(in_turn(self._settings.mix)):
            elapsed = number / self._settings.rate
            due = began + elapsed
            await self._sleep_until(due)
            if self._stopped or self._bounded(number, elapsed):
                break
            if len(outstanding) < MAX_OUTSTANDING:
                task = asyncio.create_task(self._send(kind, due))
                outstanding.add(task)
                task.add_done_callback(outstanding.discard)
            else:
                # Thousands of clients wait already. This one would, too: not to be hidden.
                self._samples.append(Sample(kind, due, None, due, None, "too many waiting"))
        # Every request has a deadline, so this ends.
        await asyncio.gather(*outstanding)

    async def _sleep_until(self, due: float) -> None:
        # Always once, even when late: the requests already begun need the loop, too.
        await asyncio.sleep(min(max(0.0, due - time.monotonic()), 0.1))
        while not self._stopped and (left := due - time.monotonic()) > 0:
            await asyncio.sleep(min(left, 0.1))

    def _bounded(self, number: int, elapsed: float) -> bool:
        if number >= MAX_REQUESTS:
            self._ended_by = "count"
        elif elapsed >= self._settings.seconds:
            self._ended_by = "time"
        else:
            return False
        return True

    async def _send(self, kind: Kind, due: float) -> None:
        self._max_lag = max(self._max_lag, time.monotonic() - due)
        self._samples.append(await self._exchange(kind))

    async def _exchange(self, kind: Kind) -> Sample:
        request, expected = self._requests.next(kind)
        connection = first_byte = release = None
        started = time.monotonic()
        try:
            async with asyncio.timeout(DEADLINES[kind]):
                connection = await self._connections.get(fresh=kind == "fresh")
                connection.send(request)
                head = await connection.head()
                first_byte = time.monotonic()
                release = head.headers.get("x-release") or None
                body = await connection.body(head)
            failure = _fault(kind, head.status, release, body, expected)
            if head.lasting and kind != "fresh":
                self._connections.put(connection)
                connection = None
        except Exception as error:
            # Every exception, so that no request can end without being counted.
            failure = _cause(kind, error, connected=connection is not None, answered=first_byte)
        ended = time.monotonic()
        if connection is not None:
            connection.close()
        return Sample(kind, started, first_byte, ended, release, failure)


class _Requests:
    """Ready-made requests by kind; the POSTs differ, so that a swapped answer would show."""

    def __init__(self, settings: Settings) -> None:
        self._host = settings.host or urlsplit(settings.url).netloc
        self._fixed: dict[Kind, bytes] = {
            "kept": self._request("GET", "/"),
            "fresh": self._request("GET", "/"),
            "slow": self._request("GET", "/slow?seconds=3"),
            "stream": self._request("GET", "/stream?seconds=5"),
        }
        # Seeded: two runs send the same.
        bodies = [random.Random(number).randbytes(BODY_BYTES) for number in range(BODIES)]
        self._posts = [
            (
                self._request("POST", "/echo", body),
                f"{hashlib.sha256(body).hexdigest()} {len(body)}\n".encode(),
            )
            for body in bodies
        ]
        self._posted = 0

    def next(self, kind: Kind) -> tuple[bytes, bytes]:
        """Return a request and, for a POST, the answer it must get."""
        if kind != "post":
            return self._fixed[kind], b""
        self._posted += 1
        return self._posts[self._posted % BODIES]

    def _request(self, method: str, path: str, body: bytes = b"") -> bytes:
        length = f"Content-Length: {len(body)}\r\n" if body else ""
        head = (
            f"{method} {path} HTTP/1.1\r\nHost: {self._host}\r\n"
            f"User-Agent: hitless-bench\r\nAccept: */*\r\n{length}\r\n"
        )
        return head.encode() + body


def _fault(kind: Kind, status: int, release: str | None, body: bytes, expected: bytes) -> str | None:
    """Return what is wrong with a complete answer, or None."""
    if status != 200:
        return str(status)
    if release is None:
        # A 200 of somebody else: not of the application under load.
        return "no release"
    if kind == "stream":
        return None if body.count(b"\n") >= STREAM_LINES else "stream cut"
    right = body == expected if kind == "post" else release.encode() in body
    return None if right else "wrong body"


def _cause(kind: Kind, error: Exception, *, connected: bool, answered: float | None) -> str:
    """Return the short name of what ended a request early, and how far it had come."""
    match error:
        case TimeoutError():
            return "read timeout" if connected else "connect timeout"
        case ConnectionRefusedError():
            return "connect refused"
        case OSError() if not connected:
            return "connect failed"
        case OSError() | asyncio.IncompleteReadError() if answered is not None:
            return "stream cut" if kind == "stream" else "body cut"
        case asyncio.IncompleteReadError():
            return "disconnected"
        case OSError():
            return "connection reset"
        case ValueError():
            return "bad answer"
        case _:
            return type(error).__name__
