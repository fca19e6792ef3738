"""Who is told what commands have done: once, when the lock is free, and without a secret."""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import replace

import pytest

from hitless.domain.common.errors import HitlessError, LockLost, Refused
from hitless.domain.common.events import Began, Ended, Live, NotNotified, Operation, Outcome
from hitless.domain.common.names import Colour
from hitless.domain.gateway.certificates import Certificate
from hitless.domain.host import journal, notices
from hitless.domain.host.certificates import CertificateStatus
from hitless.domain.host.notices import Notice, first_line, plain
from hitless.domain.host.receivers import Occasion, Receiver
from hitless.execution import notices as execution
from hitless.execution.session import Session
from hitless.ports.balancer import Answer
from tests.domain.host.test_receivers import ALL, MAIL, SLACK
from tests.execution import commands
from tests.execution.applications import shop
from tests.execution.test_deploy import Killed
from tests.execution.test_orders import REFUSED, SETTINGS, site
from tests.fakes.behaviour import OK
from tests.fakes.host import FakeHost


def host(*receivers: Receiver) -> FakeHost:
    """A host where release 1 is live, and these are told from now on."""
    made = FakeHost()
    commands.deploy(made.ports(), shop())
    made.events.clear()
    made.notified.there = {one.name: one for one in receivers or (SLACK,)}
    return made


def told(made: FakeHost, name: str = "ops") -> list[Notice]:
    return made.notified.told.get(name, [])


def deploy(made: FakeHost) -> None:
    with suppress(HitlessError):
        commands.deploy(made.ports(), shop())


def break_next(made: FakeHost) -> None:
    made.behaviour.states[2] = {"state": "exited", "exit_code": 1}


def test_a_deployment_is_told_with_who_and_where() -> None:
    made = host()
    deploy(made)
    [notice] = told(made)
    assert notice.occasions == (Occasion.DEPLOYED,)
    assert notice.summary == "shop: release 2 is live"
    assert (notice.applications, notice.release, notice.cause) == (("shop",), 2, "")
    assert (notice.host, notice.by) == ("far", commands.SOMEBODY)
    assert notice.next == "hitless -p shop status"


def test_a_failure_is_told_with_its_cause() -> None:
    made = host()
    break_next(made)
    deploy(made)
    [notice] = told(made)
    assert notice.occasions == (Occasion.FAILED,)
    assert notice.summary == "shop: deploy of release 2 failed; everything is as it was before"
    assert notice.cause
    assert "\n" not in notice.cause
    assert notice.next == "hitless -p shop show 2"


def test_a_release_that_fails_when_it_is_live_is_rolled_back() -> None:
    made = host()
    made.behaviour.answers[2] = [OK, OK, OK, Answer(500, "broken")]
    with suppress(HitlessError):
        commands.deploy(made.ports(), shop(bake="10s"))
    [notice] = told(made)
    assert notice.occasions == (Occasion.FAILED, Occasion.ROLLED_BACK)
    assert "release 2 failed when it was live" in notice.summary


def test_a_rollback_is_told() -> None:
    made = host()
    deploy(made)
    commands.rollback(made.ports())
    assert [one.occasions for one in told(made)] == [(Occasion.DEPLOYED,), (Occasion.ROLLED_BACK,)]
    assert told(made)[-1].summary.endswith("is live again, by a rollback")


def test_a_secret_in_a_cause_is_hidden() -> None:
    made = host()
    deploy(made)
    secret = "correct-horse-battery"
    application = shop()
    application.model["services"]["web"]["environment"] = {"DB_PASSWORD": secret}
    made.before = _failing("start", f"login with {secret} failed\nand more")
    with suppress(HitlessError):
        commands.deploy(made.ports(), application)
    assert told(made)[-1].occasions == (Occasion.FAILED,)
    assert told(made)[-1].cause == "login with [redacted] failed"
    assert secret not in str(told(made))


def _failing(verb: str, message: str) -> Callable[[str], None]:
    def before(name: str) -> None:
        if name == verb:
            raise HitlessError(message)

    return before


def test_nobody_is_told_while_the_lock_is_held_and_before_the_journal_has_the_end() -> None:
    made = host()
    seen: list[tuple[str, str]] = []
    made.notified.before = lambda: seen.append((made.holder, journal.runs("\n".join(made.lines))[-1].outcome))
    deploy(made)
    assert seen == [("", "successful")]


def test_who_can_not_be_told_is_on_the_screen_before_the_end_and_changes_nothing() -> None:
    made = host(SLACK, MAIL)
    made.notified.failing = {"ops": "it answers 500"}
    commands.deploy(made.ports(), shop())
    assert made.events[-2] == NotNotified("ops", "it answers 500")
    last = made.events[-1]
    assert isinstance(last, Ended)
    assert last.outcome is Outcome.SUCCESSFUL
    assert sum(isinstance(one, Ended) for one in made.events) == 1
    assert "not_notified" not in "\n".join(made.lines)


def test_one_whose_record_cant_be_read_is_on_the_screen() -> None:
    made = host()
    made.notified.there = {"old": None}
    deploy(made)
    [event] = [one for one in made.events if isinstance(one, NotNotified)]
    assert event.receiver == "old"
    assert isinstance(made.events[-1], Ended)


def test_an_interrupt_while_receivers_are_told_keeps_the_outcome() -> None:
    made = host()

    def interrupt() -> None:
        raise KeyboardInterrupt

    made.notified.before = interrupt
    with pytest.raises(KeyboardInterrupt):
        commands.deploy(made.ports(), shop())
    assert isinstance(made.events[-1], Ended)
    assert journal.runs("\n".join(made.lines))[-1].outcome == "successful"


def test_what_had_not_begun_is_not_told() -> None:
    made = host()
    made.holder = "ann"
    deploy(made)
    made.holder = ""
    refused = shop()
    refused.model["services"]["web"]["network_mode"] = "host"
    with suppress(HitlessError):
        commands.rollback(made.ports(), 99)
    assert told(made) == []


def test_each_gets_what_it_wants() -> None:
    failures = replace(SLACK, name="failures", on=(Occasion.FAILED,))
    other = replace(SLACK, name="other", applications=("blog",))
    own = replace(SLACK, name="own", applications=("blog", "shop"))
    made = host(failures, other, own)
    deploy(made)
    made.behaviour.states[3] = {"state": "exited", "exit_code": 1}
    deploy(made)
    assert {name: len(found) for name, found in made.notified.told.items()} == {"failures": 1, "own": 2}


def test_a_scale_and_a_proof_are_told_only_if_they_fail() -> None:
    made = host()
    commands.scale(made.ports(), {"web": 2})
    assert told(made) == []


def test_a_killed_command_is_told_by_the_next_one_once() -> None:
    made = host()
    is_killed = False

    def before(verb: str) -> None:
        nonlocal is_killed
        is_killed = is_killed or verb == "set restart policies"
        if is_killed:
            raise Killed

    made.before = before
    with suppress(Killed):
        commands.deploy(made.ports(), shop())
    assert '"ended"' in made.lines.pop()  # nobody writes the end of a killed command, or tells it
    made.notified.told.clear()
    made.before = lambda _: None
    deploy(made)
    assert [one.occasions for one in told(made)] == [(Occasion.UNFINISHED,), (Occasion.DEPLOYED,)]
    assert told(made)[0].summary.startswith(
        f"shop: deploy of release 2, by {commands.SOMEBODY}, was interrupted"
    )
    deploy(made)
    assert len(told(made)) == 3


def test_a_lost_lock_is_unfinished() -> None:
    made = host()

    def lose(verb: str) -> None:
        if verb == "start":
            raise LockLost("shop")

    made.before = lose
    deploy(made)
    [notice] = told(made)
    assert notice.occasions == (Occasion.UNFINISHED, Occasion.FAILED)


ENDS = Certificate("shop", ("shop.example",), "CA", "2025-11-01T00:00:00Z", "2026-01-11T00:00:00Z")


def test_certificates_that_are_used_and_near_their_end() -> None:
    found = notices.of_certificates(
        [
            _status(ENDS, days=10, applications=("shop",)),
            _status(replace(ENDS, name="unused"), days=10, applications=()),
            _status(replace(ENDS, name="renewed", is_renewed=True), days=-1, applications=("shop", "blog")),
            _status(replace(ENDS, name="good"), days=40, applications=("shop",)),
        ],
        notices.Around("far", "ann", "2026-01-01T10:00:00+00:00"),
    )
    assert [one.summary for one in found] == [
        "the certificate shop of shop ends in 10 days",
        "the certificate renewed of shop, blog has ended on 2026-01-11",
    ]


def secure() -> FakeHost:
    made = FakeHost(gateway_settings=SETTINGS)
    commands.deploy(made.ports(), site())
    made.notified.there = {"ops": replace(SLACK, on=(Occasion.CERTIFICATE,))}
    return made


def test_each_is_told_once_a_day() -> None:
    made = secure()
    made.certified.got["shop.example"] = replace(ENDS, is_renewed=True)
    for _ in range(3):
        commands.deploy(made.ports(), site())
    assert [one.summary for one in told(made)] == ["the certificate shop of shop ends in 10 days"]


def test_one_that_the_ca_refuses_is_told_with_the_failure() -> None:
    made = secure()
    made.certified.refusals["new.example"] = REFUSED
    with suppress(HitlessError):
        commands.deploy(made.ports(), site("shop.example", "new.example"))
    [notice] = told(made)
    assert notice.occasions == (Occasion.FAILED, Occasion.CERTIFICATE)
    assert "the CA says: no such name" in notice.cause


def _status(certificate: Certificate, days: int, applications: tuple[str, ...]) -> CertificateStatus:
    return CertificateStatus(**vars(certificate), days=days, applications=applications)


def session(made: FakeHost, operation: Operation) -> Session:
    return commands.session(made.ports(), operation, "")


def test_receivers_come_and_go() -> None:
    made = host(SLACK)
    with session(made, Operation.NOTIFY_ADD) as one:
        execution.add(one, MAIL)
    assert set(execution.listed(made.ports())) == {"ops", "mail"}
    with session(made, Operation.NOTIFY_REMOVE) as one:
        execution.remove(one, "ops")
    assert set(made.notified.there) == {"mail"}
    with (
        pytest.raises(HitlessError, match="no receiver ops") as error,
        session(made, Operation.NOTIFY_REMOVE) as one,
    ):
        execution.remove(one, "ops")
    assert error.value.hint == "there are: mail"
    assert "hunter2" not in str(made.events)


def test_a_wrong_one_is_refused() -> None:
    made = host(SLACK)
    with pytest.raises(Refused), session(made, Operation.NOTIFY_ADD) as one:
        execution.add(one, replace(MAIL, to=()))
    assert set(made.notified.there) == {"ops"}


def test_a_test_reaches_all_and_says_who_did_not_get_it() -> None:
    made = host(*ALL)
    with session(made, Operation.NOTIFY_TEST) as one:
        assert set(execution.test(one, "")) == {one.name for one in ALL}
    assert all(len(found) == 1 for found in made.notified.told.values())
    made.notified.failing = {"ops": "it answers 404"}
    made.notified.there["broken"] = None
    with pytest.raises(HitlessError, match="2 of 7 receivers"), session(made, Operation.NOTIFY_TEST) as one:
        execution.test(one, "")
    assert {one.receiver for one in made.events if isinstance(one, NotNotified)} == {"ops", "broken"}


def test_a_line_is_one_line_and_short() -> None:
    assert plain("a\r\nb\tc\x1b[2J\u202ed") == "a b c [2J d"
    assert len(plain("x" * 1000)) == 300
    assert first_line("\n  \n  why \nmore") == "why"
    assert first_line("") == ""


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_whatever_happens_while_receivers_are_told_the_journal_has_the_end(
    monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
) -> None:
    made = host()

    def fail() -> str:
        raise error

    monkeypatch.setattr(made.notified, "host_name", fail)
    with suppress(KeyboardInterrupt):
        commands.deploy(made.ports(), shop())
    assert journal.runs("\n".join(made.lines))[-1].outcome == Outcome.SUCCESSFUL
    assert isinstance(made.events[-1], Ended)


def test_what_cant_be_claimed_is_on_the_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    made = host()

    def full(_ids: object) -> Collection[str]:
        raise HitlessError("no space left on device")

    monkeypatch.setattr(made.notified, "claim", full)
    made.before = lambda verb: _killed(verb == "set restart policies")
    with suppress(Killed):
        commands.deploy(made.ports(), shop())
    made.lines.pop()
    made.before = lambda _: None
    made.events.clear()
    deploy(made)
    assert any(isinstance(one, NotNotified) and "no space" in one.reason for one in made.events)


def _killed(is_now: bool) -> None:
    if is_now:
        raise Killed


def test_a_release_that_answers_again_did_not_fail_when_it_was_live() -> None:
    events = (Began(Operation.DEPLOY, "shop", 2, "ann"), Live(1, Colour.BLUE, 0.0))
    ended = Ended(Operation.DEPLOY, "shop", Outcome.FAILED, 1.0)
    around = notices.Around("far", "ann", "2026-01-01T10:00:00+00:00")
    [notice] = notices.of_end(events, ended, "the gateway was restarted", None, around)
    assert notice.occasions == (Occasion.FAILED,)
    assert "deploy of release 2 failed" in notice.summary
