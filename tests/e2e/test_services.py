"""Shared services, jobs, hooks and workers on a real engine."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.conftest import App, docker, wait_for
from tests.e2e.test_deploy import assert_lossless

Make = Callable[..., App]

WHOLE = """
x-hitless:
  hooks:
    before-cutover:
      service: web
      command: ["python3", "-c", "import os, urllib.request as u; print(u.urlopen(os.environ['HITLESS_PREVIEW']).read())"]
    after-cutover: {local: "echo $$HITLESS_COLOUR >> TOLD"}
    on-failure: {local: "echo failed >> TOLD"}
services:
  web:
    image: IMAGE
    environment: {RELEASE: "${RELEASE}", BROKEN: "${BROKEN:-}"}
    depends_on:
      store: {condition: service_healthy}
      migrate: {condition: service_completed_successfully}
    labels:
      traefik.http.routers.web.rule: Host(`HOST`)
      traefik.http.services.web.loadbalancer.server.port: 8000
      traefik.http.services.web.loadbalancer.healthcheck.path: /health
  worker: {image: IMAGE, environment: {RELEASE: "${RELEASE}"}}
  scheduler:
    image: IMAGE
    command: ["python3", "-u", "-c", "import os, signal, sys, time;
      say = lambda what: open('/data/log', 'a').write(what + ' ' + os.uname().nodename + chr(10));
      signal.signal(signal.SIGTERM, lambda *_: (say('ends'), sys.exit()));
      say('begins'); time.sleep(600)"]
    volumes: ["data:/data"]
    user: "0"
    x-hitless: {exclusive: true}
  migrate:
    image: IMAGE
    command: ["sh", "-c", "echo migrating; ${MIGRATE:-true}"]
    stop_grace_period: 1s
    depends_on: {store: {condition: service_healthy}}
  store:
    image: IMAGE
    environment: {RELEASE: store}
    x-hitless: {role: shared}
    healthcheck:
      test: ["CMD", "python3", "-S", "-c", "import urllib.request as u; u.urlopen('http://localhost:8000/health')"]
      interval: 1s
volumes: {data: {}}
"""  # noqa: E501 - a Compose file


def whole(app: Make, tmp_path: Path) -> App:
    return app(WHOLE.replace("TOLD", str(tmp_path / "told")))


def started(container: str) -> str:
    """Which container this is, and since when it runs."""
    return docker("inspect", "--format", "{{.Id}} {{.State.StartedAt}}", container)


def seen_from(container: str, host: str) -> set[str]:
    """The releases that answer to this name within a container's networks: it asks every address."""
    script = (
        "import socket, urllib.request as u\n"
        f"for a in {{a[4][0] for a in socket.getaddrinfo('{host}', 8000)}}:\n"
        " print(u.urlopen(f'http://{a}:8000/').headers['X-Release'])"
    )
    done = subprocess.run(
        ("docker", "exec", container, "python3", "-c", script), capture_output=True, text=True, check=False
    )
    return set(done.stdout.split())


def test_shared_services_run_once_and_jobs_before_the_release(app: Make, tmp_path: Path) -> None:
    shop = whole(app, tmp_path)
    roles = {one["service"]: one["role"] for one in shop.cli.json("plan")["services"]}
    assert roles == {
        "web": "web",
        "worker": "worker",
        "scheduler": "worker",
        "migrate": "job",
        "store": "shared",
    }
    shop.cli.run("deploy")
    store = started(f"{shop.name}-store-1")
    with shop.load() as load:
        for release in ("2", "3"):
            output = shop.cli.run("deploy", RELEASE=release)
            assert "migrating" in output
            live = "green" if release == "2" else "blue"
            # each colour has its own web and worker, and the one store
            assert seen_from(f"{shop.name}-{live}-worker-1", "web") == {release}
            assert seen_from(f"{shop.name}-{live}-web-1", "worker") == {release}
            assert seen_from(f"{shop.name}-{live}-web-1", "store") == {"store"}
    assert_lossless(load)
    assert started(f"{shop.name}-store-1") == store
    assert (tmp_path / "told").read_text().split() == ["blue", "green", "blue"]
    # one scheduler at a time, handed over at each deployment
    log = docker("exec", f"{shop.name}-blue-scheduler-1", "cat", "/data/log").splitlines()
    assert [line.split()[0] for line in log] == ["begins", "ends", "begins", "ends", "begins"]
    shop.cli.run("down", "--volumes")
    assert not any(shop.leftovers().values())


def test_a_migration_that_fails_leaves_all_as_it_was(app: Make, tmp_path: Path) -> None:
    shop = whole(app, tmp_path)
    shop.cli.run("deploy")
    before = [started(name) for name in (*shop.containers(), f"{shop.name}-store-1")]
    with shop.load() as load:
        output = shop.cli.run("deploy", code=1, RELEASE="2", MIGRATE="exit 3")
        assert "migrate ended with exit code 3" in output
        assert "| migrating" in output
        shop.cli.run("deploy", code=1, RELEASE="2", BROKEN="exit")
    assert assert_lossless(load).releases == ("1",)
    assert before == [started(name) for name in (*shop.containers(), f"{shop.name}-store-1")]
    assert (tmp_path / "told").read_text().split() == ["blue", "failed", "failed"]


def test_a_rollback_brings_back_the_release_without_its_migration(app: Make, tmp_path: Path) -> None:
    shop = whole(app, tmp_path)
    shop.cli.run("deploy")
    shop.cli.run("deploy", RELEASE="2")
    output = shop.cli.run("rollback")
    assert "run migrate" not in output
    assert shop.get().headers["X-Release"] == "1"
    running = docker("ps", "--filter", f"name={shop.name}-", "--format", "{{.Names}}").split()
    assert sorted(running) == [
        f"{shop.name}-blue-scheduler-1",
        f"{shop.name}-blue-web-1",
        f"{shop.name}-blue-worker-1",
        f"{shop.name}-store-1",
    ]


@pytest.mark.more
@pytest.mark.long
def test_killed_while_the_migration_runs_the_next_deployment_puts_all_right(
    app: Make, tmp_path: Path
) -> None:
    shop = whole(app, tmp_path)
    shop.cli.run("deploy")
    migration = f"{shop.name}-green-migrate-1"
    with shop.load() as load:
        process = shop.cli.start("deploy", RELEASE="2", MIGRATE="sleep 60")
        wait_for(lambda: "migrating" in logs(migration))
        process.kill()
        process.wait()
        assert "run migrate" in shop.cli.run("status")
        shop.cli.run("deploy", RELEASE="3")
    assert assert_lossless(load).releases == ("1", "3")


def logs(container: str) -> str:
    done = subprocess.run(("docker", "logs", container), capture_output=True, text=True, check=False)
    return done.stdout


def test_a_database_that_plain_compose_has_started_is_used_and_not_touched(app: Make, tmp_path: Path) -> None:
    shop = whole(app, tmp_path)
    file = shop.cli.options[3]
    docker("compose", "-p", shop.name, "-f", file, "up", "--detach", "--wait", "store")
    try:
        before = started(f"{shop.name}-store-1")
        shop.cli.run("deploy")
        assert seen_from(f"{shop.name}-blue-web-1", "store") == {"store"}
        [found] = shop.cli.json("shared", "status")["shared"]
        assert (found["state"], found["health"], found["changes"]) == ("running", "healthy", "")
        shop.cli.run("down")
        assert started(f"{shop.name}-store-1") == before
    finally:
        docker("compose", "-p", shop.name, "-f", file, "down", "--volumes", "--timeout", "1")


def test_a_shared_service_that_has_changed_in_the_file_is_named_and_recreated_on_demand(
    app: Make, tmp_path: Path
) -> None:
    shop = whole(app, tmp_path)
    shop.cli.run("deploy")
    before = started(f"{shop.name}-store-1")
    file = Path(shop.cli.options[3])
    file.write_text(file.read_text().replace("RELEASE: store", "RELEASE: newer"))

    findings = shop.cli.json("plan")["findings"]
    assert "services.store" in [one["path"] for one in findings]
    assert "nothing to do" in shop.cli.run("shared", "up")
    assert started(f"{shop.name}-store-1") == before
    shop.cli.run("shared", "up", "--recreate")
    # found by its name at once, by the release that runs
    assert seen_from(f"{shop.name}-blue-web-1", "store") == {"newer"}
    [found] = shop.cli.json("shared", "status")["shared"]
    assert found["changes"] == ""


@pytest.mark.more
@pytest.mark.long
def test_hooks_that_fail(app: Make, tmp_path: Path) -> None:
    shop = whole(app, tmp_path)
    shop.cli.run("deploy")
    file = Path(shop.cli.options[3])
    text = file.read_text()
    file.write_text(
        text.replace("after-cutover: {local:", "after-cutover: {local: exit 7}\n    before-start: {local:")
    )
    output = shop.cli.run("deploy", code=6, RELEASE="2")
    assert "everything else is done, but hook-after-cutover-1 ended with exit code 7 here" in output
    assert shop.get().headers["X-Release"] == "2"
    file.write_text(
        text.replace(
            "on-failure:", "before-start: {service: worker, command: echo no; exit 9}\n    on-failure:"
        )
    )
    output = shop.cli.run("deploy", code=1, RELEASE="3")
    assert "hook-before-start-1 ended with exit code 9" in output
    assert shop.get().headers["X-Release"] == "2"
    [run, *_] = json.loads(shop.cli.run("show", "--json"))
    [wrote] = [event["logs"] for event in run["events"] if event["event"] == "step_failed"]
    assert wrote == {f"{shop.name}-blue-hook-before-start-1-1": "no"}


CALLING = """
services:
  web:
    image: IMAGE
    environment: {RELEASE: "${RELEASE}"}
    labels:
      traefik.http.routers.web.rule: Host(`HOST`)
      traefik.http.services.web.loadbalancer.server.port: 8000
      traefik.http.services.web.loadbalancer.healthcheck.path: /health
  caller:
    image: IMAGE
    depends_on: [web]
    x-hitless: {role: shared}
    command:
      - python3
      - -uc
      - |
        import threading, time, urllib.request
        def call(seconds):
            while True:
                began = time.monotonic()
                try:
                    release = urllib.request.urlopen(f"http://web:8000/?seconds={seconds}").headers["X-Release"]
                except OSError as error:
                    release = repr(error)
                print(f"{began} {release}\\n", end="")  # in one piece: two threads write
                time.sleep(0.02)
        threading.Thread(target=call, args=(15,)).start()
        call(0)
"""


@pytest.mark.long
@pytest.mark.more
def test_a_shared_service_that_calls_the_release_by_name_gets_the_live_one(app: Make) -> None:
    shop = app(CALLING)
    shop.cli.run("deploy", RELEASE="1")
    caller = f"{shop.name}-caller-1"
    wait_for(lambda: logs(caller).rstrip().endswith(" 1"))
    before = logs(caller).count("\n")
    since = started(caller)
    for release in ("2", "3", "4"):
        shop.cli.run("deploy", RELEASE=release)
    shop.cli.run("rollback")
    wait_for(lambda: logs(caller).rstrip().endswith(" 3"))
    calls = [line.split(" ", 1) for line in logs(caller).splitlines()[before:]]
    # in the order of their beginnings: long calls in flight at a switch end on the release that they reached
    releases = [release for _, release in sorted(calls, key=lambda call: float(call[0]))]
    assert list(dict.fromkeys(releases)) == ["1", "2", "3", "4"]
    changes = [release for at, release in enumerate(releases) if releases[at - 1 : at] != [release]]
    assert changes == ["1", "2", "3", "4", "3"]
    assert len(releases) > 200
    assert started(caller) == since
