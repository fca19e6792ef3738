"""What the gateway's script does with orders, and with what Traefik keeps of a CA."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from hitless.adapters.docker.cli import DockerCli
from hitless.adapters.gateway.certificates import GatewayCertificates
from hitless.adapters.gateway.shell import GATEWAY_LOCK, GatewayShell
from hitless.adapters.gateway.state import GatewayState
from hitless.domain.common.errors import DockerFailed, LockLost
from hitless.domain.common.foreign import Json
from hitless.domain.gateway.certificates import Certificate
from tests.adapters.fake_docker import FakeDocker
from tests.adapters.gateway.traefiks import wait_for

STORAGE = "--certificatesresolvers.hitless.acme.storage"


@dataclass
class Instance:
    """A Traefik that serves these."""

    served: list[Json] = field(default_factory=list)

    def certificates(self) -> list[Json]:
        return self.served


@pytest.fixture
def state(docker: FakeDocker) -> Iterator[GatewayState]:
    shell = GatewayShell(DockerCli(), "traefik")
    yield GatewayState(shell)
    shell.close()


@pytest.fixture
def instance() -> Instance:
    return Instance()


@pytest.fixture
def certificates(state: GatewayState, instance: Instance) -> GatewayCertificates:
    """On the shell that locks: an idle one of another would keep the lock for a while."""
    return GatewayCertificates(state.shell, lambda: [instance])


@pytest.fixture
def served(host: FakeDocker) -> Path:
    """A gateway with two instances; the second is live."""
    served = host.root / "run/hitless"
    for name in ("routes", "next", "1/routes"):
        (served / name).mkdir(parents=True)
    (served / "live").write_text("1\n")
    os.mkfifo(served / "control")
    (host.root / "var/lib/hitless").mkdir(parents=True)
    return served


@pytest.fixture
def acme(host: FakeDocker, served: Path) -> Path:
    """Where Traefik keeps what is the CA's."""
    folder = host.root / "etc/hitless/acme"
    folder.mkdir(parents=True)
    (served / "2").mkdir()
    for number, place in enumerate((served, served / "1", served / "2")):
        (place / "arguments").write_text(f"program\n{STORAGE}={folder}/ca.example.{number}.json\n--last\n")
    return folder


def orders(served: Path) -> list[str]:
    return sorted(str(file.relative_to(served)) for file in served.rglob(".order-*"))


def test_the_live_instance_alone_orders_until_it_is_over(
    state: GatewayState, certificates: GatewayCertificates, served: Path, acme: Path
) -> None:
    with state.lock("shop", "alice", 0, print):
        order = certificates.order("shop", ("a.example", "b.example"), 60)
        assert orders(served) == [f"1/routes/.order-{order}.yml"]
        # it counts until it is known how it went
        certificates.order_again("shop", order)
        assert certificates.failures() == {"a.example": (0,), "b.example": (0,)}
        certificates.end_order("shop", order, has_failed=False)
        assert (orders(served), certificates.failures()) == ([], {})


def test_an_order_that_has_failed_still_counts(
    state: GatewayState, certificates: GatewayCertificates, served: Path, acme: Path
) -> None:
    with state.lock("shop", "alice", 0, print):
        for has_failed in (True, False, True):
            order = certificates.order("shop", ("a.example",), 60)
            certificates.end_order("shop", order, has_failed)
        order = certificates.order("shop", ("*.b.example",), 60)
        certificates.end_order("shop", order, has_failed=True)
    assert {name: len(ages) for name, ages in certificates.failures().items()} == {
        "a.example": 2,
        "*.b.example": 1,
    }


def test_failures_are_forgotten_after_an_hour(
    certificates: GatewayCertificates, served: Path, host: FakeDocker
) -> None:
    (host.root / "var/lib/hitless/.orders").write_text("1000 old ca.example a.example\n")
    assert certificates.failures() == {}


def test_without_the_lock_nothing_is_ordered(certificates: GatewayCertificates, served: Path) -> None:
    with pytest.raises(LockLost):
        certificates.order("shop", ("a.example",), 60)
    assert (orders(served), certificates.failures()) == ([], {})


def test_an_order_ends_with_the_lock_of_its_command(
    state: GatewayState, instance: Instance, served: Path, acme: Path
) -> None:
    # with the shell that locks all that it has begun would end here
    shell = GatewayShell(state.shell.cli, "traefik", state.shell.claims)
    certificates = GatewayCertificates(shell, lambda: [instance])
    with state.lock("shop", "alice", 0, print):
        certificates.order("shop", ("a.example",), 60)
        assert orders(served)
    wait_for(lambda: not orders(served))
    assert "a.example" in certificates.failures()
    shell.close()


def test_an_order_ends_in_time(state: GatewayState, certificates: GatewayCertificates, served: Path) -> None:
    with state.lock("shop", "alice", 0, print):
        certificates.order("shop", ("a.example",), 1)
        wait_for(lambda: not orders(served))


WHOLE, HALF = '{"hitless": {}}', '{"hitless": {'


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, None),
        ({"ca.example.1.json": WHOLE}, WHOLE),
        ({"ca.example.copy.json": WHOLE, "ca.example.1.json": HALF}, WHOLE),
        ({"ca.example.1.json": WHOLE, "ca.example.0.json": HALF}, WHOLE),
        ({"ca.example.1.json": WHOLE, "ca.example.0.json": ""}, WHOLE),
        ({"ca.example.0.json": HALF}, None),
        ({"other.example.1.json": WHOLE, "ca.example.org.1.json": WHOLE}, None),
    ],
    ids=[
        "nothing",
        "another instance's",
        "a copy",
        "its own is half",
        "its own is empty",
        "half",
        "another CA's",
    ],
)
def test_an_instance_begins_with_the_newest_file_that_is_whole(
    certificates: GatewayCertificates, acme: Path, files: dict[str, str], expected: str | None
) -> None:
    for age, (name, text) in enumerate(files.items()):
        (acme / name).write_text(text)
        os.utime(acme / name, (1000 + age, 1000 + age))
    certificates.shell.run("inherit", "0")
    own = acme / "ca.example.0.json"
    assert (own.read_text() if own.exists() else None) == expected
    if expected:
        assert own.stat().st_mode & 0o777 == 0o600


def test_what_is_given_to_an_instance_is_for_that_one(
    state: GatewayState, certificates: GatewayCertificates, acme: Path
) -> None:
    (acme / "ca.example.1.json").write_text(WHOLE)
    os.utime(acme / "ca.example.1.json", (1000, 1000))
    less = '{"less": {}}'
    # Traefik may have put a link there
    (acme / "ca.example.given.json.new").symlink_to(acme / "victim")
    with state.alone("alice", ""):
        words = (f"{acme}/ca.example.given.json", str(len(less)))
        certificates.shell.change("bequeath", GATEWAY_LOCK, *words, stdin=less.encode())
    certificates.shell.run("inherit", "2")
    assert (acme / "ca.example.2.json").read_text() == WHOLE
    certificates.shell.run("inherit", "0", "given")
    assert (acme / "ca.example.0.json").read_text() == less
    left = sorted(file.name for file in acme.iterdir())
    assert left == ["ca.example.0.json", "ca.example.1.json", "ca.example.2.json"]


def test_without_the_gateways_lock_nothing_is_given(certificates: GatewayCertificates, acme: Path) -> None:
    with pytest.raises(LockLost):
        certificates.shell.change("bequeath", GATEWAY_LOCK, f"{acme}/ca.example.given.json", "1", stdin=b"}")
    assert list(acme.iterdir()) == []


def test_of_an_instance_that_has_ended_another_cas_file_stays(
    certificates: GatewayCertificates, acme: Path, served: Path
) -> None:
    for name in ("ca.example.0.json", "old.example.2.json"):
        (acme / name).write_text(WHOLE)
    (served / "2/arguments").write_text(f"program\n{STORAGE}={acme}/old.example.2.json\n")
    certificates.shell.run("disown", "0")
    certificates.shell.run("disown", "2")
    assert [file.name for file in acme.iterdir()] == ["old.example.copy.json"]


def test_half_a_file_is_no_copy(certificates: GatewayCertificates, acme: Path) -> None:
    (acme / "ca.example.copy.json").write_text(WHOLE)
    (acme / "ca.example.1.json").write_text(HALF)
    with suppress(DockerFailed):
        certificates.shell.run("keep")
    assert (acme / "ca.example.copy.json").read_text() == WHOLE


def test_a_copy_is_kept_of_what_the_live_one_has(certificates: GatewayCertificates, acme: Path) -> None:
    (acme / "ca.example.1.json").write_text(WHOLE)
    certificates.shell.run("keep")
    assert (acme / "ca.example.copy.json").read_text() == WHOLE


def test_those_of_the_ca_are_what_is_served_and_not_the_operators(
    certificates: GatewayCertificates, instance: Instance, host: FakeDocker
) -> None:
    own = Certificate("mine", ("own.example",), "CN=CA", "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z")
    header = {"certificate": {key: value for key, value in vars(own).items() if key != "is_renewed"}}
    (host.root / "etc/hitless/routes/.tls-mine.yml").write_text(f"# hitless 00 {json.dumps(header)}\n")
    dates = {"notBefore": "2026-01-01T00:00:00Z", "notAfter": "2027-01-01T00:00:00Z"}
    instance.served = [
        {"sans": ["hitless.internal"], **dates},
        {"sans": ["own.example"], **dates},
        {"sans": ["*.Shop.example"], "issuerCN": "R11", **dates},
    ]
    assert certificates.certificates() == (own,)
    [found] = certificates.obtained()
    assert (found.name, found.names, found.issuer, found.is_renewed) == (
        "wildcard.shop.example",
        ("*.Shop.example",),
        "R11",
        True,
    )


def test_failures_at_another_ca_do_not_count(
    state: GatewayState, certificates: GatewayCertificates, served: Path, acme: Path
) -> None:
    with state.lock("shop", "alice", 0, print):
        order = certificates.order("shop", ("a.example",), 60)
        certificates.end_order("shop", order, has_failed=True)
    assert set(certificates.failures()) == {"a.example"}
    (served / "1/arguments").write_text(f"program\n{STORAGE}={acme}/other.example.1.json\n")
    assert certificates.failures() == {}
