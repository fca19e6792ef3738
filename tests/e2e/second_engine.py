"""The tests' own Docker engine, which they can stop, kill and cut from the power without harm.

It lives in namespaces of its own for processes, mounts and the network. So it has its own iptables and
loopback address, nothing that happens to it reaches the first engine, and all of it (containers, mounts,
bridges, the disk it writes to) goes with the first process in there, which ends when its standard input does:
at the latest when the tests' process ends, however that comes about.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_START = 60.0  # seconds the daemon gets to answer, on a busy machine
_STOP = 60.0  # and to end: it stops every container first
_DISK = "3g"  # of memory: images, containers and volumes; faster than a disk, and gone at the end
_CLONE_NEWNET = 0x40000000  # linux/sched.h
# The first process of the namespaces: like any init it waits for orphans. Otherwise a killed containerd would
# stay as a zombie, and the next dockerd would think that it runs.
_INIT = """
import os, signal, sys, threading
def reap():
    while True:
        try:
            os.wait()
        except ChildProcessError:
            signal.sigwait({signal.SIGCHLD})
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
threading.Thread(target=reap, daemon=True).start()
print("up", flush=True)
sys.stdin.read()
"""


@dataclass
class SecondEngine:
    """One engine, its files under `root`; a name that fits in a socket's path (108 bytes). Needs root."""

    root: Path
    options: tuple[str, ...] = ()  # of the daemon: more ways to reach it
    _init: subprocess.Popen[str] | None = None
    _daemon: subprocess.Popen[bytes] | None = None

    @property
    def host(self) -> str:
        """What DOCKER_HOST must be."""
        return f"unix://{self.root}/docker.sock"

    @contextmanager
    def running(self) -> Iterator[SecondEngine]:
        """The engine, started; removed at the end with all that it held."""
        self._clear()
        self.root.mkdir(parents=True)
        try:
            self._make_namespaces()
            self.start()
            yield self
        finally:
            self._end()
            self._clear()

    def start(self) -> None:
        """Start the daemon and wait until it answers."""
        assert self._daemon is None
        arguments = {
            "--data-root": f"{self.root}/disk/data",
            "--exec-root": f"{self.root}/disk/exec",
            "--host": self.host,
            "--pidfile": f"{self.root}/docker.pid",
            "--config-file": f"{self.root}/none.json",
            "--cgroup-parent": f"/{self.root.name}",
            # systemd knows nothing of processes in here
            "--exec-opt": "native.cgroupdriver=cgroupfs",
        }
        words = [*(word for pair in arguments.items() for word in pair), *self.options]
        (self.root / "none.json").write_text("{}")
        with (self.root / "log").open("ab") as log:
            self._daemon = subprocess.Popen(
                self._inside("dockerd", *words, all_namespaces=True),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + _START
        while subprocess.run(("docker", "--host", self.host, "version"), capture_output=True).returncode:
            assert self._daemon.poll() is None and time.monotonic() < deadline, self._log()
            time.sleep(0.05)

    def stop(self) -> None:
        """End the daemon in order, as the shutdown of a machine does: every container is stopped first."""
        self._signal("docker.pid", signal.SIGTERM)
        self._await_end()

    def kill(self) -> None:
        """Kill the daemon and its containerd, as a crash or the kernel would; containers keep running."""
        self._signal("docker.pid", signal.SIGKILL)
        self._signal("disk/exec/containerd/containerd.pid", signal.SIGKILL)
        self._await_end()

    def cut_the_current(self) -> None:
        """End every process at once, also the containers; only the disk stays: a power failure."""
        subprocess.run(self._inside("kill", "-KILL", "-1", all_namespaces=True), check=False)
        self._await_end()
        self._ensure_no_mounts()

    def restart(self) -> None:
        """A reboot, as Docker sees it."""
        self.stop()
        self.start()

    def docker(self, *arguments: str) -> str:
        """What this engine says."""
        done = subprocess.run(
            ("docker", "--host", self.host, *arguments), capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"docker {' '.join(arguments)}: {done.stderr}"
        return done.stdout.strip()

    def load(self, *images: str) -> None:
        """Copy images from the first engine."""
        saving = subprocess.Popen(("docker", "save", *images), stdout=subprocess.PIPE)
        try:
            subprocess.run(
                ("docker", "--host", self.host, "load", "--quiet"),
                stdin=saving.stdout,
                capture_output=True,
                check=True,
            )
        finally:
            assert saving.stdout
            saving.stdout.close()
            assert saving.wait() == 0

    @contextmanager
    def full_disk(self) -> Iterator[Callable[[], None]]:
        """A function that fills the disk to its last byte; the room comes back at the end."""
        file = f"{self.root}/disk/full"
        fill = ("sh", "-c", 'dd if=/dev/zero of="$1" bs=1M 2>/dev/null; true', "sh", file)
        try:
            yield lambda: self._run(*fill)
        finally:
            self._run("rm", "-f", file)

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Move this thread, and what it starts, into this engine's network, where published ports are."""
        with Path("/proc/thread-self/ns/net").open() as before:
            with Path(f"/proc/{self._pid}/ns/net").open() as network:
                _enter(network.fileno())
            try:
                yield
            finally:
                _enter(before.fileno())

    def _make_namespaces(self) -> None:
        self._init = subprocess.Popen(
            (*_UNSHARE, sys.executable, "-I", "-c", _INIT),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert self._init.stdout and self._init.stdout.readline() == "up\n", "no namespaces: is this root?"
        disk = self.root / "disk"
        disk.mkdir()
        for command in (
            ("ip", "link", "set", "lo", "up"),
            ("mount", "-t", "tmpfs", "-o", f"size={_DISK},mode=711", "tmpfs", str(disk)),
            # a separate one, like /run: with a full disk the daemon can still start a process
            ("mkdir", f"{disk}/exec"),
            ("mount", "-t", "tmpfs", "-o", "size=64m,mode=711", "tmpfs", f"{disk}/exec"),
        ):
            self._run(*command)

    @property
    def _pid(self) -> int:
        """The first process in the namespaces, seen from outside: the only child of `unshare`."""
        assert self._init
        children = Path(f"/proc/{self._init.pid}/task/{self._init.pid}/children").read_text()
        return int(children)

    def _inside(self, *command: str, all_namespaces: bool = False) -> tuple[str, ...]:
        more = ("--pid", "--mount") if all_namespaces else ()
        return ("nsenter", "--target", str(self._pid), "--net", *more, *command)

    def _run(self, *command: str) -> None:
        subprocess.run(self._inside(*command, all_namespaces=True), check=True)

    def _signal(self, pidfile: str, number: signal.Signals) -> None:
        """Signal a process of the namespaces. Only there does the number mean that process."""
        # the daemon writes its number without an end of line
        script = 'read -r pid < "$1"; kill "-$2" "$pid"'
        words = ("sh", "-c", script, "sh", str(self.root / pidfile), str(number.value))
        # it may have ended together with the one before
        subprocess.run(self._inside(*words, all_namespaces=True), capture_output=True, check=False)

    def _await_end(self) -> None:
        assert self._daemon
        self._daemon.wait(_STOP)
        self._daemon = None

    def _ensure_no_mounts(self) -> None:
        """Unmount and unlink what a machine that was switched off would no longer have."""
        script = (
            'grep -o " $1/disk/[^ ]*" /proc/self/mounts | sort -r | xargs -r umount --lazy; '
            'rm -rf "$1/disk/exec" "$1/docker.pid"'
        )
        words = ("sh", "-c", script, "sh", str(self.root))
        subprocess.run(self._inside(*words, all_namespaces=True), check=True)
        links = subprocess.run(
            self._inside("ip", "-o", "link", "show", "type", "bridge"), capture_output=True, text=True
        ).stdout
        for line in links.splitlines():
            subprocess.run(self._inside("ip", "link", "delete", line.split(": ")[1]), check=True)

    def _end(self) -> None:
        if self._init:
            assert self._init.stdin
            self._init.stdin.close()
            self._init.wait(_STOP)
        if self._daemon:
            self._daemon.wait(_STOP)

    def _clear(self) -> None:
        """Remove what is left of this run or of one that was killed: files, and control groups."""
        shutil.rmtree(self.root, ignore_errors=True)
        for pattern in (self.root.name, f"*/{self.root.name}"):  # cgroup v2, v1
            for group in Path("/sys/fs/cgroup").glob(pattern):
                for directory, _, _ in os.walk(group, topdown=False):
                    Path(directory).rmdir()

    def _log(self) -> str:
        lines = (self.root / "log").read_text(errors="replace").splitlines()
        return "the second engine does not answer:\n" + "\n".join(lines[-20:])


def _enter(network: int) -> None:
    # os.setns exists from Python 3.12 on
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.setns(network, _CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())


_UNSHARE = ("unshare", "--net", "--mount", "--pid", "--fork", "--mount-proc")
