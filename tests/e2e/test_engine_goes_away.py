"""The engine itself goes and comes back: what was live serves again, and nothing else does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import WEB, App, Cli, Gateway, wait_for
from tests.e2e.second_engine import SecondEngine
from tests.e2e.test_deploy import answers

NAME = "hitless-engine"
PORT = 18080  # in a network of its own nobody else has it


@pytest.fixture(scope="module")
def engine() -> Iterator[SecondEngine]:
    # the socket's path must be short
    with SecondEngine(Path("/tmp/hitless-engine")).running() as engine:
        engine.load("traefik:v3.7", "hitless-e2e-tiny:1")
        yield engine


@pytest.fixture(scope="module")
def shop(engine: SecondEngine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """An application whose second release is live, seen from inside the engine's network."""
    file = tmp_path_factory.mktemp(NAME) / "compose.yml"
    file.write_text(WEB.replace("IMAGE", "hitless-e2e-tiny:1").replace("HOST", "shop.localhost"))
    environment = {"HITLESS_GATEWAY": NAME, "DOCKER_HOST": engine.host, "RELEASE": "0"}
    gateway = Gateway(Cli((), environment), f"http://127.0.0.1:{PORT}")
    with engine.entered():
        gateway.cli.run("gateway", "up", "--http-port", str(PORT), "--bind", "127.0.0.1")
        shop = App("shop", "shop.localhost", Cli(("-p", "shop", "-f", str(file)), environment), gateway)
        for release in ("1", "2"):
            shop.cli.run("deploy", RELEASE=release)
        yield shop


def running(engine: SecondEngine) -> set[str]:
    label = "label=hitless.application=shop"
    found = engine.docker("ps", "--filter", label, "--format", '{{.Label "hitless.colour"}}')
    return set(found.split())


def test_after_a_reboot_what_was_live_answers_again_by_itself(engine: SecondEngine, shop: App) -> None:
    release = shop.get().headers["X-Release"]
    live = shop.cli.json("status")["live"]["colour"]
    engine.stop()
    said = shop.cli.run("status", code=1)
    assert "Docker engine running" in said
    engine.start()
    wait_for(lambda: answers(shop), 60)
    assert shop.get().headers["X-Release"] == release
    assert running(engine) == {live}
    assert shop.cli.json("status")["problems"] == []
