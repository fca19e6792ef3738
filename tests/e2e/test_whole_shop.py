"""examples/shop under load with writes, deployed again and again; `make shop` has 20 deployments."""

from __future__ import annotations

import itertools
import os
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from tests.e2e.conftest import ROOT, App, docker, wait_for

pytestmark = pytest.mark.more

Make = Callable[..., App]


DEPLOYMENTS = int(os.environ.get("HITLESS_SHOP", "2"))
PAUSE = 0.4  # seconds between two requests of a visitor, with any result of the first
READERS, WRITERS = 4, 2


@dataclass
class Visitors:
    """They look and order until they are told to stop, and record the results."""

    url: str
    host: str
    over: threading.Event = field(default_factory=threading.Event)
    # (began, release of web, release of api), and the ids of accepted orders
    answers: list[tuple[float, str, str]] = field(default_factory=list)
    orders: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)

    def visit(self, number: int) -> None:
        """Make a request every PAUSE seconds, on a connection that is kept."""
        with httpx.Client(base_url=self.url, headers={"Host": self.host}, trust_env=False, timeout=20) as web:
            for count in itertools.count():
                began = time.monotonic()
                self.ask(web, f"{number}-{count}" if number < WRITERS else "")
                if self.over.wait(max(0.0, began + PAUSE - time.monotonic())):
                    return

    def ask(self, web: httpx.Client, order: str) -> None:
        began = time.monotonic()
        try:
            answer = web.post("/orders", json={"id": order}) if order else web.get("/")
            found = answer.raise_for_status().json()
        except (httpx.HTTPError, ValueError) as error:
            self.lost.append(f"{order} {error!r}")
            return
        self.answers.append((began, found["web"], found["api"]))
        if order:
            self.orders.append(order)


@contextmanager
def visiting(app: App) -> Iterator[Visitors]:
    visitors = Visitors(app.gateway.url, app.host)
    threads = [threading.Thread(target=visitors.visit, args=(n,)) for n in range(WRITERS + READERS)]
    for thread in threads:
        thread.start()
    try:
        yield visitors
    finally:
        visitors.over.set()
        for thread in threads:
            thread.join()


@contextmanager
def session(app: App) -> Iterator[Any]:
    """A connection to the database that stays open: called with a query, it returns the first line."""
    command = ("docker", "exec", "-i", f"{app.name}-db-1", "psql", "-U", "shop", "-At")
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin and process.stdout

        def ask(query: str) -> str:
            assert process.stdin and process.stdout
            process.stdin.write(f"{query};\n")
            process.stdin.flush()
            return process.stdout.readline().strip()

        yield ask
        process.stdin.close()


def rows(app: App, query: str) -> list[str]:
    return docker("exec", f"{app.name}-db-1", "psql", "-U", "shop", "-Atc", query).splitlines()


def shared(app: App) -> str:
    """Which containers the database and the queue are, and since when they run."""
    names = (f"{app.name}-db-1", f"{app.name}-queue-1")
    return docker("inspect", *names, "--format", "{{.Id}} {{.State.StartedAt}} {{.RestartCount}}")


def test_a_whole_application_is_deployed_under_load_with_writes(app: Make) -> None:
    shop = app(file=ROOT / "examples" / "shop" / "compose.yaml", name="e2e-shop", host="shop.localhost")
    shop.cli.run("deploy", RELEASE="1", WORK_SECONDS="0.1")
    before = shared(shop)
    releases = [str(number) for number in range(1, DEPLOYMENTS + 2)]

    with session(shop) as ask, visiting(shop) as visitors:
        server_process = ask("SELECT pg_backend_pid()")
        for release in releases[1:]:
            shop.cli.run("deploy", RELEASE=release, WORK_SECONDS="0.1")
        wait_for(lambda: visitors.answers[-1][1] == releases[-1])
        assert ask("SELECT pg_backend_pid()") == server_process
    assert shared(shop) == before

    assert visitors.lost == []
    assert all(web == api for _, web, api in visitors.answers), "a pair of two colours"
    # in the order of their beginnings: requests that overlap at a switch may end in any order
    seen = [web for _, web, _ in sorted(visitors.answers)]
    assert [release for release, _ in itertools.groupby(seen)] == releases

    wait_for(lambda: docker("exec", f"{shop.name}-queue-1", "redis-cli", "llen", "jobs") == "0")
    wait_for(lambda: rows(shop, "SELECT count(*) FROM invoices") == [str(len(visitors.orders))])
    assert sorted(rows(shop, "SELECT id FROM orders")) == sorted(visitors.orders)
    assert sorted(rows(shop, "SELECT order_id FROM invoices")) == sorted(visitors.orders)
    attempts = Counter(rows(shop, "SELECT order_id FROM attempts"))
    assert attempts == Counter(visitors.orders), "a job was cut short, or was done twice"
    assert set(rows(shop, "SELECT release FROM migrations")) == {"1"}
    print(
        f"{DEPLOYMENTS} deployments, {len(visitors.answers)} requests, {len(visitors.orders)} orders, 0 lost"
    )
