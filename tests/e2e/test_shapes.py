"""Compose files in the shapes that people write them in, from `hitless init` to `down`, under requests.

The files are in tests/corpus/shapes; a stand-in serves in place of every image.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.common.certificates import Authority
from tests.corpus.deployed import build_standin, deploy
from tests.corpus.plans import File, trusting
from tests.e2e.conftest import GATEWAY, Cli, _remove_gateway, free_port

SHAPES = sorted((Path(__file__).parents[1] / "corpus" / "shapes").glob("*.yaml"))
# the ports of the host that the files name; each run takes free ones
PUBLISHED, OTHERS = "18085", ("15435", "9000:9000")


@dataclass(frozen=True)
class Ports:
    """A gateway's ports for HTTP and HTTPS."""

    gateway: str
    web: int
    https: int
    published: int


@pytest.fixture(scope="module")
def ports(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ports]:
    """A gateway with HTTPS, a certificate for the hosts of the files, and the port that one publishes."""
    folder = tmp_path_factory.mktemp("shapes")
    name = f"{GATEWAY}-shapes"
    cli = Cli((), {"HITLESS_GATEWAY": name})
    _remove_gateway(cli)
    web, https, published = free_port(), free_port(), free_port()
    cli.run(
        *("gateway", "up", "--http-port", str(web), "--https-port", str(https), "--bind", "127.0.0.1"),
        *("--publish", f"127.0.0.1:{published}"),
    )
    certificate, key = Authority("shapes").issue("*.shapes.example")
    for file, content in (("all.pem", certificate), ("all.key", key)):
        (folder / file).write_bytes(content)
    cli.run("gateway", "certificate", "add", str(folder / "all.pem"), str(folder / "all.key"))
    build_standin()
    yield Ports(name, web, https, published)
    _remove_gateway(cli)


@pytest.mark.more
@pytest.mark.parametrize(
    "path",
    # each third one is for CI
    [pytest.param(one, marks=[pytest.mark.long] if number % 3 else []) for number, one in enumerate(SHAPES)],
    ids=lambda path: path.stem,
)
def test_deployed_twice_and_taken_back_without_a_loss(path: Path, ports: Ports, tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    text = path.read_text().replace(PUBLISHED, str(ports.published))
    for one in OTHERS:
        inside = one.partition(":")[1:]
        text = text.replace(one, f"{free_port()}{''.join(inside)}")
    (own / "compose.yaml").write_text(text)
    file = File(path.stem, "shapes", own, ("compose.yaml",))
    answered = file.initialised(tmp_path / "answered", trusting)
    result = deploy(answered, tmp_path / "deployed", ports.web, ports.https, ports.gateway)
    assert result.problems == ()
    assert result.requests > 20
