"""An engine behind `ssh://…`: one login for a whole command, whatever becomes of it.

The engine is this machine's own, reached through an sshd of the tests' own.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from hitless.cli.exit_codes import ExitCode
from tests.e2e.conftest import WEB, App, wait_for
from tests.e2e.ssh_server import SshServer, descendants, ssh_server

pytestmark = pytest.mark.more


@dataclass(frozen=True)
class Way:
    """The server, and the folder in which a command keeps its connection."""

    server: SshServer
    runtime: Path

    def over(self, app: App) -> App:
        """The application, deployed from elsewhere."""
        more = {**self.server.environment, "TMPDIR": str(self.runtime)}
        return replace(app, cli=replace(app.cli, environment={**app.cli.environment, **more}))

    def is_left(self) -> bool:
        """Whether a connection is still there."""
        return any(self.runtime.glob("hitless-*"))


@pytest.fixture
def settings() -> dict[str, str]:
    """Those of the server, for one test."""
    return {}


@pytest.fixture
def way(tmp_path: Path, settings: dict[str, str]) -> Iterator[Way]:
    (tmp_path / "sshd").mkdir()
    with (
        ssh_server(tmp_path / "sshd", **settings) as server,
        tempfile.TemporaryDirectory(dir="/tmp") as runtime,  # a short path
    ):
        yield Way(server, Path(runtime))


Make = Callable[..., App]


def test_a_deployment_with_a_build_a_rollback_and_a_look_are_one_login_each(
    app: Make, way: Way, tmp_path: Path
) -> None:
    shutil.copytree(Path(__file__).with_name("tiny"), tmp_path / "source")
    far = way.over(app(WEB.replace("image: IMAGE", "build: source")))
    far.cli.run("deploy", RELEASE="1")
    with far.load() as load:
        for words in (("deploy",), ("rollback",), ("status",)):
            before = way.server.logins()
            far.cli.run(*words, RELEASE="2")
            assert way.server.logins() - before == 1, words
    assert load.report().lost == 0
    assert far.get().headers["X-Release"] == "1"
    wait_for(lambda: not way.is_left())


def test_what_a_killed_hitless_has_begun_keeps_the_connection_and_the_lock(app: Make, way: Way) -> None:
    here = app()
    here.cli.run("deploy")
    far = way.over(here)
    deploying = far.cli.start("deploy", RELEASE="2")
    command = 0

    def holds() -> bool:
        nonlocal command
        for pid in descendants(deploying.pid):
            with suppress(OSError):
                if b"\0create\0" in Path(f"/proc/{pid}/cmdline").read_bytes():
                    os.kill(pid, signal.SIGSTOP)
                    command = pid
        return bool(command)

    wait_for(holds, 60)
    deploying.kill()
    deploying.communicate()
    second = here.cli.start("deploy", RELEASE="3")
    assert second.stdout
    try:
        said = next(line for line in second.stdout if "waiting" in line)
        assert f"process {deploying.pid}" in said
        assert way.is_left()
    finally:
        for pid in (command, *descendants(command)):
            os.kill(pid, signal.SIGCONT)
    rest, _ = second.communicate(timeout=120)
    assert second.returncode == 0, rest
    assert here.get().headers["X-Release"] == "3"
    wait_for(lambda: not way.is_left())


@pytest.mark.long
def test_a_host_that_vanishes_in_the_middle_keeps_serving_and_is_deployed_to_later(
    app: Make, way: Way
) -> None:
    far = way.over(app())
    far.cli.run("deploy")
    deploying = far.cli.start("deploy", RELEASE="2", BOOT_SECONDS="12")
    assert deploying.stdout
    next(line for line in deploying.stdout if "record release 2" in line)
    way.server.vanish()
    said, _ = deploying.communicate(timeout=60)
    assert deploying.returncode in (ExitCode.FAILED, ExitCode.UNFINISHED), said
    assert re.search("connection|lock", said), said
    assert "hitless status" in said
    assert far.get().headers["X-Release"] == "1"
    wait_for(lambda: not way.is_left())

    failed = far.cli.run("status", code=ExitCode.FAILED)
    assert "Connection refused" in failed
    assert "does not answer: is it up" in failed
    way.server.start()
    far.cli.run("resume")
    assert far.get().headers["X-Release"] == "2"


@pytest.mark.long
@pytest.mark.parametrize("settings", [{"AllowStreamLocalForwarding": "no"}])
def test_where_the_server_forbids_it_docker_makes_its_own_connections(app: Make, way: Way) -> None:
    here = app()
    here.cli.run("deploy")
    assert "live: blue, release 1" in way.over(here).cli.run("status")
    assert way.server.logins() > 1
    assert not way.is_left()


@pytest.mark.long
def test_a_connection_of_the_users_own_is_left_alone_and_used_where_no_other_can_be_made(
    app: Make, way: Way
) -> None:
    here = app()
    here.cli.run("deploy")
    control = way.runtime.parent / f"{way.runtime.name}-control"
    way.server.client.update(ControlMaster="auto", ControlPath=str(control), ControlPersist="60")
    far = way.over(here)
    try:
        far.cli.run("status")
        assert not control.exists()
        ssh = (str(way.server.folder / "bin" / "ssh"), "-p", str(way.server.port), "root@127.0.0.1")
        subprocess.run((*ssh, "true"), check=True)
        (way.server.folder / "user").unlink()  # from now on only that one is logged in
        before = way.server.logins()
        assert "live: blue, release 1" in far.cli.run("status")
        assert way.server.logins() == before
    finally:
        subprocess.run((*ssh, "-O", "exit"), capture_output=True, check=False)
