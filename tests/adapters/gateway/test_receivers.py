"""Receivers in the gateway's state: the real script, in a directory."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest

from hitless.adapters.docker.cli import DockerCli
from hitless.adapters.gateway.shell import GatewayShell
from hitless.adapters.notices.kept import GatewayNotices, decode
from hitless.domain.common.errors import HitlessError
from tests.adapters.fake_docker import FakeDocker
from tests.domain.host.test_receivers import ALL, MAIL, SLACK


@pytest.fixture
def kept(host: FakeDocker, docker: FakeDocker) -> Iterator[GatewayNotices]:
    shell = GatewayShell(DockerCli(), "traefik")
    yield GatewayNotices(shell, lambda: "far")
    shell.close()


def folder(host: FakeDocker) -> Path:
    return host.root / "var/lib/hitless/.receivers"


def test_all_kinds_are_kept_as_they_are(kept: GatewayNotices) -> None:
    assert kept.receivers() == {}
    for one in ALL:
        kept.keep_receiver(one)
    assert kept.receivers() == {one.name: one for one in ALL}
    kept.forget_receiver(MAIL.name)
    kept.forget_receiver("nobody")
    assert MAIL.name not in kept.receivers()


def test_their_files_are_for_roots_eyes_alone_and_no_command_has_their_secrets(
    kept: GatewayNotices, host: FakeDocker
) -> None:
    kept.keep_receiver(SLACK)
    assert folder(host).stat().st_mode & 0o777 == 0o700
    assert [one.stat().st_mode & 0o777 for one in folder(host).glob("*.json")] == [0o600]
    assert "hunter2" not in str(host.argvs)


def test_one_that_is_cut_short_changes_nothing(kept: GatewayNotices, host: FakeDocker) -> None:
    kept.keep_receiver(SLACK)
    line = b"token keep_receiver ops 1000\nhalf"
    subprocess.run(("docker", *kept.shell.argv("serve", "token")), input=line, check=False)
    assert kept.receivers() == {"ops": SLACK}
    assert not list(folder(host).glob(".next*"))


@pytest.mark.parametrize("text", ["", "{", "[]", '{"name": "ops"}', '{"name": "ops", "kind": "pigeon"}'])
def test_one_that_cant_be_read_is_there_by_its_name(
    kept: GatewayNotices, host: FakeDocker, text: str
) -> None:
    kept.keep_receiver(SLACK)
    (folder(host) / "ops.json").write_text(text)
    assert kept.receivers() == {"ops": None}


def test_a_notice_is_claimed_once_and_for_some_days(kept: GatewayNotices, host: FakeDocker) -> None:
    assert kept.claim(["msg_1", "msg_2"]) == {"msg_1", "msg_2"}
    assert kept.claim(["msg_2", "msg_3"]) == {"msg_3"}
    old = time.time() - 8 * 86400
    os.utime(folder(host) / ".told" / "msg_1", (old, old))
    assert kept.claim(["msg_4"]) == {"msg_4"}
    assert sorted(one.name for one in (folder(host) / ".told").iterdir()) == ["msg_2", "msg_3", "msg_4"]
    assert kept.receivers() == {}


def test_a_local_host_is_called_as_this_machine_is(kept: GatewayNotices) -> None:
    def gone() -> str:
        raise HitlessError("no such context")

    assert kept.host_name() == "far"
    assert GatewayNotices(kept.shell, lambda: "localhost").host_name() not in ("", "localhost")
    assert GatewayNotices(kept.shell, gone).host_name() == ""


@pytest.mark.parametrize("wrong", [{"room": ["a"]}, {"applications": [["a"]]}, {"to": [1]}, {"secret": None}])
def test_a_record_with_values_of_another_kind_is_one_that_cant_be_read(wrong: dict[str, object]) -> None:
    record = {**asdict(SLACK), **wrong}
    assert decode(SLACK.name, json.dumps(asdict(SLACK))) == SLACK
    assert decode(SLACK.name, json.dumps(record)) is None


def test_what_cant_be_claimed_is_not_taken_for_what_another_one_tells(
    kept: GatewayNotices, host: FakeDocker
) -> None:
    assert kept.claim(["msg_1"]) == {"msg_1"}
    (folder(host) / ".told" / "msg_2").touch()  # in its way, as a full disk would be
    with pytest.raises(HitlessError):
        kept.claim(["msg_2"])
