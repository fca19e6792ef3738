"""A gateway of the version before: it keeps serving, takes deployments, and one command takes it over."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from hitless.domain.gateway.image import TRAEFIK_IMAGE
from hitless.domain.gateway.settings import LABEL_SETTINGS
from tests.e2e.conftest import GATEWAY, App, Cli, Gateway, docker, free_port

# as that version hands it to Compose, with another name, port and image
MODEL = Path(__file__).parents[1] / "recorded" / "gateway_before.json"


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    name, port = f"{GATEWAY}-older", free_port()
    text = MODEL.read_text().replace("PROJECT", name).replace("65535", str(port))
    assert LABEL_SETTINGS in text
    model = json.loads(text)
    assert model["services"]["traefik"]["image"] == TRAEFIK_IMAGE
    subprocess.run(
        ("docker", "compose", "--project-name", name, "--file", "-", "up", "--detach", "--wait"),
        input=json.dumps(model),
        text=True,
        check=True,
    )
    cli = Cli((), {"HITLESS_GATEWAY": name})
    yield Gateway(cli, f"http://127.0.0.1:{port}", name)
    cli.run("gateway", "down", "--volumes", "--force")


@pytest.mark.more
@pytest.mark.long
def test_it_is_deployed_to_and_taken_over_with_all_that_it_keeps(
    app: Callable[..., App], gateway: Gateway
) -> None:
    made = app()
    cli = replace(made.cli, environment={**made.cli.environment, "HITLESS_GATEWAY": gateway.name})
    try:
        cli.run("deploy")
        cli.run("deploy", RELEASE="2")
        began = docker("inspect", "--format", "{{.State.StartedAt}}", gateway.container)
        assert "nothing changed" in gateway.cli.run("gateway", "up")

        said = gateway.cli.run("gateway", "up", "--read-timeout", "5m", code=1)
        assert "new connections can't be given to another Traefik in this gateway" in said
        assert "pass --replace" in said
        assert docker("inspect", "--format", "{{.State.StartedAt}}", gateway.container) == began

        gateway.cli.run("gateway", "up", "--replace", "--read-timeout", "5m")
        assert gateway.get(made.host).headers["X-Release"] == "2"
        assert [one["number"] for one in cli.json("status")["releases"]] == [2, 1]
        assert len(cli.json("history")) == 2
        # from now on it is replaced under load
        assert "drain the old Traefik" in gateway.cli.run("gateway", "up", "--read-timeout", "6m")
        # the container was made with these settings, and has others now
        gateway.cli.run("gateway", "up", "--replace", "--read-timeout", "5m")
        assert gateway.cli.json("gateway", "status")["gateway"]["settings"]["read_timeout"] == 300
        cli.run("rollback")
        assert gateway.get(made.host).headers["X-Release"] == "1"
    finally:
        cli.run("down", "--volumes", "--drain-timeout", "1")
