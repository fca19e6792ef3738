"""What changes instances is only for the command that holds the gateway's lock."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from hitless.adapters.gateway.shell import GatewayShell
from hitless.adapters.gateway.state import GatewayState
from hitless.domain.common.errors import LockLost
from tests.adapters.fake_docker import FakeDocker

GATEWAY = ".gateway"
SETTINGS = b"{}\nprogram\n--argument\n"

Change = Callable[[GatewayShell], None]
CHANGES: dict[str, Change] = {
    "begin_instance": lambda shell: shell.change(
        "begin_instance", GATEWAY, "1", str(len(SETTINGS)), stdin=SETTINGS
    ),
    "switch": lambda shell: shell.change("switch", GATEWAY, "1", "80 : 61002"),
    "settle": lambda shell: shell.change("settle", GATEWAY, str(len(SETTINGS)), stdin=SETTINGS),
    "give": lambda shell: shell.change("give", GATEWAY, "0", "shop", "4", stdin=b"text"),
    "end_instance": lambda shell: shell.change("end_instance", GATEWAY, "1", "TERM"),
}


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


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_command_that_has_lost_the_gateways_lock_changes_nothing(
    state: GatewayState, served: Path, change: Change
) -> None:
    before = contents(served)
    with pytest.raises(LockLost, match="the gateway"):
        change(state.shell)
    assert contents(served) == before
    assert not (served.parents[1] / "etc/hitless/routes/.settled").exists()


def test_the_command_that_holds_it_changes_instances(state: GatewayState, served: Path) -> None:
    said = asked(served)
    with state.alone("alice", ""):
        for name in ("begin_instance", "switch", "settle", "give"):
            CHANGES[name](state.shell)
    assert (served / "1/arguments").read_text() == "program\n--argument\n"
    assert (served / "1/routes/shop.yml").read_text() == "old"
    assert (served / "live").read_text() == "1\n"
    assert (served / "routes/shop.yml").read_text() == "text"
    settled = (served.parents[1] / "etc/hitless/routes/.settled").read_text()
    assert settled.splitlines()[1:] == ["{}", "program", "--argument"]
    assert said == ["begin 1"]


def contents(folder: Path) -> dict[str, str]:
    files = (file for file in folder.rglob("*") if file.is_file() and file.name != "lock")
    return {str(file): file.read_text() for file in files}
