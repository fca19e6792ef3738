"""The values that options of the command line take."""

from __future__ import annotations

import click
import pytest

from hitless.cli.options import AddressRange, Alias, Bytes, HostAddress, HostPort, TrustedProxies
from tests.adapters.fake_docker import FakeDocker
from tests.cli.test_cli import run


@pytest.mark.parametrize("address", ["localhost", "10.0.0.300", "127.0.0.1:80"])
def test_what_is_no_address_is_refused_before_anything_is_touched(docker: FakeDocker, address: str) -> None:
    done = run("gateway", "up", "--bind", address)
    assert done.returncode == 2
    assert "is no address of a host" in done.stderr
    assert docker.calls == []


@pytest.mark.parametrize(
    ("value", "address"),
    [("all", ""), ("", ""), ("[::1]", "::1"), ("0.0.0.0", "0.0.0.0"), ("FD00::1", "fd00::1")],
)
def test_an_address_to_listen_on(value: str, address: str) -> None:
    assert HostAddress().convert(value, None, None) == address


@pytest.mark.parametrize(
    ("value", "port"),
    [
        ("80", (80, "", False)),
        ("80/tcp", (80, "", False)),
        ("*:80", (80, "", False)),
        ("[::1]:80", (80, "::1", False)),
        ("10.1.1.1:80", (80, "10.1.1.1", False)),
        ("53/udp", (53, "", True)),
        ("[::1]:53/udp", (53, "::1", True)),
    ],
)
def test_a_port_to_publish(value: str, port: tuple[int, str, bool]) -> None:
    assert HostPort().convert(value, None, None) == port


@pytest.mark.parametrize("value", ["0", "60001", "53/sctp", "53/", "/udp", "53/udp/udp", "x/udp"])
def test_what_is_no_port_to_publish(value: str) -> None:
    with pytest.raises(click.BadParameter, match="is not like"):
        HostPort().convert(value, None, None)


@pytest.mark.parametrize(
    ("value", "trusted"),
    [
        ("10.0.0.5", ("10.0.0.5",)),
        ("10.0.0.5/24, FD00::1/64,10.9.9.9/32", ("10.0.0.0/24", "fd00::/64", "10.9.9.9")),
        ("none", ()),
    ],
)
def test_proxies_to_trust(value: str, trusted: tuple[str, ...]) -> None:
    assert TrustedProxies().convert(value, None, None) == trusted


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("proxy.example", "neither an address"),
        ("10.0.0.5,", "neither an address"),
        ("0.0.0.0/0", "every visitor"),
        ("::/0", "every visitor"),
        ("127.0.0.1", "docs/behind-a-proxy.md"),
        ("::1", "docs/behind-a-proxy.md"),
    ],
)
def test_what_can_not_be_trusted_is_refused(docker: FakeDocker, value: str, said: str) -> None:
    done = run("gateway", "up", "--trusted-proxy", value)
    assert done.returncode == 2
    assert said in " ".join(done.stderr.split())
    assert docker.calls == []


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("10.213.0.0/24", "too small"),
        ("10.213.0.1/16", "no range"),
        ("somewhere", "no range"),
        ("fd00::/64", "no range"),
        ("127.0.0.0/16", "private range"),
        ("224.0.0.0/16", "private range"),
        ("169.254.0.0/16", "private range"),
    ],
)
def test_what_is_no_range_for_networks_is_refused(value: str, said: str) -> None:
    with pytest.raises(click.BadParameter, match=said):
        AddressRange().convert(value, None, None)
    assert AddressRange().convert("10.213.0.0/16", None, None) == "10.213.0.0/16"


@pytest.mark.parametrize(
    ("value", "number"),
    [("0", 0), ("512m", 512 << 20), ("1.5G", 3 << 29), ("256MB", 256 << 20), ("134217728", 128 << 20)],
)
def test_an_amount_of_memory(value: str, number: int) -> None:
    assert Bytes().convert(value, None, None) == number


@pytest.mark.parametrize(
    ("value", "said"), [("64m", "too little"), ("1", "too little"), ("much", "not like"), ("-1g", "not like")]
)
def test_what_is_no_memory_for_a_gateway_is_refused(value: str, said: str) -> None:
    with pytest.raises(click.BadParameter, match=said):
        Bytes().convert(value, None, None)


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        ("tls=websecure", ("tls", "websecure")),
        ("plain=web", ("plain", "web")),
        ("postgres=5432", ("postgres", "port-5432")),
        ("db=5432/tcp", ("db", "port-5432")),
        ("dns=53/udp", ("dns", "port-53-udp")),
    ],
)
def test_another_name_of_an_entry_point(value: str, meant: tuple[str, str]) -> None:
    assert Alias().convert(value, None, None) == meant


@pytest.mark.parametrize(
    "value",
    [
        *("tls", "tls=mine", "a b=web", "db=0", "db=70000", "web=5432", "port-80=web"),
        *("port-53-udp=54", "dns=53/sctp", "dns=0/udp"),
    ],
)
def test_what_is_no_other_name_of_an_entry_point(value: str) -> None:
    with pytest.raises(click.BadParameter):
        Alias().convert(value, None, None)
