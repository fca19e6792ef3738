"""What the engine says about a container that fails. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class HealthCheck:
    """How a container's own Docker health check ended last: its command, exit code, and what it printed."""

    command: str
    exit_code: int
    output: str

    @property
    def is_too_slow(self) -> bool:
        """Whether the engine ended it: moby writes -1 and "Health check exceeded timeout (3s)"."""
        return self.exit_code == -1


@dataclass(frozen=True)
class Listener:
    """A TCP port on which something in a container listens; `is_local`: on its loopback address alone."""

    port: int
    is_local: bool


def listeners(table: str) -> tuple[Listener, ...]:
    """Who listens, by /proc/net/tcp and /proc/net/tcp6: proc(5), and `tcp_states.h` of Linux for 0A.

    An address stands there as hexadecimal words of 32 bits, in the machine's own order of bytes.
    """
    ports: dict[int, bool] = {}
    for line in table.splitlines():
        words = line.split()
        if len(words) < 4 or words[3] != _LISTEN:
            continue
        address, _, port = words[1].rpartition(":")
        if address in _DNS:
            continue
        is_local = address in _LOOPBACK6 or any(address.endswith(one) for one in _LOOPBACK)
        number = int(port, 16)
        ports[number] = ports.get(number, True) and is_local
    return tuple(Listener(port, is_local) for port, is_local in sorted(ports.items()))


_LISTEN = "0A"
_DNS = ("0B00007F", "7F00000B")  # the engine's own server of names, in every container: 127.0.0.11
_LOOPBACK = ("0100007F", "7F000001")  # 127.0.0.1, by itself and at the end of ::ffff:127.0.0.1
_LOOPBACK6 = ("0" * 24 + "01000000", "0" * 31 + "1")  # ::1
