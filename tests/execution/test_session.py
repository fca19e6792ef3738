"""Every command ends with exactly one `Ended`, its last event. Also the lock, the journal and the secrets."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import pytest

from hitless.domain.common.errors import HitlessError, LockLost, Refused
from hitless.domain.common.events import (
    Began,
    Ended,
    Event,
    Found,
    Operation,
    Outcome,
    Planned,
    StepBegan,
    StepId,
    StepKind,
    Undone,
)
from hitless.domain.common.findings import Finding
from hitless.domain.gateway.settings import GatewaySettings
from hitless.domain.host.journal import Holder, runs
from hitless.domain.host.world import Port
from hitless.execution import adopt as adopting
from hitless.execution.deploy import DeployOptions
from hitless.execution.prove import Wanted
from hitless.execution.session import Session
from tests.execution import commands
from tests.execution.applications import WEB, application, shop
from tests.execution.test_adopt import PUBLISHING, FakeGatewayProject, plain_host
from tests.execution.test_deploy import Killed
from tests.execution.test_prove import FakeLoad
from tests.fakes.host import FakeHost

STEP = StepId(StepKind.START)
ANN = Holder("ann", 30, 2)


def live() -> FakeHost:
    """A host where release 2 is live, and release 1 is kept."""
    host = FakeHost()
    commands.deploy(host.ports(), shop())
    commands.deploy(host.ports(), shop())
    host.events.clear()
    return host


def bad() -> FakeHost:
    """The same host, but the next release never gets ready."""
    host = live()
    host.behaviour.states[3] = {"state": "exited", "exit_code": 1}
    return host


def locked() -> FakeHost:
    host = live()
    host.holder = "ann"
    return host


def interrupted() -> FakeHost:
    """The same host after a deployment that was killed before its cutover."""
    host = live()
    is_killed = False

    def before(verb: str) -> None:
        nonlocal is_killed
        is_killed = is_killed or verb == "set restart policies"
        if is_killed:
            raise Killed

    host.before = before
    with suppress(Killed):
        deploy(host)
    host.before = lambda _: None
    host.events.clear()
    return host


def plain() -> FakeHost:
    """A host that runs the application under plain `docker compose up`."""
    return plain_host(Port(8080, 8000))


def adopt(host: FakeHost, *breaks: int) -> None:
    gateway = FakeGatewayProject(host, breaks=breaks)
    found, _ = adopting.look(host.ports(), gateway, "traefik", PUBLISHING)
    commands.adopt(host.ports(), gateway, PUBLISHING, found)


def prove(host: FakeHost) -> None:
    commands.prove(host.ports(), FakeLoad(host), Wanted(2, 20, (), 5.0))


def gateway_up(host: FakeHost, may_replace: bool = True, bind: str = "10.1.1.1") -> None:
    gateway = FakeGatewayProject(host, there=GatewaySettings())
    commands.gateway_up(host.ports(), gateway, True, {"bind": bind}, may_replace)


@dataclass(frozen=True)
class Case:
    """A command on a host, and how it ends."""

    operation: Operation
    outcome: Outcome
    host: Callable[[], FakeHost]
    command: Callable[[FakeHost], object]


def deploy(host: FakeHost) -> None:
    commands.deploy(host.ports(), shop())


def nothing() -> FakeHost:
    return FakeHost(has_gateway=False)


WELL, BAD, LEFT = Outcome.SUCCESSFUL, Outcome.FAILED, Outcome.UNFINISHED
DEPLOY, ADOPT, UP = Operation.DEPLOY, Operation.ADOPT, Operation.GATEWAY_UP
WRONG = Finding("services.web", "is wrong")
CASES = {
    "deployed": Case(DEPLOY, WELL, live, deploy),
    "undone": Case(DEPLOY, BAD, bad, deploy),
    "refused": Case(
        DEPLOY,
        BAD,
        live,
        lambda host: commands.deploy(host.ports(), shop(), DeployOptions(findings=(WRONG,))),
    ),
    "without a gateway": Case(DEPLOY, BAD, nothing, deploy),
    "while another command works": Case(DEPLOY, BAD, locked, deploy),
    "rolled back": Case(Operation.ROLLBACK, WELL, live, lambda host: commands.rollback(host.ports())),
    "no such release": Case(Operation.ROLLBACK, BAD, live, lambda host: commands.rollback(host.ports(), 9)),
    "scaled": Case(Operation.SCALE, WELL, live, lambda host: commands.scale(host.ports(), {"web": 2})),
    "as many already": Case(
        Operation.SCALE, WELL, live, lambda host: commands.scale(host.ports(), {"web": 1})
    ),
    "resumed": Case(Operation.RESUME, WELL, interrupted, lambda host: commands.resume(host.ports())),
    "nothing to resume": Case(Operation.RESUME, BAD, live, lambda host: commands.resume(host.ports())),
    "aborted": Case(Operation.ABORT, WELL, interrupted, lambda host: commands.abort(host.ports())),
    "down": Case(Operation.DOWN, WELL, live, lambda host: commands.down(host.ports())),
    "no such application": Case(Operation.DOWN, BAD, FakeHost, lambda host: commands.down(host.ports())),
    "shared services run": Case(
        Operation.SHARED_UP, WELL, live, lambda host: commands.start_shared(host.ports(), shop())
    ),
    "no such shared service": Case(
        Operation.SHARED_UP, BAD, live, lambda host: commands.start_shared(host.ports(), shop(), ("db",))
    ),
    "proved": Case(Operation.PROVE, WELL, live, prove),
    "proof ended early": Case(Operation.PROVE, LEFT, lambda: killed_lock("create"), prove),
    "nothing to prove": Case(Operation.PROVE, BAD, FakeHost, prove),
    "adopted": Case(ADOPT, WELL, plain, adopt),
    "adopted in part": Case(ADOPT, LEFT, plain, lambda host: adopt(host, 8080)),
    "not adopted": Case(ADOPT, BAD, lambda: failing(plain()), adopt),
    "gateway restarted": Case(UP, WELL, FakeHost, gateway_up),
    "gateway up already": Case(UP, WELL, FakeHost, lambda host: gateway_up(host, bind="")),
    "gateway with other settings": Case(UP, BAD, FakeHost, lambda host: gateway_up(host, may_replace=False)),
    "gateway in use": Case(UP, BAD, lambda: FakeHost(at_work={"shop": ANN}), gateway_up),
}


def failing(host: FakeHost) -> FakeHost:
    host.behaviour.states[1] = {"state": "exited", "exit_code": 1}
    return host


def killed_lock(verb: str) -> FakeHost:
    """A host that loses the lock at this verb."""
    host = live()

    def before(one: str) -> None:
        if one == verb:
            host.holder = ""

    host.before = before
    return host


@pytest.mark.parametrize("found", CASES.values(), ids=CASES.keys())
def test_a_command_ends_once_and_with_the_right_outcome(found: Case) -> None:
    host = found.host()

    with suppress(HitlessError):
        found.command(host)

    ends = [event for event in host.events if isinstance(event, Ended)]
    assert [(end.operation, end.outcome) for end in ends] == [(found.operation, found.outcome)]
    assert host.events[-1] is ends[0]
    assert host.violations == []


def fail(host: FakeHost, command: Callable[[Session], None], error: BaseException | None = None) -> None:
    """Run a command that does this and then fails."""
    with commands.session(host.ports(), DEPLOY) as session:
        command(session)
        raise error or HitlessError("no")


@pytest.mark.parametrize("error", [KeyboardInterrupt(), ValueError()], ids=["interrupted", "a bug"])
def test_an_interrupt_and_a_bug_also_end_it_once(error: BaseException) -> None:
    host = FakeHost()
    with pytest.raises(type(error)):
        fail(host, lambda _: None, error)
    assert isinstance(host.events[-1], Ended)
    assert host.events[-1].outcome is Outcome.FAILED


def test_a_refusal_after_an_interrupted_command_is_not_in_the_journal() -> None:
    host = interrupted()

    with pytest.raises(Refused):
        commands.deploy(host.ports(), shop(), DeployOptions(findings=(WRONG,)))

    assert [type(event) for event in host.events] == [Found, Ended]
    last = runs("\n".join(host.lines))[-1]
    assert (last.operation, last.outcome) == ("deploy", "unfinished")
    commands.resume(host.ports())


def test_the_journal_has_the_events_from_began_to_ended() -> None:
    host = FakeHost()
    with commands.session(host.ports(), DEPLOY) as session:
        session.ports.emit(Found(()))
        session.lock()
        session.begin(1)
        session.tell(StepBegan(STEP))
        session.ports.emit(StepBegan(STEP))
    assert [json.loads(line)["event"] for line in host.lines] == ["began", "step_began", "ended"]
    assert [type(event) for event in host.events] == [Found, Began, StepBegan, StepBegan, Ended]
    assert host.holder == ""


@pytest.mark.parametrize(
    ("events", "outcome"),
    [
        ([], Outcome.FAILED),
        ([StepBegan(STEP)], Outcome.FAILED),
        ([Planned(())], Outcome.UNFINISHED),
        ([Planned(()), Undone()], Outcome.FAILED),
    ],
    ids=["nothing done", "images alone", "work left", "all undone"],
)
def test_the_outcome_of_a_failure(events: list[Event], outcome: Outcome) -> None:
    host = FakeHost()

    def command(session: Session) -> None:
        session.begin(1)
        for event in events:
            session.ports.emit(event)

    with pytest.raises(HitlessError) as raised:
        fail(host, command)
    assert raised.value.is_unfinished is (outcome is Outcome.UNFINISHED)
    assert isinstance(host.events[-1], Ended)
    assert host.events[-1].outcome is outcome


def test_a_failure_after_stay_is_unfinished() -> None:
    host = FakeHost()

    def command(session: Session) -> None:
        session.stay()
        session.ports.emit(Undone())

    with pytest.raises(HitlessError) as raised:
        fail(host, command)
    assert raised.value.is_unfinished


def test_a_lost_lock_is_told_in_place_of_the_failure_that_follows() -> None:
    host = FakeHost()

    def command(session: Session) -> None:
        session.lock()
        session.begin(1)
        host.holder = ""

    with pytest.raises(LockLost) as raised:
        fail(host, command)
    assert str(raised.value.__cause__) == "no"
    assert raised.value.is_unfinished
    assert isinstance(host.events[-1], Ended)
    assert host.events[-1].outcome is Outcome.UNFINISHED


def test_no_event_and_no_error_tells_a_secret() -> None:
    host = FakeHost()
    made = application({"web": {**WEB, "environment": {"PASSWORD": "a-long-one"}}})

    def command(session: Session) -> None:
        session.hide(made.model)
        session.ports.emit(Found((Finding("web", "is a-long-one"),)))
        session.tell(Found((Finding("web", "is a-long-one"),)))

    with pytest.raises(HitlessError) as raised:
        fail(host, command, HitlessError("not a-long-one", "see a-long-one"))
    assert "a-long-one" not in f"{host.events} {raised.value} {raised.value.hint}"
    assert str(raised.value) == "not [redacted]"
