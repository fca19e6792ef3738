"""Compose files in the shapes that people write them in, from `hitless init` to `down`, under requests.

The files are in tests/corpus/shapes; a stand-in serves in place of every image.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.common.certificates import Authority
from tests.corpus.deployed import build_standin, deploy
from tests.corpus.plans import File, trusting
from tests.e2e.conftest import GATEWAY, Cli, _remove_gateway, free_port

SHAPES = sorted((Path(__file__).parents[1] / "corpus" / "shapes").glob("*.yaml"))
PUBLISHED = 18085  # as plain-with-a-database.yaml has it


@dataclass(frozen=True)
class Ports:
    """A gateway's ports for HTTP and HTTPS."""

    gateway: str
    web: int
    https: int


@pytest.fixture(scope="module")
def ports(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ports]:
    """A gateway with HTTPS, a certificate for the hosts of the files, and the port that one publishes."""
    folder = tmp_path_factory.mktemp("shapes")
    name = f"{GATEWAY}-shapes"
    cli = Cli((), {"HITLESS_GATEWAY": name})
    _remove_gateway(cli)
    web, https = free_port(), free_port()
    cli.run(
        *("gateway", "up", "--http-port", str(web), "--https-port", str(https), "--bind", "127.0.0.1"),
        *("--publish", f"127.0.0.1:{PUBLISHED}"),
    )
    certificate, key = Authority("shapes").issue("*.shapes.example")
    for file, content in (("all.pem", certificate), ("all.key", key)):
        (folder / file).write_bytes(content)
    cli.run("gateway", "certificate", "add", str(folder / "all.pem"), str(folder / "all.key"))
    build_standin()
    yield Ports(name, web, https)
    _remove_gateway(cli)


@pytest.mark.more
@pytest.mark.parametrize("path", SHAPES, ids=lambda path: path.stem)
def test_deployed_twice_and_taken_back_without_a_loss(path: Path, ports: Ports, tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    shutil.copy(path, own / "compose.yaml")
    file = File(path.stem, "shapes", own, ("compose.yaml",))
    answered = file.initialised(tmp_path / "answered", trusting)
    result = deploy(answered, tmp_path / "deployed", ports.web, ports.https, ports.gateway)
    assert result.problems == ()
    assert result.requests > 20
