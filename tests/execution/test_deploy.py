"""Deployments on a host in memory: the steps, their order, and what a failure leaves."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from hitless.domain.common.errors import DockerFailed, GateFailed, HitlessError, Locked, NotConfirmed, Refused
from hitless.domain.common.events import Drained, Ended, Found, Live, StepFailed
from hitless.domain.common.findings import Finding
from hitless.domain.common.names import Colour
from hitless.domain.routing.split import Routing
from hitless.execution.deploy import DeployOptions
from hitless.execution.preview import preview
from hitless.ports.balancer import Answer
from tests.execution import commands
from tests.execution.applications import shop
from tests.fakes.behaviour import OK, UNWELL
from tests.fakes.host import FakeHost


def deploy(host: FakeHost, **extension: object) -> None:
    commands.deploy(host.ports(), shop(**extension))


def rollback(host: FakeHost, number: int | None = None) -> None:
    commands.rollback(host.ports(), number)


def down(host: FakeHost) -> None:
    commands.down(host.ports(), 5.0, volumes=False)


def live(host: FakeHost) -> tuple[Colour | None, list[int]]:
    """The live colour and the releases that have containers."""
    routing = host.in_traefik.get("shop")
    return routing.live if routing else None, sorted({one.release for one in host.running.values()})


def state(host: FakeHost) -> tuple[object, ...]:
    """The state that a failed deployment must not change."""
    return dict(host.routings), dict(host.running), set(host.tags), dict(host.records)


@pytest.fixture
def host() -> FakeHost:
    return FakeHost()


@pytest.fixture
def deployed(host: FakeHost) -> FakeHost:
    """A host where release 1 is live on blue."""
    deploy(host)
    host.verbs.clear()
    host.events.clear()
    return host


def test_the_first_deployment_goes_live_on_blue(host: FakeHost) -> None:
    deploy(host)
    assert live(host) == (Colour.BLUE, [1])
    assert host.violations == []
    assert host.verbs[:6] == ["build", "create networks", "create", "connect", "start", "deliver"]


def test_the_second_deployment_goes_live_on_green_and_leaves_nothing_of_blue(deployed: FakeHost) -> None:
    deploy(deployed)
    assert live(deployed) == (Colour.GREEN, [2])
    assert set(deployed.in_traefik["shop"].colours) == {Colour.GREEN}
    assert deployed.violations == []


def test_ten_deployments_keep_three_releases_and_their_images(host: FakeHost) -> None:
    for _ in range(10):
        deploy(host)
    assert sorted(host.records) == [8, 9, 10]
    assert sorted(host.tags) == ["hitless:shop.r10.web", "hitless:shop.r8.web", "hitless:shop.r9.web"]
    assert host.violations == []


def test_hitless_waits_for_a_slow_start(deployed: FakeHost) -> None:
    refused = Answer(0, "connection refused")
    deployed.behaviour.answers[2] = [*[refused] * 40, *[UNWELL] * 20, OK]
    deploy(deployed)
    assert live(deployed) == (Colour.GREEN, [2])
    assert deployed.violations == []


def test_one_good_answer_among_bad_ones_is_not_enough(deployed: FakeHost) -> None:
    deployed.behaviour.answers[2] = [OK, UNWELL, OK, UNWELL]
    with pytest.raises(GateFailed):
        deploy(deployed, successes=2, timeout=1)
    assert live(deployed) == (Colour.BLUE, [1])


def test_a_release_that_never_gets_ready_leaves_no_trace(deployed: FakeHost) -> None:
    before = state(deployed)
    deployed.behaviour.answers[2] = [Answer(503, "no database")]
    with pytest.raises(GateFailed, match=r"GET http://shop-green-web-1:8000/health \(Host: shop.example\)"):
        deploy(deployed)
    assert state(deployed) == before
    failed = next(event for event in deployed.events if isinstance(event, StepFailed))
    assert "503" in failed.message
    assert "no database" in failed.message
    assert failed.logs == {"shop-green-web-1": "log of shop-green-web-1"}
    assert deployed.violations == []


@pytest.mark.parametrize(
    "state",
    [
        {"state": "exited", "exit_code": 3},
        {"state": "restarting", "restarts": 1, "exit_code": 1},
        {"state": "running", "restarts": 1},
        {"state": "running", "health": "unhealthy"},
    ],
)
def test_a_container_that_ends_fails_the_gate_at_once(deployed: FakeHost, state: dict[str, object]) -> None:
    deployed.behaviour.states[2] = state
    began = deployed.clock.now()
    with pytest.raises(GateFailed):
        deploy(deployed)
    assert deployed.clock.now() - began < 1
    assert live(deployed) == (Colour.BLUE, [1])


def test_routes_that_traefik_refuses_are_found_before_the_cutover(deployed: FakeHost) -> None:
    before = dict(deployed.routings)
    deployed.behaviour.complaints[2] = "router web: error while parsing rule"
    with pytest.raises(NotConfirmed, match="error while parsing rule"):
        deploy(deployed)
    assert deployed.routings == before
    assert not any(isinstance(event, Live) for event in deployed.events)


def test_a_gateway_that_does_not_load_the_new_file_gets_the_old_one_back(deployed: FakeHost) -> None:
    before = dict(deployed.routings)
    known = deployed.in_traefik["shop"]
    deployed.behaviour.is_deaf = lambda routing: routing != known
    with pytest.raises(NotConfirmed, match="within 15 s"):
        deploy(deployed)
    assert deployed.routings == before
    assert live(deployed) == (Colour.BLUE, [1])


def test_a_cutover_that_is_not_confirmed_is_undone(deployed: FakeHost) -> None:
    before = dict(deployed.routings)

    def is_deaf(routing: Routing | None) -> bool:
        return routing is not None and routing.live is Colour.GREEN

    deployed.behaviour.is_deaf = is_deaf
    with pytest.raises(NotConfirmed):
        deploy(deployed)
    assert deployed.routings == before
    assert live(deployed) == (Colour.BLUE, [1])
    assert deployed.violations == []


def test_the_drain_waits_for_requests_in_flight(deployed: FakeHost) -> None:
    deployed.behaviour.connections = [7, 7, 3, 0, 1, 0, 0]
    deploy(deployed)
    drained = next(event for event in deployed.events if isinstance(event, Drained))
    assert (drained.in_flight, drained.cut) == (7, 0)
    assert deployed.behaviour.connections == [0]  # two looks in a row must find no connection


def test_connections_open_at_the_drain_deadline_are_cut_and_counted(deployed: FakeHost) -> None:
    deployed.behaviour.connections = [2]
    deploy(deployed, drain_timeout=5)
    drained = next(event for event in deployed.events if isinstance(event, Drained))
    assert drained.cut == 2
    assert 5 < drained.seconds < 6
    assert live(deployed) == (Colour.GREEN, [2])


def test_sessions_of_udp_end_at_the_drain_deadline_before_their_server_stops(deployed: FakeHost) -> None:
    deployed.behaviour.connections = [2]
    deployed.behaviour.sessions = [2, 1, 0]
    deploy(deployed, drain_timeout=5)
    assert deployed.behaviour.sessions == [0]
    ended = [verb for verb in deployed.verbs if verb in ("end sessions", "stop", "remove blue")]
    assert ended[:4] == ["end sessions", "end sessions", "end sessions", "stop"]


def test_where_the_kernel_refuses_no_packets_the_drain_ends_as_before(deployed: FakeHost) -> None:
    deployed.behaviour.connections = [2]

    def refused(application: str, addresses: Sequence[str]) -> int:
        raise DockerFailed("docker exec", 1, "nft: Could not process rule")

    deployed.end_sessions = refused  # type: ignore[method-assign]
    deploy(deployed, drain_timeout=5)
    assert live(deployed) == (Colour.GREEN, [2])


def test_live_is_told_before_the_drain(deployed: FakeHost) -> None:
    deployed.behaviour.connections = [5, 0]
    deploy(deployed)
    kinds = [type(event) for event in deployed.events]
    assert kinds.index(Live) < kinds.index(Drained)


def test_a_failure_after_the_cutover_leaves_the_new_release_live(deployed: FakeHost) -> None:
    def fail(verb: str) -> None:
        if verb == "remove blue":
            raise DockerFailed("docker stop", 1, "engine is busy")

    deployed.before = fail
    with pytest.raises(DockerFailed):
        deploy(deployed)
    assert deployed.in_traefik["shop"].live is Colour.GREEN
    assert 2 in deployed.records
    deployed.before = lambda _: None
    deploy(deployed)
    assert live(deployed) == (Colour.BLUE, [3])
    assert deployed.violations == []


VERBS = ["build", "record", "create networks", "create", "connect", "start", "deliver"]


@pytest.mark.parametrize("at", VERBS)
def test_any_failure_before_the_cutover_is_undone(deployed: FakeHost, at: str) -> None:
    before = state(deployed)
    failed: list[str] = []

    def fail_once(verb: str) -> None:
        if verb == at and not failed:
            failed.append(verb)
            raise DockerFailed(f"docker {verb}", 1, "no space left on device")

    deployed.before = fail_once
    with pytest.raises(HitlessError, match="no space left"):
        deploy(deployed)
    assert state(deployed) == before
    assert isinstance(deployed.events[-1], Ended)
    assert deployed.violations == []


class Killed(BaseException):
    """Stands for SIGKILL: no code of hitless runs after it."""


def killed_at(host: FakeHost, count: int, deploy: Callable[[FakeHost], object] = deploy) -> bool:
    """Deploy, and end hitless before its verb number `count`; False where there are no more verbs."""
    seen = 0
    lines: list[str] = []

    def kill(_: str) -> None:
        nonlocal seen, lines
        seen += 1
        if seen == count:
            lines = list(host.lines)
        if seen >= count:
            raise Killed

    host.before = kill
    try:
        deploy(host)
    except Killed:
        host.lines = lines  # a killed command writes nothing any more
        return True
    finally:
        host.before = lambda _: None
    return False


@pytest.mark.parametrize("connections", [[0], [3, 3, 0]])
def test_the_next_deployment_repairs_all_after_a_kill_at_any_verb(connections: list[int]) -> None:
    count = 1
    while True:
        host = FakeHost()
        deploy(host)
        host.behaviour.connections = list(connections)
        if not killed_at(host, count):
            break
        colour, _ = live(host)
        assert colour is not None
        assert any(one.colour is colour and one.is_running for one in host.running.values())
        deploy(host)
        colour, releases = live(host)
        assert len(releases) == 1
        assert {one.colour for one in host.running.values()} == {colour}
        assert len({tag.split(".")[1] for tag in host.tags}) == len(host.records)
        assert all(release.promoted for release in host.records.values())
        assert host.violations == []
        count += 1
    assert count > 10  # the kills covered a whole deployment


def test_ctrl_c_before_the_cutover_undoes_the_deployment(deployed: FakeHost) -> None:
    before = state(deployed)
    interrupted: list[str] = []

    def interrupt(verb: str) -> None:
        if verb == "start" and not interrupted:
            interrupted.append(verb)
            raise KeyboardInterrupt

    deployed.before = interrupt
    with pytest.raises(KeyboardInterrupt):
        deploy(deployed)
    assert state(deployed) == before


def test_two_deployments_at_once_are_refused(deployed: FakeHost) -> None:
    deployed.holder = "the other@elsewhere"
    with pytest.raises(Locked, match="the other@elsewhere"):
        deploy(deployed)
    assert deployed.verbs == []


def test_without_a_gateway_nothing_changes_and_all_errors_are_told(host: FakeHost) -> None:
    host.has_gateway = False
    with pytest.raises(Refused):
        deploy(host)
    found = next(event for event in host.events if isinstance(event, Found))
    assert [finding.path for finding in found.findings if finding.is_error] == ["gateway"]
    assert host.verbs == []


def test_an_unreadable_file_of_another_application_is_named_and_nothing_more(
    host: FakeHost,
) -> None:
    host.broken["mine.yml"] = "mine.yml in the gateway was not written by hitless"
    deploy(host)
    found = next(event for event in host.events if isinstance(event, Found))
    assert [(one.path, one.is_error) for one in found.findings] == [("gateway:mine.yml", False)]
    assert "shop" in host.in_traefik


def test_a_deployment_uses_the_copy_of_a_damaged_routing_file(deployed: FakeHost) -> None:
    deployed.restored["shop.yml"] = "shop.yml in the gateway is empty; its last good copy serves"
    deploy(deployed)
    found = next(event for event in deployed.events if isinstance(event, Found))
    assert "shop.yml in the gateway is empty; its last good copy serves" in found.findings[0].message
    assert deployed.routings["shop"].generation > 1
    assert deployed.restored == {}
    assert deployed.violations == []


def test_the_error_names_the_file_that_traefik_refuses(host: FakeHost) -> None:
    host.behaviour.is_deaf = lambda _: True
    host.behaviour.refused = "mine.yml: field not found"
    with pytest.raises(NotConfirmed, match=r"; Traefik refuses mine\.yml: field not found"):
        deploy(host)


def test_a_preview_changes_nothing(deployed: FakeHost) -> None:
    plan, findings = preview(deployed.ports(), shop(), DeployOptions())
    assert plan is not None
    assert plan.deployment.colour is Colour.GREEN
    assert findings == ()
    assert deployed.verbs == []


def test_a_preview_shows_no_secret_in_its_findings(host: FakeHost) -> None:
    made = shop()
    made.model["services"]["web"]["environment"] = {"PASSWORD": "a-long-one"}
    odd = Finding("services.web", "expects true or false, not 'a-long-one'", is_error=False)
    _, found = preview(host.ports(), made, DeployOptions(findings=(odd,)))
    assert found[0].message == "expects true or false, not '[redacted]'"


def test_the_journal_holds_every_event_as_json_and_no_environment_value(host: FakeHost) -> None:
    application = shop()
    application.model["services"]["web"]["environment"] = {"PASSWORD": "s3cret"}
    commands.deploy(host.ports(), application)
    kinds = [json.loads(line)["event"] for line in host.lines]
    assert kinds[0] == "began"
    assert kinds[-1] == "ended"
    assert "live" in kinds
    assert not any("s3cret" in line for line in host.lines)
    assert not any("s3cret" in str(event) for event in host.events)


def test_pull_policies(host: FakeHost, monkeypatch: pytest.MonkeyPatch) -> None:
    application = shop()
    service = application.model["services"]["web"]
    del service["build"]
    service["image"] = "example/web:1"
    from hitless.domain.application import read as reading

    pulled: Callable[[], int] = lambda: host.verbs.count("pull")  # noqa: E731
    named, _ = reading.read(application.model)
    commands.deploy(host.ports(), named)
    assert pulled() == 1
    commands.deploy(host.ports(), named)
    assert pulled() == 1
    commands.deploy(host.ports(), named, DeployOptions(pull="always"))
    assert pulled() == 2


def test_a_killed_container_whose_out_of_memory_event_comes_later(host: FakeHost) -> None:
    host.behaviour.states[1] = {"state": "exited", "exit_code": 137}
    pause = host.clock.pause

    def known_later(seconds: float) -> None:
        pause(seconds)
        for name, one in host.running.items():
            host.running[name] = replace(one, ran_out_of_memory=host.clock.now() > 0.3)

    host.clock.pause = known_later  # type: ignore[method-assign]
    with pytest.raises(GateFailed) as raised:
        deploy(host)
    assert raised.value.hint == "it ran out of memory: raise its limit"


def test_a_killed_container_without_a_known_reason(host: FakeHost) -> None:
    host.behaviour.states[1] = {"state": "exited", "exit_code": 137}
    with pytest.raises(GateFailed) as raised:
        deploy(host)
    assert raised.value.hint.startswith("somebody killed it, or it ran out of memory")


def test_a_warning_refuses_a_strict_deployment_and_nothing_changes(deployed: FakeHost) -> None:
    before = state(deployed)
    warned = DeployOptions(findings=(Finding("services.web", "is unusual", is_error=False),))
    with pytest.raises(Refused, match="1 error"):
        commands.deploy(deployed.ports(), shop(), replace(warned, is_strict=True))
    assert state(deployed) == before
    assert preview(deployed.ports(), shop(), replace(warned, is_strict=True))[0] is None
    assert preview(deployed.ports(), shop(), warned)[0] is not None
    commands.deploy(deployed.ports(), shop(), warned)
    assert live(deployed)[0] is Colour.GREEN


def test_without_its_gateway_the_others_are_named() -> None:
    host = FakeHost(has_gateway=False, gateways_beside=("edge",))
    with pytest.raises(Refused) as raised:
        deploy(host)
    assert any(finding.hint.endswith("for one that runs: edge") for finding in raised.value.findings)
