"""Proofs on a host in memory. A fake load decides the answers."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import pytest

from hitless.domain.application.model import Application
from hitless.domain.common.errors import GateFailed, HitlessError, Locked
from hitless.domain.common.events import StepBegan, StepId, StepKind
from hitless.domain.common.names import Colour
from hitless.domain.host.journal import runs
from hitless.domain.proof.observations import Ending, Failure, Period, Sample, Target, Visit
from hitless.domain.proof.verdict import Cause, Proof
from hitless.execution.prove import Wanted
from hitless.ports.balancer import Answer
from tests.execution import commands
from tests.execution.applications import WEB, application
from tests.execution.test_deploy import Killed, deploy, live, state
from tests.fakes.host import FakeHost

SHOP = Target("shop.example", "/")


@dataclass
class FakeLoad:
    """Clients on the host's clock. When the load is over, `answer` decides what each request got."""

    host: FakeHost
    answer: Callable[[float], tuple[int, Failure | None]] = lambda _: (200, None)
    visited: Callable[[Mapping[str, str]], Visit] = lambda _: Visit(200)
    samples: list[Sample] = field(default_factory=list)
    lag: float = 0.0
    is_over: bool = False
    asked: list[Target] = field(default_factory=list)

    @contextmanager
    def sending(self, targets: Sequence[Target], rate: float) -> Iterator[FakeLoad]:
        began = self.host.clock.now()
        yield self
        for number in range(int((self.host.clock.now() - began) * rate)):
            at = began + number / rate
            status, failure = self.answer(at)
            self.samples.append(Sample(targets[number % len(targets)], at, at + 0.01, status, failure))

    def visit(self, target: Target, cookies: Mapping[str, str]) -> Visit:
        self.asked.append(target)
        return self.visited(cookies)


@pytest.fixture
def deployed() -> FakeHost:
    """A host where release 2 is live on green, and release 1 is kept."""
    host = FakeHost()
    deploy(host)
    deploy(host)
    host.events.clear()
    host.verbs.clear()
    return host


def proved(host: FakeHost, load: FakeLoad | None = None, deployments: int = 3) -> Proof:
    found, problem = commands.prove(
        host.ports(),
        load or FakeLoad(host),
        Wanted(deployments, rate=20, paths=(), baseline=5.0),
    )
    assert problem is None
    return found


def cause(proof: Proof) -> list[Cause]:
    return [fault.cause for fault in proof.faults]


def test_the_live_release_is_deployed_again_and_nothing_else_changes(deployed: FakeHost) -> None:
    before = (dict(deployed.tags), set(deployed.records))

    found = proved(deployed)

    assert live(deployed) == (Colour.BLUE, [2])
    assert (dict(deployed.tags), set(deployed.records)) == before
    assert deployed.records[2].promoted == 5
    assert deployed.violations == []
    assert "build" not in deployed.verbs
    assert found.is_lossless
    assert len(found.observed.timelines) == 3
    assert found.rows[0].period is Period.BASELINE
    assert all(one.cutting and one.live and one.stopping and one.stopped for one in found.observed.timelines)


def test_a_rollback_after_a_proof_deploys_the_previous_release(deployed: FakeHost) -> None:
    proved(deployed, deployments=5)

    commands.rollback(deployed.ports(), number=None)

    assert live(deployed)[1] == [1]
    assert deployed.violations == []


def test_a_deployment_after_it_has_the_next_number(deployed: FakeHost) -> None:
    proved(deployed)
    deploy(deployed)
    assert live(deployed)[1] == [3]
    assert sorted(deployed.records) == [1, 2, 3]


def test_jobs_do_not_run_again() -> None:
    host = FakeHost()
    host.behaviour.services["migrate"] = {"state": "exited", "exit_code": 0}
    web = {**WEB, "depends_on": {"migrate": {"condition": "service_completed_successfully"}}}
    migrate = {"build": {"context": "/src"}}
    commands.deploy(host.ports(), application({"web": web, "migrate": migrate}))
    assert any("migrate" in name for name in host.started)
    host.started.clear()

    proved(host)

    assert host.started == ["shop-green-web-1", "shop-blue-web-1", "shop-green-web-1"]


def test_it_is_one_command_in_the_journal_and_has_each_deployment(deployed: FakeHost) -> None:
    proved(deployed, deployments=2)
    told = runs("\n".join(deployed.lines))
    assert [(run.operation, run.release, run.outcome) for run in told[2:]] == [("prove", 2, "successful")]
    done = [event["step"]["kind"] for event in told[-1].events if event["event"] == "step_done"]
    assert done.count(StepKind.CUT_OVER) == 2
    # the pauses are shown, but they are not part of a command
    assert f'"{StepKind.LOAD}"' not in "\n".join(deployed.lines)
    assert StepBegan(StepId(StepKind.LOAD, seconds=5.0)) in deployed.events


def test_it_is_refused_while_another_command_works(deployed: FakeHost) -> None:
    deployed.holder = "ann@laptop"
    with pytest.raises(Locked, match="ann@laptop"):
        proved(deployed)


def test_errors_after_a_cutover_show_that_the_release_was_ready_too_early(deployed: FakeHost) -> None:
    def answer(at: float) -> tuple[int, Failure | None]:
        # after the baseline and the first cutover: time passes only in pauses here
        return (503, None) if 6 < at < 7.5 else (200, None)

    found = proved(deployed, FakeLoad(deployed, answer))

    assert cause(found) == [Cause.TOO_EARLY]
    assert not found.is_lossless


def test_errors_before_any_deployment_are_the_applications_own(deployed: FakeHost) -> None:
    load = FakeLoad(deployed, lambda at: (500, None) if int(at * 20) % 7 == 0 else (200, None))

    found = proved(deployed, load)

    assert cause(found) == [Cause.OWN]
    assert (found.lost, found.as_before > 0) == (0, True)
    assert found.is_lossless


def test_a_path_that_fails_sometimes_is_allowed(deployed: FakeHost) -> None:
    answers = itertools.cycle([500, 503, 200])
    load = FakeLoad(deployed, visited=lambda _: Visit(next(answers)))

    assert proved(deployed, load).is_lossless


def test_sessions_that_only_one_release_knows(deployed: FakeHost) -> None:
    def visited(cookies: Mapping[str, str]) -> Visit:
        now = str(live(deployed)[0])
        return Visit(200) if cookies.get("sid", "").startswith(now) else Visit(200, {"sid": f"{now}-1"})

    found = proved(deployed, FakeLoad(deployed, visited=visited))

    assert cause(found) == [Cause.SESSIONS]
    assert len(found.observed.sessions) == 3
    assert not found.is_lossless


def test_exit_codes_and_closed_idle_connections_are_told(deployed: FakeHost) -> None:
    deployed.behaviour.idle = 0.5
    deployed.behaviour.endings = (Ending("shop-green-web-1", "web", Colour.GREEN, 143, True, 0.1, 1.0),)

    found = proved(deployed)

    assert set(cause(found)) == {Cause.IDLE_CLOSED, Cause.DIES_AT_ONCE}
    assert found.is_lossless


def test_a_load_that_reaches_its_limits_ends_the_proof(deployed: FakeHost) -> None:
    load = FakeLoad(deployed)
    deployed.before = lambda verb: setattr(load, "is_over", True) if verb == "remove green" else None

    found = proved(deployed, load)

    assert len(found.observed.timelines) == 1
    assert cause(found) == [Cause.LOAD_ENDED]


def test_a_failed_deployment_ends_it_and_the_results_so_far_are_told(deployed: FakeHost) -> None:
    before = state(deployed)[1:]
    deployed.behaviour.answers[2] = [Answer(503, "no database")]

    found, problem = commands.prove(deployed.ports(), FakeLoad(deployed), Wanted(3, 20, (), 5.0))

    assert isinstance(problem, GateFailed)
    assert "no database" in found.observed.timelines[0].problem
    assert found.observed.timelines[0].live is None
    assert live(deployed) == (Colour.GREEN, [2])
    # all except the number of the promotion, which says which release was live last
    assert (dict(deployed.running), set(deployed.tags)) == before[:2]
    assert sorted(deployed.records) == [1, 2]
    assert deployed.violations == []


def test_an_error_that_ends_it_shows_no_secret() -> None:
    host = FakeHost()
    labels = {"labels": WEB["labels"], "build": WEB["build"]}
    secret = {"web": {**labels, "environment": {"PASSWORD": "hunter2hunter2"}}}
    commands.deploy(host.ports(), application(secret, {"timeout": 1}))
    host.behaviour.answers[1] = [Answer(503, "wrong password: hunter2hunter2")]

    found, problem = commands.prove(host.ports(), FakeLoad(host), Wanted(1, 20, (), 5.0))

    assert problem is not None
    assert "wrong password: [redacted]" in problem.message
    for text in (problem.message, found.observed.timelines[0].problem, *map(str, host.events), *host.lines):
        assert "hunter2hunter2" not in text


@pytest.mark.parametrize(
    ("visit", "said"),
    [
        (Visit(0, problem="connection refused"), "got no answer from the gateway: connection refused"),
        (Visit(500), "answers 500 without a deployment"),
        (Visit(404, is_gateways=True), "answers 404 without a deployment"),
    ],
)
def test_a_target_that_always_fails_is_refused_before_the_first_deployment(
    deployed: FakeHost, visit: Visit, said: str
) -> None:
    with pytest.raises(HitlessError, match=said):
        proved(deployed, FakeLoad(deployed, visited=lambda _: visit))
    assert deployed.verbs == []


def test_an_application_that_is_not_deployed(deployed: FakeHost) -> None:
    with pytest.raises(HitlessError, match="cafe has no live release"):
        commands.prove(deployed.ports(), FakeLoad(deployed), Wanted(1, 20, (), 5.0), "cafe")


def test_a_path_that_no_route_takes(deployed: FakeHost) -> None:
    commands.deploy(deployed.ports(), routed("Host(`shop.example`) && PathPrefix(`/shop`)"))
    deployed.verbs.clear()
    with pytest.raises(HitlessError, match="no route of shop takes /other"):
        commands.prove(deployed.ports(), FakeLoad(deployed), Wanted(1, 20, ("/other",), 5.0))
    assert deployed.verbs == []


def routed(rule: str) -> Application:
    labels = {**WEB["labels"], "traefik.http.routers.web.rule": rule}
    return application({"web": {**WEB, "labels": labels}})


def killed_in_a_proof(host: FakeHost, verb: int) -> bool:
    """Prove, and kill hitless before this verb. Returns whether there was such a verb."""
    count = 0

    def kill(_: str) -> None:
        nonlocal count
        count += 1
        if count >= verb:
            raise Killed

    host.before = kill
    is_killed = False
    with suppress(Killed):
        commands.prove(host.ports(), FakeLoad(host), Wanted(1, 20, (), 5.0))
        is_killed = True
    host.before = lambda _: None
    # a SIGKILL leaves no last event
    while '"ended"' in host.lines[-1] and not is_killed:
        del host.lines[-1]
    return not is_killed


def resume(host: FakeHost) -> None:
    commands.resume(host.ports())


def abort(host: FakeHost) -> None:
    commands.abort(host.ports())


@pytest.mark.parametrize("finish", [resume, abort, deploy], ids=["resume", "abort", "deploy"])
def test_the_next_command_finds_the_live_release_and_the_kept_ones_after_a_kill_at_any_verb(
    finish: Callable[[FakeHost], None],
) -> None:
    count = 1
    while True:
        host = FakeHost()
        deploy(host)
        deploy(host)
        if not killed_in_a_proof(host, count):
            break
        with suppress(HitlessError):  # nothing was begun yet
            finish(host)
        assert live(host)[1] == ([3] if finish is deploy else [2])
        assert {1, 2} <= set(host.records)
        assert host.violations == []
        proved(host, deployments=1)
        assert host.violations == []
        count += 1
    assert count > 8


def test_it_works_after_an_interrupted_command(deployed: FakeHost) -> None:
    assert killed_in_a_proof(deployed, 5)
    found = proved(deployed)
    assert all(one.cutting and one.stopping for one in found.observed.timelines)
    assert deployed.violations == []


def test_the_default_is_an_example_of_each_route(deployed: FakeHost) -> None:
    assert proved(deployed, deployments=1).observed.targets == (SHOP,)
