"""Where the gateway is reached."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from tests.e2e.conftest import GATEWAY, Cli, docker, free_port


@pytest.fixture
def cli() -> Cli:
    return Cli((), {"HITLESS_GATEWAY": f"{GATEWAY}-addresses"})


@contextmanager
def asking(url: str) -> Iterator[list[str]]:
    """What clients are answered, or what becomes an error, each with a new connection, until it is left."""
    found: list[str] = []
    is_over = threading.Event()

    def ask() -> None:
        while not is_over.is_set():
            try:
                found.append(str(httpx.get(url, trust_env=False).status_code))
            except httpx.HTTPError as error:
                found.append(repr(error))

    client = threading.Thread(target=ask)
    client.start()
    try:
        yield found
    finally:
        is_over.set()
        client.join()


def test_without_an_address_the_gateway_is_reached_by_ipv4_and_ipv6(cli: Cli) -> None:
    port = free_port()
    try:
        said = cli.run("gateway", "up", "--http-port", str(port))
        assert f"http://*:{port}" in said
        for address in ("127.0.0.1", "[::1]"):
            assert httpx.get(f"http://{address}:{port}/", trust_env=False).status_code == 404

        cli.run("gateway", "up", "--bind", "::1", "--replace")
        assert httpx.get(f"http://[::1]:{port}/", trust_env=False).status_code == 404
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"http://127.0.0.1:{port}/", trust_env=False)
        with asking(f"http://[::1]:{port}/") as answers:
            cli.run("gateway", "up", "--read-timeout", "900s")
        assert len(answers) > 20
        assert set(answers) == {"404"}
        # and without asking for an address again, it keeps the one that it has
        assert f"http://[::1]:{port}" in cli.run("gateway", "up")
        assert docker("port", f"{cli.environment['HITLESS_GATEWAY']}-traefik-1") == f"80/tcp -> [::1]:{port}"
    finally:
        cli.run("gateway", "down", "--volumes")
