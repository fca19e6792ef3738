"""A restart or the removal of the gateway, while a command works on an application behind it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from tests.e2e.conftest import GATEWAY, App, Gateway, docker, free_port, gateway_of_its_own, wait_for

Make = Callable[..., App]


@pytest.fixture(scope="module")
def gateway() -> Iterator[Gateway]:
    with gateway_of_its_own(f"{GATEWAY}-restart") as made:
        yield made


def test_the_gateway_is_not_restarted_or_removed_during_a_deployment(app: Make, gateway: Gateway) -> None:
    made = app()
    cli = replace(made.cli, environment={**made.cli.environment, "HITLESS_GATEWAY": gateway.name})
    cli.run("deploy")
    deployment = cli.start("deploy", BOOT_SECONDS="600")
    try:
        wait_for(lambda: len(made.containers()) > 1)
        began = docker("inspect", "--format", "{{.State.StartedAt}}", gateway.container)

        for verb in (("up", "--replace"), ("down",)):
            said = cli.run("gateway", *verb, code=5)
            assert f"another command works on {made.name}: " in said
            assert f"process {deployment.pid}, for " in said

        assert docker("inspect", "--format", "{{.State.StartedAt}}", gateway.container) == began
        assert deployment.poll() is None
        patient = cli.start("gateway", "up", "--replace", "--wait")
        assert patient.stdout
        assert patient.stdout.readline().startswith("waiting for ")
        deployment.terminate()
        assert deployment.wait(60) == 130
        said, _ = patient.communicate(timeout=60)
        assert patient.returncode == 0, said
        assert gateway.get(made.host).status_code == 200
    finally:
        deployment.kill()
        cli.run("down", "--volumes", "--drain-timeout", "1")


def test_the_gateway_is_not_restarted_for_a_port_that_another_has(gateway: Gateway, image: str) -> None:
    port = free_port()
    holder = docker("run", "--detach", "--rm", "--publish", f"127.0.0.1:{port}:8000", image)
    began = docker("inspect", "--format", "{{.State.StartedAt}}", gateway.container)
    try:
        said = gateway.cli.run(
            "gateway",
            "up",
            "--publish",
            f"127.0.0.1:{port}",
            "--replace",
            code=1,
            HITLESS_GATEWAY=gateway.name,
        )
    finally:
        docker("rm", "--force", holder)
    assert f"port {port} is taken by the container " in said
    assert docker("inspect", "--format", "{{.State.StartedAt}}", gateway.container) == began
