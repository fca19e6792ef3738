"""An operator's machine whose Docker command line gives each container the proxy of the company."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.e2e.conftest import GATEWAY, App, Gateway, docker, gateway_of_its_own

Make = Callable[..., App]
PROXY = "http://127.0.0.9:3128"  # nobody is there
PROXIES = dict.fromkeys(("httpProxy", "httpsProxy", "ftpProxy", "allProxy"), PROXY)


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    (tmp_path / "config.json").write_text(json.dumps({"proxies": {"default": PROXIES}}))
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("DOCKER_CONFIG", str(tmp_path))
        with gateway_of_its_own(f"{GATEWAY}-proxy") as made:
            yield made


def test_the_gateway_asks_the_applications_itself(app: Make, gateway: Gateway) -> None:
    made = app()
    cli = replace(made.cli, environment={**made.cli.environment, "HITLESS_GATEWAY": gateway.name})
    try:
        cli.run("deploy")
        assert gateway.get(made.host).status_code == 200
        # what is for the application's own containers is theirs, as with plain docker compose
        assert docker("exec", made.containers()[0], "printenv", "HTTP_PROXY") == PROXY
    finally:
        cli.run("down", "--volumes", "--drain-timeout", "1")
