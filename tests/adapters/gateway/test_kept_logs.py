"""Logs in the gateway's state: the real script, in a directory."""

from __future__ import annotations

import os
import subprocess
import time

import pytest

from hitless.adapters.gateway.state import GatewayState
from hitless.domain.common.errors import DockerFailed, LockLost
from hitless.domain.host.logs import KeptLog
from tests.adapters.fake_docker import FakeDocker
from tests.adapters.gateway.states import at_work, state_file

BLUE = KeptLog(7, "shop-blue-web-1")
GREEN = KeptLog(70, "shop-green-web-1")
DAY = 86400


def keep(state: GatewayState, *logs: KeptLog, text: str = "größer\n") -> None:
    with at_work(state, "shop"):
        for log in logs:
            state.keep_log("shop", log, text)


def aged(host: FakeDocker, log: KeptLog, seconds: float, of: str = "shop") -> None:
    path = state_file(host, f"../{of}/logs/{log.name}")
    moment = time.time() - seconds
    os.utime(path, (moment, moment))


def test_what_is_kept_is_found_by_its_release(host: FakeDocker, state: GatewayState) -> None:
    assert (state.kept_logs("shop"), state.logs_of("shop", 7)) == ((), {})
    keep(state, BLUE, GREEN)
    assert set(state.kept_logs("shop")) == {BLUE, GREEN}
    assert state.logs_of("shop", 7) == {BLUE: "größer\n"}
    assert state.logs_of("shop", 8) == {}
    assert state.kept_logs("other") == ()


def test_it_is_for_roots_eyes_alone(host: FakeDocker, state: GatewayState) -> None:
    keep(state, BLUE)
    assert state_file(host, f"logs/{BLUE.name}").stat().st_mode & 0o777 == 0o600
    assert state_file(host, "logs").stat().st_mode & 0o077 == 0


def test_it_comes_by_standard_input_alone(host: FakeDocker, state: GatewayState) -> None:
    keep(state, BLUE, text="hunter2\n")
    assert "hunter2" not in str(host.argvs)


def test_one_of_the_same_name_takes_its_place(host: FakeDocker, state: GatewayState) -> None:
    keep(state, BLUE)
    keep(state, BLUE, text="new\n")
    assert state.logs_of("shop", 7) == {BLUE: "new\n"}


def test_one_that_is_cut_short_leaves_nothing(host: FakeDocker, state: GatewayState) -> None:
    with at_work(state, "shop"):
        words = state.shell.argv("serve", "token")
        line = f"token keep_log shop {state.shell.claims['shop']} {BLUE.name} 2000\nhalf"
        subprocess.run(("docker", *words), input=line.encode(), check=False)
    assert list(state_file(host, "logs").iterdir()) == []


def test_without_the_lock_nothing_is_kept(host: FakeDocker, state: GatewayState) -> None:
    with pytest.raises(LockLost):
        state.keep_log("shop", BLUE, "text\n")
    assert state.kept_logs("shop") == ()


def test_on_a_disk_that_is_nearly_full_nothing_is_kept(host: FakeDocker, state: GatewayState) -> None:
    df = host.directory / "df"
    df.write_text("#!/bin/sh\necho Filesystem\necho overlay 264212084 264112085 99999 100% /\n")
    df.chmod(0o755)
    with at_work(state, "shop"), pytest.raises(DockerFailed):
        state.keep_log("shop", BLUE, "text\n")
    assert state.kept_logs("shop") == ()


def test_all_of_an_application_have_a_bound_and_the_oldest_go_first(
    host: FakeDocker, state: GatewayState
) -> None:
    logs = [KeptLog(number, "shop-blue-web-1") for number in range(1, 19)]
    text = "x" * 999_999 + "\n"
    keep(state, *logs[:16], text=text)
    for number, log in enumerate(logs[:16]):
        aged(host, log, 1000 - number)
    assert len(state.kept_logs("shop")) == 16
    keep(state, *logs[16:], text=text)
    assert set(state.kept_logs("shop")) == set(logs[2:])


def test_after_thirty_days_a_log_goes_also_of_an_application_that_is_gone(
    host: FakeDocker, state: GatewayState
) -> None:
    with at_work(state, "gone"):
        state.keep_log("gone", GREEN, "text\n")
    keep(state, BLUE, GREEN)
    aged(host, BLUE, 29.5 * DAY)
    aged(host, GREEN, 30.5 * DAY)
    aged(host, GREEN, 30.5 * DAY, of="gone")
    new = KeptLog(8, "shop-blue-web-1")
    keep(state, new)
    assert set(state.kept_logs("shop")) == {BLUE, new}
    assert state.kept_logs("gone") == ()
