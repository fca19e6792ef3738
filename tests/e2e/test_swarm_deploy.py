"""An application on a Swarm of three nodes, behind the gateways on two of them."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from bench.load import Load
from hitless.cli.exit_codes import ExitCode
from tests.e2e.conftest import wait_for
from tests.e2e.swarm import EDGES, MANAGER, Application, Swarm, gateway_on

pytestmark = pytest.mark.more

WEB = """
services:
  web:
    image: IMAGE
    environment:
      RELEASE: ${RELEASE}
      BROKEN: ${BROKEN:-}
    deploy:
      replicas: 3
    healthcheck:
      test: [CMD, python3, -c, "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/health')"]
      interval: 5s
      start_interval: 500ms
      start_period: 20s
    labels:
      traefik.http.routers.web.rule: Host(`HOST`)
      traefik.http.services.web.loadbalancer.server.port: 8000
"""
RATE = 30.0  # requests a second, through each gateway


@pytest.fixture(scope="module")
def behind(swarm: Swarm, image: str) -> Iterator[Swarm]:
    """The Swarm with a gateway, and the image on its manager alone."""
    swarm.load_on(MANAGER, image)
    swarm.cli.run("nodes", "add", MANAGER, "--context", MANAGER, "--no-edge")
    with gateway_on(swarm):
        yield swarm
    swarm.cli.run("nodes", "remove", MANAGER)


@pytest.fixture
def shop(behind: Swarm, image: str, tmp_path: Path) -> Iterator[Application]:
    made = behind.application("shop", WEB.replace("IMAGE", image), tmp_path)
    yield made
    made.cli.run("down", "--drain-timeout", "5")
    assert behind.leftovers("shop") == []


@contextmanager
def loads(swarm: Swarm, shop: Application) -> Iterator[Sequence[Load]]:
    """A load through each gateway."""
    with ExitStack() as relays:
        urls = swarm.relayed(relays)
        with ExitStack() as stack:
            yield [stack.enter_context(Load(url, host=shop.host, rate=RATE)) for url in urls]


def assert_lossless(found: Sequence[Load], *releases: str) -> None:
    for load in found:
        report = load.report()
        print(f"{report.sent} requests, {report.lost} lost, {report.mixed()} by an old release after the new")
        assert (report.lost, report.mixed()) == (0, 0), report.lost_by
        assert report.releases == releases


def answers(swarm: Swarm, shop: Application) -> set[str]:
    """What each gateway answers."""
    return {swarm.get(edge, shop.host) for edge in EDGES}


def test_deployments_behind_two_gateways_are_seen_by_no_client(behind: Swarm, shop: Application) -> None:
    shop.cli.run("deploy")
    with loads(behind, shop) as under_way:
        for number in (2, 3, 4):
            print(shop.cli.run("deploy", RELEASE=str(number)))
    assert_lossless(under_way, "1", "2", "3", "4")
    firsts = [
        [load.report().first_answer(release) or 0.0 for load in under_way] for release in ("2", "3", "4")
    ]
    print("the first new answers of the gateways differ by", [f"{max(f) - min(f):.3f} s" for f in firsts])
    status = shop.cli.json("status")
    assert status["live"]["release"] == 4
    assert len(status["containers"]) == 3


@pytest.mark.long
@pytest.mark.parametrize("broken", ["exit", "never-healthy", "500"])
def test_a_broken_release_is_undone_and_nobody_notices(behind: Swarm, shop: Application, broken: str) -> None:
    shop.cli.run("deploy")
    before = behind.services("shop")
    with loads(behind, shop) as under_way:
        said = shop.cli.run("deploy", "--timeout", "15s", code=ExitCode.FAILED, RELEASE="2", BROKEN=broken)
    print(said)
    assert_lossless(under_way, "1")
    assert behind.services("shop") == before
    assert answers(behind, shop) == {"Hello from release 1"}


@pytest.mark.long
def test_a_killed_deployment_is_taken_over_and_a_rollback_brings_the_old_one_back(
    behind: Swarm, shop: Application
) -> None:
    shop.cli.run("deploy")
    with loads(behind, shop) as under_way:
        killed = shop.cli.start("deploy", RELEASE="2")
        wait_for(lambda: any(name.startswith("shop-green") for name in behind.services("shop")))
        killed.send_signal(signal.SIGKILL)
        killed.communicate()
        assert "interrupted" in shop.cli.run("status")
        print(shop.cli.run("deploy", "--wait", RELEASE="3"))
        print(shop.cli.run("rollback"))
    for load in under_way:
        report = load.report()
        assert report.lost == 0, report.lost_by
        assert set(report.releases) == {"1", "3"}
    assert answers(behind, shop) == {"Hello from release 1"}


@pytest.mark.long
def test_two_deployments_at_once_go_one_after_the_other(behind: Swarm, shop: Application) -> None:
    shop.cli.run("deploy")
    first = shop.cli.start("deploy", "--wait", RELEASE="2")
    second = shop.cli.start("deploy", "--wait", RELEASE="3")
    outputs = [one.communicate(timeout=200)[0] for one in (first, second)]
    assert [first.returncode, second.returncode] == [0, 0], outputs
    assert answers(behind, shop) <= {"Hello from release 2", "Hello from release 3"}
    assert len(answers(behind, shop)) == 1


def test_what_a_swarm_would_lose_is_refused_all_at_once(behind: Swarm, image: str, tmp_path: Path) -> None:
    text = WEB.replace("IMAGE", image).replace(
        "    deploy:\n", "    privileged: true\n    volumes: [data:/data]\n    deploy:\n"
    )
    app = behind.application("refused", f"{text}volumes:\n  data:\n", tmp_path)
    said = app.cli.run("deploy", code=ExitCode.FAILED)
    assert "services.web.privileged" in said
    assert "services.web.volumes" in said
    assert behind.leftovers("refused") == []
    assert "does not work on a Swarm yet" in app.cli.run("prove", code=ExitCode.FAILED)
