"""What changes instances is only for the command that holds the gateway's lock."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from hitless.adapters.docker.cli import DockerCli
from hitless.adapters.gateway.instances import TraefikInstances
from hitless.adapters.gateway.programs import Programs
from hitless.adapters.gateway.routing_file import render
from hitless.adapters.gateway.shell import GatewayShell
from hitless.adapters.gateway.state import GatewayState
from hitless.adapters.gateway.traefik import Traefik
from hitless.adapters.gateway.traefik_document import Leaving
from hitless.domain.common.errors import DockerFailed, LockLost
from hitless.domain.common.names import Colour
from hitless.domain.gateway.model import Software
from hitless.domain.gateway.settings import LABEL_SETTINGS, GatewaySettings
from tests.adapters.fake_docker import FakeDocker, recorded
from tests.adapters.gateway.traefiks import wait_for
from tests.domain.builders import routing

SETTINGS = GatewaySettings(read_timeout=60)
SHOP = routing(Colour.BLUE)

CHANGES: dict[str, Callable[[TraefikInstances], None]] = {
    "begin": lambda instances: instances.begin_instance(1, SETTINGS),
    "switch": lambda instances: instances.switch_to(1),
    "settle": lambda instances: instances.settle(SETTINGS),
    "divert": lambda instances: instances.divert(0, [SHOP]),
    "close": lambda instances: instances.close_instance(0, [SHOP]),
    "end": lambda instances: instances.end_instance(1, is_killed=False),
}


@dataclass(frozen=True)
class HasPrograms(Programs):
    """Every image's program is on the host."""

    def software(self, image: str) -> tuple[Software, str]:
        return Software("gateway:1", "program"), ""

    def keep(self, *programs: str) -> None:
        pass


@pytest.fixture
def state(docker: FakeDocker) -> Iterator[GatewayState]:
    """On the shell that changes instances: an idle one of another would keep the lock."""
    shell = GatewayShell(DockerCli(), "adapters-rec")
    yield GatewayState(shell)
    shell.close()


@pytest.fixture
def instances(state: GatewayState, docker: FakeDocker) -> TraefikInstances:
    found = recorded("container_gateway")
    found[0]["HostConfig"] = {"Memory": 0}
    docker.answers("container", "inspect", stdout=json.dumps(found))
    return TraefikInstances(state.shell, HasPrograms(state.shell.cli, state.shell.project))


@pytest.fixture
def served(host: FakeDocker) -> Path:
    """A gateway with one instance, and an `nft` that takes everything."""
    served = host.root / "run/hitless"
    for name in ("routes", "next", "aside", "held", "1", "2"):
        (served / name).mkdir(parents=True)
    (served / "live").write_text("0\n")
    (served / "routes/shop.yml").write_text("old")
    os.mkfifo(served / "control")
    nft = host.directory / "nft"
    nft.write_text("#!/bin/sh\ncat > /dev/null\n")
    nft.chmod(0o755)
    return served


def asked(served: Path) -> list[str]:
    """What the shell that looks after the instances has read; it reads in the background from now on."""
    found: list[str] = []

    def read() -> None:
        with (served / "control").open() as control:
            found.extend(control.read().splitlines())

    threading.Thread(target=read, daemon=True).start()
    return found


@pytest.mark.parametrize("name", CHANGES)
def test_a_command_that_has_lost_the_gateways_lock_changes_nothing(
    instances: TraefikInstances, served: Path, name: str
) -> None:
    before = contents(served)
    with pytest.raises(LockLost, match="the gateway"):
        CHANGES[name](instances)
    assert contents(served) == before
    assert not (served.parents[1] / "etc/hitless/routes/.settled").exists()


def test_the_command_that_holds_it_changes_instances(
    state: GatewayState, instances: TraefikInstances, served: Path
) -> None:
    said = asked(served)
    with state.alone("alice", ""):
        for name in ("begin", "switch", "settle", "close"):
            CHANGES[name](instances)
    program, *arguments = (served / "1/arguments").read_text().splitlines()
    assert program == "program"
    assert "--entrypoints.web.address=:61002" in arguments
    assert (served / "1/routes/shop.yml").read_text() == "old"
    assert (served / "live").read_text() == "1\n"
    assert (served / "routes/shop.yml").read_text() == render(SHOP, Leaving.CLOSE)
    settled = (served.parents[1] / "etc/hitless/routes/.settled").read_text()
    assert settled.splitlines()[1:3] == [SETTINGS.to_label(), "program"]
    wait_for(lambda: said == ["begin 1 live"])


def test_packets_of_udp_go_to_the_new_one_and_answers_have_the_port_that_was_asked(
    state: GatewayState, instances: TraefikInstances, served: Path, docker: FakeDocker, host: FakeDocker
) -> None:
    found = recorded("container_gateway")
    found[0]["Config"]["Labels"][LABEL_SETTINGS] = GatewaySettings(udp_ports={53: ""}).to_label()
    docker.answers("container", "inspect", stdout=json.dumps(found))
    (host.directory / "nft").write_text(f"#!/bin/sh\ncat > {served}/rules\n")
    with state.alone("alice", ""):
        instances.switch_to(1)
    rules = (served / "rules").read_text().splitlines()
    assert rules[0] == "add table inet hitless; delete table inet hitless"
    assert "redirect to tcp dport map { 80 : 61003, 60082 : 61001 }" in rules[1]
    assert "priority mangle; ct direction original udp dport set udp dport map { 53 : 61002 }" in rules[2]
    assert "postrouting priority 400; udp sport set udp sport map { 61002 : 53, 63002 : 53 }" in rules[3]


def test_new_connections_of_quic_go_to_the_new_one_and_the_packets_of_each_are_seen(
    state: GatewayState, instances: TraefikInstances, served: Path, docker: FakeDocker, host: FakeDocker
) -> None:
    found = recorded("container_gateway")
    found[0]["Config"]["Labels"][LABEL_SETTINGS] = GatewaySettings(https_port=443, http3=True).to_label()
    docker.answers("container", "inspect", stdout=json.dumps(found))
    nft = host.directory / "nft"
    nft.write_text(f"#!/bin/sh\ncat > {served}/rules\n")
    with state.alone("alice", ""):
        instances.switch_to(1)
    _, tcp, quic, seen, used = (served / "rules").read_text().splitlines()
    assert "redirect to tcp dport map { 80 : 61002, 60443 : 61003, 60082 : 61001 }" in tcp
    # a packet that opens a connection has the highest bit (RFC 9000, 17.2)
    assert "meta l4proto udp @th,64,1 1 redirect to udp dport map { 60443 : 61003 }" in quic
    assert "set quic { typeof udp dport . ct id; flags dynamic,timeout; timeout 20s; }" in seen
    assert "input priority 0; udp dport { 60443, 61003, 63003 } update @quic { udp dport . ct id };" in used
    # as nft prints it
    nft.write_text(
        "#!/bin/sh\necho '  elements = { 60443 . 7 expires 19s, 61003 . 60443 expires 2s,'\n"
        "echo '               60443 . 9 expires 1s }'\n"
    )
    assert [instances.quic_connections(number) for number in (0, 1, 2)] == [2, 1, 0]
    nft.write_text(f'#!/bin/sh\necho "$@" > {served}/rules\n')
    with state.alone("alice", ""):
        instances.close_instance(0, [SHOP])
    assert (served / "rules").read_text() == "add rule inet hitless used udp dport 60443 reject\n"


def test_an_instance_tells_clients_over_http3_to_come_back_over_tcp(
    state: GatewayState, instances: TraefikInstances, served: Path
) -> None:
    with state.alone("alice", ""):
        instances.divert(0, [SHOP])
        assert (served / "routes/shop.yml").read_text() == render(SHOP, Leaving.DIVERT)
        instances.divert(0, [SHOP], is_over=True)
        assert (served / "routes/shop.yml").read_text() == render(SHOP)


def test_one_for_which_there_is_no_room_leaves_nothing(
    state: GatewayState, instances: TraefikInstances, served: Path, host: FakeDocker
) -> None:
    full = host.directory / "cp"
    full.write_text('#!/bin/sh\nmkdir -p "$3" && echo half > "$3/half"\nexit 1\n')
    full.chmod(0o755)
    with state.alone("alice", ""), pytest.raises(DockerFailed):
        instances.begin_instance(1, SETTINGS)
    assert [file.name for file in served.rglob("half")] == []
    assert not (served / "1/routes").exists()
    assert list((served / "next").iterdir()) == []


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("memory.stat", "anon 1000\nfile 5\nshmem 3000000000\nanon_thp 7\n", b"3000001000"),
        ("memory/memory.stat", "rss 1\nshmem 2\ntotal_rss 300\ntotal_rss_huge 9\ntotal_shmem 20\n", b"320"),
        ("memory.stat", "", b""),
        ("nothing", "", b""),
    ],
    ids=["version 2", "version 1", "an empty file", "none"],
)
def test_the_memory_of_the_container(
    instances: TraefikInstances, host: FakeDocker, path: str, text: str, expected: bytes
) -> None:
    file = host.root / "sys/fs/cgroup" / path
    file.parent.mkdir(parents=True)
    file.write_text(text)
    assert instances.shell.run("memory")[0] == expected


def contents(folder: Path) -> dict[str, str]:
    files = (file for file in folder.rglob("*") if file.is_file() and file.name != "lock")
    return {str(file): file.read_text() for file in files}


def test_who_waits_is_let_in_one_after_the_other_and_packets_are_refused_for_a_while(
    state: GatewayState, served: Path, host: FakeDocker
) -> None:
    (host.directory / "nft").write_text(f"#!/bin/sh\ncat > {served}/rules\n")
    gateway = Traefik(state.shell, tuple)

    def rules() -> list[str]:
        return (served / "rules").read_text().splitlines()

    with state.lock("shop", "alice", 0, lambda _: None):
        # a name that nobody has is left out: its requests wait on
        gateway.answer("shop", "10.0.0.2", {65001: "127.0.0.1:8000", 65002: "nobody.invalid:9000"})
        assert rules()[0] == "add table ip waiting-shop; delete table ip waiting-shop"
        assert "tcp dport 65001 limit rate 250/second burst 5 packets dnat to 127.0.0.1:8000;" in rules()[1]
        assert "65002" not in "".join(rules())
        state.shell.change("refuse", "shop", "10.0.0.3", "10.1.0.3", "fd00::3")
        assert [line.split("refused-shop ")[1] for line in rules() if line.startswith("add element")] == [
            "of_4 { 10.0.0.3 timeout 2s }",
            "of_4 { 10.1.0.3 timeout 2s }",
            "of_6 { fd00::3 timeout 2s }",
        ]
