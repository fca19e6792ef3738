"""`hitless prove` on real applications: what is right, and what is wrong, by name."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hitless.domain.gateway.image import TRAEFIK_IMAGE
from tests.e2e.conftest import App, docker, wait_for

Make = Callable[..., App]
LOST = 7
QUICK = ("--deployments", "1", "--baseline", "2s")


def unruly(extension: str = "", extra: str = "", **environment: str) -> str:
    """A Compose file with the unruly application in it."""
    code = Path(__file__).with_name("unruly.py").read_text().replace("$", "$$")
    return f"""
services:
  web:
    image: IMAGE
    command: {json.dumps(["python3", "-S", "-E", "-c", code])}
    environment: {json.dumps(environment)}
    {extra}
    labels:
      traefik.http.routers.web.rule: Host(`HOST`)
      traefik.http.services.web.loadbalancer.server.port: 8000
      traefik.http.services.web.loadbalancer.healthcheck.path: /health
x-hitless: {{{extension}}}
"""


def causes(report: dict[str, Any]) -> dict[str, dict[str, Any]]:
    # how busy this machine is says nothing about the application
    return {fault["cause"]: fault for fault in report["faults"] if fault["by"] != "this machine"}


def proved(app: App, *arguments: str, code: int = 0) -> dict[str, Any]:
    report: dict[str, Any] = app.cli.json("prove", *QUICK, *arguments, code=code)
    return report


@pytest.mark.more
@pytest.mark.long
def test_a_well_behaved_application_loses_nothing_and_nothing_is_said_of_it(app: Make) -> None:
    web = app(name="prove-well")
    web.cli.run("deploy")
    web.cli.run("deploy", RELEASE="2")
    before = web.leftovers()["images"]

    report = web.cli.json(
        "prove", "--deployments", "2", "--rate", "50", "--path", "/", "--path", "/stream?seconds=5"
    )

    assert report["is_lossless"]
    assert (report["lost"], causes(report)) == (0, {})
    assert report["requests"] > 500
    assert [one["outcome"] for one in report["deployments"]] == ["successful"] * 2
    assert [set(one["exit_codes"].values()) for one in report["deployments"]] == [{0}] * 2
    # the same release is live, and the way back is there
    assert web.cli.json("status")["live"]["release"] == 2
    assert web.get().text == "Hello from release 2\n"
    assert web.leftovers()["images"] == before
    web.cli.run("rollback")
    assert web.get().text == "Hello from release 1\n"


TWO_THAT_FAIL_NOW_AND_THEN = """
services:
  web:
    image: IMAGE
    scale: 2
    labels:
      traefik.http.routers.web.rule: Host(`HOST`)
      traefik.http.services.web.loadbalancer.server.port: 8000
      traefik.http.services.web.loadbalancer.healthcheck.path: /health
"""


@pytest.mark.more
@pytest.mark.long
def test_two_containers_that_fail_now_and_then_lose_nothing_by_a_deployment(app: Make) -> None:
    web = app(TWO_THAT_FAIL_NOW_AND_THEN, name="prove-moody")
    web.cli.run("deploy")
    while web.get("/moody").status_code == 200:  # the next request may fail: prove begins nevertheless
        pass

    report = proved(web, "--path", "/moody", "--path", "/", "--rate", "30")

    assert (report["is_lossless"], report["lost"]) == (True, 0)
    assert list(causes(report)) == ["own-errors"]
    assert report["as_before"] == causes(report)["own-errors"]["requests"] > 10
    kinds = {what for period in report["periods"] for what in period["as_before"]}
    assert kinds == {"500", "503"}
    assert "answered as before any deployment" in report["verdict"]


def test_one_that_dies_at_once_on_sigterm_loses_nothing_and_is_told_why(app: Make) -> None:
    web = app(unruly(extra="init: true"), name="prove-dies")
    web.cli.run("deploy")

    report = proved(web)

    assert report["lost"] == 0
    assert list(causes(report)) == ["dies-on-sigterm"]
    assert "no loss here" in report["faults"][0]["message"]


@pytest.mark.more
@pytest.mark.long
def test_one_whose_requests_are_longer_than_the_drain_and_that_dies_loses_them(app: Make) -> None:
    web = app(unruly("drain_timeout: 2s", extra="init: true"), name="prove-long")
    web.cli.run("deploy")

    report = proved(web, "--path", "/long", "--rate", "5", code=LOST)

    fault = causes(report)["cut-in-flight"]
    assert fault["requests"] == report["lost"] > 0
    assert fault["by"] == "the application"
    assert "drain_timeout" in fault["remedy"]


@pytest.mark.more
@pytest.mark.long
def test_one_that_says_too_early_that_it_is_ready(app: Make) -> None:
    web = app(unruly(TERM="finish", WARM_SECONDS="4"), name="prove-early")
    web.cli.run("deploy")
    wait_for(lambda: web.get("/cart").status_code == 200)

    output = web.cli.run("prove", *QUICK, "--path", "/cart", code=LOST)

    assert "by the application: it said that it was ready too early" in output
    assert "x 503" in output
    assert "health check" in output
    assert web.get("/").status_code == 200


def test_one_with_sessions_in_memory(app: Make) -> None:
    web = app(unruly(TERM="finish"), name="prove-sessions")
    web.cli.run("deploy")

    report = proved(web, "--path", "/account", "--path", "/", code=LOST)

    assert report["lost"] == 0
    assert list(causes(report)) == ["sessions-in-memory"]
    assert (report["sessions"], report["sessions_lost"]) == (1, 1)
    assert "cookie sid" in report["faults"][0]["detail"]
    assert "1 of 1 sessions" in report["verdict"]


def test_one_that_closes_idle_connections_early_and_does_not_end_when_it_is_told_to(app: Make) -> None:
    # the first process of a container, without a handler: SIGTERM does nothing
    web = app(unruly(extra="stop_grace_period: 2s", IDLE_SECONDS="0.1"), name="prove-deaf")
    web.cli.run("deploy")

    report = proved(web)

    assert set(causes(report)) == {"closes-idle-connections", "ignores-sigterm"}
    assert report["is_lossless"]
    assert report["idle_closed_after"]["web"] < 1
    assert report["deployments"][0]["stop_took"] > 2


def test_a_deployment_that_fails_ends_with_1_and_the_live_release_serves(app: Make) -> None:
    # what it needs is taken from the host after its first deployment
    web = app(unruly(TERM="finish"), name="prove-fails")
    web.cli.run("deploy", "--timeout", "5s")
    docker("tag", docker("images", "--quiet", TRAEFIK_IMAGE), f"hitless:{web.name}.r1.web")

    output = web.cli.run("prove", *QUICK, code=1)

    assert "prove failed after" in output
    assert "undone: everything is as it was before" in output
    assert "nothing lost" in output
    assert web.get("/").status_code == 200
    assert web.cli.json("status")["live"] == {"colour": "blue", "release": 1}
