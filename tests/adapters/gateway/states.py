"""What the tests of the gateway's state share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from hitless.adapters.gateway.routing_file import render
from hitless.adapters.gateway.state import GatewayState
from hitless.domain.common.names import Colour
from hitless.domain.release.model import Image, Release
from hitless.ports.state import Stored
from tests.adapters.fake_docker import FakeDocker
from tests.domain.builders import routing

RELEASE = Release(
    number=7,
    created="2026-11-22T21:46:16.752+00:00",
    revision="5beba4c8a3f8+",
    images={
        "web": Image("sha256:0cd0", (80, 8000), True, ("/data",)),
        "job": Image("sha256:1cd1", (), False),
    },
    model={"name": "shop", "services": {"web": {"environment": {"A": "$$x", "B": None}}}},
    promoted=4,
)


ROUTING = routing(Colour.BLUE)


SHOP = render(ROUTING)


def state_file(host: FakeDocker, name: str) -> Path:
    return host.root / "var/lib/hitless/shop" / name


def journal(host: FakeDocker) -> list[str]:
    """The lines of the journal, without the empty ones, which are signs of life."""
    return [line for line in state_file(host, "journal").read_text().splitlines() if line]


def stored(state: GatewayState, application: str | None) -> Stored:
    """What is stored, without the bytes that are left on this machine's disk, and without the journal."""
    return replace(state.read(application), free=None, journal="", quiet=0.0, holder=None)


@contextmanager
def at_work(state: GatewayState, *applications: str) -> Iterator[None]:
    """Hold these applications' locks: without them nothing is changed."""
    with ExitStack() as stack:
        for application in applications:
            stack.enter_context(state.lock(application, "alice", 0, print))
        yield
