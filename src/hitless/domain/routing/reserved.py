"""What hitless keeps for itself in Traefik: the marker's host, priorities, a header, and a timeout."""

from __future__ import annotations

from hitless.domain.routing.entry_points import API, WEB

NOWHERE = ""
MARKER_HOST = "hitless.internal"
LOOPBACK = "127.0.0.1"
INSIDE = f"(ClientIP(`{LOOPBACK}/32`) || ClientIP(`::1/128`))"  # from the gateway itself, as a rule
COLOUR_HEADER = "X-Hitless-Colour"
# A user's router has at most its rule's length or its own number as priority; markers must win over any.
MARKER_PRIORITY = 2_000_000_000
GUARDED_PRIORITY = 1_000_000_000
# Idle connections end after a quarter of a second. So to count connections is to count requests in flight:
# each drain under load waits for the last idle one, and the application must not close it first
# (traefik#727). A new one costs a tenth of a millisecond. Go's default of 2 idle per host is too few.
IDLE_TIMEOUT = 0.25  # seconds


def busy_path(application: str) -> str:
    """The path at which the gateway itself answers requests that have waited too long."""
    return f"/{application}.html"


def asked_path(application: str, whom: str, middleware: str) -> str:
    """The path at which a `forwardAuth` middleware asks its backend in a colour, or in what is live."""
    return f"/{application}/ask/{whom}/{middleware}"


def handshake_host(application: str) -> str:
    """The name that a client asks for in the TLS handshake which proves a generation."""
    return f"{application}.{MARKER_HOST}"


def handshake_protocol(application: str, generation: int) -> str:
    """The protocol (ALPN) that this handshake agrees on exactly when this generation is in force."""
    return f"hitless/{application}/{generation}"


def tcp_marker(generation: int) -> str:
    """Where a raw connection from inside leads while this generation is in force: `web`, the API, or nowhere.

    A connection has nothing that could name a generation. So each one differs from the two before it and the
    two after it: a failed cutover goes back by two.
    """
    return (WEB, API, NOWHERE)[generation % 3]


def marker_path(application: str, generation: int) -> str:
    """The path that answers 418 on an entry point exactly when this generation is in force there."""
    return f"/{application}/{generation}"
