"""Many deployments, with faults at random; `make soak` has 200 of them."""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from collections.abc import Iterator

import pytest

from hitless.cli.exit_codes import ExitCode
from tests.e2e.conftest import GATEWAY, docker, wait_for
from tests.e2e.matrix import lost_between, points
from tests.e2e.shop import Shop, shop_of_its_own

DEPLOYMENTS = int(os.environ.get("HITLESS_SOAK", "6"))
SEED = int(os.environ.get("HITLESS_SEED", random.randrange(10**6)))
STRETCH = 10  # deployments under one load: its samples are kept in memory
OFTEN = {"deploy": 8, "kill": 5, "interrupt": 2, "bad release": 1, "rollback": 2, "gateway": 1, "abort": 1}


@pytest.fixture(scope="module")
def shop(image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    assert image
    with shop_of_its_own(f"{GATEWAY}-soak", tmp_path_factory) as made:
        yield made


@pytest.mark.long
@pytest.mark.more
def test_whatever_happens_between_and_during_deployments(shop: Shop) -> None:
    chance = random.Random(SEED)
    done: Counter[str] = Counter()
    sent = away = 0
    print(f"HITLESS_SEED={SEED}")
    for first in range(0, DEPLOYMENTS, STRETCH):
        gone: list[tuple[float, float]] = []
        with shop.load() as load:
            for _ in range(first, min(first + STRETCH, DEPLOYMENTS)):
                what = chance.choices(list(OFTEN), list(OFTEN.values()))[0]
                at = chance.choice(points())
                print(what, at if what in ("kill", "interrupt") else "", flush=True)
                gone += happen(what, at, shop)
                done[what] += 1
        report = load.report()
        lost = lost_between(report, *gone)
        assert report.lost == lost, (SEED, report.lost_by)
        assert report.ended_by == "asked"
        sent, away = sent + report.sent, away + lost
    shop.whole(shop.deploy_well())  # and no orphan is left
    print(f"{DEPLOYMENTS} ({dict(done)}), {sent} requests, 0 lost, {away} while the gateway was away")


def happen(what: str, at: str, shop: Shop) -> list[tuple[float, float]]:
    """One deployment, or what may happen between two; the times from and until which the gateway was away."""
    match what:
        case "kill":
            assert shop.deploy("--wait", at=at, do="SIGKILL").code == -9
        case "interrupt":
            ended = shop.deploy("--wait", at=at, do="SIGINT")
            assert ended.code in (ExitCode.INTERRUPTED, 0), ended.output
        case "bad release":
            ended = shop.deploy("--wait", "--timeout", "3", BROKEN="never-healthy")
            assert ended.code == ExitCode.FAILED, ended.output
        case "rollback" | "abort":
            # there may be nothing to go back to, or nothing to undo
            process = shop.app.cli.start(what, "--wait")
            output, _ = process.communicate(timeout=180)
            assert process.returncode in (0, ExitCode.FAILED), output
        case "gateway":
            began = time.monotonic()
            docker("kill", shop.app.gateway.container)
            docker("start", shop.app.gateway.container)
            over = time.monotonic()
            wait_for(lambda: shop.answering() not in ("nobody", "None"))
            return [(began, over)]
        case _:
            shop.deploy_well()
    return []
