"""Applications with shared services, jobs, hooks and workers, on a host in memory."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from hitless.domain.application.model import Application
from hitless.domain.common.errors import GateFailed, HitlessError
from hitless.domain.common.events import Ended, Found
from hitless.domain.common.names import Colour
from tests.execution import commands
from tests.execution.applications import WEB, application
from tests.execution.test_deploy import Killed, down, killed_at, live, rollback
from tests.fakes.host import FakeHost

ENDED = {"condition": "service_completed_successfully"}
HEALTHY = {"condition": "service_healthy"}
ENDS = {"state": "exited", "exit_code": 0}
# a shared service with a route
FILES_LABELS = {"traefik.http.routers.files.rule": "Host(`files.example`)"}
HOOKS = {
    "before-start": {"service": "web", "command": "prepare"},
    "before-cutover": {"local": ["smoke"]},
    "after-cutover": {"local": ["tell"]},
    "after-retire": {"service": "worker", "command": "tidy"},
    "on-failure": {"local": ["alarm"]},
}


def whole(db: str = "postgres:16", hooks: dict[str, Any] | None = None) -> Application:
    """web, worker and scheduler of one build, two jobs, a database, an object store with a
    route, and a proxy that calls web.
    """
    built = {"build": WEB["build"]}
    waits = {"depends_on": {"db": HEALTHY, "migrate": ENDED}}
    services: dict[str, Any] = {
        "seed": {**built, "depends_on": {"migrate": ENDED}},
        "web": {**WEB, **waits, "depends_on": {**waits["depends_on"], "seed": ENDED}},
        "worker": {**built, **waits},
        "scheduler": {**built, **waits, "x-hitless": {"exclusive": True}},
        "migrate": {**built, "depends_on": {"db": HEALTHY}},
        "proxy": {"image": "nginx", "depends_on": {"web": {"condition": "service_started"}}},
        "db": {"image": db, "volumes": [{"type": "volume", "source": "data", "target": "/data"}]},
        "files": {"image": "minio/minio", "expose": ["9000"], "labels": FILES_LABELS},
    }
    return application(services, {"hooks": hooks} if hooks else {})


def new_host() -> FakeHost:
    host = FakeHost()
    host.behaviour.exclusive = ("scheduler",)
    for name in ("migrate", "seed", *(f"hook-{when}-1" for when in HOOKS)):
        host.behaviour.services[name] = dict(ENDS)
    return host


@pytest.fixture
def host() -> FakeHost:
    return new_host()


def deploy(host: FakeHost, **options: Any) -> None:
    commands.deploy(host.ports(), whole(**options))


def outcome(host: FakeHost) -> str:
    return next(event.outcome for event in reversed(host.events) if isinstance(event, Ended))


def started(host: FakeHost) -> list[str]:
    return [name.removeprefix("shop-").removesuffix("-1") for name in host.started]


def running(host: FakeHost, service: str) -> list[str]:
    return sorted(one.name for one in host.running.values() if one.service == service and one.is_running)


def test_the_first_deployment_starts_shared_services_then_jobs_then_everything_else(host: FakeHost) -> None:
    deploy(host)
    assert host.base["db"].state == "running"
    assert host.verbs.index("up") < host.verbs.index("create")
    assert started(host) == ["blue-migrate", "blue-seed", "blue-web", "blue-worker", "blue-scheduler"]
    assert live(host) == (Colour.BLUE, [1])
    assert host.violations == []


def test_a_release_is_on_the_network_of_the_shared_services(host: FakeHost) -> None:
    deploy(host)
    assert set(host.networks["shop_default"]) == {
        f"shop-blue-{name}-1" for name in ("web", "worker", "scheduler", "migrate", "seed")
    }
    assert host.networks["traefik_webgateway.shop"] == ["shop-blue-web-1"]


def test_a_shared_service_that_runs_is_not_touched(host: FakeHost) -> None:
    deploy(host)
    before = host.base["db"]
    host.verbs.clear()
    deploy(host)
    assert "up" not in host.verbs
    assert host.base["db"] is before


def test_a_shared_service_that_changed_in_the_file_is_named_and_stays(host: FakeHost) -> None:
    deploy(host)
    before = host.base["db"]
    deploy(host, db="postgres:17")
    assert host.base["db"] is before
    found = [one for event in host.events if isinstance(event, Found) for one in event.findings]
    [finding] = [one for one in found if one.path == "services.db"]
    assert not finding.is_error
    assert "hitless shared up --recreate db" in finding.hint
    # jobs have ended, and proxy needs the database through web
    assert "the connections of web, worker, scheduler, proxy end" in finding.hint


def test_an_unhealthy_shared_service_ends_the_deployment_and_stays(host: FakeHost) -> None:
    host.behaviour.shared["db"] = {"health": "unhealthy"}
    with pytest.raises(GateFailed, match="shop-db-1 is unhealthy"):
        deploy(host)
    assert outcome(host) == "failed"
    assert host.running == {}
    assert "db" in host.base


def test_a_shared_service_that_prepares_something_and_ends_is_ready(host: FakeHost) -> None:
    """It creates topics, buckets or certificates, with a database's image. No service waits for its end."""
    init = {"image": "kafka:3", "depends_on": {"db": HEALTHY}}
    host.behaviour.shared["init"] = dict(ENDS)
    db = {"image": "postgres:16"}
    commands.deploy(host.ports(), application({"web": WEB, "db": db, "init": init}))
    assert live(host) == (Colour.BLUE, [1])


@pytest.mark.parametrize(
    ("restart", "exit_code"), [("always", 0), ("unless-stopped", 0), ("no", 1), ("on-failure", 137)]
)
def test_a_shared_service_that_should_not_have_ended_is_not_ready(
    host: FakeHost, restart: str, exit_code: int
) -> None:
    host.behaviour.shared["init"] = {"state": "exited", "exit_code": exit_code}
    services = {"web": WEB, "init": {"image": "kafka:3", "restart": restart}}
    with pytest.raises(GateFailed, match="shop-init-1 is exited"):
        commands.deploy(host.ports(), application(services))


def test_a_deployment_waits_for_a_slow_shared_service(host: FakeHost) -> None:
    from dataclasses import replace

    host.behaviour.shared["db"] = {"health": "starting"}
    pause = host.clock.pause

    def passing(seconds: float) -> None:
        pause(seconds)
        if host.clock.now() > 5:
            host.base["db"] = replace(host.base["db"], health="healthy")

    host.clock.pause = passing  # type: ignore[method-assign]
    deploy(host)
    assert live(host) == (Colour.BLUE, [1])


def test_a_migration_that_fails_does_not_change_the_live_release(host: FakeHost) -> None:
    deploy(host)
    before, files = dict(host.running), dict(host.routings)
    host.behaviour.services["migrate"] = {"state": "exited", "exit_code": 3}
    host.started.clear()
    with pytest.raises(GateFailed, match="migrate ended with exit code 3"):
        deploy(host)
    assert started(host) == ["green-migrate"]
    assert (host.running, host.routings) == (before, files)
    assert outcome(host) == "failed"


def test_a_migration_that_does_not_end_is_stopped_at_its_deadline(host: FakeHost) -> None:
    host.behaviour.services["migrate"] = {"state": "running"}
    with pytest.raises(GateFailed, match="migrate is running after 300 s"):
        deploy(host)
    assert "stop" in host.verbs
    assert outcome(host) == "failed"


def test_a_rollback_runs_no_migration(host: FakeHost) -> None:
    deploy(host, hooks=HOOKS)
    deploy(host, hooks=HOOKS)
    host.started.clear()
    host.commands.clear()
    rollback(host)
    assert started(host) == ["blue-web", "blue-worker", "blue-scheduler", "blue-hook-after-retire-1"]
    assert [words for words, _ in host.commands] == [("smoke",), ("tell",)]


def test_an_exclusive_service_never_runs_twice(host: FakeHost) -> None:
    for _ in range(3):
        deploy(host)
    rollback(host)
    assert running(host, "scheduler") == ["shop-green-scheduler-1"]
    assert host.violations == []


def test_a_shared_service_calls_the_live_release(host: FakeHost) -> None:
    for colour in (Colour.BLUE, Colour.GREEN, Colour.BLUE):
        deploy(host)
        assert host.called == {"proxy": colour}
    rollback(host)
    assert host.called == {"proxy": Colour.GREEN}
    host.verbs.clear()
    deploy(host)
    # right at the cutover, not later
    assert host.verbs.index("attach blue") == host.verbs.index("deliver", host.verbs.index("deliver") + 1) + 1


def test_a_shared_service_that_is_created_again_calls_the_live_release(host: FakeHost) -> None:
    deploy(host)
    host.called.clear()
    commands.start_shared(host.ports(), whole(db="postgres:17"), (), recreate=True)
    assert host.called == {"proxy": Colour.BLUE}


def test_the_former_release_comes_back_if_the_exclusive_worker_does_not_start(host: FakeHost) -> None:
    deploy(host)

    def breaks(verb: str) -> None:
        if verb == "stop":
            host.behaviour.services["scheduler"] = {"state": "exited", "exit_code": 1}
            host.before = mends

    def mends(verb: str) -> None:
        if verb == "deliver":
            host.behaviour.services["scheduler"] = {}

    host.before = breaks
    with pytest.raises(GateFailed, match="scheduler-1 ended with exit code 1"):
        deploy(host)
    assert live(host) == (Colour.BLUE, [1])
    assert running(host, "scheduler") == ["shop-blue-scheduler-1"]
    assert host.called == {"proxy": Colour.BLUE}
    assert outcome(host) == "failed"
    assert host.violations == []


def test_an_unhealthy_exclusive_worker_stops_before_the_former_one_starts(host: FakeHost) -> None:
    deploy(host)

    def breaks(verb: str) -> None:
        if verb == "stop":
            host.behaviour.services["scheduler"] = {"health": "unhealthy"}
            host.before = mends

    def mends(verb: str) -> None:
        if verb == "deliver":
            host.behaviour.services["scheduler"] = {}

    host.before = breaks
    with pytest.raises(GateFailed, match="unhealthy"):
        deploy(host)
    assert running(host, "scheduler") == ["shop-blue-scheduler-1"]
    assert host.violations == []


def test_exclusive_containers_of_an_interrupted_down_are_not_handed_over(host: FakeHost) -> None:
    deploy(host)
    deploy(host)
    killed_at(host, 2, down)
    deploy(host)
    assert running(host, "scheduler") == ["shop-blue-scheduler-1"]
    assert host.violations == []


def test_a_deployment_that_was_killed_in_its_migration_is_resumed(host: FakeHost) -> None:
    deploy(host)
    twin = new_host()
    deploy(twin)
    twin.verbs.clear()
    deploy(twin)
    host.started.clear()
    assert killed_at(host, twin.verbs.index("start") + 1, deploy)

    commands.resume(host.ports())

    assert live(host) == (Colour.GREEN, [2])
    assert started(host)[:2] == ["green-migrate", "green-seed"]
    assert host.violations == []


@pytest.mark.parametrize("finish", [commands.resume, commands.abort], ids=["resume", "abort"])
def test_resume_and_abort_leave_one_release_and_one_scheduler_after_a_kill_at_any_verb(
    finish: Callable[..., None],
) -> None:
    count = 1
    while True:
        host = new_host()
        deploy(host, hooks=HOOKS)
        deploy(host, hooks=HOOKS)
        database = host.base["db"]
        if not killed_at(host, count, lambda host: deploy(host, hooks=HOOKS)):
            break
        with suppress(HitlessError):
            finish(host.ports())
            assert running(host, "scheduler") == [f"shop-{live(host)[0]}-scheduler-1"], count
            assert host.called == {"proxy": live(host)[0]}, count
        deploy(host, hooks=HOOKS)
        assert len(live(host)[1]) == 1
        assert running(host, "scheduler") == [f"shop-{live(host)[0]}-scheduler-1"]
        assert host.called == {"proxy": live(host)[0]}
        assert host.base["db"] is database
        assert host.violations == [], count
        count += 1
    assert count > 20


def test_the_next_deployment_succeeds_after_a_kill_of_the_first_one_at_any_verb() -> None:
    count = 1
    while True:
        host = new_host()
        if not killed_at(host, count, deploy):
            break
        deploy(host)
        assert live(host)[1] == [live(host)[1][0]]
        assert running(host, "scheduler") == [f"shop-{live(host)[0]}-scheduler-1"]
        assert host.violations == []
        count += 1


def test_an_interrupt_stops_a_running_migration_and_undoes_the_deployment(host: FakeHost) -> None:
    deploy(host)
    host.behaviour.services["migrate"] = {"state": "running"}

    def interrupted(seconds: float) -> None:
        raise KeyboardInterrupt

    host.clock.pause = interrupted  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        deploy(host)
    assert "stop" in host.verbs
    assert live(host) == (Colour.BLUE, [1])


def test_down_removes_only_what_hitless_has_started(host: FakeHost) -> None:
    from dataclasses import replace

    deploy(host)
    theirs = replace(host.base["db"], service="box", name="shop-box-1", id="shop-box-1", is_ours=False)
    host.base["box"] = theirs
    down(host)
    assert host.running == {}
    assert host.base == {"box": theirs}


def killed_before_the_drain(host: FakeHost) -> None:
    def kill(verb: str) -> None:
        if verb == "set restart policies" and host.verbs.count("record") == 2:
            raise Killed

    host.verbs.clear()
    host.before = kill
    with pytest.raises(Killed):
        deploy(host)
    host.before = lambda _: None
    host.events.clear()


def test_an_abort_that_cant_start_an_exclusive_service_is_unfinished(host: FakeHost) -> None:
    deploy(host)
    killed_before_the_drain(host)
    assert live(host)[0] is Colour.GREEN
    host.behaviour.services["scheduler"] = {"state": "exited", "exit_code": 1}
    with pytest.raises(GateFailed) as raised:
        commands.abort(host.ports())
    assert live(host)[0] is Colour.BLUE
    assert outcome(host) == "unfinished"
    assert raised.value.is_unfinished


def test_the_secrets_of_every_kept_release_are_hidden(host: FakeHost) -> None:
    """Commands that do not read a former release's file show its log when it comes back."""
    former = whole()
    former.model["services"]["scheduler"]["environment"] = {"PASSWORD": "a-former-one"}
    commands.deploy(host.ports(), former)
    killed_before_the_drain(host)
    host.behaviour.services["scheduler"] = {"state": "exited", "exit_code": 1}
    host.logs = lambda container, lines: "denied: a-former-one"  # type: ignore[method-assign]
    for command in (commands.abort, commands.resume):
        with pytest.raises(GateFailed):
            command(host.ports())
    with pytest.raises(GateFailed):
        deploy(host)
    for text in (*map(str, host.events), *host.lines):
        assert "a-former-one" not in text
    assert any("denied: [redacted]" in line for line in host.lines)


def test_a_database_on_other_networks_is_connected_to_the_network_of_the_release(
    host: FakeHost,
) -> None:
    """Plain Compose or an older hitless leaves it on the gateway's network."""
    deploy(host)
    host.base["db"] = replace(host.base["db"], networks=("traefik_webgateway",))
    host.verbs.clear()
    deploy(host)
    assert host.base["db"].networks == ("traefik_webgateway", "shop_default")
    assert host.verbs.index("connect shared") < host.verbs.index("create")
    host.verbs.clear()
    deploy(host)
    assert "connect shared" not in host.verbs
