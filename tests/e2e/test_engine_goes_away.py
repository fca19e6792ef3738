"""The engine itself goes and comes back: what was live serves again, and nothing else does."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from hitless.adapters.gateway.programs import gateway_image
from hitless.cli.exit_codes import ExitCode
from hitless.domain.common.names import Colour
from hitless.domain.gateway.image import TRAEFIK_IMAGE
from tests.e2e.conftest import wait_for
from tests.e2e.matrix import lost_between
from tests.e2e.second_engine import SecondEngine
from tests.e2e.shop import Shop, shop_of_its_own

pytestmark = pytest.mark.more

NAME = "hitless-engine"
RESTARTS = int(os.environ.get("HITLESS_RESTARTS", "1"))  # `make replacements` has 20

Happening = Callable[[SecondEngine], None]


@pytest.fixture(scope="module")
def engine(image: str) -> Iterator[SecondEngine]:
    # the socket's path must be short
    with SecondEngine(Path("/tmp/hitless-engine")).running() as engine:
        engine.load(TRAEFIK_IMAGE, gateway_image(), image)
        yield engine


@pytest.fixture(scope="module")
def shop(engine: SecondEngine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """An application that comes back with its engine, seen from inside the engine's network."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DOCKER_HOST", engine.host)
        with engine.entered(), shop_of_its_own(NAME, tmp_path_factory, RESTART="always") as shop:
            yield shop


def running(engine: SecondEngine) -> set[str]:
    label = "label=hitless.application"
    found = engine.docker("ps", "--filter", label, "--format", '{{.Label "hitless.colour"}}')
    return set(found.split())


def test_after_a_reboot_what_was_live_answers_again_by_itself(engine: SecondEngine, shop: Shop) -> None:
    before = shop.settled()
    engine.stop()
    said = shop.app.cli.run("status", code=1)
    assert "Docker engine running" in said
    engine.start()
    shop.unchanged(before)
    assert running(engine) == {before.colour}


def crash(engine: SecondEngine) -> None:
    engine.kill()
    engine.start()


def kill_the_gateway(engine: SecondEngine) -> None:
    engine.docker("kill", f"{NAME}-traefik-1")
    engine.docker("start", f"{NAME}-traefik-1")


@pytest.mark.parametrize(
    "end",
    [
        pytest.param(SecondEngine.restart, marks=pytest.mark.long),
        pytest.param(crash, marks=pytest.mark.long),
        kill_the_gateway,
    ],
)
def test_a_traefik_that_replaced_another_comes_back_by_itself(
    engine: SecondEngine, shop: Shop, end: Happening
) -> None:
    before = shop.settled()
    gateway = shop.app.gateway.cli
    for turn in range(RESTARTS):
        for seconds in (600 + turn, 1600 + turn):
            gateway.run("gateway", "up", "--read-timeout", f"{seconds}s", "--wait")
        end(engine)
        shop.unchanged(before)
        assert gateway.json("gateway", "status")["gateway"]["settings"]["read_timeout"] == seconds


@pytest.mark.parametrize(
    ("at", "happening", "is_new", "is_alone"),
    [
        pytest.param("gate: before ask", crash, False, True, marks=pytest.mark.long),
        # the one that has just been replaced must still come back, if it is needed
        ("cut-over: before in_force", SecondEngine.restart, True, False),
        pytest.param("drain: before connections", crash, True, True, marks=pytest.mark.long),
    ],
)
def test_the_engine_goes_away_in_the_middle(
    engine: SecondEngine, shop: Shop, at: str, happening: Happening, is_new: bool, is_alone: bool
) -> None:
    before = shop.settled()
    with shop.load() as load:
        began = time.monotonic()
        stopped = shop.deploy_during(at, lambda: happening(engine))
        assert stopped.code == ExitCode.UNFINISHED, stopped.output
        wait_for(lambda: shop.answering() not in ("nobody", "None"), 60)
        after = shop.seen()
        back = time.monotonic()
        # whichever is live has come back with the engine, and no candidate
        assert running(engine) == ({after.colour} if is_alone else set(Colour))
        assert after.release == (stopped.release if is_new else before.release)
        last = shop.deploy_well()
    shop.whole(last)
    report = load.report()
    assert report.lost == lost_between(report, (began, back))


def test_a_full_disk_in_the_middle_is_undone_without_any_room(engine: SecondEngine, shop: Shop) -> None:
    before = shop.settled()
    with shop.load() as load, engine.full_disk() as fill:
        refused = shop.deploy_during("cut-over: before deliver", fill)
    assert refused.code == ExitCode.FAILED, refused.output
    assert "no space left on device" in refused.output.lower()
    assert "docker system df" in refused.output
    assert load.report().lost_by == {}
    # the former routing and the journal's last line could not be written; both can wait for the next command
    after = shop.seen()
    assert replace(after, routing=before.routing, interrupted_at=None) == before
    shop.whole(shop.deploy_well())


def test_on_a_full_disk_nothing_is_begun(engine: SecondEngine, shop: Shop) -> None:
    before = shop.settled()
    with engine.full_disk() as fill:
        fill()
        refused = shop.deploy()
    assert refused.code == ExitCode.FAILED, refused.output
    assert "MB are left on Docker's disk" in refused.output
    shop.unchanged(before)
