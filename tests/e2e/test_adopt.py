"""An application that runs under plain `docker compose up` comes to hitless."""

from __future__ import annotations

import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from bench.load import Load
from bench.report import Report
from hitless.domain.gateway.image import TRAEFIK_IMAGE
from hitless.domain.gateway.model import container_name, network_name
from tests.common.certificates import Authority
from tests.e2e.conftest import GATEWAY, Cli, docker, free_port, wait_for

LABELLED = """
services:
  web:
    image: IMAGE
    environment: {RELEASE: "${RELEASE}"}
    stop_grace_period: 5s
    labels:
      traefik.enable: "true"
      traefik.http.routers.NAME.rule: Host(`NAME.localhost`)
      traefik.http.services.NAME.loadbalancer.server.port: 8000
      traefik.http.services.NAME.loadbalancer.healthcheck.path: /health
    networks: [default, front]
  cache:
    image: redis:7
networks:
  front: {name: FRONT, external: true}
"""

PUBLISHING = """
services:
  web:
    image: IMAGE
    environment: {RELEASE: "${RELEASE}"}
    ports: ["127.0.0.1:PORT:8000"]
    healthcheck: {test: [CMD, "true"], interval: 1s}
    x-hitless: {publish: gateway}
  scheduler:
    image: IMAGE
    x-hitless: {exclusive: true}
    healthcheck: {test: [CMD, "true"], interval: 1s}
"""

TRAEFIK = """
services:
  traefik:
    image: GATEWAYS
    restart: always
    user: "0:0"
    command:
      - --entrypoints.web.address=:80
      - --providers.docker.exposedbydefault=false
      - --providers.docker.network=FRONT
    ports: ["127.0.0.1:PORT:80"]
    volumes: ["/var/run/docker.sock:/var/run/docker.sock:ro"]
    networks: [front]
networks:
  front: {name: FRONT}
""".replace("GATEWAYS", TRAEFIK_IMAGE)


@dataclass(frozen=True)
class Plain:
    """A Compose project that plain `docker compose` has started, and hitless for it."""

    name: str
    file: Path
    cli: Cli

    def compose(self, *arguments: str) -> None:
        subprocess.run(
            ("docker", "compose", "-p", self.name, "-f", str(self.file), *arguments),
            env={**self.cli.environment, "PATH": "/usr/bin:/bin:/usr/local/bin"},
            check=True,
            capture_output=True,
        )

    def container(self, service: str) -> str:
        """The id of a running container of plain docker compose; "" without one."""
        labels = {"com.docker.compose.project": self.name, "com.docker.compose.service": service}
        filters = [word for label in labels.items() for word in ("--filter", f"label={'='.join(label)}")]
        return docker("ps", *filters, "--format", "{{.ID}}")


@pytest.fixture
def plain(image: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Callable[..., Plain]]:
    """Start Compose projects, each beside the test's own gateway, which is not up yet."""
    gateway = f"{GATEWAY}-adopt"
    made: list[Plain] = []

    def make(text: str, name: str, **words: str) -> Plain:
        for word, value in {"IMAGE": image, "NAME": name, **words}.items():
            text = text.replace(word, value)
        file = tmp_path / f"{name}.yml"
        file.write_text(text)
        full = f"{gateway}-{name}"
        cli = Cli(("-p", full, "-f", str(file)), {"HITLESS_GATEWAY": gateway, "RELEASE": "1"})
        made.append(Plain(full, file, cli))
        made[-1].compose("up", "--detach", "--wait")
        return made[-1]

    yield make
    for one in reversed(made):
        one.cli.start("down", "--drain-timeout", "1").communicate()
        one.compose("down", "--volumes")
    Cli((), {"HITLESS_GATEWAY": gateway}).start("gateway", "down", "--volumes", "--force").communicate()


def adopted(one: Plain, load: Load) -> tuple[str, Report, tuple[float, float]]:
    """Adopt it under load as release 2; what was printed, what was seen, and when."""
    with load:
        began = time.monotonic()
        output = one.cli.run("adopt", "--yes", RELEASE="2")
        ended = time.monotonic()
        print(output)
    return output, load.report(), (began, ended)


def gap(report: Report) -> float:
    """For how long nobody got an answer, in seconds."""
    lost = [sample.started for sample in report.samples if sample.failure]
    return max(lost) - min(lost) if lost else 0.0


def test_behind_our_own_gateway_nobody_notices(plain: Callable[..., Plain]) -> None:
    gateway = f"{GATEWAY}-adopt"
    port = free_port()
    Cli((), {"HITLESS_GATEWAY": gateway}).run(
        *("gateway", "up", "--http-port", str(port), "--bind", "127.0.0.1", "--docker-provider")
    )
    shop = plain(LABELLED, "shop", FRONT=network_name(gateway))
    database = shop.container("cache")
    load = Load(f"http://127.0.0.1:{port}", host="shop.localhost")
    output, report, _ = adopted(shop, load)
    assert "take over" not in output
    assert (report.lost, report.mixed()) == (0, 0), report.lost_by
    assert report.releases == ("1", "2")
    assert shop.container("web") == ""
    assert shop.container("cache") == database
    assert "nothing of" in shop.cli.run("adopt", "--yes", code=1)


def test_a_published_port_changes_hands(plain: Callable[..., Plain]) -> None:
    port = free_port()
    shop = plain(PUBLISHING, "shop", PORT=str(port))
    shown = shop.cli.run("adopt", "--dry-run")
    assert f"take over port {port} from {shop.name}-web-1" in shown
    assert shop.container("web")
    output, report, _ = adopted(shop, Load(f"http://127.0.0.1:{port}"))
    assert f"asked from here all the time, port {port} for " in output
    assert set(report.releases) == {"1", "2"}
    assert report.mixed() == 0
    assert gap(report) < 30
    print(f"{report.lost} of {report.sent} lost in {gap(report):.1f} s")
    assert (shop.container("web"), shop.container("scheduler")) == ("", "")
    (run,) = shop.cli.json("show")
    assert (run["operation"], run["outcome"]) == ("adopt", "successful")
    done = [event["step"]["id"] for event in run["events"] if event["event"] == "step_done"]
    assert done.index("cut-over:blue") < done.index(f"take-ports:{port}")
    with Load(f"http://127.0.0.1:{port}") as load:
        shop.cli.run("deploy", RELEASE="3")
    assert (load.report().lost, load.report().mixed()) == (0, 0), load.report().lost_by


@pytest.mark.long
@pytest.mark.more
def test_another_traefik_hands_over_its_port_when_all_behind_it_are_adopted(
    plain: Callable[..., Plain],
) -> None:
    gateway = f"{GATEWAY}-adopt"
    port, front = free_port(), f"{GATEWAY}-front"
    traefik = plain(TRAEFIK, "edge", PORT=str(port), FRONT=front)
    shop = plain(LABELLED, "shop", FRONT=front)
    blog = plain(LABELLED, "blog", FRONT=front)
    assert "until" in shop.cli.run("adopt", "--yes", code=1)
    Cli((), {"HITLESS_GATEWAY": gateway}).run(
        *("gateway", "up", "--http-port", str(free_port()), "--bind", "127.0.0.1")
    )
    load = Load(f"http://127.0.0.1:{port}", host="shop.localhost")
    output, report, _ = adopted(shop, load)
    assert f"leave {traefik.name}-traefik-1 its port while it serves {blog.name}, too" in output
    assert (report.lost, report.releases) == (0, ("1",)), report.lost_by
    assert shop.container("web")
    output, report, _ = adopted(blog, Load(f"http://127.0.0.1:{port}", host="blog.localhost"))
    assert f"take over port {port}" in output
    assert report.releases == ("1", "2")
    assert gap(report) < 30
    print(f"{report.lost} of {report.sent} lost in {gap(report):.1f} s")
    assert blog.container("web") == traefik.container("traefik") == ""
    # and the one that was adopted before follows
    with Load(f"http://127.0.0.1:{port}", host="shop.localhost") as load:
        shop.cli.run("adopt", "--yes")
    assert (load.report().lost, load.report().releases) == (0, ("2",)), load.report().lost_by
    assert shop.container("web") == ""


@pytest.mark.long
@pytest.mark.more
def test_a_port_that_cant_be_taken_over_is_given_back(plain: Callable[..., Plain]) -> None:
    port = free_port()
    shop = plain(PUBLISHING, "shop", PORT=str(port))
    # somebody else is quicker than the gateway
    shop.cli.run("gateway", "up", "--http-port", str(free_port()), "--bind", "127.0.0.1")
    blocker = f"{GATEWAY}-adopt-blocker"
    process = shop.cli.start("adopt", "--yes", RELEASE="2")
    try:
        wait_for(lambda: not shop.container("web") or process.poll() is not None, seconds=60)
        docker(
            *("run", "--detach", "--rm", "--name", blocker, "--publish", f"127.0.0.1:{port}:8000"),
            "hitless-e2e-tiny:1",
        )
        output, _ = process.communicate(timeout=120)
        assert process.returncode == 4, output
        assert f"port {port} is taken by the container {blocker}" in output
    finally:
        docker("rm", "--force", blocker)
    assert docker("inspect", container_name(f"{GATEWAY}-adopt"), "--format", "{{.State.Status}}") == "running"


@pytest.mark.long
@pytest.mark.more
def test_one_that_must_not_run_twice_never_does(plain: Callable[..., Plain]) -> None:
    alone = "hitless-e2e-alone:1"
    docker("build", "--quiet", "--tag", alone, str(Path(__file__).with_name("alone")))
    gateway = f"{GATEWAY}-adopt"
    port = free_port()
    Cli((), {"HITLESS_GATEWAY": gateway}).run(
        *("gateway", "up", "--http-port", str(port), "--bind", "127.0.0.1", "--docker-provider")
    )
    text = LABELLED.replace('"${RELEASE}"}', '"${RELEASE}", BROKEN: "${BROKEN:-}"}')
    text = (
        text.replace("    stop_grace", '    volumes: ["data:/data"]\n    stop_grace')
        + "volumes: {data: {}}\n"
    )
    shop = plain(text.replace("IMAGE", alone), "shop", FRONT=network_name(gateway))
    # a deployment would start another one beside it
    assert "two of it must never run at the same time" in shop.cli.run("deploy", code=1)
    assert shop.container("web")
    shop.cli.run("adopt", "--yes", code=1, RELEASE="2", BROKEN="exit")
    assert shop.container("web")  # started again
    shop.cli.run("adopt", "--yes", RELEASE="2")
    assert shop.container("web") == ""
    container = f"{shop.name}-blue-web-1"
    assert "TWO" not in docker("exec", container, "ls", "/data").split()
    with Load(f"http://127.0.0.1:{port}", host="shop.localhost") as load:
        shop.cli.run("deploy", RELEASE="3")
    assert (load.report().lost, load.report().releases) == (0, ("2", "3")), load.report().lost_by


SECURE = """
services:
  web:
    image: IMAGE
    environment: {RELEASE: "${RELEASE}"}
    labels:
      traefik.enable: "true"
      traefik.http.routers.NAME.rule: Host(`NAME.example`)
      traefik.http.routers.NAME.entrypoints: websecure
      traefik.http.routers.NAME.tls: "true"
      traefik.http.services.NAME.loadbalancer.server.port: 8000
    networks: [default, front]
networks:
  front: {name: FRONT, external: true}
"""


@pytest.mark.more
def test_a_traefik_that_ends_tls_hands_over_both_ports_at_once(
    plain: Callable[..., Plain], tmp_path: Path
) -> None:
    http, https, front = free_port(), free_port(), f"{GATEWAY}-front"
    own = TRAEFIK.replace("    ports: [", '    ports: ["127.0.0.1:HTTPS:443", ').replace(
        "    ports", "      - --entrypoints.websecure.address=:443\n    ports"
    )
    traefik = plain(own, "edge", HTTPS=str(https), PORT=str(http), FRONT=front)
    shop = plain(SECURE, "shop", FRONT=front)

    def ask(trust: ssl.SSLContext | bool, port: int = https, scheme: str = "https") -> httpx.Response:
        with httpx.Client(verify=trust, trust_env=False) as client:
            names, headers = {"sni_hostname": "shop.example"}, {"Host": "shop.example"}
            return client.get(f"{scheme}://127.0.0.1:{port}/", headers=headers, extensions=names)

    def released(trust: ssl.SSLContext | bool) -> str:
        try:
            return str(ask(trust).headers.get("X-Release", ""))
        except httpx.HTTPError:
            return ""

    wait_for(lambda: released(trust=False) == "1")
    cli = Cli((), {"HITLESS_GATEWAY": f"{GATEWAY}-adopt"})
    # without certificates nothing begins
    assert "--hold" in shop.cli.run("adopt", "--yes", code=1)
    said = cli.run("gateway", "up", "--like", str(traefik.file), "--hold")
    assert f"not published yet: port {min(http, https)}, {max(http, https)}" in said
    assert "no valid certificate" in shop.cli.run("adopt", "--yes", code=1)
    assert released(trust=False) == "1"
    authority = Authority("the tests' own")
    for file, content in zip(("chain.pem", "key.pem"), authority.issue("shop.example"), strict=True):
        (tmp_path / file).write_bytes(content)
    cli.run("gateway", "certificate", "add", str(tmp_path / "chain.pem"), str(tmp_path / "key.pem"))

    output = shop.cli.run("adopt", "--yes", RELEASE="2")
    assert "asked from here all the time, port " in output
    trust = ssl.create_default_context(cadata=authority.certificate.decode())
    assert released(trust) == "2"
    plainly = ask(trust, http, "http")
    assert (plainly.status_code, plainly.headers["Location"]) == (302, f"https://shop.example:{https}/")
    assert traefik.container("traefik") == shop.container("web") == ""
    assert cli.json("gateway", "status")["gateway"]["settings"]["held"] == []
