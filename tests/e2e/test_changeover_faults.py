"""Faults at every point at which requests wait: who waits is answered, and two copies never run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from bench.load import Load
from hitless.adapters.gateway.programs import gateway_image
from hitless.cli.exit_codes import ExitCode
from hitless.domain.gateway.image import TRAEFIK_IMAGE
from hitless.execution import observe
from tests.e2e.conftest import GATEWAY, ROOT, docker
from tests.e2e.matrix import (
    DOCUMENT,
    HOW_TO_UPDATE,
    IS_WRITING,
    Combination,
    Lanes,
    Table,
    documented,
    lanes,
    lost_between,
    points,
    spread,
)
from tests.e2e.second_engine import SecondEngine
from tests.e2e.shop import RATE, Shop, made_on_its_own
from tests.e2e.test_changeover import COMPOSE, IMAGE, MIX, data, rows, writers

pytestmark = pytest.mark.more

POINTS_FILE = Path(__file__).with_name("changeover_points.txt")
POINTS = points(POINTS_FILE)
# Traefik takes a routing file whether or not hitless is there to see
HELD = "let-wait: after deliver"
IN_PLACE = "cut-over: after deliver"
# of the points of every deployment test_faults.py has the table
BETWEEN = POINTS[POINTS.index("before let-wait") : POINTS.index("before promote")]
OLD = "old release live"
NEW = "new release live"
WAITING = "requests wait"
UNDONE = "undone, old release live"
FINISHES = ("deploy", "resume", "abort")
TABLE = Table()


class Alone(Shop):
    """A service on SQLite that must not run twice."""

    def load(self) -> Load:
        # as long as the application lets them wait: the next command may take over first, and then deploy
        return self.app.load(mix=MIX, rate=RATE, patience=60.0)

    def live(self) -> tuple[int, bool]:
        """The live RELEASE and whether requests wait for it, when nothing is under way."""
        self.at_rest()
        world = observe.world(self._ports, self.app.name)
        routing = world.routings[self.app.name]
        assert routing.live
        number = routing.colours[routing.live].release
        [name] = [one.name for one in world.of(routing.live) if one.release == number]
        said = docker("inspect", name, "--format", "{{range .Config.Env}}{{println .}}{{end}}")
        [release] = [line.partition("=")[2] for line in said.splitlines() if line.startswith("RELEASE=")]
        return int(release), routing.waiting is not None

    def outcome(self, before: int, new: int) -> str:
        """What is live after the deployment of a release was interrupted, or that requests wait."""
        live, is_waiting = self.live()
        assert live in (before, new)
        return WAITING if is_waiting else OLD if live == before else NEW

    def answers(self, release: int) -> None:
        """Check that this release answers, and that nothing else is there."""
        assert self.live() == (release, False)
        assert self.answering() == str(release)
        assert len(self.app.containers()) == 1
        assert "TWO" not in data(self.app)


@contextmanager
def clients(shop: Alone, may_be_refused: bool = False) -> Iterator[Load]:
    """Load, and clients that add rows. At the end each was answered, and what was answered for is there."""
    had = len(rows(shop.app))
    with writers(shop.app, 2) as them, shop.load() as load:
        yield load
    answered = {key for one in them for key in one.answered}
    found = rows(shop.app)[had:]
    assert answered <= {*found}
    if not may_be_refused:
        assert [one.refused for one in them] == [[]] * len(them)
        assert (len(found), {*found}) == (len(answered), answered)
        report = load.report()
        assert (report.lost_by, report.ended_by) == ({}, "asked")


def expected(at: str) -> str:
    """What is live if hitless ends at this point."""
    if POINTS.index(at) >= POINTS.index(IN_PLACE):
        return NEW
    return WAITING if POINTS.index(at) >= POINTS.index(HELD) else OLD


def killed(combination: Combination, shop: Alone) -> None:
    before, _ = shop.live()
    finish = combination.fault.rpartition(" ")[2]
    with clients(shop) as load:
        stopped = shop.deploy(at=combination.at, do="SIGKILL")
        assert stopped.code == -9, stopped.output
        outcome = shop.outcome(before, stopped.release)
        last = {"resume": stopped.release, "abort": before}.get(finish)
        if last is None:
            last = shop.deploy_well().release
        else:
            print(shop.app.cli.run(finish))
    TABLE.add(combination, outcome, load.report())
    assert outcome == expected(combination.at)
    shop.answers(last)


def interrupted(combination: Combination, shop: Alone) -> None:
    before, _ = shop.live()
    with clients(shop) as load:
        stopped = shop.deploy(at=combination.at, do=combination.fault)
        assert stopped.code == ExitCode.INTERRUPTED, stopped.output
    TABLE.add(combination, UNDONE, load.report())
    shop.answers(before)


def suspended(combination: Combination, shop: Alone) -> None:
    """A deployer is stopped and loses its lock; another one deploys, and then the first continues."""
    before, _ = shop.live()
    with clients(shop) as load:
        with shop.stopped(combination.at) as first:
            shop.app.cli.run("unlock")
            outcome = shop.outcome(before, first.release)
            second = shop.deploy_well()
            there = shop.app.leftovers()
        late = first.ended()
    TABLE.add(combination, outcome, load.report())
    assert late.code == ExitCode.UNFINISHED, late.output
    assert f"the lock of {shop.app.name} went away" in late.output, late.output
    assert outcome == expected(combination.at)
    assert shop.app.leftovers() == there
    shop.answers(second.release)


def without_its_gateway(combination: Combination, shop: Alone) -> None:
    before, _ = shop.live()
    with clients(shop, may_be_refused=True) as load:
        container = shop.app.gateway.container
        stopped = shop.deploy(at=combination.at, do=f"docker kill {container}; docker start {container}")
        outcome = shop.outcome(before, stopped.release)
        last = shop.deploy_well()
    report = load.report()
    away = lost_between(report, (stopped.moments["fault begins"], stopped.moments["fault is over"]))
    TABLE.add(combination, outcome, report, away=away)
    # the command had the old one answer again
    assert (stopped.code, outcome) == (ExitCode.FAILED, OLD), stopped.output
    assert "the gateway was restarted while requests waited" in stopped.output
    assert report.lost == away, report.lost_by
    shop.answers(last.release)


KILLS = [
    Combination(f"SIGKILL, then {FINISHES[number % len(FINISHES)]}", at, killed)
    for number, at in enumerate(BETWEEN)
]
STOPS = [Combination("SIGSTOP", at, suspended) for at in BETWEEN]
SIGNALS = [
    Combination("SIGINT", at, interrupted)
    for at in BETWEEN
    if at.startswith("before ") and POINTS.index(at) < POINTS.index(IN_PLACE)
]
GATEWAYS = [
    Combination("gateway killed", at, without_its_gateway)
    for at in ("after let-wait", "after stop-exclusive", "hand-over: after start")
]
# one for each of: nobody answers any more, the old one stops, two could run, the new one answers
SOME = (
    *("let-wait: before in_force", "stop-exclusive: while stop runs docker stop"),
    *("hand-over: while start runs docker start", "before answer"),
)
CHOSEN = (
    [*KILLS, *STOPS, *SIGNALS, *GATEWAYS]
    if IS_WRITING
    else [one for one in (*KILLS, *STOPS) if one.at in SOME] + SIGNALS[2:3]
)


@pytest.fixture(scope="module")
def built(image: str) -> str:
    docker("build", "--quiet", "--tag", IMAGE, str(Path(__file__).with_name("alone")))
    return IMAGE


@pytest.fixture(scope="module")
def shops(built: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Alone]]:
    with ExitStack() as stack:
        made = [made_on_its_own(Alone, COMPOSE, f"{GATEWAY}-a{n}", tmp_path_factory) for n in range(2)]
        yield [stack.enter_context(one) for one in made]


def test_every_point_of_a_changeover_is_in_the_table(shops: list[Alone]) -> None:
    passed = tuple(shops[0].deploy_well().moments)
    if IS_WRITING:
        POINTS_FILE.write_text("\n".join(passed) + "\n")
    assert passed == POINTS, f"a changeover has other points than {POINTS_FILE.name}: {HOW_TO_UPDATE}"
    assert {one.at for one in CHOSEN} <= set(POINTS)


@pytest.fixture(scope="module")
def under_way(request: pytest.FixtureRequest, shops: list[Alone]) -> Iterator[Lanes]:
    calls = [getattr(item, "callspec", None) for item in request.session.items]
    found = [call.params.get("combination") for call in calls if call]
    chosen = [one for one in found if isinstance(one, Combination) and one in CHOSEN]
    with lanes(shops, chosen) as begun:
        yield begun


@pytest.mark.parametrize("combination", spread(CHOSEN, 5), ids=str)
def test_who_waits_is_answered_by_whoever_can(under_way: Lanes, combination: Combination) -> None:
    under_way.result(combination)


def test_the_document_says_what_was_measured() -> None:
    document = DOCUMENT if IS_WRITING else ROOT / "build" / "faults.md"
    TABLE.write(CHOSEN, document, is_of_waits=True)
    assert not any(row.lost for row in documented(document, is_of_waits=True))
    published = {row.case: row.outcome for row in documented(DOCUMENT, is_of_waits=True)}
    found = {row.case: row.outcome for row in TABLE.rows.values() if row.case in published}
    assert found or not TABLE.rows
    assert found == {case: published[case] for case in found}


def power_cut(engine: SecondEngine) -> None:
    engine.cut_the_current()
    engine.start()


@pytest.mark.long
@pytest.mark.parametrize("end", [SecondEngine.restart, power_cut])
@pytest.mark.parametrize("at", ["after stop-exclusive", "hand-over: after start"])
def test_the_engine_restarts_while_requests_wait(
    built: str, tmp_path_factory: pytest.TempPathFactory, at: str, end: Callable[[SecondEngine], None]
) -> None:
    name = "hitless-alone"
    # the socket's path must be short
    with SecondEngine(Path(f"/tmp/{name}")).running() as engine, pytest.MonkeyPatch.context() as patch:
        engine.load(TRAEFIK_IMAGE, gateway_image(), IMAGE)
        patch.setenv("DOCKER_HOST", engine.host)
        with engine.entered(), made_on_its_own(Alone, COMPOSE, name, tmp_path_factory) as shop:
            with writers(shop.app, 2) as them:
                stopped = shop.deploy_during(at, lambda: end(engine))
                last = shop.deploy_well()
            print(stopped.output)
            assert stopped.code in (ExitCode.FAILED, ExitCode.UNFINISHED), stopped.output
            shop.answers(last.release)
            answered = {key for one in them for key in one.answered}
            assert answered
            assert answered <= {*rows(shop.app)}
