"""The gateway's entry points: `web`, its own HTTP port, and one for each port that it publishes. Pure."""

from __future__ import annotations

HIGHEST = 60_000  # above it are the ports inside the gateway that can't be the same outside
_PREFIX = "port-"
# What the gateway's container keeps for itself: its HTTP port, and Traefik's API
_MOVED = {80: 60_080, 8080: 60_081}


def entry_point(port: int) -> str:
    """The name of the entry point for a port of the host."""
    return f"{_PREFIX}{port}"


def port_of(entry_point: str) -> int | None:
    """The port of the host that an entry point is for; None for `web`."""
    number = entry_point.removeprefix(_PREFIX)
    return int(number) if number != entry_point and number.isdecimal() else None


def inner_port(entry_point: str) -> int:
    """The port on which an entry point listens inside the gateway's container."""
    port = port_of(entry_point)
    return 80 if port is None else _MOVED.get(port, port)


def shown(address: str, port: int) -> str:
    """A port of the host for people: `*:80` on every address."""
    return written(address or "*", port)


def written(address: str, port: int) -> str:
    """As `--publish` takes it."""
    if not address:
        return str(port)
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


WEB = "web"  # the entry point of a route that names none
