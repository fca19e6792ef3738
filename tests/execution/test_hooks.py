"""Hooks at their points of a deployment, on a host in memory."""

from __future__ import annotations

import pytest

from hitless.domain.common.errors import GateFailed, HookFailed
from hitless.domain.common.events import Output, StepDone
from hitless.domain.common.names import Colour
from tests.execution.test_deploy import live
from tests.execution.test_whole_applications import HOOKS, deploy, new_host, outcome
from tests.fakes.host import FakeHost


@pytest.fixture
def host() -> FakeHost:
    return new_host()


def test_hooks_run_at_their_points_and_their_output_is_told(host: FakeHost) -> None:
    deploy(host, hooks=HOOKS)
    assert [words for words, _ in host.commands] == [("smoke",), ("tell",)]
    assert dict(host.commands)[("tell",)]["HITLESS_COLOUR"] == "blue"
    outputs = {str(event.step): event.logs for event in host.events if isinstance(event, Output)}
    assert outputs["run-local-hook:before-cutover-1"] == {"here": "smoke said yes"}
    assert "run-job:blue:migrate" in outputs
    details = {str(event.step): event.detail for event in host.events if isinstance(event, StepDone)}
    assert details["run-local-hook:after-cutover-1"] == "tell said yes"


def test_a_hook_that_fails_before_the_cutover_ends_the_deployment(host: FakeHost) -> None:
    deploy(host, hooks=HOOKS)
    host.behaviour.broken_commands = ("smoke",)
    host.commands.clear()
    with pytest.raises(GateFailed):
        deploy(host, hooks=HOOKS)
    assert [words for words, _ in host.commands] == [("smoke",), ("alarm",)]
    assert live(host) == (Colour.BLUE, [1])
    assert outcome(host) == "failed"


def test_a_hook_that_fails_after_the_cutover_is_told_and_the_rest_is_done(host: FakeHost) -> None:
    deploy(host, hooks=HOOKS)
    host.behaviour.broken_commands = ("tell",)
    with pytest.raises(HookFailed, match="everything else is done, but"):
        deploy(host, hooks=HOOKS)
    assert live(host) == (Colour.GREEN, [2])
    assert outcome(host) == "successful"


def test_a_failed_hook_does_not_stop_an_undo(host: FakeHost) -> None:
    deploy(host, hooks=HOOKS)
    host.behaviour.broken_commands = ("smoke", "alarm")
    with pytest.raises(GateFailed):
        deploy(host, hooks=HOOKS)
    assert live(host) == (Colour.BLUE, [1])
    assert outcome(host) == "failed"
