"""What this machine knows of names, addresses and programs: asked for real."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from threading import Event

import pytest

from hitless.adapters.local import surroundings
from hitless.adapters.local.surroundings import Surroundings

HERE = Surroundings("unix:///var/run/docker.sock")
FAR = Surroundings("ssh://ann@127.0.0.9:2222")


def test_a_name_with_addresses_and_one_without(monkeypatch: pytest.MonkeyPatch) -> None:
    known = {"a.example": ["9.9.9.9", "2001:db8::1"], "link.example": ["fe80::1%eth0"]}

    def look_up(name: str, *_: object, **__: object) -> list[tuple[object, ...]]:
        if name not in known:
            raise socket.gaierror(-2, "Name or service not known")
        return [(2, 1, 6, "", (address, 0)) for address in (*known[name], known[name][0])]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    assert HERE.resolve(("a.example", "b.example", "link.example"), 5.0) == {
        "a.example": ("9.9.9.9", "2001:db8::1"),
        "b.example": (),
        "link.example": ("fe80::1",),
    }


@pytest.mark.parametrize("name", ["", "x" * 300, "a..b", "\x1b[2J", "-rf", "a b"])
def test_a_hostile_name_has_no_address(name: str) -> None:
    assert HERE.resolve((name,), 5.0)[name] in ((), None)


def test_a_server_of_names_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    over = Event()
    monkeypatch.setattr(
        surroundings, "_addresses_of", lambda name: () if name == "quick" else over.wait() or ()
    )
    found = HERE.resolve(("slow", "quick"), 0.5)
    over.set()
    assert found == {"slow": None, "quick": ()}


def test_this_machines_own_addresses_are_no_loopback() -> None:
    assert "127.0.0.1" not in HERE.addresses()
    assert all(
        socket.inet_pton(socket.AF_INET6 if ":" in one else socket.AF_INET, one) for one in HERE.addresses()
    )


def test_an_engine_elsewhere_has_the_addresses_of_its_name() -> None:
    assert FAR.addresses() == ("127.0.0.9",)


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_who_listens_on_a_port_here_is_told() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]
        assert HERE.listener(port).endswith(f"(process {os.getpid()})")
        assert FAR.listener(port) == ""
    assert HERE.listener(port) == ""


def test_a_holder_is_over_only_if_it_was_a_process_of_this_machine_that_has_ended() -> None:
    ended = subprocess.Popen(["true"])
    ended.wait()
    me = socket.gethostname()
    assert HERE.is_over(f"ann@{me}, process {ended.pid}")
    assert not HERE.is_over(f"ann@{me}, process {os.getpid()}")
    assert not HERE.is_over(f"ann@{me}, process 1")
    assert not HERE.is_over(f"ann@far.example, process {ended.pid}")
    assert not HERE.is_over(f"ann@{me}")
    assert not HERE.is_over(f"ann@{me}, process 0")
    assert not HERE.is_over(f"ann@{me}, process 9999999999")
