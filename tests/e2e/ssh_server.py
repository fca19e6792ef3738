"""An sshd of the tests' own on the loopback address: the way to an engine, which can vanish."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.e2e.conftest import free_port, wait_for

SSHD = "/usr/sbin/sshd"
USUAL = "/var/run/docker.sock"


@dataclass
class SshServer:
    """Its files are in `folder`. Who has the key `user` is root here; `socket` is the engine's.

    `client` are settings of ssh, for `environment`.
    """

    folder: Path
    socket: str
    port: int
    client: dict[str, str] = field(default_factory=dict)
    _process: subprocess.Popen[bytes] | None = None

    @property
    def host(self) -> str:
        return f"ssh://root@127.0.0.1:{self.port}{self.socket}"

    @property
    def environment(self) -> dict[str, str]:
        """What a command needs to get there. ssh finds its settings by the user, not by HOME."""
        (self.folder / "known").write_text(self.known_hosts)
        given = {"IdentityFile": self.folder / "user", "UserKnownHostsFile": self.folder / "known"}
        text = "".join(f"{name} {value}\n" for name, value in {**given, **self.client}.items())
        (self.folder / "config").write_text(text)
        script = self.folder / "bin" / "ssh"
        script.parent.mkdir(exist_ok=True)
        script.write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} -F {self.folder}/config "$@"\n')
        script.chmod(0o755)
        path = f"{script.parent}{os.pathsep}{os.environ['PATH']}"
        return {"DOCKER_HOST": self.host.removesuffix(USUAL), "PATH": path}

    def logins(self) -> int:
        """How often somebody has logged in."""
        return (self.folder / "log").read_text().count("Accepted publickey")

    @property
    def known_hosts(self) -> str:
        return f"[127.0.0.1]:{self.port} {(self.folder / 'host.pub').read_text()}"

    def start(self) -> None:
        """Start it and wait until it listens."""
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # where it locks itself in, before a login
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                (SSHD, "-D", "-e", "-f", str(self.folder / "sshd_config")), stdout=log, stderr=log
            )
        wait_for(self._listens)

    def vanish(self) -> None:
        """End it and every connection at once, as a host that loses its power; `start` brings it back."""
        assert self._process
        for pid in (self._process.pid, *descendants(self._process.pid)):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.wait(10)

    def _listens(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True
        return False


def descendants(pid: int) -> list[int]:
    """The processes below this one."""
    with suppress(OSError):
        children = [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        return [one for child in children for one in (child, *descendants(child))]
    return []


def new_key(file: Path) -> str:
    """The text of a new private key."""
    subprocess.run(("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(file)), check=True)
    return file.read_text()


@contextmanager
def ssh_server(folder: Path, socket: str = USUAL, **more: str) -> Iterator[SshServer]:
    """One that runs, and is over at the end. Its user's key is `folder`/user; `more` are settings of it."""
    assert shutil.which(SSHD), "run dev/servers"
    server = SshServer(folder, socket, free_port())
    for name in ("host", "user"):
        new_key(folder / name)
    settings = {
        "ListenAddress": f"127.0.0.1:{server.port}",
        "HostKey": folder / "host",
        "AuthorizedKeysFile": folder / "user.pub",
        "PidFile": "none",
        "StrictModes": "no",
        "UsePAM": "no",
        "PasswordAuthentication": "no",
        "PermitRootLogin": "prohibit-password",
        **more,
    }
    (folder / "sshd_config").write_text("".join(f"{name} {value}\n" for name, value in settings.items()))
    server.start()
    try:
        yield server
    finally:
        server.vanish()
