"""What the pages of docs/ say, typed as it stands there.

`JOURNEYS` are the pages whose console blocks are run, from the top, in a folder with the files that the page
shows (blocks with `title=`). Only names and ports are other ones: those of the tests. What a page shows of a
command's output must be in the real one (`first_missing`).
"""

from __future__ import annotations

import os
import shutil
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from hitless.domain.gateway.image import TRAEFIK_IMAGE
from tests.e2e.conftest import GATEWAY, Cli, _remove_gateway, docker, free_port
from tests.e2e.pebble import Pebble, introduce, pebble
from tests.reference.pages import DOCS, blocks, first_missing

pytestmark = pytest.mark.more

JOURNEYS = ("tutorial.md", "init.md", "leaving.md", "https.md", "behind-a-proxy.md", "databases.md")
NAME = f"{GATEWAY}-docs"
GATEWAY_OF_PAGES = Cli((), {"HITLESS_GATEWAY": NAME})
TINY = Path(__file__).with_name("tiny")


@dataclass
class Reader:
    """Somebody who types what the pages say, in a folder; `instead` are the tests' own names and ports."""

    folder: Path
    instead: dict[str, str] = field(default_factory=dict)

    def follow(self, name: str, then: Mapping[str, Callable[[str], None]] | None = None) -> None:
        """Type a page; `then`: what happens after the commands that begin like this, with their output."""
        for block in blocks(DOCS / name):
            if block.file:
                file = self.folder / block.file
                file.parent.mkdir(exist_ok=True)
                file.write_text(self._ours(block.text))
            elif block.language == "console" and not block.reason:
                commands = block.commands()
                for (command, shown), (after, code) in zip(commands, [*commands[1:], ("", [])], strict=True):
                    if command == "echo $?":
                        continue
                    output = self.type(command, int(code[0]) if after == "echo $?" else 0)
                    for start, act in (then or {}).items():
                        if command.startswith(start):
                            act(output)
                    missing = first_missing(self._ours("\n".join(shown)), output)
                    assert missing is None, f"{command} does not print {missing!r}, as {name} says:\n{output}"

    def type(self, command: str, code: int = 0) -> str:
        """Type one command; its output, on a terminal of its own if it asks something."""
        ours = self._ours(command)
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        if command == "hitless init":  # it asks, so it needs a terminal
            ours = f"script --quiet --return --command '{ours}' /dev/null"
        done = subprocess.run(
            ours,
            shell=True,
            cwd=self.folder,
            env={
                **os.environ,
                "PATH": path,
                "HITLESS_GATEWAY": NAME,
                "COLUMNS": "100",
                "NO_COLOR": "1",
            },
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            input="\n" * 9,
            timeout=120,
            check=False,
        )
        print(f"$ {command}\n{done.stdout}")
        assert done.returncode == code, f"{ours}: exit code {done.returncode}\n{done.stdout}"
        return done.stdout

    def _ours(self, text: str) -> str:
        for theirs, ours in self.instead.items():
            text = text.replace(theirs, ours)
        return text


@pytest.fixture(scope="module")
def port() -> Iterator[str]:
    """The port of the pages' gateway, which most of them find as the one before has left it."""
    _remove_gateway(GATEWAY_OF_PAGES)
    yield str(free_port())
    _remove_gateway(GATEWAY_OF_PAGES)


@pytest.fixture
def reader(port: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Reader]:
    """In a folder of their own, whose name is the application's: a gateway remembers the releases of each."""
    folder = tmp_path / f"{NAME}-{request.node.name[-9:].replace('_', '-').strip('-')}"
    folder.mkdir()
    for file in ("Dockerfile", "app.py"):  # what the reader has built already
        shutil.copy(TINY / file, folder)
    up = f"hitless gateway up --http-port {port} --bind 127.0.0.1"
    words = (
        "hitless gateway up --http-port 8080",
        "hitless gateway up --http-port 8081",
        "hitless gateway up",
    )
    instead = {**dict.fromkeys(words[:2], words[2]), words[2]: up}
    yield Reader(folder, instead)
    if docker("ps", "--quiet", "--filter", f"label=hitless.application={folder.name}"):
        GATEWAY_OF_PAGES.run("-p", folder.name, "down", "--volumes", "--drain-timeout", "1")


def test_the_tutorial(reader: Reader, port: str) -> None:
    name = reader.folder.name
    words = {f"{sign}{word}": f"{sign}{name}-{word}" for sign in ("=", "-p ") for word in ("blue", "green")}
    # the colours' names and the application's own are those of the tests
    reader.instead |= {
        **words,
        "webgateway": f"{name}-net",
        "-p edge": f"-p {name}-edge",
        "shop.localhost": f"{name}.localhost",
        "localhost:8080": f"localhost:{port}",
        "127.0.0.1:8080": f"127.0.0.1:{port}",
        "deploy shop": f"deploy {name}",
        "shop-": f"{name}-",
        "shop  live": f"{name}  live",
        "gateway traefik": f"gateway {NAME}",
    }
    try:
        reader.follow("tutorial.md")
    finally:
        for project in ("blue", "green", "edge"):
            docker("compose", "-p", f"{name}-{project}", "down", "--volumes", "--rmi", "local")
        if docker("network", "ls", "--quiet", "--filter", f"name={name}-net"):
            docker("network", "rm", f"{name}-net")


@pytest.mark.long
def test_a_backup_before_each_migration_and_its_restore(reader: Reader) -> None:
    reader.instead |= {"shop.localhost": f"{reader.folder.name}.localhost"}
    reader.follow("databases.md")


def test_behind_a_traefik_that_ends_tls(reader: Reader, port: str) -> None:
    https = str(free_port())
    reader.instead |= {
        "127.0.0.1:8081": f"127.0.0.1:{port}",
        "127.0.0.1:443": f"127.0.0.1:{https}",
        "traefik-traefik-1": f"{NAME}-traefik-1",
        "traefik_webgateway": f"{NAME}_webgateway",
    }
    (reader.folder / "dynamic").mkdir()
    front = f"{NAME}-front"
    docker(
        "run",
        "--detach",
        "--rm",
        "--name",
        front,
        "--network=host",
        f"--volume={reader.folder}/dynamic:/dynamic:ro",
        TRAEFIK_IMAGE,
        "--providers.file.directory=/dynamic",
        f"--entrypoints.websecure.address=127.0.0.1:{https}",
    )
    address = "172.18.0.1"  # of the page

    def seen(output: str) -> None:
        reader.instead[address] = output.strip()

    try:
        reader.follow("behind-a-proxy.md", {"docker inspect": seen})
    finally:
        docker("rm", "--force", front)


@pytest.mark.long
def test_from_ports_to_a_second_release_and_back_to_plain_compose(reader: Reader) -> None:
    port = str(free_port())
    reader.instead |= {
        '"8000:8000"': f'"127.0.0.1:{port}:8000"',
        "localhost:8000": f"localhost:{port}",
        "--unpublish 8000": f"--unpublish 127.0.0.1:{port}",
    }
    reader.follow("init.md")
    try:
        reader.follow("leaving.md")
    finally:
        docker("compose", "-p", reader.folder.name, "down", "--volumes", "--rmi", "local")


def test_from_a_compose_file_to_https(reader: Reader) -> None:
    _remove_gateway(GATEWAY_OF_PAGES)
    https = free_port()
    words = " ".join(introduce(reader.folder.parent))
    up = "hitless gateway up --https-port 443"
    ours = f"hitless gateway up --http-port {free_port()} --bind 127.0.0.1 {words} --https-port {https}"
    reader.instead = {up: ours}
    with ExitStack() as stack:
        # a CA whose names lead to the gateway is on the gateway's network
        started: list[Pebble] = []
        begin = lambda _: started.append(stack.enter_context(pebble(NAME, reader.folder.parent)))  # noqa: E731
        reader.follow("https.md", {up: begin})
        trust = ssl.create_default_context(cadata=started[0].root())
        with httpx.Client(verify=trust, trust_env=False, timeout=20) as client:
            names = {"sni_hostname": "shop.example.org"}
            answer = client.get(
                f"https://127.0.0.1:{https}/", headers={"Host": names["sni_hostname"]}, extensions=names
            )
        assert answer.text == "Hello from release dev\n"
