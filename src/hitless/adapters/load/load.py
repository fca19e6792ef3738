"""The load of `hitless prove`: an open loop of GETs to the gateway, from a thread of this process.

Open loop: it sends a request when its time has come, whether or not earlier ones were answered. So as many
clients see a stall as would see it in production. It is bounded in every way: only the gateway's own
addresses, and limits on rate, time, number and requests under way.
"""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import os
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import cycle
from typing import Final
from urllib.parse import urlsplit

from hitless.adapters.docker.cli import DockerCli
from hitless.adapters.load.wire import Address, Connections, Head
from hitless.domain.common.errors import GatewayDown, HitlessError
from hitless.domain.gateway.settings import GatewaySettings
from hitless.domain.proof.observations import Failure, Sample, Target, Visit
from hitless.domain.routing import entry_points

MAX_RATE: Final = 200.0  # requests a second


MAX_SECONDS: Final = 3600.0


MAX_REQUESTS: Final = 250_000


MAX_UNDER_WAY: Final = 500  # below the usual limit of 1024 open files


DEADLINE: Final = 60.0  # seconds for one request


_VISIT: Final = 10.0


_FRESH: Final = 4  # every fourth request has its own connection


_NAP: Final = 0.1  # seconds; how long the end of the block may go unnoticed


_EVERYWHERE: Final = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104 - read, not bound


# What Traefik answers by itself, without a server: status -> body (404 and 502 seen of v3.7, the others
# in its source)
_GATEWAYS: Final = {
    404: b"404 page not found\n",
    502: b"Bad Gateway",
    503: b"no available server\n",
    504: b"Gateway Timeout",
}


def published(cli: DockerCli, settings: GatewaySettings | None) -> dict[str, Address]:
    """Where the gateway is published, seen from this machine: entry point -> address.

    Raises `HitlessError` without a gateway, or if the engine is on another machine. Then the load would
    measure the network in between, and nobody knows whether the port here is the gateway's.
    """
    if settings is None:
        raise GatewayDown
    endpoint = cli.endpoint()
    if not _is_here(endpoint):
        raise HitlessError(
            f"the Docker host is another machine ({endpoint}), and the load comes from this one",
            "run hitless prove on the Docker host itself, with -p NAME: it needs no Compose file",
        )
    return {
        name: Address(_EVERYWHERE.get(bound, bound), entry_points.port_of(name) or settings.http_port)
        for name, bound in settings.bound.items()
    }


def _is_here(endpoint: str) -> bool:
    parts = urlsplit(endpoint)
    if parts.scheme in ("unix", "npipe"):
        return not os.environ.get("HITLESS_HOST_NAME")  # a socket that SSH brought here
    if parts.hostname == "localhost":
        return True
    with suppress(ValueError):
        return ipaddress.ip_address(parts.hostname or "").is_loopback
    return False


@dataclass(frozen=True)
class GatewayLoad:
    """Requests to these addresses: where the gateway is published, by entry point."""

    addresses: Mapping[str, Address]

    @contextmanager
    def sending(self, targets: Sequence[Target], rate: float) -> Iterator[Running]:
        """Send in turn until the block ends; then wait for those under way, unless the block fails."""
        if not 0 < rate <= MAX_RATE:
            raise ValueError(f"a rate is above 0 and at most {MAX_RATE:g} requests a second")
        running = Running()
        thread = threading.Thread(
            target=lambda: asyncio.run(_run(running, self.addresses, targets, rate)), name="load", daemon=True
        )
        thread.start()
        try:
            yield running
        except BaseException:
            running.is_given_up = True
            raise
        finally:
            running.is_stopped = True
            thread.join(DEADLINE + 10 * _NAP)

    def visit(self, target: Target, cookies: Mapping[str, str]) -> Visit:
        """One request with these cookies, on its own connection."""
        return asyncio.run(_visit(self.addresses[target.entry_point], target, cookies))


@dataclass
class Running:
    """The load while it runs: its own thread writes it, the other reads it. Lists only grow."""

    samples: list[Sample] = field(default_factory=list)
    lag: float = 0.0
    is_over: bool = False
    is_stopped: bool = False
    is_given_up: bool = False


async def _run(
    running: Running, addresses: Mapping[str, Address], targets: Sequence[Target], rate: float
) -> None:
    connections = {name: Connections(address) for name, address in addresses.items()}
    under_way: set[asyncio.Task[None]] = set()
    began = time.monotonic()

    async def send(target: Target, fresh: bool) -> None:
        running.samples.append(await _sample(connections[target.entry_point], target, fresh))

    for number, target in enumerate(cycle(targets)):
        due = began + number / rate
        while not running.is_stopped and (left := due - time.monotonic()) > 0:
            await asyncio.sleep(min(left, _NAP))
        now = time.monotonic()
        running.is_over = number >= MAX_REQUESTS or now - began > MAX_SECONDS
        if running.is_stopped or running.is_over:
            break
        running.lag = max(running.lag, now - due)
        if len(under_way) < MAX_UNDER_WAY:
            # counted by rounds: else, with four paths, it would always be the same one
            task = asyncio.create_task(send(target, number // len(targets) % _FRESH == 0))
            under_way.add(task)
            task.add_done_callback(under_way.discard)
        else:
            running.samples.append(Sample(target, due, now, 0, Failure.UNSENT))
        # even when late: the requests that are under way need the loop, too
        await asyncio.sleep(0)
    deadline = time.monotonic() + DEADLINE
    while under_way and not running.is_given_up and time.monotonic() < deadline:
        await asyncio.wait(under_way, timeout=_NAP)
    for kept in connections.values():
        kept.close()


async def _sample(connections: Connections, target: Target, fresh: bool) -> Sample:
    connection = head = None
    began = time.monotonic()
    try:
        async with asyncio.timeout(DEADLINE):
            connection = await connections.get(fresh=fresh)
            connection.send(_request(target, {}))
            head = await connection.head()
            body = await connection.body(head)
        sample = Sample(target, began, time.monotonic(), head.status, None, _is_gateways(head, body))
        if head.lasting and not fresh:
            connections.put(connection)
            connection = None
    except Exception as error:
        # every exception, so that each request is counted at its end
        failure = _failure(error, connected=connection is not None, answered=head is not None)
        sample = Sample(target, began, time.monotonic(), 0, failure)
    if connection is not None:
        connection.close()
    return sample


async def _visit(address: Address, target: Target, cookies: Mapping[str, str]) -> Visit:
    connections = Connections(address)
    connection = head = None
    try:
        async with asyncio.timeout(_VISIT):
            connection = await connections.get(fresh=True)
            connection.send(_request(target, cookies))
            head = await connection.head()
            body = await connection.body(head)
    except Exception as error:
        failure = _failure(error, connected=connection is not None, answered=head is not None)
        return Visit(0, problem=str(failure))
    finally:
        if connection is not None:
            connection.close()
    pairs = (cookie.partition(";")[0].partition("=") for cookie in head.cookies)
    told = {name.strip(): value.strip() for name, _, value in pairs}
    return Visit(head.status, told, head.headers.get("location", ""), "", _is_gateways(head, body))


def _request(target: Target, cookies: Mapping[str, str]) -> bytes:
    told = "; ".join(f"{name}={value}" for name, value in cookies.items())
    lines = (
        f"GET {target.path} HTTP/1.1",
        f"Host: {target.host}",
        "User-Agent: hitless-prove",
        "Accept: */*",
        *((f"Cookie: {told}",) if told else ()),
    )
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def _is_gateways(head: Head, body: bytes) -> bool:
    return _GATEWAYS.get(head.status) == body


def _failure(error: Exception, *, connected: bool, answered: bool) -> Failure:
    """What ended a request early."""
    match error:
        case TimeoutError():
            return Failure.TIMEOUT
        case OSError(errno=errno.EMFILE | errno.ENFILE):
            return Failure.UNSENT  # this machine's own limit of open files
        case OSError() if not connected:
            return Failure.REFUSED
        case OSError() | asyncio.IncompleteReadError():
            return Failure.CUT if answered else Failure.RESET
        case _:
            return Failure.GARBLED
