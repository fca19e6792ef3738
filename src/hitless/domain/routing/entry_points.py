"""The gateway's entry points: two of its own, and one for each port that it publishes. Pure."""

from __future__ import annotations

from collections.abc import Mapping

WEB = "web"  # the entry point of a route that names none
WEBSECURE = "websecure"  # every route here is an HTTPS one
API = "traefik"  # Traefik's own, which only its container can reach
ALIASES: Mapping[str, str] = {
    **dict.fromkeys(("http", "insecure", "webinsecure", "web-insecure", "http-web", "web-http"), WEB),
    **dict.fromkeys(("https", "secure", "web-secure", "web_secure", "http-secure", "https-web"), WEBSECURE),
    **dict.fromkeys(("web-https", "webhttps", "http-tls", "tls"), WEBSECURE),
}
"""What people call the two in their own Traefik (seen in public Compose files) -> their names here."""

HIGHEST = 60_000  # above it are the ports inside the gateway that can't be the same outside
_PREFIX = "port-"
_UDP = "-udp"
# What the gateway's container keeps for itself: its HTTP port, and Traefik's API
_MOVED = {80: 60_080, 8080: 60_081}
# of its own two entry points; that for HTTPS is none that an application can publish
_INNER = {WEB: 80, WEBSECURE: 60_443}


def entry_point(port: int) -> str:
    """The name of the entry point for a port of the host."""
    return f"{_PREFIX}{port}"


def udp_entry_point(port: int) -> str:
    """The name of the entry point for a UDP port of the host."""
    return f"{_PREFIX}{port}{_UDP}"


def is_udp(entry_point: str) -> bool:
    """Whether an entry point is one for UDP."""
    return entry_point.endswith(_UDP) and port_of(entry_point) is not None


def port_of(entry_point: str) -> int | None:
    """The port of the host that an entry point is for; None for the gateway's own two."""
    number = entry_point.removeprefix(_PREFIX).removesuffix(_UDP)
    return int(number) if entry_point.startswith(_PREFIX) and number.isdecimal() else None


def inner_port(entry_point: str) -> int:
    """The port on which an entry point listens inside the gateway's container."""
    port = port_of(entry_point)
    return _INNER[entry_point] if port is None else _MOVED.get(port, port)


def shown(address: str, port: int, over_udp: bool = False) -> str:
    """A port of the host for people: `*:80` on every address."""
    return written(address or "*", port, over_udp)


def written(address: str, port: int, over_udp: bool = False) -> str:
    """As `--publish` takes it."""
    number = f"{port}/udp" if over_udp else str(port)
    if not address:
        return number
    return f"[{address}]:{number}" if ":" in address else f"{address}:{number}"
