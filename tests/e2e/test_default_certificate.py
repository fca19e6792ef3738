"""The gateway's own certificate, without which Traefik makes a new key at every reload."""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator

import pytest
from cryptography import x509

from tests.e2e.conftest import GATEWAY, Gateway, docker, gateway_of_its_own, wait_for

FILE = "/etc/hitless/routes/.certificate.yml"
# a TLS route on the existing port: without one Traefik shows no certificate at all
ROUTE = "http: {routers: {tls: {rule: 'Host(`a`)', service: noop@internal, tls: {}}}}"


@pytest.fixture(scope="module")
def gateway() -> Iterator[Gateway]:
    with gateway_of_its_own(f"{GATEWAY}-own") as made:
        yield made


def shown(gateway: Gateway) -> str:
    """The certificate for a visitor who asks for no known name."""
    port = int(gateway.url.rpartition(":")[2])
    try:
        return ssl.get_server_certificate(("127.0.0.1", port), timeout=5)
    except OSError:
        return ""


def inside(gateway: Gateway, script: str) -> str:
    return docker("exec", "-u", "0:65532", gateway.container, "sh", "-c", script)


def test_the_gateway_has_one_certificate_and_shows_nobody_its_key(gateway: Gateway) -> None:
    text = inside(gateway, f"cat {FILE}")
    (key,) = re.findall(r"-----BEGIN PRIVATE KEY-----\s+(\S+)", text)

    # Traefik reads it, by its group
    assert docker("exec", gateway.container, "cat", FILE) == text
    assert inside(gateway, f"stat -c '%a %u %g' {FILE}") == "640 0 65532"
    inside(gateway, f'echo "{ROUTE.replace("`", chr(92) + "`")}" > /run/hitless/routes/tls.yml')
    wait_for(lambda: shown(gateway) != "")
    first = shown(gateway)
    assert x509.load_pem_x509_certificate(first.encode()).subject.rfc4514_string() == "CN=hitless.internal"

    # the same after every reload and every start
    inside(gateway, "touch /run/hitless/routes/other.yml")
    docker("restart", "--time", "2", gateway.container)
    gateway.cli.run("gateway", "up")
    inside(gateway, f'echo "{ROUTE.replace("`", chr(92) + "`")}" > /run/hitless/routes/tls.yml')
    wait_for(lambda: shown(gateway) != "")
    assert shown(gateway) == first

    said = [gateway.cli.run("gateway", *words) for words in (("status",), ("status", "--json"), ("logs",))]
    assert not [text for text in said if key in text or ".certificate" in text]
