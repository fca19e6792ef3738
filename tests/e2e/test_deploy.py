"""The promise on a real engine: deployments under load lose nothing and never answer with two releases."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

import httpx

from bench.load import Load
from bench.report import Report
from tests.e2e.conftest import FLASK, GATEWAY, WEB, App, Gateway, docker, wait_for

Make = Callable[..., App]
DEPLOYMENTS = int(os.environ.get("HITLESS_DEPLOYMENTS", "3"))


def assert_lossless(load: Load) -> Report:
    report = load.report()
    assert report.lost_by == {}
    assert report.mixed() == 0, report.summary()
    assert report.sent > 100
    assert report.ended_by == "asked"
    return report


def test_the_first_deployment_starts_the_application_and_the_second_changes_its_colour(app: Make) -> None:
    web = app()
    output = web.cli.run("deploy")
    assert "release 1 is live on blue" in output
    assert web.get().headers["X-Release"] == "1"
    output = web.cli.run("deploy", RELEASE="2")
    assert "release 2 is live on green" in output
    assert web.get().headers["X-Release"] == "2"
    assert web.containers() == [f"{web.name}-green-web-1"]


def test_many_deployments_in_a_row_under_load(app: Make) -> None:
    web = app(file=FLASK / "docker-compose.yml")
    web.cli.run("deploy", RELEASE="0")
    with web.load() as load:
        for release in range(1, DEPLOYMENTS + 1):
            web.cli.run("deploy", RELEASE=str(release))
    report = assert_lossless(load)
    assert report.releases == tuple(str(release) for release in range(DEPLOYMENTS + 1))
    # three releases are kept: their images, and the network of the one that runs
    left = web.leftovers()
    live = "blue" if DEPLOYMENTS % 2 == 0 else "green"
    newest = range(DEPLOYMENTS - 1, DEPLOYMENTS + 2)
    assert left == {
        "containers": [f"{web.name}-{live}-app-1"],
        "networks": sorted([f"{web.name}-{live}_default", f"{GATEWAY}_webgateway.{web.name}"]),
        "volumes": [],
        "images": sorted(f"{web.name}.r{number}.app" for number in newest),
    }
    web.cli.run("down")
    assert not any(web.leftovers().values())


def test_labels_of_traefik_v1_deploy_unchanged_under_load(app: Make) -> None:
    web = app(file=FLASK / "docker-compose.v1.yml")
    web.cli.run("deploy")
    with web.load() as load:
        web.cli.run("deploy", RELEASE="2")
    assert assert_lossless(load).releases == ("1", "2")


SEVERAL = """
services:
  web:
    image: IMAGE
    environment: {RELEASE: "${RELEASE}"}
    deploy: {replicas: 2}
    labels:
      - traefik.http.routers.several-web.rule=Host(`HOST`)
      - traefik.http.services.several-web.loadbalancer.server.port=8000
      - traefik.http.services.several-web.loadbalancer.healthcheck.path=/health
  api:
    image: IMAGE
    environment: {RELEASE: "${RELEASE}"}
    scale: 3
    labels:
      - traefik.http.routers.several-api.rule=Host(`HOST`) && (PathPrefix(`/echo`) || Path(`/slow`))
      - traefik.http.services.several-api.loadbalancer.server.port=8000
      - traefik.http.services.several-api.loadbalancer.healthcheck.path=/health
"""


def test_several_services_with_replicas_cut_over_in_one_instant(app: Make) -> None:
    shop = app(SEVERAL)
    shop.cli.run("deploy")
    assert len(shop.containers()) == 5
    with shop.load() as load:
        for release in ("2", "3"):
            shop.cli.run("deploy", RELEASE=release)
    # kept and fresh GETs go to web, POSTs and slow requests to api: no mix means one instant for both
    report = assert_lossless(load)
    assert {sample.kind for sample in report.samples} == {"kept", "fresh", "post", "slow", "stream"}
    # each colour sees its own api under its plain name, never the other's
    names = docker("exec", f"{shop.name}-blue-web-1", "getent", "ahosts", "api")
    own = docker("network", "inspect", f"{shop.name}-blue_default", "--format", "{{json .Containers}}")
    addresses = {line.split()[0] for line in names.splitlines()}
    assert len(addresses) == 3
    assert all(f'"{address}/' in own for address in addresses)


def test_a_rule_that_traefik_refuses_is_found_while_the_old_release_serves(app: Make) -> None:
    web = app()
    web.cli.run("deploy")
    before = (web.leftovers(), routing_file(web))
    bad = app(WEB_WITH_BAD_RULE, name=web.name)
    with web.load() as load:
        output = bad.cli.run("deploy", code=1, RELEASE="2")
    assert assert_lossless(load).releases == ("1",)
    assert "Traefik refuses the routing" in output
    assert "nonsense" in output
    assert (web.leftovers(), routing_file(web)) == before


WEB_WITH_BAD_RULE = """
services:
  web:
    image: IMAGE
    labels:
      - traefik.http.routers.web.rule=Host(`HOST`) && ClientIP(`nonsense`)
      - traefik.http.services.web.loadbalancer.server.port=8000
      - traefik.http.services.web.loadbalancer.healthcheck.path=/health
"""


def test_a_rollback_under_load_brings_the_former_release_back(app: Make) -> None:
    web = app()
    web.cli.run("deploy")
    web.cli.run("deploy", RELEASE="2")
    with web.load() as load:
        output = web.cli.run("rollback")
        rolled_back = time.monotonic()
    assert "rollback" in output
    report = assert_lossless(load)
    assert web.get().headers["X-Release"] == "1"
    after = {sample.release for sample in report.samples if sample.started > rolled_back}
    assert after <= {"1"}
    status = web.cli.json("status")
    assert status["live"] == {"colour": "blue", "release": 1}
    assert [release["number"] for release in status["releases"]] == [2, 1]


def test_a_restarted_gateway_comes_back_with_every_route(app: Make, gateway: Gateway) -> None:
    web = app()
    web.cli.run("deploy")
    docker("restart", "--time", "5", gateway.container)
    wait_for(lambda: answers(web))
    assert web.get().headers["X-Release"] == "1"
    web.cli.run("deploy", RELEASE="2")
    assert web.get().headers["X-Release"] == "2"


def test_docker_s_own_health_check_is_a_gate_and_does_not_wait_for_its_interval(app: Make) -> None:
    web = app(WITH_DOCKER_HEALTH)
    web.cli.run("deploy", INTERVAL="1h")
    shape = "{{.State.Health.Status}} {{.Config.Healthcheck.Interval}}"
    # the engine itself will look in an hour, as the file says
    assert docker("inspect", f"{web.name}-blue-web-1", "--format", shape) == "starting 1h0m0s"
    output = web.cli.run("deploy", code=1, BROKEN="never-healthy")
    assert "unhealthy" in output
    assert web.get().headers["X-Release"] == "1"


WITH_DOCKER_HEALTH = """
services:
  web:
    image: IMAGE
    environment: {RELEASE: "${RELEASE}", BROKEN: "${BROKEN:-}"}
    healthcheck:
      test: python3 -c "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/health')"
      interval: ${INTERVAL:-1s}
      retries: 2
    labels:
      - traefik.http.routers.docker-health.rule=Host(`HOST`)
"""


def routing_file(application: App) -> str:
    """The application's routing file as it is in the gateway."""
    path = f"/etc/hitless/routes/{application.name}.yml"
    return docker("exec", f"{GATEWAY}-traefik-1", "cat", path)


def answers(application: App) -> bool:
    try:
        return application.get().status_code == 200
    except httpx.HTTPError:
        return False


def test_more_and_fewer_containers_of_what_is_live_while_requests_come(app: Make) -> None:
    shop = app()
    shop.cli.run("deploy", "--scale", "web=2")
    [release] = {one["release"] for one in shop.cli.json("status")["containers"]}
    ids = [docker("inspect", "--format", "{{.Id}}", name) for name in shop.containers()]
    with shop.load() as load:
        for number in (4, 1):
            shop.cli.run("scale", f"web={number}")
            assert shop.containers() == [f"{shop.name}-blue-web-{one}" for one in range(1, number + 1)]
            assert docker("inspect", "--format", "{{.Id}}", shop.containers()[0]) == ids[0]
    assert load.report().lost == 0, load.report().lost_by
    assert {one["release"] for one in shop.cli.json("status")["containers"]} == {release}
    assert "nothing to do" in shop.cli.run("scale", "web=1")


def test_a_page_that_answers_500_does_not_remove_another_page(app: Make) -> None:
    web = app()
    web.cli.run("deploy", "--scale", "web=2")
    found = [web.get("/error").status_code for _ in range(4)]
    found += [web.get().status_code for _ in range(60)]
    assert found == [500] * 4 + [200] * 60


def test_one_of_two_containers_that_dies_is_missed_by_no_request_that_begins_later(app: Make) -> None:
    # no active check hides it: only the retries do
    web = app("\n".join(line for line in WEB.splitlines() if "healthcheck" not in line))
    web.cli.run("deploy", "--scale", "web=2")
    with web.load() as load:
        docker("kill", web.containers()[1])
        killed = time.monotonic()
        wait_for(lambda: time.monotonic() > killed + 3)
    report = load.report()
    later = [sample for sample in report.samples if sample.started > killed]
    assert len(later) > 100
    assert [sample for sample in later if sample.lost] == []
