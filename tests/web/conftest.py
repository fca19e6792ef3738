"""A dashboard of a host in memory, and a browser without JavaScript."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import pytest
from starlette.testclient import TestClient

from hitless.domain.common.names import Colour
from hitless.domain.gateway.settings import GatewaySettings
from hitless.domain.host.journal import Holder
from hitless.domain.host.metrics import Counted
from hitless.execution import watch
from hitless.ports.state import Stored
from hitless.web.access import Gate
from hitless.web.app import pages
from hitless.web.reader import Reader
from hitless.web.recorder import Recorder
from tests.execution.test_deploy import deploy
from tests.execution.test_logs import AT, FakeLogs
from tests.fakes.host import FakeHost
from tests.fakes.samples import FakeSamples

TOKEN = "a token of the tests"
ADDRESS = "http://127.0.0.1:7474"


class LockedHost(FakeHost):
    """A host that also tells who has the lock just now."""

    def read(self, application: str | None) -> Stored:
        holder = Holder(self.holder, 3.0, 1.0) if self.holder and application else None
        return replace(super().read(application), holder=holder)


@dataclass
class Dashboard:
    """A dashboard, and what a test can change around it."""

    host: FakeHost = field(default_factory=LockedHost)
    logs: FakeLogs = field(default_factory=FakeLogs)
    samples: FakeSamples = field(default_factory=FakeSamples)
    settings: GatewaySettings | None = field(default_factory=lambda: GatewaySettings(metrics=True))
    now: float = 1_767_225_600.0
    public: str = ""
    is_once: bool = False

    def __post_init__(self) -> None:
        ports = self.host.ports()
        self.recorder = Recorder(self.samples, lambda at: watch.counted(ports, at), lambda: self.now)
        self.reader = Reader(
            ports, lambda: self.settings, self.logs, self.recorder, "traefik", lambda: "here.example"
        )
        self.gate = Gate(TOKEN, b"secret", self.is_once, self.public, lambda: self.now)
        self.app = pages(self.reader, self.gate)

    def browser(self, address: str = ADDRESS) -> TestClient:
        return TestClient(self.app, address, follow_redirects=False)

    def counts(self, requests: int) -> None:
        """What the gateway has counted by now of the application, five seconds later."""
        self.now += 5
        self.host.traefiks.counts = {("shop", Colour.BLUE): Counted(requests)}
        self.recorder.look()


def log_in(browser: TestClient, token: str = TOKEN, origin: str = ADDRESS) -> int:
    answer = browser.post("/login", data={"token": token}, headers={"Origin": origin})
    return int(answer.status_code)


@pytest.fixture
def dashboard() -> Dashboard:
    """One of a host on which release 1 is live on blue."""
    host = LockedHost()
    host.behaviour.words = {1: f"{AT} I am 1\n"}
    deploy(host)
    return Dashboard(host)


@pytest.fixture
def browser(dashboard: Dashboard) -> Iterator[TestClient]:
    """One that is logged in."""
    with dashboard.browser() as made:
        assert log_in(made) == 303
        yield made
