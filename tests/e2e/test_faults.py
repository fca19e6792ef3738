"""Faults at every point of a deployment, on a real engine and under load: what is live, and what was lost."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from bench.report import Report
from hitless.__main__ import FAILED, INTERRUPTED, UNFINISHED
from tests.e2e.conftest import GATEWAY, App, Cli, docker, gateway_of_its_own
from tests.e2e.faulty import TWICE
from tests.e2e.matrix import (
    HOW_TO_UPDATE,
    IS_WRITING,
    POINTS_FILE,
    Combination,
    Lanes,
    Table,
    documented,
    lanes,
    lost_while_away,
    points,
)
from tests.e2e.shop import COMPOSE, Deployment, Seen, Shop

LANES = 2

# What a command ends with, whatever happens to it
EXITS = {
    "kill": {-9},
    "signal": {INTERRUPTED},
    "bad release": {FAILED},
    # the lock goes with the gateway: the command stops, and leaves what it has begun
    "gateway": {UNFINISHED},
}

OLD = "old release live"
NEW = "new release live"
UNDONE = "undone, old release live"

POINTS = points()
TABLE = Table()


def is_from(point: str, first: str) -> bool:
    """Whether a point is this one or comes after it."""
    return POINTS.index(point) >= POINTS.index(first)


def killed(combination: Combination, shop: Shop) -> None:
    before = shop.settled()
    with shop.load() as load:
        killed = shop.deploy(at=combination.at, do="SIGKILL")
        assert killed.code in EXITS["kill"], killed.output
        after = shop.seen()
        last = shop.deploy_well()
    outcome = outcome_of(killed, before, after)
    TABLE.add(combination, outcome, load.report())
    # the routing file is in the gateway, and Traefik takes it whether or not hitless is there to see it
    assert outcome == (NEW if is_from(combination.at, "cut over: before in_force") else OLD)
    assert_lossless(load.report())
    shop.whole(last)


def interrupted(combination: Combination, shop: Shop) -> None:
    before = shop.settled()
    with shop.load() as load:
        interrupted = shop.deploy(at=combination.at, do=combination.fault)
        assert interrupted.code in EXITS["signal"], interrupted.output
        after = shop.seen()
        is_new = after.release == interrupted.release
        # where all is as it was, the next deployment is as any other: the next combination's
        last = shop.deploy_well() if is_new else None
    outcome = NEW if is_new else UNDONE
    TABLE.add(combination, outcome, load.report())
    assert outcome == (NEW if is_from(combination.at, "after cut over") else UNDONE)
    if last:
        assert_lossless(load.report())
        shop.whole(last)
    else:
        # clients may have seen the new release for a moment, where its cutover was on its way
        assert load.report().lost_by == {}
        shop.unchanged(before)


def interrupted_twice(combination: Combination, shop: Shop) -> None:
    before = shop.settled()
    with shop.load() as load:
        interrupted = shop.deploy(at=combination.at, do=combination.fault)
        assert interrupted.code in EXITS["signal"], interrupted.output
        after = shop.seen()
        last = shop.deploy_well()
    outcome = outcome_of(interrupted, before, after)
    TABLE.add(combination, outcome, load.report())
    assert outcome == OLD
    # the second one ends the undo of the first
    assert len(after.leftovers["containers"]) > len(before.leftovers["containers"])
    assert_lossless(load.report())
    shop.whole(last)


UP = "hitless --gateway {name} gateway up --http-port {port} --bind 127.0.0.1"
GATEWAY_FAULTS = {
    "gateway killed": "docker kill {container}; docker start {container}",
    "gateway restarted": "docker restart --time 5 {container}",
    "gateway made anew": f"{UP} --replace",
    "gateway removed": f"docker rm --force {{container}}; {UP}",
}


def without_its_gateway(combination: Combination, shop: Shop) -> None:
    gateway = shop.app.gateway
    port = gateway.url.rpartition(":")[2]
    do = GATEWAY_FAULTS[combination.fault].format(name=gateway.name, container=gateway.container, port=port)
    before = shop.settled()
    with shop.load() as load:
        stopped = shop.deploy(at=combination.at, do=do)
        after = shop.seen()
        last = shop.deploy_well()
    report = load.report()
    away = lost_while_away(report, stopped)
    outcome = outcome_of(stopped, before, after)
    TABLE.add(combination, outcome, report, away=away)
    assert stopped.code in EXITS["gateway"], stopped.output
    # a step that has begun goes on when the gateway is back
    assert outcome == (NEW if is_from(combination.at, "cut over: before restart") else OLD)
    assert report.lost == away, report.lost_by
    shop.whole(last)


BAD = {
    "image missing": ({"IMAGE": "127.0.0.1:1/nothing:1"}, "pull 127.0.0.1:1/nothing:1"),
    "exits at once": ({"BROKEN": "exit"}, "the settings are wrong"),
    "exits at once, restart: always": ({"BROKEN": "exit", "RESTART": "always"}, "the settings are wrong"),
    "out of memory": ({"BROKEN": "memory", "MEMORY": "32m"}, "ran out of memory"),
    "never healthy": ({"BROKEN": "never-healthy"}, "503: never"),
    "wrong port": ({"PORT": "8001"}, ":8001/health"),
    "healthy, but 500 on its route": ({"BROKEN": "500"}, "broken on purpose"),
    "slower than its deadline": ({"BOOT_SECONDS": "60"}, "was not ready within 3 s"),
}
LATE = ("--timeout", "3")
WITHOUT_CONTAINERS = ("image missing", "build fails")
BUILD = 'build: {dockerfile_inline: "FROM hitless-e2e-tiny:1\\nRUN echo no such compiler; exit 7"}'


def bad(combination: Combination, shop: Shop) -> None:
    environment, said = BAD[combination.fault]
    refused(combination, shop, said, *LATE, **environment)


def cannot_be_built(combination: Combination, shop: Shop) -> None:
    file = shop.record.with_name("build.yml")
    text = COMPOSE.replace("HOST", shop.app.host).replace("image: ${IMAGE:-hitless-e2e-tiny:1}", BUILD)
    file.write_text(text)
    refused(combination, shop, "no such compiler", file=str(file))


def dies_before_the_cutover(combination: Combination, shop: Shop) -> None:
    kill = f"docker kill {shop.candidate('web-1')}"
    refused(combination, shop, "ended with exit code 137", at=combination.at, do=kill)


def one_bad_replica(combination: Combination, shop: Shop) -> None:
    bad = shop.candidate("web-2")
    do = f"docker exec {bad} touch /tmp/never-healthy"
    refused(combination, shop, f"{bad} was not ready", *LATE, at=combination.at, do=do, WEBS="3")


def refused(
    combination: Combination, shop: Shop, said: str, *options: str, at: str = "", do: str = "", **more: str
) -> None:
    """Deploy what is bad, and see that nobody but its operator notices."""
    before = shop.settled()
    with shop.load() as load:
        refused = shop.deploy(*options, at=at, do=do, **more)
    assert refused.code in EXITS["bad release"], refused.output
    TABLE.add(combination, UNDONE, load.report(), at=refused.failed_step)
    assert_lossless(load.report())
    shop.unchanged(before)
    assert said in refused.output, refused.output
    assert combination.fault in WITHOUT_CONTAINERS or "last lines of" in refused.output, refused.output
    assert "next:" in refused.output, refused.output


# A kill can cut in two what is done by several commands, and it leaves a command that is under way to run on.
# Before a verb nothing differs from after the one before it, so that is a point of its own only where the
# verb is a wait. Looks at the same state that follow each other are one.
KILLS = [
    Combination("SIGKILL", point, killed)
    for point in POINTS
    if re.search(": (while|half of) |: before (in_force|ask|connections|the end of lock)$", point)
]
SIGNALS = [
    *(Combination("SIGINT", point, interrupted) for point in POINTS if point.startswith("before ")),
    Combination("SIGINT", "start: half of create", interrupted),
    Combination("SIGINT", "start: half of start", interrupted),
    Combination("SIGINT", "start: while start runs docker start", interrupted),
    Combination("SIGINT", "cut over: while deliver runs docker exec", interrupted),
    Combination("SIGINT", "cut over: before in_force", interrupted),
    Combination("SIGINT", "after cut over", interrupted),
    Combination("SIGINT", "retire: half of remove", interrupted),
    Combination("SIGTERM", "start: while create runs docker compose create", interrupted),
    Combination("SIGTERM", "before cut over", interrupted),
    Combination("SIGTERM", "before drain", interrupted),
    Combination("SIGHUP", "before wait until ready", interrupted),
    Combination("SIGHUP", "retire: while remove runs docker stop", interrupted),
    Combination(f"SIGINT{TWICE}", "start: half of start", interrupted_twice),
    Combination(f"SIGINT{TWICE}", "wait until ready: before ask", interrupted_twice),
    Combination(f"SIGINT{TWICE}", "before cut over", interrupted_twice),
]
GATEWAYS = [
    *(
        Combination(fault, at, without_its_gateway)
        for fault in ("gateway killed", "gateway restarted")
        for at in (
            "show the routes to the gateway: before in_force",
            "wait until ready: before ask",
            "cut over: before deliver",
            "cut over: before in_force",
            "before drain",
        )
    ),
    Combination("gateway killed", "remove the routes: before deliver", without_its_gateway),
    Combination("gateway made anew", "wait until ready: before ask", without_its_gateway),
    Combination("gateway made anew", "cut over: before in_force", without_its_gateway),
    Combination("gateway removed", "cut over: before deliver", without_its_gateway),
    Combination("gateway removed", "before drain", without_its_gateway),
]
BAD_RELEASES = [
    *(Combination(fault, "", bad) for fault in BAD),
    Combination("build fails", "", cannot_be_built),
    Combination("killed after its gate", "after wait until ready", dies_before_the_cutover),
    Combination("killed at the last moment", "cut over: before restart", dies_before_the_cutover),
    Combination("one replica of three never healthy", "wait until ready: before ask", one_bad_replica),
]


@pytest.fixture(scope="module")
def shops(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Shop]]:
    """An application on a gateway of its own for each lane: a gateway's faults are for one application."""
    docker("build", "--quiet", "--tag", "hitless-e2e-tiny:1", str(Path(__file__).with_name("tiny")))
    with ExitStack() as stack:
        made = []
        for number in range(LANES):
            name = f"{GATEWAY}-{number}"
            app = f"{name}-shop"
            gateway = stack.enter_context(gateway_of_its_own(name))
            directory = tmp_path_factory.mktemp(name)
            file = directory / "compose.yml"
            file.write_text(COMPOSE.replace("HOST", f"{app}.localhost"))
            cli = Cli(("-p", app, "-f", str(file)), {"HITLESS_GATEWAY": name})
            made.append(Shop(App(app, f"{app}.localhost", cli, gateway), directory / "record"))
            for _ in range(2):  # the third one has a release to forget
                made[-1].deploy_well()
        yield made


def test_every_point_of_a_deployment_is_in_the_table(shops: list[Shop]) -> None:
    deployment = shops[0].deploy_well()
    passed = tuple(deployment.moments)
    if IS_WRITING:
        POINTS_FILE.write_text("\n".join(passed) + "\n")
    assert passed == POINTS, f"a deployment has other points than {POINTS_FILE.name}: {HOW_TO_UPDATE}"


@pytest.fixture(scope="module")
def under_way(request: pytest.FixtureRequest, shops: list[Shop]) -> Iterator[Lanes]:
    """Every combination that this session was asked for; a test waits for its own."""
    calls = [getattr(item, "callspec", None) for item in request.session.items]
    found = [call.params.get("combination") for call in calls if call]
    with lanes(shops, [one for one in found if isinstance(one, Combination)]) as begun:
        yield begun


# The suite takes a sample; `make faults` takes all, a quarter of an hour of them, and writes the document.
CHOSEN = [*KILLS, *SIGNALS, *GATEWAYS, *BAD_RELEASES] if IS_WRITING else KILLS[::5]


@pytest.mark.parametrize("combination", CHOSEN, ids=str)
def test_a_fault_loses_nothing_and_the_next_deployment_puts_all_right(
    under_way: Lanes, combination: Combination
) -> None:
    under_way.result(combination)


if IS_WRITING:

    def test_the_document_says_what_was_measured() -> None:
        TABLE.write(CHOSEN)
        assert {row.facts for row in TABLE.rows.values()} == {row.facts for row in documented()}
        assert not any(row.lost for row in documented())


def outcome_of(deployment: Deployment, before: Seen, after: Seen) -> str:
    """Which release is live after a deployment that was cut short."""
    assert after.release in (before.release, deployment.release)
    return NEW if after.release == deployment.release else OLD


def assert_lossless(report: Report) -> None:
    assert report.lost_by == {}
    assert report.mixed() == 0, report.summary()
    assert report.ended_by == "asked"
