"""What the gateway's state says of all applications at once: the real script, in a directory."""

from __future__ import annotations

import json
import os
import time

import pytest

from hitless.adapters.gateway.overview import read_overview
from hitless.adapters.gateway.shell import GATEWAY_LOCK
from hitless.adapters.gateway.state import GatewayState
from hitless.domain.common.errors import LockLost
from hitless.domain.host.facts import Overview
from hitless.domain.host.logs import KeptLog
from tests.adapters.fake_docker import FakeDocker
from tests.adapters.gateway.states import at_work, state_file

LOG = KeptLog(7, "shop-blue-web-1")


def event(name: str, **more: object) -> str:
    return json.dumps({"time": "2026-11-28T12:00:00Z", "event": name, **more})


def test_an_empty_state_has_a_clock_and_a_disk(host: FakeDocker, state: GatewayState) -> None:
    (host.root / "var/lib/hitless").mkdir(parents=True)
    found = state.overview()
    assert abs(found.time - time.time()) < 60
    assert found.room is not None
    assert 0 < found.room.free <= found.room.total
    assert (found.holders, found.last, found.kept, found.copies) == ({}, {}, {}, {})


def test_each_application_has_its_holder_its_last_command_and_its_releases(
    host: FakeDocker, state: GatewayState
) -> None:
    with state.lock("blog", "ann", 0, print) as lock:
        lock.write(event("began", operation="deploy", release=3, holder="ann@far, process 7"))
        lock.write(event("ended", outcome="successful", seconds=4.0))
    with state.lock("shop", "ann", 0, print) as lock:
        lock.write(event("began", operation="deploy", release=3, holder="ann@far, process 7"))
        lock.write(event("output", logs={"web": "held 9 9 of blog"}))
        folder = state_file(host, "releases")
        folder.mkdir()
        for name in ("1.json", "12.json", ".next.1", "x.json"):
            (folder / name).touch()
        found = state.overview()
        # somebody who begins just then is not kept from it: no lock was tried
        assert set(found.holders) == {"shop"}
    assert found.kept == {"blog": frozenset(), "shop": frozenset({1, 12})}
    assert {name: (run.operation, run.outcome) for name, run in found.last.items()} == {
        "blog": ("deploy", "successful"),
        "shop": ("deploy", ""),
    }
    assert found.interrupted == {}
    assert set(state.overview().interrupted) == {"shop"}


def test_who_works_on_the_gateway_is_told_beside_the_applications(
    host: FakeDocker, state: GatewayState
) -> None:
    with at_work(state, GATEWAY_LOCK):
        found = state.overview()
    assert found.lock is not None
    assert found.holders == {}


def test_old_logs_and_cut_copies_are_counted_and_go(host: FakeDocker, state: GatewayState) -> None:
    with at_work(state, "shop"):
        state.keep_log("shop", LOG, "old\n")
        state.keep_log("shop", KeptLog(8, "shop-green-web-1"), "new\n")
    path = state_file(host, f"logs/{LOG.name}")
    _age(str(path), 31 * 86400)
    programs = host.root / "opt/traefik"
    programs.mkdir(parents=True)
    for name in (".traefik-1.cut", ".traefik-2.now", "traefik-1"):
        (programs / name).write_text("12345")
    _age(str(programs / ".traefik-1.cut"), 7200)
    found = state.overview()
    assert (found.old_logs, found.copies) == (4, {".traefik-1.cut": 5})
    with pytest.raises(LockLost):
        state.drop_old_logs()
    with at_work(state, GATEWAY_LOCK):
        state.drop_old_logs()
    assert not path.exists()
    assert [log.release for log in state.kept_logs("shop")] == [8]


def _age(path: str, seconds: float) -> None:
    moment = time.time() - seconds
    os.utime(path, (moment, moment))


def test_what_another_version_does_not_print_is_not_known() -> None:
    assert read_overview("12.5\n") == Overview(12.5)


def test_a_holder_can_not_pretend_to_be_another_application() -> None:
    found = read_overview("1\nof shop\nheld 9 9 of blog held 1 1 x\nof blog\n")
    assert set(found.holders) == {"shop"}
