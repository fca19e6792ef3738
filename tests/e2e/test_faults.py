"""Faults at every point of a deployment, on a real engine and under load: what is live, and what was lost."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.report import Report
from hitless.__main__ import FAILED, INTERRUPTED, UNFINISHED
from tests.e2e.conftest import GATEWAY, App, Cli, Gateway, docker
from tests.e2e.faulty import TWICE
from tests.e2e.matrix import (
    COMPOSE,
    DOCUMENT,
    HOW_TO_UPDATE,
    IS_WRITING,
    POINTS_FILE,
    TABLE,
    Deployment,
    Seen,
    Shop,
    documented,
    lost_while_away,
    points,
)

ROOT = Path(__file__).parent
KILLED = -9

# What a command ends with, whatever happened to it
EXITS = {
    "SIGKILL": {KILLED},
    "signal": {INTERRUPTED},
    "bad release": {FAILED},
    # the lock goes with the gateway: the command stops, and leaves what it has begun
    "gateway": {UNFINISHED},
}

OLD = "old release live"
NEW = "new release live"
UNDONE = "undone, old release live"

POINTS = points()
# From here on the gateway has, or will have, the routing of the new release
SWITCHED = POINTS.index("cut over: before in_force")
CONFIRMED = POINTS.index("after cut over")


@pytest.fixture(scope="module")
def shop(gateway: Gateway, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    docker("build", "--quiet", "--tag", "hitless-e2e-tiny:1", str(ROOT / "tiny"))
    directory = tmp_path_factory.mktemp("shop")
    name = f"{GATEWAY}-shop"
    file = directory / "compose.yml"
    file.write_text(COMPOSE.replace("HOST", f"{name}.localhost"))
    cli = Cli(("-p", name, "-f", str(file)), {"HITLESS_GATEWAY": GATEWAY})
    shop = Shop(App(name, f"{name}.localhost", cli, gateway), directory / "record")
    for _ in range(2):  # the third one has a release to forget
        shop.deploy_well()
    yield shop
    cli.run("down", "--volumes", "--drain-timeout", "5", RELEASE="0")


def test_every_point_of_a_deployment_is_in_the_table(shop: Shop) -> None:
    deployment = shop.deploy_well()
    passed = tuple(deployment.moments)
    shop.whole(deployment)
    if IS_WRITING:
        POINTS_FILE.write_text("\n".join(passed) + "\n")
    assert passed == POINTS, f"a deployment has other points than {POINTS_FILE.name}: {HOW_TO_UPDATE}"


# A kill can cut in two what is done by several commands, and it leaves a command that is under way to run on.
# Before a verb nothing differs from after the one before it, so that is a point of its own only where the
# verb is a wait. Looks at the same state that follow each other are one.
KILLS = [
    point
    for point in POINTS
    if re.search(": (while|half of) |: before (in_force|ask|connections|the end of lock)$", point)
]


@pytest.mark.parametrize("at", KILLS)
def test_killed(shop: Shop, at: str) -> None:
    before = shop.settled()
    with shop.load() as load:
        killed = shop.deploy(at=at, do="SIGKILL")
        assert killed.code in EXITS["SIGKILL"], killed.output
        after = shop.seen()
        last = shop.deploy_well()
    outcome = outcome_of(killed, before, after)
    TABLE.add("SIGKILL", at, outcome, load.report())
    assert outcome == (NEW if POINTS.index(at) >= SWITCHED else OLD)
    assert_lossless(load.report())
    shop.whole(last)


STEPS = [point for point in POINTS if point.startswith("before ")]
SIGNALS = [
    *(("SIGINT", at) for at in STEPS),
    ("SIGINT", "start: half of create"),
    ("SIGINT", "start: half of start"),
    ("SIGINT", "start: while start runs docker start"),
    ("SIGINT", "cut over: while deliver runs docker exec"),
    ("SIGINT", "cut over: before in_force"),
    ("SIGINT", "after cut over"),
    ("SIGINT", "retire: half of remove"),
    ("SIGTERM", "start: while create runs docker compose create"),
    ("SIGTERM", "before cut over"),
    ("SIGTERM", "before drain"),
    ("SIGHUP", "before wait until ready"),
    ("SIGHUP", "retire: while remove runs docker stop"),
]


@pytest.mark.parametrize(("signal", "at"), SIGNALS)
def test_interrupted(shop: Shop, signal: str, at: str) -> None:
    before = shop.settled()
    with shop.load() as load:
        interrupted = shop.deploy(at=at, do=signal)
        assert interrupted.code in EXITS["signal"], interrupted.output
        after = shop.seen()
        is_new = after.release == interrupted.release
        # where all is as it was, the next deployment is as any other: the next combination's
        last = shop.deploy_well() if is_new else None
    outcome = NEW if is_new else UNDONE
    TABLE.add(signal, at, outcome, load.report())
    assert outcome == (NEW if POINTS.index(at) >= CONFIRMED else UNDONE)
    if last:
        assert_lossless(load.report())
        shop.whole(last)
    else:
        # clients may have seen the new release for a moment, where its cutover was on its way
        assert load.report().lost_by == {}
        shop.unchanged(before)


@pytest.mark.parametrize("at", ["start: half of start", "wait until ready: before ask", "before cut over"])
def test_interrupted_twice_leaves_the_rest_to_the_next(shop: Shop, at: str) -> None:
    before = shop.settled()
    with shop.load() as load:
        interrupted = shop.deploy(at=at, do=f"SIGINT{TWICE}")
        assert interrupted.code in EXITS["signal"], interrupted.output
        after = shop.seen()
        last = shop.deploy_well()
    outcome = outcome_of(interrupted, before, after)
    TABLE.add(f"SIGINT{TWICE}", at, outcome, load.report())
    assert outcome == OLD
    assert len(after.leftovers["containers"]) > len(before.leftovers["containers"])
    assert_lossless(load.report())
    shop.whole(last)


PHASES = [
    "show the routes to the gateway: before in_force",
    "wait until ready: before ask",
    "cut over: before deliver",
    "cut over: before in_force",
    "before drain",
    "remove the routes: before deliver",
]
UP = "hitless --gateway {gateway} gateway up --http-port {port} --bind 127.0.0.1"
AWAY = {
    "gateway killed": "docker kill {container}; docker start {container}",
    "gateway restarted": "docker restart --time 5 {container}",
    "gateway made anew": f"{UP} --replace",
    "gateway removed": f"docker rm --force {{container}}; {UP}",
}
GATEWAYS = [
    *(("gateway killed", at) for at in PHASES),
    *(("gateway restarted", at) for at in PHASES[1:]),
    ("gateway made anew", "cut over: before deliver"),
    ("gateway made anew", "cut over: before in_force"),
    ("gateway removed", "wait until ready: before ask"),
    ("gateway removed", "before drain"),
]


@pytest.mark.parametrize(("fault", "at"), GATEWAYS)
def test_the_gateway_goes_and_comes_back(shop: Shop, gateway: Gateway, fault: str, at: str) -> None:
    port = gateway.url.rpartition(":")[2]
    do = AWAY[fault].format(gateway=GATEWAY, container=gateway.container, port=port)
    before = shop.settled()
    with shop.load() as load:
        stopped = shop.deploy(at=at, do=do)
        after = shop.seen()
        last = shop.deploy_well()
    report = load.report()
    away = lost_while_away(report, stopped)
    outcome = outcome_of(stopped, before, after)
    TABLE.add(fault, at, outcome, report, away)
    assert stopped.code in EXITS["gateway"], stopped.output
    assert outcome == (NEW if POINTS.index(at) >= SWITCHED else OLD)
    assert report.lost == away, report.lost_by
    shop.whole(last)


BAD = {
    "image missing": ({"IMAGE": "127.0.0.1:1/nothing:1"}, "pull 127.0.0.1:1/nothing:1"),
    "exits at once": ({"BROKEN": "exit"}, "the settings are wrong"),
    "exits at once, restart: always": ({"BROKEN": "exit", "RESTART": "always"}, "the settings are wrong"),
    "out of memory": ({"BROKEN": "memory", "MEMORY": "32m"}, "memory"),
    "never healthy": ({"BROKEN": "never-healthy"}, "/health"),
    "wrong port": ({"PORT": "8001"}, ":8001/health"),
    "healthy, but 500 on its route": ({"BROKEN": "500"}, "broken on purpose"),
    "slower than its deadline": ({"BOOT_SECONDS": "60"}, "/health"),
}
LATE = ("--timeout", "3")
WITHOUT_CONTAINERS = ("image missing", "build fails")


@pytest.mark.parametrize("fault", BAD)
def test_a_bad_release_is_not_noticed(shop: Shop, fault: str) -> None:
    environment, said = BAD[fault]
    refused(shop, fault, said, *LATE, **environment)


def test_a_release_that_cannot_be_built_is_not_noticed(shop: Shop, tmp_path: Path) -> None:
    file = tmp_path / "compose.yml"
    build = 'build: {dockerfile_inline: "FROM hitless-e2e-tiny:1\\nRUN echo no such compiler; exit 7"}'
    text = COMPOSE.replace("HOST", shop.app.host)
    file.write_text(text.replace("image: ${IMAGE:-hitless-e2e-tiny:1}", build))
    refused(shop, "build fails", "no such compiler", file=str(file))


@pytest.mark.parametrize("at", ["after wait until ready", "cut over: before restart"])
def test_a_release_that_dies_before_the_cutover_is_not_noticed(shop: Shop, at: str) -> None:
    kill = f"docker kill {shop.candidate('web-1')}"
    refused(shop, "candidate killed", "ended with exit code 137", at=at, do=kill)


def test_one_bad_replica_of_three_is_not_noticed(shop: Shop) -> None:
    bad = shop.candidate("web-2")
    at = "wait until ready: before ask"
    do = f"docker exec {bad} touch /tmp/never-healthy"
    refused(shop, "one replica of three never healthy", f"{bad} was not ready", *LATE, at=at, do=do, WEBS="3")


def refused(
    shop: Shop,
    fault: str,
    said: str,
    *options: str,
    at: str = "",
    do: str = "",
    file: str = "",
    **environment: str,
) -> None:
    """Deploy what is bad, and see that nobody but its operator notices."""
    before = shop.settled()
    with shop.load() as load:
        refused = shop.deploy(*options, at=at, do=do, file=file, **environment)
    assert refused.code in EXITS["bad release"], refused.output
    TABLE.add(fault, refused.failed_step, UNDONE, load.report())
    assert said in refused.output
    assert fault in WITHOUT_CONTAINERS or "last lines of" in refused.output, refused.output
    assert "next:" in refused.output, refused.output
    assert_lossless(load.report())
    shop.unchanged(before)


def test_after_all_of_it_the_next_deployment_is_as_any_other(shop: Shop) -> None:
    shop.whole(shop.deploy_well())


def test_the_document_says_what_was_measured() -> None:
    if IS_WRITING:
        TABLE.write()
    stale = {row.facts for row in TABLE.rows} - {row.facts for row in documented()}
    assert not stale, f"{DOCUMENT.name} does not say so: {HOW_TO_UPDATE}"
    assert not any(row.lost for row in documented())


def outcome_of(deployment: Deployment, before: Seen, after: Seen) -> str:
    """Which release is live after a deployment that was cut short."""
    assert after.release in (before.release, deployment.release)
    return NEW if after.release == deployment.release else OLD


def assert_lossless(report: Report) -> None:
    assert report.lost_by == {}
    assert report.mixed() == 0, report.summary()
    assert report.ended_by == "asked"
