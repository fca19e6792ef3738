"""A host without free address ranges for networks: hitless has its own, and says when they are used up."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator

import pytest

from tests.e2e.conftest import GATEWAY, WEB, App, Cli, docker, free_port

# it takes from everybody on this engine what each test needs, so nothing runs beside it
pytestmark = pytest.mark.more

Make = Callable[..., App]
MOST = 40  # the engine's default pools hold some thirty networks
POOL = "10.250.0.0/20"


@pytest.fixture
def full() -> Iterator[None]:
    """The engine's default pools have no range left."""
    made = []
    try:
        for number in range(MOST):
            name = f"{GATEWAY}-filler-{number}"
            done = subprocess.run(("docker", "network", "create", name), capture_output=True, check=False)
            if done.returncode:
                break
            made.append(name)
        # engines say it in different words
        assert b"address pool" in done.stderr, done.stderr
        yield
    finally:
        if made:
            docker("network", "rm", *made)


@pytest.mark.long
def test_applications_are_deployed_also_if_the_engine_has_no_range_left(app: Make, full: None) -> None:
    with_a_shared_one = WEB + "  store:\n    image: IMAGE\n    x-hitless: {role: shared}\n"
    for text in (WEB, with_a_shared_one):
        web = app(text)
        web.cli.run("deploy")
        web.cli.run("deploy", RELEASE="2")
        assert web.get().headers["X-Release"] == "2"


def test_where_the_gateways_own_pool_is_used_up_plan_says_so_and_a_deployment_leaves_nothing(
    app: Make,
) -> None:
    name = f"{GATEWAY}-pool"
    web = app(WEB)
    cli = Cli(web.cli.options, {**web.cli.environment, "HITLESS_GATEWAY": name})
    up = ("gateway", "up", "--http-port", str(free_port()), "--bind", "127.0.0.1")
    cli.run(*up, "--address-pool", POOL)
    docker("network", "create", "--subnet", POOL, f"{name}-all")
    try:
        said = cli.run("plan", code=1)
        assert f"its pool {POOL} has no addresses left for 2 more networks" in said
        assert "--address-pool" in said
        said = cli.run("deploy", code=1)
        assert f"the pool {POOL} has no addresses left" in said
        assert not any(web.leftovers().values())
        cli.run(*up, "--address-pool", "10.251.0.0/20", "--replace")
        cli.run("deploy")
    finally:
        docker("network", "rm", f"{name}-all")
        cli.run("down")
        cli.run("gateway", "down", "--volumes", "--force")
