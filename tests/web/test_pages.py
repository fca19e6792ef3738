"""The pages and their documents, of a host in memory."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from hitless.cli.visible import visible
from hitless.domain.common.errors import DockerFailed, HitlessError
from hitless.domain.common.events import StepBegan, StepId, StepKind, as_json
from hitless.domain.common.names import Colour
from hitless.domain.host.journal import Holder
from hitless.domain.host.metrics import Counted, Sample
from hitless.web import reader
from tests.execution.test_deploy import deploy
from tests.fakes.behaviour import UNWELL
from tests.web.conftest import Dashboard

STATIC = Path(reader.__file__).parent / "static"
HOSTILE = "</script><img src=x onerror=alert(1)>\x1b[2J ../../etc"


@pytest.fixture(autouse=True)
def always_new(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every request looks at the host again."""
    monkeypatch.setattr(reader, "FRESH", 0.0)
    monkeypatch.setattr(reader, "_LOGS", 0.0)
    monkeypatch.setattr(reader, "_OVERVIEW", 0.0)


def document(browser: TestClient, path: str) -> Any:
    answer = browser.get(path)
    assert answer.status_code == 200
    assert answer.json()["error"] is None
    return answer.json()["document"]


def error(browser: TestClient, path: str) -> Any:
    return browser.get(path).json()["error"]


# the host


def test_the_host_has_a_row_for_each_application(dashboard: Dashboard, browser: TestClient) -> None:
    dashboard.counts(10)
    dashboard.counts(35)
    page = document(browser, "/api/host")
    assert page["gateway"]["running"]
    [row] = page["applications"]
    assert row["application"] == "shop"
    assert row["live"] == {"colour": "blue", "release": 1}
    assert row["addresses"] == ["http://shop.example"]
    assert row["created"].startswith("2026-01-01")
    assert row["health"] == {"containers": 1, "running": 1, "unwell": 0}
    assert (row["certificate_days"], row["command"], row["problems"]) == (None, "", [])
    assert row["rates"] == [5.0, 0.0, None]


def test_what_is_interrupted_is_on_the_page_of_the_host(dashboard: Dashboard, browser: TestClient) -> None:
    deploy(dashboard.host)
    second = [number for number, line in enumerate(dashboard.host.lines) if '"event": "began"' in line][1]
    del dashboard.host.lines[second + 2 :]  # hitless was killed there
    [row] = document(browser, "/api/host")["applications"]
    assert row["is_interrupted"]
    assert row["command"].startswith("interrupted deploy of release 2")
    assert "hitless resume" in row["command"]
    page = document(browser, "/api/applications/shop")
    assert page["command"] == row["command"]
    assert {one["state"] for one in page["latest"]["steps"]} == {"left"}


def test_who_works_on_an_application_is_on_the_page_of_the_host(
    dashboard: Dashboard, browser: TestClient
) -> None:
    holders = {"shop": Holder("ann@there, process 7", 5.0, 1.0)}
    dashboard.host.seen = replace(dashboard.host.seen, holders=holders)
    [row] = document(browser, "/api/host")["applications"]
    assert "is under way" in row["command"]
    assert "ann@there" in row["command"]
    assert not row["is_interrupted"]


def test_without_a_gateway_the_page_says_what_to_do(dashboard: Dashboard, browser: TestClient) -> None:
    dashboard.host.has_gateway = False
    dashboard.settings = None
    page = document(browser, "/api/host")
    assert page["gateway"]["settings"] is None
    assert not page["gateway"]["running"]


def test_where_nothing_counts_the_page_says_the_command(dashboard: Dashboard, browser: TestClient) -> None:
    dashboard.recorder.look()
    metrics = document(browser, "/api/host")["metrics"]
    assert metrics["hint"] == "run: hitless gateway up --metrics"


def test_an_engine_that_goes_away_leaves_what_was_seen(dashboard: Dashboard, browser: TestClient) -> None:
    before = browser.get("/api/host")

    def away(_: Any) -> Any:
        raise DockerFailed("docker ps", 1, "Cannot connect to the Docker daemon", "is the engine running?")

    dashboard.host.of = away  # type: ignore[method-assign,assignment]
    answer = browser.get("/api/host")
    assert answer.json()["document"] == before.json()["document"]
    assert "Cannot connect" in answer.json()["error"]["message"]
    assert answer.json()["error"]["hint"] == "is the engine running?"
    assert answer.headers["hitless-seen"] == before.headers["hitless-seen"]
    assert browser.get("/").status_code == 200


def test_a_page_that_has_the_document_gets_it_only_once(dashboard: Dashboard, browser: TestClient) -> None:
    first = browser.get("/api/host")
    again = browser.get("/api/host", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert float(again.headers["hitless-seen"]) > float(first.headers["hitless-seen"])
    deploy(dashboard.host)
    changed = browser.get("/api/host", headers={"If-None-Match": first.headers["etag"]})
    assert changed.status_code == 200


# an application


def test_an_application_has_what_status_and_history_have(dashboard: Dashboard, browser: TestClient) -> None:
    deploy(dashboard.host)
    page = document(browser, "/api/applications/shop")
    assert page["status"]["live"] == {"colour": "green", "release": 2}
    assert [one["colour"] for one in page["status"]["containers"]] == ["green"]
    assert page["releases"] == [2, 1]
    assert [(one["release"], one["outcome"]) for one in page["history"]] == [
        (2, "successful"),
        (1, "successful"),
    ]
    assert page["history"][0]["holder"] == "somebody@somewhere"
    assert not page["is_under_way"]
    steps = page["latest"]["steps"]
    assert {one["state"] for one in steps} == {"done"}
    assert len({one["id"] for one in steps}) == len(steps)


def test_the_steps_of_a_deployment_are_there_while_it_runs(dashboard: Dashboard, browser: TestClient) -> None:
    found: list[Any] = []

    def look(verb: str) -> None:
        if verb == "start":
            found.append(document(browser, "/api/applications/shop"))

    dashboard.host.before = look
    deploy(dashboard.host)
    page = found[0]
    assert page["is_under_way"]
    assert "is under way" in page["command"]
    assert page["latest"]["is_at_work"]
    states = [(one["kind"], one["state"]) for one in page["latest"]["steps"]]
    assert ("start", "running") in states
    assert states.index(("create", "done")) < states.index(("start", "running"))
    assert ("gate", "waiting") in states
    after = document(browser, "/api/applications/shop")["latest"]
    assert [one["id"] for one in after["steps"]] == [one["id"] for one in page["latest"]["steps"]]


def test_a_failure_has_its_reason_its_logs_and_what_was_undone(
    dashboard: Dashboard, browser: TestClient
) -> None:
    dashboard.host.behaviour.answers = {2: [UNWELL]}
    with pytest.raises(HitlessError):
        deploy(dashboard.host)
    page = document(browser, "/api/applications/shop")
    latest = page["latest"]
    assert (latest["outcome"], latest["is_undone"]) == ("failed", True)
    [failed] = [one for one in latest["steps"] if one["state"] == "failed"]
    assert failed["kind"] == "gate"
    assert failed["message"]
    assert page["history"][0]["reason"] == failed["message"]
    assert page["status"]["live"]["release"] == 1


def test_a_command_of_the_history_has_its_steps(dashboard: Dashboard, browser: TestClient) -> None:
    began = document(browser, "/api/applications/shop")["history"][-1]["began"]
    run = document(browser, f"/api/applications/shop/run?began={began.replace('+', '%2B')}")
    assert (run["release"], run["steps"][0]["state"]) == (1, "done")
    assert document(browser, "/api/applications/shop/run?began=never") is None


def test_the_chart_has_both_colours_and_the_deployments(dashboard: Dashboard, browser: TestClient) -> None:
    page = document(browser, "/api/applications/shop/chart?minutes=15")
    assert page["colours"] == {"blue": [], "green": []}
    until = page["until"]
    counted = {("shop", Colour.BLUE): Counted(50)}
    dashboard.samples.found = [Sample(until - 10, 5, counted)]
    page = document(browser, "/api/applications/shop/chart?minutes=15")
    [[_, requests, errors, _, seconds]] = page["colours"]["blue"]
    assert (requests, errors, seconds) == (10.0, 0.0, 5.0)
    # the deployment of the fakes was in another year
    assert page["deployments"] == []
    assert browser.get("/api/applications/shop/chart?minutes=7").status_code == 400


def test_logs_are_of_the_live_release_and_of_those_that_are_kept(
    dashboard: Dashboard, browser: TestClient
) -> None:
    deploy(dashboard.host)
    dashboard.logs.said = {"shop-green": ["web-1  | hello", "web-1 exited with code 0"]}
    page = document(browser, "/api/applications/shop/logs")
    assert page["lines"] == [["web-1", "hello"], ["", "web-1 exited with code 0"]]
    assert (page["release"], page["releases"]) == (2, [2, 1])
    assert document(browser, "/api/applications/shop/logs?release=1")["lines"] == [["web-1", "I am 1"]]
    assert "no log of release 9" in error(browser, "/api/applications/shop/logs?release=9")["message"]


def test_two_kept_releases_can_be_compared(dashboard: Dashboard, browser: TestClient) -> None:
    deploy(dashboard.host, keep=3)
    page = document(browser, "/api/applications/shop/diff?before=1&after=2")
    assert (page["before"], page["after"]) == ("release 1", "release 2")
    assert (
        "release 9 is not kept" in error(browser, "/api/applications/shop/diff?before=9&after=2")["message"]
    )
    assert browser.get("/api/applications/shop/diff?before=x&after=2").status_code == 400


@pytest.mark.parametrize("name", ["%20", "Shop", "a b", "<b>", "-x", "x" * 300])
def test_what_is_no_name_is_no_page(browser: TestClient, name: str) -> None:
    for path in (f"/applications/{name}", f"/api/applications/{name}"):
        assert browser.get(path).status_code == 404


def test_an_application_that_is_not_there_is_no_error(dashboard: Dashboard, browser: TestClient) -> None:
    dashboard.host.lines.clear()
    dashboard.host.running.clear()
    dashboard.host.routings.clear()
    dashboard.host.records.clear()
    assert document(browser, "/api/applications/other") is None
    assert browser.get("/applications/other").status_code == 200


def test_where_nothing_is_live_the_logs_of_what_failed_can_be_chosen(
    dashboard: Dashboard, browser: TestClient
) -> None:
    dashboard.host.routings.clear()
    page = document(browser, "/api/applications/shop/logs")
    assert (page["lines"], page["releases"]) == ([], [1])
    assert "choose a release" in page["problem"]


# what others have written


def test_hostile_names_reasons_and_lines_are_text(dashboard: Dashboard, browser: TestClient) -> None:
    dashboard.host.behaviour.answers = {2: [UNWELL]}
    dashboard.logs.said = {"shop-blue": [f"web-1  | {HOSTILE}"]}
    with pytest.raises(HitlessError):
        deploy(dashboard.host)
    step = StepId(StepKind.RUN_HOOK, subjects=(HOSTILE,))
    dashboard.host.lines.append(json.dumps(as_json(StepBegan(step), "2026-01-01T00:00:00+00:00")))
    page = browser.get("/api/applications/shop")
    assert page.headers["content-type"] == "application/json"
    assert any(HOSTILE in one["text"] for one in page.json()["document"]["latest"]["steps"])
    lines = browser.get("/api/applications/shop/logs").json()["document"]["lines"]
    assert ["web-1", visible(HOSTILE)] in lines
    for path in ("/nothing/<script>alert(1)</script>", "/applications/<script>"):
        assert "<script>alert" not in browser.get(path).text


def test_no_script_makes_html_of_a_text_and_nothing_comes_from_elsewhere() -> None:
    for file in STATIC.iterdir():
        text = file.read_text("utf-8")
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|Function\(", text
        )
        outside = set(re.findall(r"https?://[^\s\"'`)]+", text)) - {"http://www.w3.org/2000/svg"}
        assert not outside, file
    for file in (STATIC.parent / "templates").iterdir():
        text = file.read_text("utf-8")
        assert "|safe" not in text.replace(" ", "")
        assert not re.search(r"<script(?![^>]*src=)|<style|\sstyle=|\son\w+=", text)


def test_the_pages_have_landmarks_and_say_their_language(browser: TestClient) -> None:
    for path in ("/", "/applications/shop", "/login", "/nothing"):
        text = browser.get(path).text
        for part in ('<html lang="en">', "<main", "<nav", "<h1", 'name="viewport"'):
            assert part in text, (path, part)
