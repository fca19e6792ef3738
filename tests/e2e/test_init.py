"""From a plain Compose file to a second deployment without a loss: gateway up, init, deploy, deploy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bench.load import Load
from tests.e2e.conftest import GATEWAY, Cli, Gateway, docker, free_port, gateway_of_its_own

TINY = Path(__file__).with_name("tiny")

# One service that is built here, and nothing else.
ALONE = """\
services:
  web:
    build: {context: TINY}
    environment: {RELEASE: "${RELEASE:-1}"}
    ports:
      - '127.0.0.1:PORT:8000'   # the browser
"""

# An image of somebody else with a volume for its data, and a database.
WITH_DATA = """\
version: '3'
services:
  database:
    image: postgres:15
    environment: [POSTGRES_USER=notes, POSTGRES_PASSWORD=notes, POSTGRES_DB=notes]
    volumes: [database:/var/lib/postgresql/data]
    networks: {backend: }
    restart: always
  app:
    image: IMAGE
    environment: ["RELEASE=${RELEASE:-1}"]
    volumes: [notes:/var/lib/notes]
    ports: ["127.0.0.1:PORT:8000"]
    networks: {backend: }
    restart: always
    depends_on: [database]
networks: {backend: }
volumes: {database: , notes: }
"""

# A proxy with the port, a back end that is built, a database with a health check.
BEHIND_A_PROXY = """\
services:
  backend:
    build: {context: TINY}
    depends_on:
      db: {condition: service_healthy}
  db:
    image: redis:7
    volumes: [data:/data]
    healthcheck: {test: [CMD, redis-cli, ping], interval: 1s}
  proxy:
    image: IMAGE
    environment: {RELEASE: "${RELEASE:-1}"}
    ports: ["127.0.0.1:PORT:8000"]
    depends_on: [backend]
volumes:
  data:
"""

# Two sites, a worker with a volume, a scheduler.
SEVERAL = """\
services:
  vote:
    build: {context: TINY}
    environment: {RELEASE: "${RELEASE:-1}"}
    ports: ["127.0.0.1:PORT:8000"]
    container_name: NAME-vote
    depends_on: [redis]
  result:
    build: {context: TINY}
    environment: {RELEASE: "${RELEASE:-1}"}
    ports: ["127.0.0.1:OTHER:8000"]
  worker:
    build: {context: TINY}
    command: sleep infinity
    init: true
    volumes: [counts:/counts]
  beat:
    build: {context: TINY}
    command: [sh, -c, "exec sleep infinity # beat"]
    init: true
  redis:
    image: redis:7
    ports: ["127.0.0.1:THIRD:6379"]
volumes: {counts: }
"""

# One image with several commands, written with anchors and merge keys.
MERGED = """\
x-restart: &restart
  restart: unless-stopped
x-app: &app
  <<: *restart
  image: IMAGE
  environment: &environment
    RELEASE: "${RELEASE:-1}"

services:
  proxy: &proxy
    <<: *app
    ports: ["127.0.0.1:PORT:8000"]
    depends_on: [cache]

  # no port: the proxy asks it
  web:
    <<: *app
    environment: {<<: *environment, ROLE: web}

  worker:
    <<: *proxy
    ports: []
    command: sleep infinity
    init: true

  cache: {image: 'redis:7', <<: *restart}
"""


@dataclass(frozen=True)
class Plain:
    """A Compose file in a folder of its own, and the ports that it publishes."""

    folder: Path
    cli: Cli
    ports: tuple[int, ...]

    @property
    def file(self) -> Path:
        return self.folder / "compose.yaml"

    @property
    def override(self) -> Path:
        return self.folder / "compose.override.yaml"

    def deploy_twice(self) -> None:
        """Deploy, then deploy another release, and lose nothing on any port."""
        self.cli.run("deploy")
        loads = [Load(f"http://127.0.0.1:{port}") for port in self.ports]
        for load in loads:
            load.__enter__()
        try:
            self.cli.run("deploy", RELEASE="2")
        finally:
            for load in loads:
                load.__exit__(None, None, None)
        for load in loads:
            report = load.report()
            assert (report.lost, report.mixed(), "2" in report.releases) == (0, 0, True), report.lost_by

    def init_again(self, *words: str) -> None:
        """Nothing is open any longer, and nothing is written."""
        before = {path: path.read_bytes() for path in self.folder.iterdir()}
        again = self.cli.run("init", *words)  # nobody has to answer
        assert "nothing to ask" in again
        assert "ready: run hitless deploy" in again
        assert {path: path.read_bytes() for path in self.folder.iterdir()} == before


@pytest.fixture(scope="module")
def idle() -> Iterator[Gateway]:
    """A gateway that serves nobody."""
    with gateway_of_its_own(f"{GATEWAY}-init") as made:
        yield made


@pytest.fixture
def plain(idle: Gateway, image: str, tmp_path: Path) -> Iterator[Callable[[str], Plain]]:
    """Make an application of a Compose file's text, in a folder of its own; taken down after the test."""
    name = f"{idle.name}-app"
    made: list[Plain] = []

    def make(text: str) -> Plain:
        ports: list[int] = []
        for word in ("PORT", "OTHER", "THIRD"):
            port = next(port for port in iter(free_port, 0) if port not in ports)
            ports += [port] if word in text else []
            text = text.replace(word, str(port))
        text = text.replace("IMAGE", image).replace("TINY", str(TINY)).replace("NAME", name)
        (tmp_path / "compose.yaml").write_text(text)
        cli = Cli(("-p", name, "--project-directory", str(tmp_path)), {"HITLESS_GATEWAY": idle.name})
        made.append(Plain(tmp_path, cli, tuple(ports[:2])))
        return made[-1]

    yield make
    for one in made:
        if one.cli.json("gateway", "status")["applications"]:
            one.cli.run("down", "--volumes", "--drain-timeout", "5")


def test_one_service_that_is_built_here(plain: Callable[[str], Plain]) -> None:
    app = plain(ALONE)
    before = app.file.read_text()
    refused = app.cli.run("init", code=1)
    assert "1 question, and no terminal" in refused
    assert not app.override.exists()
    output = app.cli.run("init", "--yes")
    assert "+    x-hitless: {publish: gateway}" in output
    assert f"127.0.0.1:{app.ports[0]}" in output  # open now: the gateway served nobody
    assert "ready: run hitless deploy" in output
    assert app.override.read_text() == "services:\n  web:\n    x-hitless: {publish: gateway}\n"
    assert app.file.read_text() == before
    app.init_again()
    app.deploy_twice()


@pytest.mark.more
def test_a_volume_with_data_has_one_writer_and_requests_wait(plain: Callable[[str], Plain]) -> None:
    app = plain(WITH_DATA)
    app.cli.run("init", "--yes")
    said = "x-hitless: {publish: gateway, exclusive: true}"
    assert app.override.read_text() == f"services:\n  app:\n    {said}\n"
    app.init_again()
    app.deploy_twice()


@pytest.mark.long
@pytest.mark.more
def test_a_proxy_its_back_end_and_a_database(plain: Callable[[str], Plain]) -> None:
    app = plain(BEHIND_A_PROXY)
    app.override.write_text("# mine\nservices:\n  proxy: {stop_grace_period: 5s}  # as it was\n")
    app.cli.run("init", "--yes")
    assert app.override.read_text() == (
        "# mine\nservices:\n  proxy: {x-hitless: {publish: gateway}, stop_grace_period: 5s}  # as it was\n"
    )
    app.init_again()
    app.deploy_twice()


@pytest.mark.long
@pytest.mark.more
def test_two_sites_a_worker_with_data_and_a_scheduler(plain: Callable[[str], Plain]) -> None:
    app = plain(SEVERAL)
    output = app.cli.run("init", "--yes")
    for name in ("web", "vote.ports", "worker.volumes"):
        assert f"{name}: " in output
    assert app.override.read_text() == (
        "services:\n"
        "  result:\n    x-hitless: {publish: gateway}\n"
        "  worker:\n    x-hitless: {exclusive: true}\n"
        "  vote:\n    x-hitless: {publish: gateway}\n"
    )
    app.init_again()
    app.deploy_twice()
    workers = docker("ps", "--filter", "label=com.docker.compose.service=worker", "--format", "{{.Names}}")
    assert len(workers.split()) == 1


@pytest.mark.more
def test_merge_keys_hand_nothing_on_to_another_service(plain: Callable[[str], Plain]) -> None:
    app = plain(MERGED)
    app.cli.run("init", "--yes", "--in-place")
    assert not app.override.exists()
    expected = MERGED.replace("&proxy\n", "&proxy\n    x-hitless: {publish: gateway}\n")
    expected = expected.replace("  worker:\n", "  worker:\n    x-hitless: {}\n")
    written = app.file.read_text()
    assert [line for line in written.splitlines() if "x-hitless" in line or "#" in line] == [
        line for line in expected.splitlines() if "x-hitless" in line or "#" in line
    ]
    assert len(written.splitlines()) == len(expected.splitlines())
    app.init_again("--in-place")
    app.deploy_twice()
