"""The cause of a failure is on the screen, as a new user meets it."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.conftest import App, Cli, Gateway, docker, wait_for

Make = Callable[..., App]

pytestmark = pytest.mark.more

PORT = """
services:
  web:
    image: IMAGE
    healthcheck: HEALTH
    stop_grace_period: 3s
    labels:
      traefik.http.routers.web.rule: Host(`HOST`)
      traefik.http.services.web.loadbalancer.server.port: PORT
"""


def words(text: str) -> str:
    """The text without what a terminal's width does to it."""
    return " ".join(text.split())


def test_a_build_that_fails_shows_its_end(app: Make, image: str, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text(f"FROM {image}\nRUN echo 'no module named wheels' && exit 3\n")
    web = app(PORT.replace("image: IMAGE", "build: .").replace("HEALTH", "{}").replace("PORT", "8000"))
    said = web.cli.run("deploy", code=1, GITHUB_ACTIONS="true")
    folded, _, cause = said.partition("::endgroup::")
    assert "no module named wheels" in cause.partition("last lines of the build:")[2]
    assert "    web | no module named wheels\n" in folded.partition("::group::build web\n")[2]
    assert "hitless: the build failed: " in said
    assert "did not complete successfully: exit code: 3" in said
    shown = web.cli.run("show")
    assert "no module named wheels" in shown
    assert "build web: the build failed" in words(web.cli.run("history"))
    assert web.containers() == []


def test_an_unhealthy_container_shows_its_check(app: Make) -> None:
    check = '{test: ["CMD-SHELL", "echo no queue at amqp; exit 1"], interval: 1s, retries: 2}'
    web = app(PORT.replace("HEALTH", check).replace("PORT", "8000"))
    said = web.cli.run("deploy", code=1)
    assert (
        "is unhealthy: its health check `echo no queue at amqp; exit 1` ends with exit code 1 and prints: "
        "no queue at amqp" in said
    )
    assert "start_period" not in said


@pytest.mark.parametrize("check", ["{}", '{test: ["CMD", "true"], interval: 1s}'], ids=["asked", "healthy"])
def test_a_wrong_port_is_named_with_the_right_one(app: Make, check: str) -> None:
    web = app(PORT.replace("HEALTH", check).replace("PORT", "9000"))
    said = web.cli.run("deploy", "--timeout", "4s", code=1)
    assert f"nothing listens on 9000 in {web.name}-blue-web-1; it listens on 8000" in said
    assert "ask_routes" not in said


@pytest.mark.long
def test_what_needs_the_name_alone_gets_by_with_a_broken_file(app: Make, gateway: Gateway) -> None:
    web = app()
    web.cli.run("deploy")
    web.cli.run("deploy", RELEASE="2")
    file = Path(web.cli.options[-1])
    file.write_text(f"name: {web.name}\nservices:\n  web: {{image: 'x:${{NOSUCH:?not set}}'\n")
    by_file = Cli(("-f", str(file)), web.cli.environment)
    for verb in ("status", "history"):
        said = by_file.run(verb)
        assert (
            f"the Compose file can't be read; by its folder, or its own `name:`, it is {web.name}'s" in said
        )
        assert web.name in said.partition("\n")[2] or "successful" in said
    refused = by_file.run("rollback", code=1)
    assert f"for the application {web.name}, say so: -p {web.name}" in refused
    by_file.run("rollback", "-p", web.name)
    assert web.get().headers["X-Release"] == "1"
    said = by_file.run("deploy", code=1)
    assert "config` failed with exit code 15" in said


def test_the_gateway_that_was_meant_is_named(app: Make, gateway: Gateway) -> None:
    web = app()
    web.cli.run("deploy")
    for verb in ("status", "deploy"):
        said = web.cli.run(verb, code=1, HITLESS_GATEWAY=f"{gateway.name}-nosuch")
        assert gateway.name in said
        assert "--gateway" in said


@pytest.mark.long
def test_a_container_that_ignores_its_stop_signal_is_named(app: Make) -> None:
    deaf = PORT.replace("healthcheck: HEALTH", "command: [sh, -c, \"trap '' TERM; python3 -S -E /app.py\"]")
    web = app(deaf.replace("PORT", "8000"))
    web.cli.run("deploy")
    said = web.cli.run("deploy")
    assert "web did not end on the stop signal, and was killed after its stop_grace_period" in words(said)


def test_an_interrupt_is_acknowledged_at_once(app: Make) -> None:
    web = app()
    deployment = web.cli.start("deploy", BOOT_SECONDS="60")
    wait_for(lambda: bool(web.containers()))
    deployment.send_signal(signal.SIGINT)
    said, _ = deployment.communicate(timeout=60)
    assert deployment.returncode == 130, said
    acknowledged, _, undone = said.partition("interrupted: hitless ends in order now")
    assert undone
    assert "retire blue" not in acknowledged
    assert web.containers() == []


def test_the_first_interrupt_of_an_undo_does_not_end_it(app: Make) -> None:
    deaf = PORT.replace("healthcheck: HEALTH", "command: [sh, -c, \"trap '' TERM; python3 -S -E /app.py\"]")
    web = app(deaf.replace("PORT", "9000"))
    deployment = web.cli.start("deploy", "--timeout", "2s")
    assert deployment.stdout
    while "undoing what was done" not in deployment.stdout.readline():
        assert deployment.poll() is None
    deployment.send_signal(signal.SIGINT)
    said, _ = deployment.communicate(timeout=60)
    assert deployment.returncode == 1, said
    assert "interrupted: hitless undoes what was done, which may take 33 s" in said  # 30 s for requests
    assert web.containers() == []
    assert "there is nothing to abort" in web.cli.run("abort", code=1)


def test_down_names_the_volumes_that_it_leaves(app: Make) -> None:
    web = app(
        PORT.replace("HEALTH", "{}").replace("PORT", "8000")
        + "    volumes: [cache:/var/cache/app]\nvolumes: {cache: {}}\n"
    )
    web.cli.run("deploy")
    said = web.cli.run("down")
    assert f"the volumes are left, with their data: {web.name}_cache" in words(said)
    assert docker("volume", "ls", "--quiet", "--filter", f"name={web.name}") == f"{web.name}_cache"
    web.cli.run("down", "--volumes")
    assert docker("volume", "ls", "--quiet", "--filter", f"name={web.name}") == ""
