"""What an interrupted command leaves, and what finishes or undoes it: resume, abort, the next deployment."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

import pytest

from hitless.domain.common.errors import DockerFailed, GateFailed, HitlessError, Locked
from hitless.domain.common.events import Ended, Undone, Waiting
from hitless.domain.common.names import Colour
from hitless.domain.host.journal import runs
from hitless.domain.host.world import ComposeContainer
from hitless.execution import observe
from hitless.ports.balancer import Answer
from tests.execution import commands
from tests.execution.applications import shop
from tests.execution.test_deploy import Killed, deploy, down, killed_at, live, rollback, state
from tests.fakes.host import FakeHost

Verb = Callable[[FakeHost], None]


def resume(host: FakeHost) -> None:
    commands.resume(host.ports())


def abort(host: FakeHost) -> None:
    commands.abort(host.ports())


@pytest.fixture
def deployed() -> FakeHost:
    """A host where release 2 is live on green."""
    host = FakeHost()
    deploy(host)
    deploy(host)
    host.events.clear()
    host.verbs.clear()
    return host


def killed_before(host: FakeHost, verb: str, occurrence: int = 1) -> None:
    """Deploy, and end hitless before this verb."""
    seen = 0

    def kill(found: str) -> None:
        nonlocal seen
        seen += found == verb
        if seen >= occurrence:
            raise Killed

    host.before = kill
    with pytest.raises(Killed):
        deploy(host)
    host.before = lambda _: None


def outcome(host: FakeHost) -> str:
    return next(event.outcome for event in reversed(host.events) if isinstance(event, Ended))


@pytest.mark.parametrize("finish", [resume, abort], ids=["resume", "abort"])
def test_resume_and_abort_leave_one_release_and_nothing_else_after_a_kill_at_any_verb(finish: Verb) -> None:
    count = 1
    ended_on = set()
    while True:
        host = FakeHost()
        deploy(host)
        deploy(host)
        if not killed_at(host, count):
            break
        before = live(host)[0]
        with suppress(HitlessError):
            # it raises if nothing was begun or recorded yet, or if the old release is removed
            finish(host)
            assert len(live(host)[1]) == 1
            assert live(host)[0] in ({before} if finish is resume and before is Colour.BLUE else set(Colour))
        assert any(one.colour is live(host)[0] and one.is_running for one in host.running.values())
        ended_on.add(live(host)[0])
        deploy(host)
        assert len(live(host)[1]) == 1
        assert host.violations == []
        count += 1
    assert count > 12  # the kills covered a whole deployment
    assert ended_on == set(Colour)


def test_an_aborted_rollback_to_the_live_release_sends_no_request_to_unready_containers() -> None:
    for count in range(1, 9):
        host = FakeHost()
        deploy(host)
        deploy(host)
        host.behaviour.answers[2] = [Answer(503, "not again")]
        with suppress(GateFailed):
            killed_at(host, count, lambda host: rollback(host, 2))
        with suppress(HitlessError):
            abort(host)
        assert live(host)[0] is Colour.GREEN
        assert host.violations == []


def test_resume_does_not_remove_what_is_not_in_the_journal(deployed: FakeHost) -> None:
    killed_before(deployed, "deliver", 2)
    deployed.lines.clear()
    before = state(deployed)
    with pytest.raises(HitlessError, match="has no interrupted command") as raised:
        resume(deployed)
    assert "hitless abort" in raised.value.hint
    assert state(deployed) == before
    abort(deployed)
    assert live(deployed) == (Colour.GREEN, [2])


def test_an_aborted_deployment_leaves_no_change(deployed: FakeHost) -> None:
    # only the routing's generation is higher; everything else is as before
    before = state(deployed)[1:]
    killed_before(deployed, "deliver", 2)
    abort(deployed)
    assert state(deployed)[1:] == before
    assert live(deployed) == (Colour.GREEN, [2])


@pytest.mark.parametrize(
    ("finish", "left"), [(abort, {Colour.GREEN}), (down, set()), (deploy, {Colour.BLUE})]
)
def test_networks_of_a_colour_without_containers_are_removed(
    deployed: FakeHost, finish: Verb, left: set[Colour]
) -> None:
    """Networks are created before containers. A kill may come between the two."""
    killed_before(deployed, "create")
    assert deployed.with_networks == {Colour.BLUE, Colour.GREEN}
    finish(deployed)
    assert deployed.with_networks == left
    assert not deployed.violations


@pytest.mark.parametrize("finish", [abort, down])
def test_networks_of_a_first_release_without_containers_are_removed(finish: Verb) -> None:
    host = FakeHost()
    killed_before(host, "create")
    finish(host)
    assert host.with_networks == set()


def test_resume_deploys_the_release_that_was_begun(deployed: FakeHost) -> None:
    killed_before(deployed, "deliver", 2)
    deployed.verbs.clear()
    resume(deployed)
    assert live(deployed) == (Colour.BLUE, [3])
    assert "build" not in deployed.verbs
    assert deployed.violations == []


def test_after_an_abort_the_old_release_serves_again_if_it_still_runs(deployed: FakeHost) -> None:
    killed_before(deployed, "remove green")
    # the routes of the old colour are gone: it can't serve again
    with pytest.raises(HitlessError, match="is already gone"):
        abort(deployed)
    assert live(deployed)[0] is Colour.BLUE

    host = FakeHost()
    deploy(host)
    deploy(host)
    killed_before(host, "set restart policies", 2)  # about to drain
    assert live(host)[0] is Colour.BLUE
    abort(host)
    assert live(host) == (Colour.GREEN, [2])
    assert sorted(host.records) == [1, 2]
    assert not any(".r3." in tag for tag in host.tags)
    assert host.policies["shop-green-web-1"] == "always"
    assert host.violations == []


def test_an_aborted_rollback_keeps_its_release(deployed: FakeHost) -> None:
    def kill(verb: str) -> None:
        if verb == "set restart policies" and live(deployed)[0] is Colour.BLUE:
            raise Killed

    deployed.before = kill
    with pytest.raises(Killed):
        rollback(deployed)
    deployed.before = lambda _: None
    abort(deployed)
    assert live(deployed) == (Colour.GREEN, [2])
    assert sorted(deployed.records) == [1, 2]


def test_an_interrupted_down_is_resumed_and_cannot_be_aborted(deployed: FakeHost) -> None:
    def kill(verb: str) -> None:
        if verb == "remove green":
            raise Killed

    deployed.before = kill
    with pytest.raises(Killed):
        down(deployed)
    deployed.before = lambda _: None
    with pytest.raises(HitlessError, match="can't be brought back"):
        abort(deployed)
    resume(deployed)
    assert (deployed.routings, deployed.running, deployed.records) == ({}, {}, {})


@pytest.mark.parametrize("finish", [resume, abort], ids=["resume", "abort"])
def test_where_nothing_was_interrupted_there_is_nothing_to_do(deployed: FakeHost, finish: Verb) -> None:
    with pytest.raises(HitlessError, match="there is nothing to"):
        finish(deployed)
    assert deployed.verbs == []


def test_the_old_release_comes_back_if_the_new_one_ends_right_after_the_cutover(deployed: FakeHost) -> None:
    def die(verb: str) -> None:
        served = deployed.in_traefik["shop"]
        if verb == "set restart policies":
            deployed.clock.pause(1)
        if served.live is Colour.GREEN and verb == "deliver" and "set restart policies" in deployed.verbs:
            # the release ends at the instant of its cutover
            name = "shop-blue-web-1"
            deployed.running[name] = replace(deployed.running[name], state="exited", exit_code=9)

    before = state(deployed)[1:]
    deployed.before = die
    with pytest.raises(GateFailed, match="exit code 9"):
        deploy(deployed)
    assert live(deployed) == (Colour.GREEN, [2])
    assert state(deployed)[1:] == before
    assert outcome(deployed) == "failed"
    assert deployed.violations == []


def test_the_old_release_comes_back_if_the_new_one_fails_in_its_bake(deployed: FakeHost) -> None:
    deployed.behaviour.answers[3] = [Answer(200, "ok")] * 4 + [Answer(500, "leak")]
    with pytest.raises(GateFailed, match="3 times in a row"):
        deploy(deployed, bake=30)
    assert live(deployed) == (Colour.GREEN, [2])
    assert any(isinstance(event, Undone) for event in deployed.events)
    assert deployed.violations == []


def test_a_single_bad_answer_does_not_fail_the_bake(deployed: FakeHost) -> None:
    ok, bad = Answer(200, "ok"), Answer(500, "hiccup")
    deployed.behaviour.answers[3] = [ok, ok, ok, bad, ok, bad, bad, ok]
    began = deployed.clock.now()
    deploy(deployed, bake=30)
    assert live(deployed) == (Colour.BLUE, [3])
    assert deployed.clock.now() - began >= 30


def test_the_old_release_comes_back_if_visitors_cant_reach_the_new_one(deployed: FakeHost) -> None:
    """Requests straight to its containers succeed; requests through the gateway fail."""

    def break_the_route(verb: str) -> None:
        served = deployed.in_traefik["shop"]
        if verb == "deliver" and served.live is Colour.GREEN and Colour.BLUE in served.colours:
            deployed.behaviour.routes[3] = Answer(502, "Bad Gateway")

    deployed.before = break_the_route
    with pytest.raises(
        GateFailed, match=r"through the gateway .* 502: Bad Gateway, 3 times in a row"
    ) as failed:
        deploy(deployed, bake=30)
    assert "log of" in str(failed.value.logs)
    assert live(deployed) == (Colour.GREEN, [2])
    assert deployed.violations == []


def test_a_first_release_that_fails_in_its_bake_leaves_nothing() -> None:
    host = FakeHost()
    host.behaviour.answers[1] = [Answer(200, "ok")] * 3 + [Answer(500, "leak")]
    with pytest.raises(GateFailed):
        deploy(host, bake=30)
    assert (host.routings, host.running, host.tags, host.records) == ({}, {}, {}, {})


def test_a_release_that_ends_after_its_gate_gets_no_cutover(deployed: FakeHost) -> None:
    def die(verb: str) -> None:
        if verb == "set restart policies":
            name = "shop-blue-web-1"
            deployed.running[name] = replace(deployed.running[name], state="exited", exit_code=9)

    before = state(deployed)
    deployed.before = die
    with pytest.raises(GateFailed, match="exit code 9"):
        deploy(deployed)
    assert state(deployed) == before
    assert not any("cut over" in verb for verb in deployed.verbs)


def test_a_healthy_release_that_fails_on_its_route_does_not_get_ready(deployed: FakeHost) -> None:
    deployed.behaviour.routes[3] = Answer(500, "no templates\n")
    before = state(deployed)
    with pytest.raises(GateFailed, match=r"through the gateway .* 500: no templates$") as failed:
        deploy(deployed, timeout=3)
    assert "ask_routes" in failed.value.hint
    assert state(deployed) == before


def test_a_route_that_may_fail_gets_no_probe(deployed: FakeHost) -> None:
    deployed.behaviour.routes[3] = Answer(500, "as it should")
    deploy(deployed, ask_routes=False)
    assert live(deployed) == (Colour.BLUE, [3])


def test_only_the_live_release_starts_again_with_the_engine(deployed: FakeHost) -> None:
    assert deployed.policies["shop-green-web-1"] == "always"
    at_drain: dict[str, str] = {}
    deployed.before = lambda verb: at_drain.update(deployed.policies) if verb == "remove green" else None
    deploy(deployed)
    assert at_drain == {"shop-blue-web-1": "always", "shop-green-web-1": "no"}


def test_the_candidate_is_removed_in_spite_of_a_full_disk(deployed: FakeHost) -> None:
    is_full = []

    def fill(verb: str) -> None:
        is_full.append(verb) if verb == "start" else None
        if is_full and verb in ("deliver", "record"):
            raise DockerFailed("docker exec", 1, "No space left on device")

    before = state(deployed)
    deployed.before = fill
    with pytest.raises(DockerFailed, match="No space left"):
        deploy(deployed)
    assert state(deployed) == before
    assert outcome(deployed) == "failed"


def test_a_disk_that_is_full_at_the_cutover_leaves_guarded_routes_and_no_containers(
    deployed: FakeHost,
) -> None:
    def fill(verb: str) -> None:
        if verb == "deliver" and "set restart policies" in deployed.verbs:
            raise DockerFailed("docker exec", 1, "No space left on device")

    # without routes to somebody else's containers
    deployed.verbs.clear()
    deployed.before = fill
    with pytest.raises(DockerFailed, match="No space left"):
        deploy(deployed)
    assert live(deployed) == (Colour.GREEN, [2])
    deployed.before = lambda _: None
    deployed.violations.clear()  # Traefik has guarded routes to it, which get no requests
    deploy(deployed)
    assert len(live(deployed)[1]) == 1
    assert deployed.violations == []


def test_a_wait_for_another_command_is_told_and_ends(deployed: FakeHost) -> None:
    deployed.holder = "ann@laptop"
    with pytest.raises(Locked, match="ann@laptop"):
        commands.deploy(deployed.ports(), shop(), wait=60.0)
    assert any(isinstance(event, Waiting) for event in deployed.events)
    assert deployed.verbs == []


def test_the_number_of_a_release_that_failed_is_not_used_again(deployed: FakeHost) -> None:
    deployed.behaviour.answers[3] = [Answer(503, "never")]
    with pytest.raises(GateFailed):
        deploy(deployed)
    deploy(deployed)
    assert live(deployed)[1] == [4]


def test_the_journal_has_each_command_with_its_outcome(deployed: FakeHost) -> None:
    killed_before(deployed, "deliver", 2)
    told = [(run.operation, run.release, run.outcome) for run in runs("\n".join(deployed.lines))]
    assert told == [("deploy", 1, "successful"), ("deploy", 2, "successful"), ("deploy", 3, "unfinished")]
    # a SIGKILL leaves no last event at all
    del deployed.lines[-1]
    last = runs("\n".join(deployed.lines))[-1]
    assert (last.outcome, str(last.step), last.holder) == ("", "restore-routes", "somebody@somewhere")
    world = observe.world(deployed.ports(), "shop")
    assert world.left == last


def test_half_a_line_of_the_journal_is_ignored(deployed: FakeHost) -> None:
    text = "\n".join(deployed.lines)
    assert runs(text[:-7])[-1].outcome == ""
    assert runs("garbage\n[1]\n{}\n" + text)[0].release == 1
    assert json.loads(deployed.lines[0])["event"] == "began"


def test_a_secret_in_a_log_is_neither_shown_nor_stored(deployed: FakeHost) -> None:
    application = shop(timeout=1)
    application.model["services"]["web"]["environment"] = {"PASSWORD": "of shop-blue"}
    deployed.behaviour.answers[3] = [Answer(503, "wrong password: of shop-blue")]
    deployed.logs = lambda container, lines: "log of shop-blue"  # type: ignore[method-assign]
    with pytest.raises(GateFailed) as failed:
        commands.deploy(deployed.ports(), application)
    for text in (*map(str, deployed.events), *deployed.lines, str(failed.value), failed.value.message):
        assert "of shop-blue" not in text
    assert "wrong password: [redacted]" in failed.value.message


def test_no_network_stays_after_a_first_deployment_whose_undo_was_killed() -> None:
    host = FakeHost()
    host.behaviour.answers[1] = [Answer(503, "no")]
    way = "traefik_webgateway.shop"

    def kill(verb: str) -> None:
        # what has begun is undone, and hitless ends before the last of it
        if verb == "remove way":
            raise Killed

    host.before = kill
    with pytest.raises(Killed):
        deploy(host)
    host.before = lambda _: None
    assert (list(host.made_networks), host.running, host.with_networks) == ([way], {}, set())
    assert observe.world(host.ports(), "shop").has_way
    abort(host)
    assert way not in host.made_networks
    down_again(host)


def test_down_removes_the_network_that_a_killed_undo_left() -> None:
    host = FakeHost()
    deploy(host)
    made = dict(host.made_networks)
    down(host)
    assert host.made_networks == {}
    # a kill in its last instant, as an older hitless has left it
    host.made_networks = {name: one for name, one in made.items() if name == "traefik_webgateway.shop"}
    down(host)
    assert host.made_networks == {}
    down_again(host)


def test_a_shared_service_keeps_the_network_that_it_needs() -> None:
    host = FakeHost()
    deploy(host)
    way = {name: one for name, one in host.made_networks.items() if name == "traefik_webgateway.shop"}
    down(host)
    host.made_networks = dict(way)
    host.base["db"] = ComposeContainer(
        "shop", "db", "shop-db-1", "running", networks=tuple(way), is_ours=True
    )
    with pytest.raises(HitlessError, match="nothing to abort"):
        abort(host)
    assert host.made_networks == way
    # and goes with it
    down(host)
    assert (host.made_networks, host.base) == ({}, {})


def down_again(host: FakeHost) -> None:
    with pytest.raises(HitlessError, match="no application shop"):
        down(host)
