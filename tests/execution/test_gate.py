"""The gate runs a container's own health check when the engine would do so only much later."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from hitless.domain.application.model import Application
from hitless.domain.common.errors import GateFailed
from hitless.domain.common.names import Colour
from hitless.domain.host.world import Container
from tests.execution import commands
from tests.execution.applications import WEB, application
from tests.execution.test_deploy import live
from tests.fakes.behaviour import OK, UNWELL
from tests.fakes.host import FakeHost


def checked(**extension: object) -> Application:
    check = {"test": ["CMD", "true"], "interval": "30s"}
    return application({"web": {**WEB, "healthcheck": check}}, extension)


@pytest.fixture
def host() -> FakeHost:
    """The engine has not run the check of a new container yet, and will not for a long time."""
    host = FakeHost()
    host.behaviour.states[1] = {"health": "starting"}
    return host


def test_a_check_that_passes_when_hitless_runs_it_is_enough(host: FakeHost) -> None:
    host.behaviour.checks = [False, False, True]
    commands.deploy(host.ports(), checked())
    assert live(host) == (Colour.BLUE, [1])
    assert host.clock.now() < 5
    assert host.behaviour.checks == [True]
    assert host.violations == []


def test_it_is_run_only_when_the_application_answers(host: FakeHost) -> None:
    host.behaviour.answers[1] = [*[UNWELL] * 5, OK]
    host.behaviour.checks = [True, False]  # the first must be the last
    commands.deploy(host.ports(), checked())
    assert host.behaviour.checks == [False]


def test_one_that_takes_too_long_is_left_to_the_engine(host: FakeHost) -> None:
    looks: list[float] = []
    look = FakeHost.named

    class Late(FakeHost):
        def named(self, containers: Sequence[str]) -> tuple[Container, ...]:
            looks.append(self.clock.now())
            if self.clock.now() > 20:
                self.running = {key: replace(one, health="healthy") for key, one in self.running.items()}
            return look(self, containers)

    host.__class__ = Late
    host.behaviour.checks = [None, False]
    commands.deploy(host.ports(), checked(timeout="60s"))
    assert host.clock.now() > 20
    assert host.behaviour.checks == [False]
    assert live(host) == (Colour.BLUE, [1])


def test_one_that_does_not_pass_waits_for_the_engines_word(host: FakeHost) -> None:
    look = FakeHost.named

    class Judging(FakeHost):
        def named(self, containers: Sequence[str]) -> tuple[Container, ...]:
            if self.clock.now() > 10:
                self.running = {key: replace(one, health="unhealthy") for key, one in self.running.items()}
            return look(self, containers)

    host.__class__ = Judging
    with pytest.raises(GateFailed, match="is unhealthy"):
        commands.deploy(host.ports(), checked(timeout="60s"))
    assert host.clock.now() > 10


def test_the_engines_own_word_is_believed_first(host: FakeHost) -> None:
    host.behaviour.states[1] = {"health": "healthy"}
    host.behaviour.checks = [True, False]
    commands.deploy(host.ports(), checked())
    assert host.behaviour.checks == [True, False]


def test_what_passed_must_not_become_unhealthy_in_the_bake(host: FakeHost) -> None:
    host.behaviour.checks = [True]
    commands.deploy(host.ports(), checked(bake="10s"))
    assert live(host) == (Colour.BLUE, [1])  # the engine has never said `healthy`
    look = FakeHost.named

    class Failing(FakeHost):
        def named(self, containers: Sequence[str]) -> tuple[Container, ...]:
            found = look(self, containers)
            is_live = self.in_traefik["shop"].live is Colour.GREEN
            return tuple(replace(one, health="unhealthy") for one in found) if is_live else found

    host.__class__ = Failing
    host.behaviour.states[2] = {"health": "starting"}
    with pytest.raises(GateFailed, match="is unhealthy"):
        commands.deploy(host.ports(), checked(bake="10s"))
    assert live(host)[0] is Colour.BLUE
