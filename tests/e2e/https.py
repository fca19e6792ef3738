"""Clients over HTTPS that ask all the time."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

import httpx

from bench.threads import running

FRESH, KEPT, HTTP2 = (False, False), (False, True), (True, True)


class Site(Protocol):
    """Where they ask, and whom they trust."""

    def client(self, http2: bool = False) -> httpx.Client: ...

    def get(self, client: httpx.Client, host: str) -> httpx.Response: ...


@dataclass
class Seen:
    """What they saw; `answers` are the releases, `lost` what went wrong."""

    answers: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)


@contextmanager
def clients(site: Site, host: str, *kinds: tuple[bool, bool]) -> Iterator[Seen]:
    """Clients of these kinds: a new connection for each request, a kept one, and HTTP/2."""
    found, is_over = Seen(), threading.Event()

    def ask(http2: bool, is_kept: bool) -> None:
        client = site.client(http2)
        while not is_over.is_set():
            try:
                answer = site.get(client, host)
                found.answers.append(answer.headers["X-Release"])
                if answer.status_code != 200:
                    found.lost.append(str(answer.status_code))
            except (httpx.HTTPError, KeyError) as error:
                found.lost.append(repr(error))
            if not is_kept:
                client.close()
                client = site.client(http2)
            time.sleep(0.01)
        client.close()

    threads = [threading.Thread(target=ask, args=kind) for kind in kinds]
    with running(threads, is_over):
        yield found
