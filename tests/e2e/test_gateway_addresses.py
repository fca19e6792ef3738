"""Where the gateway is reached."""

from __future__ import annotations

import httpx
import pytest

from tests.e2e.conftest import GATEWAY, Cli, docker, free_port


@pytest.fixture
def cli() -> Cli:
    return Cli((), {"HITLESS_GATEWAY": f"{GATEWAY}-addresses"})


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
        # and without asking for an address again, it keeps the one that it has
        assert f"http://[::1]:{port}" in cli.run("gateway", "up")
        assert docker("port", f"{cli.environment['HITLESS_GATEWAY']}-traefik-1") == f"80/tcp -> [::1]:{port}"
    finally:
        cli.run("gateway", "down", "--volumes")
