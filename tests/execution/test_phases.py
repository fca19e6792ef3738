"""Killed in each phase of a deployment: `resume` and `abort` do what the table of phases says."""

from __future__ import annotations

from contextlib import suppress

import pytest

from hitless.domain.common.errors import HitlessError
from hitless.domain.common.events import StepId
from hitless.domain.host.journal import runs
from hitless.domain.plan.phases import TABLE, Phase, Recovery
from tests.execution import commands
from tests.execution.test_deploy import Killed, deploy, live
from tests.fakes.host import FakeHost


def killed(count: int) -> FakeHost | None:
    """A host with release 1 and a killed deployment of release 2. None if the deployment ended first."""
    host = FakeHost()
    deploy(host)
    told: list[str] = []
    left = count

    def kill(_: str) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            told.extend(host.lines)
        if left <= 0:
            raise Killed

    host.before = kill
    with suppress(Killed):
        deploy(host)
    host.before = lambda _: None
    # a killed command tells nothing more, and undoes nothing
    host.lines[:] = told
    return host if told else None


def phases(host: FakeHost) -> list[Phase]:
    """The phases in which the command may have been killed, by the last step in the journal."""
    step = runs("\n".join(host.lines))[-1].step
    if not isinstance(step, StepId):
        return [Phase.PREPARE]
    found = [one.phase for one in TABLE if step.kind in one.steps and one.phase is not Phase.FINISH]
    # the step may have ended, and the next phase may have begun
    return list(dict.fromkeys((*found, *(one.next for one in TABLE if one.phase in found and one.next))))


def release(host: FakeHost) -> int:
    """The release that gets requests."""
    colour, _ = live(host)
    return next(one.release for one in host.running.values() if one.colour is colour)


@pytest.mark.parametrize("command", [commands.resume, commands.abort])
def test_resume_and_abort_recover_a_killed_deployment_as_the_table_says(command: object) -> None:
    is_resume = command is commands.resume
    seen = set()
    count = 1
    while host := killed(count):
        count += 1
        if len(runs("\n".join(host.lines))) < 2:
            continue  # the deployment had not begun
        before = release(host)
        possible = {one.resume if is_resume else one.abort for one in TABLE if one.phase in phases(host)}
        said = ""
        try:
            (commands.resume if is_resume else commands.abort)(host.ports())
        except HitlessError as error:
            said = error.message
        done = {
            "release 2 was interrupted before it was written down": Recovery.DEPLOY,
            "release 2 is live, and the release before it is already gone": Recovery.GO_BACK,
        }.get(said)
        if done is None:
            assert not said or said.startswith("there is nothing to"), said
            if release(host) == before:
                done = Recovery.TIDY
            else:
                done = Recovery.DEPLOY if is_resume else Recovery.GO_BACK
            assert release(host) in (1, 2)
        assert done in possible, (phases(host), said, before, release(host))
        seen.add(done)
        assert host.violations == []
    assert seen == ({Recovery.DEPLOY, Recovery.TIDY} if is_resume else {Recovery.TIDY, Recovery.GO_BACK})
