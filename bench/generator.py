"""The requests themselves: an open loop of mixed load against one loopback address.

Open loop: a request begins when its time has come, whether or not earlier ones were answered. So as many
clients see a stalled server as would see it in production.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, get_args
from urllib.parse import urlsplit

from bench.exchange import Client, Progress, cause
from bench.grpc import Grpc
from bench.http1 import Http1
from bench.http2 import Http2
from bench.loopback import loopback
from bench.report import QUICK, EndedBy, Kind, Report, Sample
from bench.websocket import WebSockets

DEFAULT_MIX: Final[Mapping[Kind, float]] = MappingProxyType(
    {"kept": 86, "fresh": 28, "post": 23, "slow": 2, "stream": 1}
)
"""Shares of the kinds; at the default 140 requests/s, requests per second. What examples/flask can answer."""

EVERY_KIND: Final[Mapping[Kind, float]] = MappingProxyType(
    {
        "kept": 70,
        "fresh": 20,
        "post": 16,
        "slow": 2,
        "stream": 1,
        "upload": 1,
        "events": 1,
        "websocket": 1,
        "https": 5,
        "http2": 25,
        "unary": 12,
        "streaming": 1,
    }
)
"""The same with every kind that ends by itself; at 155 requests/s, requests per second. For bench/app."""

MAX_SECONDS: Final = 900.0
MAX_RATE: Final = 1000.0
MAX_REQUESTS: Final = 250_000
MAX_OUTSTANDING: Final = 3000
MAX_HELD: Final = 100
MAX_LONG: Final = 10
MAX_PATIENCE: Final = 120.0

# For the whole request; generous: only an answer that nobody would wait for is lost.
DEADLINES: Final[Mapping[Kind, float]] = MappingProxyType(
    {
        "kept": 10.0,
        "fresh": 10.0,
        "post": 10.0,
        "slow": 20.0,
        "stream": 20.0,
        "upload": 25.0,
        "long": 90.0,
        "failing": 10.0,
        "events": 20.0,
        "websocket": 20.0,
        "https": 10.0,
        "http2": 10.0,
        "unary": 10.0,
        "streaming": 20.0,
    }
)
LONGEST_REQUEST: Final = max(DEADLINES.values())
PROBE_EVERY: Final = 0.05
OPEN_AGAIN: Final = 1.0
"""Seconds until a held WebSocket that was closed is opened again."""


@dataclass(frozen=True)
class Settings:
    """What to send, where, and for how long at most.

    ``url`` is ``http://`` and a loopback address or ``localhost``, with a port; ``host`` is the Host header,
    by default the URL's. ``seconds`` and ``rate`` (requests/s) are bounded. With ``wait_ready`` above 0, the
    load begins when every quick kind has had a right answer, and waits that many seconds for it. ``held``
    WebSockets stay open during the load, and ``long`` uploads begin with it. Clients wait ``patience``
    seconds longer than they do else. Raises ValueError for anything else.
    """

    url: str
    host: str | None = None
    rate: float = 140.0
    seconds: float = 300.0
    mix: Mapping[Kind, float] = field(default_factory=lambda: DEFAULT_MIX)
    wait_ready: float = 0.0
    held: int = 0
    long: int = 0
    patience: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what could harm anybody else, or never end."""
        loopback(self.url)
        if not 0 < self.seconds <= MAX_SECONDS:
            raise ValueError(f"seconds must be above 0 and at most {MAX_SECONDS:g}")
        if not 0 < self.rate <= MAX_RATE:
            raise ValueError(f"rate must be above 0 and at most {MAX_RATE:g} requests/s")
        if not 0 <= self.held <= MAX_HELD:
            raise ValueError(f"held must be at least 0 and at most {MAX_HELD}")
        if not 0 <= self.long <= MAX_LONG:
            raise ValueError(f"long must be at least 0 and at most {MAX_LONG}")
        if not 0 <= self.patience <= MAX_PATIENCE:
            raise ValueError(f"patience must be at least 0 and at most {MAX_PATIENCE:g} seconds")
        unknown = sorted(set(self.mix) - (set(get_args(Kind)) - {"held", "long"}))
        if unknown:
            raise ValueError(f"unknown kinds in mix: {', '.join(unknown)}")
        if min(self.mix.values(), default=0) < 0 or sum(self.mix.values()) <= 0:
            raise ValueError("the shares of a mix must not be negative, nor all 0")


class NotReadyError(Exception):
    """The application gave no right answers within the time that was set for it."""


def in_turn(mix: Mapping[Kind, float]) -> Iterator[Kind]:
    """Yield kinds for ever, each as often as its share, spread as evenly as possible."""
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
        """Make a client for every protocol; none of them opens anything yet."""
        self._settings = settings
        self._samples: list[Sample] = []
        self._max_lag = 0.0
        self._stopped = False
        self._ended_by: EndedBy = "asked"
        address = loopback(settings.url)
        host = settings.host or urlsplit(settings.url).netloc
        self._sockets = WebSockets(address, host)
        others: tuple[tuple[Client, tuple[Kind, ...]], ...] = (
            (self._sockets, ("websocket", "held")),
            (Http2(address, host), ("http2",)),
            (Grpc(address, host), ("unary", "streaming")),
        )
        self._clients: dict[Kind, Client] = dict.fromkeys(get_args(Kind), Http1(address, host))
        for client, kinds in others:
            self._clients.update(dict.fromkeys(kinds, client))

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
            held = [asyncio.create_task(self._hold()) for _ in range(self._settings.held)]
            long = [
                asyncio.create_task(self._send("long", time.monotonic())) for _ in range(self._settings.long)
            ]
            await self._send_on_schedule()
            self._stopped = True
            self._sockets.let_go()
            await asyncio.gather(*held, *long)
        finally:
            for client in set(self._clients.values()):
                await client.close()
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
        kinds += sorted(QUICK.intersection(self._settings.mix) - set(kinds)) if kinds else []
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
                # Thousands of clients wait already. This one would wait, too: that must not be hidden.
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

    async def _hold(self) -> None:
        """Keep a WebSocket open until the load stops; each one that was opened is a sample."""
        while not self._stopped:
            self._samples.append(await self._exchange("held"))
            if self._samples[-1].failure is not None:
                await asyncio.sleep(OPEN_AGAIN)

    async def _exchange(self, kind: Kind) -> Sample:
        progress = Progress()
        started = time.monotonic()
        deadline = DEADLINES[kind] + self._settings.patience if kind in DEADLINES else None
        try:
            async with asyncio.timeout(deadline):
                failure = await self._clients[kind].ask(kind, progress)
        except Exception as error:
            # Every exception, so that each request is counted at its end.
            failure = cause(kind, error, progress)
        return Sample(kind, started, progress.first_byte, time.monotonic(), progress.release, failure)
