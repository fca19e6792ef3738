"""The kernel's tables of connections and of sockets of UDP, of the gateway's container. Pure.

They are /proc/net/tcp, tcp6, udp and udp6. Traefik has a socket to a server for each session of UDP, and
closes it when nothing has come or gone for 3 s.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Mapping, Sequence

_TIME_WAIT, _LISTEN = "06", "0A"  # linux/net/tcp_states.h
_OF_UDP = "drops"  # a column that only its tables have


def count_connections(table: str, addresses: Sequence[str]) -> int:
    """The rows with one of these as remote address, except TIME_WAIT.

    A row of TCP whose local port the gateway listens on is a container's connection to it, as its client.
    """
    rows = _rows(table)
    served = {_port(row) for row in rows if row[3] == _LISTEN}
    wanted = {shape for address in addresses for shape in _as_in_the_table(address)}
    return count_sessions(table, addresses) + sum(
        row[2].rpartition(":")[0] in wanted and _port(row) not in served
        for row in rows
        if row[3] not in (_TIME_WAIT, _LISTEN)
    )


def count_sessions(table: str, addresses: Sequence[str]) -> int:
    """The sessions of UDP to these addresses."""
    wanted = {shape for address in addresses for shape in _as_in_the_table(address)}
    return sum(row[2].rpartition(":")[0] in wanted for row in _rows(table, over_udp=True))


def count_clients(table: str, ports: Collection[int]) -> int:
    """The rows of clients' connections to these local ports, except TIME_WAIT."""
    wanted = {f"{port:04X}" for port in ports}
    return sum(_port(row) in wanted for row in _rows(table) if row[3] not in (_TIME_WAIT, _LISTEN))


def udp_sessions(table: str, servers: Mapping[str, Sequence[int]]) -> frozenset[str]:
    """The sessions of UDP to these servers (address -> ports), each by the number of its socket."""
    wanted = {
        f"{shape}:{port:04X}"
        for address, ports in servers.items()
        for port in ports
        for shape in _as_in_the_table(address)
    }
    return frozenset(row[9] for row in _rows(table, over_udp=True) if row[2] in wanted)


def _rows(table: str, over_udp: bool = False) -> list[list[str]]:
    found, is_of_udp = [], False
    for row in (line.split() for line in table.splitlines()):
        if row[:1] == ["sl"]:
            is_of_udp = _OF_UDP in row
        elif len(row) > 3 and row[0].endswith(":") and is_of_udp is over_udp:
            found.append(row)
    return found


def _port(row: Sequence[str]) -> str:
    return row[1].rpartition(":")[2]


def _as_in_the_table(address: str) -> tuple[str, ...]:
    """How the kernel prints an address: each word of 32 bits as a little-endian host reads it.

    An IPv4 address stands in tcp6, too, as the end of an IPv6 one (::ffff:0:0/96).
    """
    found = ipaddress.ip_address(address)
    words = [found.packed[at : at + 4][::-1].hex().upper() for at in range(0, len(found.packed), 4)]
    return (words[0], f"{0:016X}FFFF0000{words[0]}") if found.version == 4 else ("".join(words),)
