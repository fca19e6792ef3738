"""Faults at every point of a deployment, on a real engine and under load: what is live, and what was lost."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.report import Report
from hitless.__main__ import FAILED, INTERRUPTED, UNFINISHED
from tests.e2e.conftest import GATEWAY, Cli, Gateway, App, docker
from tests.e2e.faulty import TWICE
from tests.e2e.matrix import (
    COMPOSE,
    DOCUMENT,
    HOW_TO_UPDATE,
    IS_WRITING,
    POINTS_FILE,
    TABLE,
    Deployment,
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
    passed = tuple(shop.deploy_well().moments)
    if IS_WRITING:
        POINTS_FILE.write_text("\n".join(passed) + "\n")
    assert passed == POINTS, f"a deployment has other points than {POINTS_FILE.name}: {HOW_TO_UPDATE}"


# After a verb is before the next one, and a step's beginning is before its first verb: nothing is done in
# between that a kill could cut in two.
KILLS = [point for point in POINTS if ": " in point and ": after" not in point]


@pytest.mark.parametrize("at", KILLS)
def test_killed(shop: Shop, at: str) -> None:
    before = shop.seen()
    with shop.load() as load:
        killed = shop.deploy(at=at, do="SIGKILL")
        assert killed.code in EXITS["SIGKILL"], killed.output
        after = shop.seen()
        last = shop.deploy_well()
    outcome = NEW if after.release == killed.release else OLD
    TABLE.add("SIGKILL", at, outcome, load.report())
    is_switched = POINTS.index(at) >= SWITCHED
    assert outcome == (NEW if is_switched else OLD)
    assert after.release == (killed.release if is_switched else before.release)
    assert_lossless(load.report())
    shop.assert_whole(last.release)


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
    before = shop.seen()
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
        shop.assert_whole(last.release)
    else:
        assert after == before
        assert load.report().lost_by == {}


@pytest.mark.parametrize("at", ["start: half of start", "wait until ready: before ask", "before cut over"])
def test_interrupted_twice_leaves_the_rest_to_the_next(shop: Shop, at: str) -> None:
    before = shop.seen()
    with shop.load() as load:
        interrupted = shop.deploy(at=at, do=f"SIGINT{TWICE}")
        assert interrupted.code in EXITS["signal"], interrupted.output
        after = shop.seen()
        last = shop.deploy_well()
    TABLE.add(f"SIGINT{TWICE}", at, OLD, load.report())
    assert after.release == before.release
    assert_lossless(load.report())
    shop.assert_whole(last.release)


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
    *((fault, at) for fault in ("gateway killed", "gateway restarted") for at in PHASES),
    *(("gateway made anew", at) for at in PHASES[1:4]),
    ("gateway removed", "wait until ready: before ask"),
    ("gateway removed", "before drain"),
]


@pytest.mark.parametrize(("fault", "at"), GATEWAYS)
def test_the_gateway_goes_and_comes_back(shop: Shop, gateway: Gateway, fault: str, at: str) -> None:
    port = gateway.url.rpartition(":")[2]
    do = AWAY[fault].format(gateway=GATEWAY, container=gateway.container, port=port)
    before = shop.seen()
    with shop.load() as load:
        stopped = shop.deploy(at=at, do=do)
        after = shop.seen()
        last = shop.deploy_well()
    report = load.report()
    away = lost_while_away(report, stopped)
    outcome = NEW if after.release == stopped.release else OLD
    TABLE.add(fault, at, outcome, report, away)
    assert stopped.code in EXITS["gateway"], stopped.output
    assert outcome == (NEW if POINTS.index(at) >= SWITCHED else OLD)
    assert after.release in (before.release, stopped.release)
    assert report.lost == away, report.lost_by
    shop.assert_whole(last.release)


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
WITHOUT_CONTAINERS = ("image missing", "build fails")


@pytest.mark.parametrize("fault", BAD)
def test_a_bad_release_is_not_noticed(shop: Shop, fault: str) -> None:
    environment, said = BAD[fault]
    refused(shop, fault, said, "--timeout", "3", **environment)


def test_a_release_that_cannot_be_built_is_not_noticed(shop: Shop, tmp_path: Path) -> None:
    file = tmp_path / "compose.yml"
    build = 'build: {dockerfile_inline: "FROM hitless-e2e-tiny:1\\nRUN echo no such compiler; exit 7"}'
    text = COMPOSE.replace("HOST", shop.app.host)
    file.write_text(text.replace("image: ${IMAGE:-hitless-e2e-tiny:1}", build))
    refused(shop, "build fails", "no such compiler", file=file)


@pytest.mark.parametrize("at", ["after wait until ready", "before cut over"])
def test_a_release_that_dies_before_the_cutover_is_not_noticed(shop: Shop, at: str) -> None:
    candidate = f"{shop.app.name}-{shop.colour_to_come()}-web-1"
    refused(shop, "candidate killed", "ended with exit code 137", at=at, do=f"docker kill {candidate}")


def test_one_bad_replica_of_three_is_not_noticed(shop: Shop) -> None:
    bad = f"{shop.app.name}-{shop.colour_to_come()}-web-2"
    do = f"docker exec {bad} touch /tmp/never-healthy"
    at = "wait until ready: before ask"
    refused(shop, "one replica of three never healthy", f"{bad} ", "--timeout", "3", at=at, do=do, WEBS="3")


def refused(
    shop: Shop,
    fault: str,
    said: str,
    *options: str,
    at: str = "",
    do: str = "",
    file: Path | None = None,
    **environment: str,
) -> Deployment:
    """Deploy what is bad, and see that nobody but its operator notices."""
    before = shop.seen()
    with shop.load() as load:
        refused = shop.deploy(*options, at=at, do=do, file=file, **environment)
    TABLE.add(fault, at or shop.failed_step(), UNDONE, load.report())
    assert refused.code in EXITS["bad release"], refused.output
    assert said in refused.output
    assert "next:" in refused.output
    assert fault in WITHOUT_CONTAINERS or "last lines of" in refused.output
    assert_lossless(load.report())
    assert shop.seen() == before
    return refused


def test_after_all_of_it_the_next_deployment_is_as_any_other(shop: Shop) -> None:
    shop.assert_whole(shop.deploy_well().release)


def test_the_document_says_what_was_measured() -> None:
    if IS_WRITING:
        TABLE.write()
    stale = {row.facts for row in TABLE.rows} - {row.facts for row in documented()}
    assert not stale, f"{DOCUMENT.name} does not say so: {HOW_TO_UPDATE}"
    assert not any(row.lost for row in documented())


def assert_lossless(report: Report) -> None:
    assert report.lost_by == {}
    assert report.mixed() == 0, report.summary()
    assert report.ended_by == "asked"
