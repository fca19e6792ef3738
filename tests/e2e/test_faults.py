"""Faults at every point of a deployment, on a real engine and under load: what is live, and what was lost."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from bench.report import Report
from hitless.cli.exit_codes import ExitCode
from tests.e2e.cable import Cable
from tests.e2e.conftest import GATEWAY, ROOT
from tests.e2e.faulty import TWICE
from tests.e2e.matrix import (
    DOCUMENT,
    HOW_TO_UPDATE,
    IS_WRITING,
    POINTS_FILE,
    Combination,
    Lanes,
    Table,
    documented,
    lanes,
    lost_between,
    points,
    spread,
)
from tests.e2e.shop import COMPOSE, Deployment, Seen, Shop, shop_of_its_own

pytestmark = pytest.mark.more

LANES = 2

# A command's exit code, for each fault
EXITS: dict[str, set[int]] = {
    "kill": {-9},
    "signal": {ExitCode.INTERRUPTED},
    "bad release": {ExitCode.FAILED},
    # the lock goes with the gateway: the command stops, and leaves what it has begun
    "gateway": {ExitCode.UNFINISHED},
    "lock lost": {ExitCode.UNFINISHED},
    # nothing can be undone after that
    "connection": {ExitCode.UNFINISHED},
}

OLD = "old release live"
NEW = "new release live"
UNDONE = "undone, old release live"
BACK = "taken back, old release live"

POINTS = points()
# From here on the routing file is in the gateway: Traefik takes it, whether or not hitless is there to see.
IN_PLACE = "cut-over: after deliver"
TABLE = Table()


def is_from(point: str, first: str) -> bool:
    """Whether a point is this one or comes after it."""
    return POINTS.index(point) >= POINTS.index(first)


def killed(combination: Combination, shop: Shop) -> None:
    """Kill a deployment, and also the one that takes over, if another point is named."""
    before = shop.settled()
    outcomes = []
    with shop.load() as load:
        for at in combination.points:
            deployment = shop.deploy(at=at, do="SIGKILL")
            assert deployment.code in EXITS["kill"], deployment.output
            after = shop.seen()
            assert after.interrupted_at == step_of(at)
            outcomes.append(outcome_of(deployment.release, before, after))
            before = after
        last = shop.deploy_well()
    TABLE.add(combination, outcomes[-1], load.report())
    assert outcomes == [NEW if is_from(at, IN_PLACE) else OLD for at in combination.points]
    assert_lossless(load.report())
    shop.whole(last)


def step_of(point: str) -> str | None:
    """The step at which status must say that a deployment was interrupted; None before and after it."""
    where, _, verb = point.partition(": ")
    if where.startswith("before "):
        # killed before the journal has it
        ended = [at for at in POINTS[: POINTS.index(point)] if at.startswith("after ")]
        where = ended[-1] if ended else "prepare"
    step = re.sub(r"^after | \(\d+\)$", "", where)
    if step == "end" or verb in ("before lock", "after lock"):
        return None
    return "" if step == "prepare" else step


def suspended(combination: Combination, shop: Shop) -> None:
    """A deployer is stopped and loses its lock; another one deploys, and then the first continues."""
    before = shop.settled()
    with shop.load() as load:
        with shop.stopped(combination.at) as first:
            shop.app.cli.run("unlock")
            outcome = outcome_of(first.release, before, shop.seen())
            second = shop.deploy_well()
            live = shop.seen()
        late = first.ended()
        # everything that the second one made is there, and answers
        after = shop.seen()
        last = shop.deploy_well()
    TABLE.add(combination, outcome, load.report())
    assert late.code in EXITS["lock lost"], late.output
    assert f"the lock of {shop.app.name} went away" in late.output, late.output
    assert outcome == (NEW if is_from(combination.at, IN_PLACE) else OLD)
    assert_lossless(load.report())
    assert after.release == second.release
    assert (after.colour, after.routing, after.problems) == (live.colour, live.routing, live.problems)
    for kind, names in live.leftovers.items():
        assert set(names) <= set(after.leftovers[kind])
    shop.whole(last)


def interrupted(combination: Combination, shop: Shop) -> None:
    before = shop.settled()
    is_new = is_from(combination.at, "after cut-over")
    with shop.load() as load:
        deployment, _, outcome = ended_by_signal(combination, shop, before)
        # if everything is as it was, the next deployment is like any other: the next combination's
        last = shop.deploy_well() if is_new else None
    TABLE.add(combination, NEW if is_new else UNDONE, load.report())
    assert outcome == (NEW if is_new else OLD), deployment.output
    if last:
        assert_lossless(load.report())
        shop.whole(last)
    else:
        # clients may have seen the new release for a moment, if its cutover was on its way
        assert load.report().lost_by == {}
        shop.unchanged(before)


def interrupted_twice(combination: Combination, shop: Shop) -> None:
    before = shop.settled()
    with shop.load() as load:
        deployment, after, outcome = ended_by_signal(combination, shop, before)
        last = shop.deploy_well()
    TABLE.add(combination, outcome, load.report())
    assert outcome == OLD, deployment.output
    # the second one ends the undo of the first
    assert len(after.leftovers["containers"]) > len(before.leftovers["containers"])
    assert_lossless(load.report())
    shop.whole(last)


def ended_by_signal(combination: Combination, shop: Shop, before: Seen) -> tuple[Deployment, Seen, str]:
    deployment = shop.deploy(at=combination.at, do=combination.fault)
    assert deployment.code in EXITS["signal"], deployment.output
    after = shop.seen()
    return deployment, after, outcome_of(deployment.release, before, after)


HITLESS = Path(sys.executable).with_name("hitless")
UP = f"{HITLESS} --gateway {{name}} gateway up --http-port {{port}} --bind 127.0.0.1"
GATEWAY_FAULTS = {
    "gateway killed": "docker kill {container}; docker start {container}",
    "gateway restarted": "docker restart --time 5 {container}",
    "gateway removed": f"docker rm --force {{container}}; {UP}",
    **{
        f"routing file {how}, gateway restarted": f"docker exec -u 0 {{container}} sh -c '{script}'; "
        "docker restart --time 5 {container}"
        for how, script in {
            "empty": ": > {file}",
            "cut off": "head -c 999 {file} > {file}.half; mv {file}.half {file}",
            "full of NULs": "head -c 5000 /dev/zero > {file}",
        }.items()
    },
}


def without_its_gateway(combination: Combination, shop: Shop) -> None:
    gateway = shop.app.gateway
    port = gateway.url.rpartition(":")[2]
    do = GATEWAY_FAULTS[combination.fault].format(
        name=gateway.name,
        container=gateway.container,
        port=port,
        file=f"/etc/hitless/routes/{shop.app.name}.yml",
    )
    before = shop.settled()
    with shop.load() as load:
        stopped = shop.deploy(at=combination.at, do=do)
        after = shop.seen()
        last = shop.deploy_well()
    report = load.report()
    away = lost_between(report, (stopped.moments["fault begins"], stopped.moments["fault is over"]))
    outcome = outcome_of(stopped.release, before, after)
    TABLE.add(combination, outcome, report, away=away)
    assert stopped.code in EXITS["gateway"], stopped.output
    # the lock went with the gateway: what was not in place yet is not put there
    assert outcome == (NEW if is_from(combination.at, IN_PLACE) else OLD)
    assert report.lost == away, report.lost_by
    shop.whole(last)


def cut_off(combination: Combination, shop: Shop) -> None:
    """The connection to the Docker host goes away for good, as with a laptop that is closed."""
    before = shop.settled()
    with Cable(shop.record.with_name(f"{shop.release}.sock")) as cable, shop.load() as load:
        stopped = shop.deploy_during(combination.at, cable.cut, DOCKER_HOST=cable.host)
        after = shop.seen()
        last = shop.deploy_well()
    outcome = outcome_of(stopped.release, before, after)
    TABLE.add(combination, outcome, load.report())
    assert stopped.code in EXITS["connection"], stopped.output
    assert "next:" in stopped.output, stopped.output
    assert outcome == (NEW if is_from(combination.at, IN_PLACE) else OLD)
    assert_lossless(load.report())
    shop.whole(last)


BAD = {
    "image missing": ({"IMAGE": "127.0.0.1:1/nothing:1"}, "pull 127.0.0.1:1/nothing:1"),
    "exits at once": ({"BROKEN": "exit"}, "the settings are wrong"),
    "exits at once, restart: always": ({"BROKEN": "exit", "RESTART": "always"}, "the settings are wrong"),
    "out of memory": ({"BROKEN": "memory", "MEMORY": "32m"}, "ran out of memory"),
    "never healthy": ({"BROKEN": "never-healthy"}, "503: never"),
    "wrong port": ({"PORT": "8001"}, "nothing listens on 8001 in "),
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


def dies_live(combination: Combination, shop: Shop) -> None:
    """Its only replica ends when it already has requests; the former release comes back by itself."""
    before = shop.settled()
    bake = "5s" if "bake" in combination.at else "0s"
    with shop.load() as load:
        do = f"docker kill {shop.candidate('web-1')}"
        failed = shop.deploy(at=combination.at, do=do, BAKE=bake)
        over = time.monotonic()
        after = shop.seen()
    report = load.report()
    away = lost_between(report, (failed.moments["fault begins"], over))
    TABLE.add(combination, BACK, report, away=away)
    assert failed.code in EXITS["bad release"], failed.output
    assert "ended with exit code 137" in failed.output
    assert report.lost == away, report.lost_by
    # all as before, except that the routing is two generations later
    assert after == replace(before, routing=after.routing)
    shop.rested(after)


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


KILLS = [Combination("SIGKILL", point, killed) for point in POINTS]
# before it has the lock it is like any other, and at its end everything is done
STOPS = [Combination("SIGSTOP", point, suspended) for point in POINTS[1:-1]]
SIGNALS = [
    *(Combination("SIGINT", point, interrupted) for point in POINTS if point.startswith("before ")),
    Combination("SIGINT", "create: half of create", interrupted),
    Combination("SIGINT", "start: half of start", interrupted),
    Combination("SIGINT", "start: while start runs docker start", interrupted),
    Combination("SIGINT", "cut-over: while deliver runs in the gateway", interrupted),
    Combination("SIGINT", "cut-over: before in_force", interrupted),
    Combination("SIGINT", "after cut-over", interrupted),
    Combination("SIGINT", "retire: half of remove", interrupted),
    Combination("SIGTERM", "create: while create runs docker compose create", interrupted),
    Combination("SIGTERM", "before cut-over", interrupted),
    Combination("SIGTERM", "before drain", interrupted),
    Combination("SIGHUP", "before gate", interrupted),
    Combination("SIGHUP", "retire: while stop runs docker stop", interrupted),
    Combination(f"SIGINT{TWICE}", "start: half of start", interrupted_twice),
    Combination(f"SIGINT{TWICE}", "gate: before ask", interrupted_twice),
    Combination(f"SIGINT{TWICE}", "before cut-over", interrupted_twice),
]
GATEWAYS = [
    *(
        Combination(fault, at, without_its_gateway)
        for fault in ("gateway killed", "gateway restarted")
        for at in (
            "show-routes: before in_force",
            "gate: before ask",
            "cut-over: before deliver",
            "cut-over: before in_force",
            "before drain",
        )
    ),
    Combination("gateway killed", "withdraw-routes: before deliver", without_its_gateway),
    Combination("gateway removed", "cut-over: before deliver", without_its_gateway),
    Combination("gateway removed", "before drain", without_its_gateway),
    *(
        Combination(fault, "gate: before ask", without_its_gateway)
        for fault in GATEWAY_FAULTS
        if fault.startswith("routing file")
    ),
]
CUTS = [
    Combination("connection cut", at, cut_off)
    for at in (
        "start: half of start",
        "gate: before ask",
        "cut-over: before deliver",
        "cut-over: before in_force",
        "drain: before connections",
        "retire: half of remove",
    )
]
BAD_RELEASES = [
    *(Combination(fault, "", bad) for fault in BAD),
    Combination("build fails", "", cannot_be_built),
    Combination("killed after its gate", "after gate", dies_before_the_cutover),
    Combination("killed before its cutover", "before cut-over", dies_before_the_cutover),
    Combination("killed as it goes live", "cut-over: after deliver", dies_live),
    Combination("killed within its bake time", "before bake", dies_live),
    Combination("one replica of three never healthy", "gate: before ask", one_bad_replica),
]


@pytest.fixture(scope="module")
def shops(image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Shop]]:
    """An application on its own gateway for each lane: a gateway's faults concern one application."""
    assert image in COMPOSE
    with ExitStack() as stack:
        made = [
            stack.enter_context(shop_of_its_own(f"{GATEWAY}-{number}", tmp_path_factory))
            for number in range(LANES)
        ]
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


# `make faults` takes each combination by itself and writes the document. The suite takes a part, and has each
# kill of what was live already followed by one of the deployment that takes over. A kill can cut in two what
# several commands do, and leave a command running; else nothing differs between the end of a verb and the
# beginning of the next one, unless that waits for something.
TELLING = [
    point
    for point in POINTS
    if re.search(": (while|half of) |: before (in_force|ask|connections|the end of lock)$", point)
]
EARLY = [point for point in TELLING if not is_from(point, IN_PLACE)]
PAIRS = [
    Combination("SIGKILL", late, killed, again=early)
    for late, early in zip([point for point in TELLING if point not in EARLY], EARLY, strict=False)
]
# one for each way in which a late command could do harm: Compose's by name, one by id, the gateway's, the end
SOME_STOPS = [
    Combination("SIGSTOP", at, suspended)
    for at in (
        "create: while create runs docker compose create",
        "cut-over: while deliver runs in the gateway",
        "retire: while remove runs docker rm",
        "after forget",
    )
]
CHOSEN = (
    [*KILLS, *STOPS, *SIGNALS, *GATEWAYS, *CUTS, *BAD_RELEASES]
    if IS_WRITING
    else [*PAIRS, *SOME_STOPS, *SIGNALS[::2], *GATEWAYS[::3], *CUTS[::2], *BAD_RELEASES]
)

# a bake is no step of a deployment that has none
assert {at for one in CHOSEN for at in one.points} - {"", "before bake"} <= set(POINTS)


@pytest.mark.parametrize("combination", spread(CHOSEN, 6), ids=str)
def test_a_fault_loses_nothing_and_the_next_deployment_puts_all_right(
    under_way: Lanes, combination: Combination
) -> None:
    under_way.result(combination)


def test_the_document_says_what_was_measured() -> None:
    document = DOCUMENT if IS_WRITING else ROOT / "build" / "faults.md"
    TABLE.write(CHOSEN, document)
    assert not any(row.lost for row in documented(document))
    # a fault has the same outcome in every run, and the published page has most of them
    published = {row.case: row.outcome for row in documented(DOCUMENT)}
    found = {row.case: row.outcome for row in TABLE.rows.values() if row.case in published}
    assert found or not TABLE.rows
    assert found == {case: published[case] for case in found}


def outcome_of(release: int, before: Seen, after: Seen) -> str:
    """Which release is live after the deployment of this one was interrupted."""
    assert after.release in (before.release, release)
    return NEW if after.release == release else OLD


def assert_lossless(report: Report) -> None:
    assert report.lost_by == {}
    assert report.mixed() == 0, report.summary()
    assert report.ended_by == "asked"
