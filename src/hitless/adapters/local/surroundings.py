"""The machine port: names, addresses and programs, without any other program."""

from __future__ import annotations

import os
import re
import socket
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit

_MOST = 100  # names that are looked up
_AT_ONCE = 20
_LISTEN = "0A"  # tcp_states.h of Linux
_PROC = Path("/proc")


@dataclass(frozen=True)
class Surroundings:
    """`endpoint` is where the engine is: only one on this machine has this machine's addresses and ports."""

    endpoint: str

    @property
    def is_here(self) -> bool:
        """Whether the engine runs on this machine."""
        return urlsplit(self.endpoint).scheme in ("unix", "npipe", "fd")

    def resolve(self, names: Sequence[str], seconds: float) -> dict[str, tuple[str, ...] | None]:
        """The addresses of these names, asked at once; nobody waits for a server that does not answer."""
        waiting = list(dict.fromkeys(names))[:_MOST]
        found: dict[str, tuple[str, ...] | None] = dict.fromkeys(waiting)
        left = iter(waiting)

        def work() -> None:
            for name in left:
                found[name] = _addresses_of(name)

        deadline = time.monotonic() + seconds
        # threads that nobody waits for at the end of the process: a lookup can't be interrupted
        threads = [Thread(target=work, daemon=True) for _ in range(min(_AT_ONCE, len(waiting)))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        return dict(found)

    def addresses(self) -> tuple[str, ...]:
        """Those of this machine; of an engine elsewhere those of its name."""
        if not self.is_here:
            name = urlsplit(self.endpoint).hostname
            return (name and self.resolve([name], 1.0)[name]) or ()
        return tuple(sorted({one for one in _own() if _counts(one)}))

    def listener(self, port: int) -> str:
        """The program that listens on a TCP port here; its process is known only to its user and root."""
        inodes = set(_inodes(port)) if self.is_here else set()
        if not inodes:
            return ""
        for process in _PROC.iterdir():
            if not process.name.isdecimal():
                continue
            with suppress(OSError):
                for file in (process / "fd").iterdir():
                    with suppress(OSError):
                        if str(file.readlink()) in inodes:
                            name = (process / "comm").read_text(errors="replace").strip()
                            return f"{name} (process {process.name})"
        return "a program of the host"

    def is_over(self, holder: str) -> bool:
        """Whether it is a process of this machine and user that has ended."""
        found = re.fullmatch(r"[^@]+@(?P<host>\S+), process (?P<process>[1-9]\d{0,9})", holder)
        if found is None or found["host"] != socket.gethostname():
            return False
        try:
            os.kill(int(found["process"]), 0)
        except ProcessLookupError:
            return True
        except (OSError, OverflowError):  # it is another user's, and there
            return False
        return False


def _addresses_of(name: str) -> tuple[str, ...]:
    try:
        found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return ()
    # a link-local address has its interface behind it
    return tuple(dict.fromkeys(str(one[4][0]).partition("%")[0] for one in found))


def _own() -> Iterable[str]:
    """By the kernel's own tables: fib_trie has each address before the line that calls it local."""
    with suppress(OSError):
        table = (_PROC / "net" / "fib_trie").read_text()
        yield from re.findall(r"\|-- (\S+)\n\s+/32 host LOCAL", table)
    with suppress(OSError):
        for line in (_PROC / "net" / "if_inet6").read_text().splitlines():
            yield str(ip_address(int(line.split()[0], 16).to_bytes(16)))
    with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        out.connect(("192.0.2.1", 9))  # nothing is sent: it names the address that would be used
        yield str(out.getsockname()[0])


def _counts(address: str) -> bool:
    one = ip_address(address)
    return not (one.is_loopback or one.is_link_local)


def _inodes(port: int) -> Iterable[str]:
    """What /proc calls the sockets that listen on this port (proc(5))."""
    for name in ("tcp", "tcp6"):
        with suppress(OSError):
            for line in (_PROC / "net" / name).read_text().splitlines()[1:]:
                words = line.split()
                if words[3] == _LISTEN and int(words[1].rpartition(":")[2], 16) == port:
                    yield f"socket:[{words[9]}]"
