"""The cause of a failure is on the screen: what the error says, and what to do next."""

from __future__ import annotations

from typing import Any

import pytest

from hitless.domain.common.errors import BuildFailed, DockerFailed, GateFailed, HitlessError
from hitless.domain.common.events import StepDone, StepFailed, StepKind
from hitless.domain.host.container_facts import HealthCheck, Listener
from hitless.ports.balancer import Answer
from tests.execution import commands
from tests.execution.applications import WEB, application, shop
from tests.fakes.host import FakeHost

REFUSED = Answer(0, "Connection refused")


@pytest.fixture
def host() -> FakeHost:
    return FakeHost()


def error_of(host: FakeHost, *, own_check: bool = False) -> HitlessError:
    """The error of a deployment."""
    web: dict[str, Any] = dict(WEB)
    if own_check:
        web["healthcheck"] = {"test": ["CMD", "true"], "interval": "1s"}
        web["labels"] = {key: text for key, text in WEB["labels"].items() if "healthcheck" not in key}
    with pytest.raises(HitlessError) as raised:
        commands.deploy(host.ports(), application({"web": web}) if own_check else shop())
    assert host.violations == []
    return raised.value


def test_an_unhealthy_container_shows_its_check_and_what_that_printed(host: FakeHost) -> None:
    host.behaviour.states[1] = {"health": "unhealthy"}
    host.behaviour.last_check = HealthCheck("curl -f localhost/up", 22, "404 Not\nFound\n")
    error = error_of(host)
    assert error.message.endswith(
        "is unhealthy: its health check `curl -f localhost/up` ends with exit code 22 "
        "and prints: 404 Not Found"
    )
    assert "start_period" not in error.hint


@pytest.mark.parametrize(
    ("check", "said", "hint"),
    [
        (HealthCheck("curl x", 127, "sh: curl: not found"), "exit code 127", "does the image have"),
        (HealthCheck("x", -1, "Health check exceeded timeout (3s)"), "exceeded timeout (3s)", "`timeout`"),
        (HealthCheck("test -f /ready", 1, ""), "prints nothing", "correct what the check finds wrong"),
        (HealthCheck("x", 1, "y" * 9999), "…yyy", "correct"),
        (HealthCheck("x", 1, "  File x.py\n" * 99 + "HTTP Error 500"), "x.py HTTP Error 500", "correct"),
    ],
)
def test_what_a_check_says_leads_to_what_to_do(
    host: FakeHost, check: HealthCheck, said: str, hint: str
) -> None:
    host.behaviour.states[1] = {"health": "unhealthy"}
    host.behaviour.last_check = check
    error = error_of(host)
    assert said in error.message
    assert hint in error.hint
    assert len(error.message) < 600


def test_one_that_is_not_healthy_in_time_shows_its_check_too(host: FakeHost) -> None:
    host.behaviour.states[1] = {"health": "starting"}
    host.behaviour.last_check = HealthCheck("nc -z localhost 5672", 1, "refused")
    error = error_of(host, own_check=True)
    assert "was not ready within" in error.message
    assert "`nc -z localhost 5672` ends with exit code 1" in error.message


@pytest.mark.parametrize(
    ("there", "said", "hint"),
    [
        (
            (Listener(80, False),),
            "nothing listens on 8000 in shop-blue-web-1; it listens on 80",
            "server.port",
        ),
        ((Listener(8000, True),), "listens on 8000 of its own loopback address alone", "0.0.0.0"),
        ((Listener(9, True),), "nothing listens on 8000 in shop-blue-web-1", "start its server"),
        ((Listener(8000, False),), "Connection refused", "listen on 0.0.0.0"),
        (None, "Connection refused", "listen on 0.0.0.0"),
    ],
)
def test_a_wrong_port_is_named_with_the_right_one(
    host: FakeHost, there: tuple[Listener, ...] | None, said: str, hint: str
) -> None:
    host.behaviour.answers[1] = [REFUSED]
    host.behaviour.listening = there
    error = error_of(host)
    assert said in error.message
    assert hint in error.hint


def test_a_wrong_port_of_a_healthy_container_is_named_too(host: FakeHost) -> None:
    host.behaviour.states[1] = {"health": "healthy"}
    host.behaviour.routes[1] = Answer(502, "Bad Gateway")
    host.behaviour.listening = (Listener(80, False),)
    error = error_of(host, own_check=True)
    assert "502: Bad Gateway: nothing listens on 8000 in shop-blue-web-1; it listens on 80" in error.message
    assert "ask_routes" not in error.hint


def test_a_route_that_answers_badly_itself_has_nothing_to_do_with_ports(host: FakeHost) -> None:
    host.behaviour.states[1] = {"health": "healthy"}
    host.behaviour.routes[1] = Answer(500, "no database")
    host.behaviour.listening = (Listener(80, False),)
    error = error_of(host, own_check=True)
    assert "nothing listens" not in error.message
    assert "ask_routes" in error.hint


def test_what_a_build_wrote_at_its_end_is_shown(host: FakeHost) -> None:
    def fail(verb: str) -> None:
        if verb == "build":
            raise DockerFailed(
                "docker compose build", 17, "x\nfailed to solve: exit code: 3", "", "#5 no wheels"
            )

    host.before = fail
    error = error_of(host)
    assert isinstance(error, BuildFailed)
    assert error.message == "the build failed: failed to solve: exit code: 3"
    assert error.hint == "docker compose build web repeats it alone"
    [failed] = (event for event in host.events if isinstance(event, StepFailed))
    assert failed.logs == {"the build": "#5 no wheels"}


def test_an_engine_that_does_not_tell_hides_no_error(host: FakeHost) -> None:
    host.behaviour.states[1] = {"health": "unhealthy"}
    error = error_of(host)
    assert isinstance(error, GateFailed)
    assert error.message == "shop-blue-web-1 is unhealthy by its own Docker health check"


@pytest.mark.parametrize(
    ("seconds", "exit_code", "is_told"), [(10, 137, True), (10, 0, False), (0.1, 137, False)]
)
def test_a_container_that_ignores_its_stop_signal_is_named(
    host: FakeHost, seconds: float, exit_code: int, is_told: bool
) -> None:
    commands.deploy(host.ports(), shop())
    host.behaviour.stop_seconds, host.behaviour.ends_with = seconds, exit_code
    commands.deploy(host.ports(), shop())
    [retired] = (one for one in host.events if isinstance(one, StepDone) and one.step.kind is StepKind.RETIRE)
    assert ("web did not end on the stop signal" in retired.detail) == is_told
