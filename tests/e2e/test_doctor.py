"""`hitless doctor` and `prune` on a real engine: one host with what is well, and what is not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import GATEWAY, App, Gateway, docker

# what nobody needs may be another test's
pytestmark = pytest.mark.more

Make = Callable[..., App]


def test_a_host_is_looked_at_and_what_nobody_needs_goes(
    app: Make, gateway: Gateway, image: str, tmp_path: Path
) -> None:
    web = app()
    web.cli.run("deploy")
    gone, theirs = f"hitless:{web.name}-gone.r1.web", f"hitless:{web.name}-theirs"
    network, plain = f"{web.name}-gone_default", f"{web.name}-plain"
    docker("tag", image, gone)
    docker("tag", image, f"hitless:{web.name}.r77.web")
    docker("tag", image, theirs)
    labels = {"hitless.application": f"{web.name}-gone", "com.docker.compose.project": f"{web.name}-gone"}
    docker("network", "create", *(f"--label={key}={value}" for key, value in labels.items()), network)
    docker("network", "create", f"--label=hitless.application=\x1b[2J{web.name}", plain)
    try:
        found = by_check(web.cli.json("doctor"))
        # another test may have restarted the gateway, which is a warning after this
        well = (*found["engine"], *found["compose"], found["gateway"][0])
        assert [one["level"] for one in well] == ["ok"] * 3
        assert f"Traefik {traefik(gateway)}" in found["gateway"][0]["message"]
        assert found["ports"][0]["message"] == f"the gateway has {gateway.url.removeprefix('http://')}"
        assert f"{web.name} is live: blue, release 1" in [one["message"] for one in found["applications"]]
        assert found["file"][0]["message"].startswith(f"the Compose file here is that of {web.name}")
        assert [one["check"] for one in found["dns"]] != []
        assert found["leftovers"][0]["remedy"] == "hitless prune"

        document = web.cli.json("prune")
        doomed = {one["name"] for one in document["leftovers"] if web.name in one["name"]}
        assert doomed == {gone, f"hitless:{web.name}.r77.web", network}
        assert gone in docker("images", "--format", "{{.Repository}}:{{.Tag}}")
        said = web.cli.run("prune", "--yes")
        assert "are free on Docker's disk now" in said
        assert "\x1b[2J" not in said
        there = docker("images", "--format", "{{.Repository}}:{{.Tag}}").split()
        assert {gone, f"hitless:{web.name}.r77.web"}.isdisjoint(there)
        assert {theirs, image, f"hitless:{web.name}.r1.web"} <= {*there}
        networks = docker("network", "ls", "--format", "{{.Name}}").split()
        assert network not in networks
        assert {plain, f"{web.name}-blue_default", f"{GATEWAY}_webgateway.{web.name}"} <= {*networks}
        assert web.get().status_code == 200

        # without a gateway, without an engine, with a broken file
        absent = web.cli.json("doctor", "--gateway", f"{GATEWAY}-absent", code=1)
        assert next(one["check"] for one in absent["diagnoses"] if one["level"] == "error") == "gateway"
        assert GATEWAY in by_check(absent)["gateway"][0]["remedy"]
        broken = tmp_path / "broken.yml"
        broken.write_text("services: [\n")
        away = doctor("-f", str(broken), DOCKER_HOST="tcp://127.0.0.1:1")
        assert [one["check"] for one in away["diagnoses"] if one["level"] == "error"] == ["engine", "file"]
    finally:
        docker("rmi", theirs)
        docker("network", "rm", plain)


def by_check(document: Any) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for one in document["diagnoses"]:
        found.setdefault(one["check"], []).append(one)
    return found


def doctor(*options: str, **environment: str) -> Any:
    """The document of a doctor who ends with 1."""
    done = subprocess.run(
        (str(Path(sys.executable).with_name("hitless")), *options, "doctor", "--json"),
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "HITLESS_GATEWAY": GATEWAY, **environment},
        timeout=60,
    )
    assert done.returncode == 1, done.stderr
    return json.loads(done.stdout)


def traefik(gateway: Gateway) -> str:
    """The version of the gateway's Traefik, as it tells it itself."""
    said = docker("exec", gateway.container, "wget", "-q", "-O", "-", "http://127.0.0.1:8080/api/version")
    version: str = json.loads(said)["Version"]
    return version
