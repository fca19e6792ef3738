"""A gateway of two instances: what is in force is so on both."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from hitless.adapters.docker.cli import DockerCli
from hitless.adapters.gateway.shell import GatewayShell
from hitless.adapters.gateway.traefik import Instance, Traefik
from hitless.domain.common.foreign import Json
from hitless.domain.common.names import Colour
from hitless.domain.release.requirements import Probe
from hitless.domain.routing.model import Protocol, Router
from hitless.domain.routing.split import BackendRouting, Routing, Server
from hitless.ports.balancer import Answer
from tests.adapters.fake_docker import FakeDocker
from tests.domain.builders import part, router, routing

MARKER, NOT_FOUND, CLOSED = Answer(418, ""), Answer(404, ""), Answer(0, "closed without an answer")
ROUTER: Json = {"routers": {"shop.web.live@file": {}}}
SHOP = routing(Colour.BLUE)


@dataclass
class FakeInstance:
    """One Traefik: the generation that it routes by, and what its API says."""

    generation: int = 4
    api: Json = field(default_factory=dict)
    agreed: int = 0
    leads: str = ""  # where a raw connection on port 6379 leads
    reached: str = ""  # where a new session at the UDP port 53 leads
    asked: list[Probe] = field(default_factory=list)

    def rawdata(self) -> Json:
        return self.api

    def ask(self, probes: Sequence[Probe]) -> tuple[Answer, ...]:
        self.asked += probes
        return tuple(map(self._answer, probes))

    def _answer(self, probe: Probe) -> Answer:
        if probe.port == 6379 and self.leads != "web":
            return NOT_FOUND if self.leads == "traefik" else CLOSED
        return MARKER if probe.path == f"/shop/{self.generation}" else NOT_FOUND

    def closes_idle(self, probe: Probe) -> float | None:
        return None

    def agrees(self, port: int, hello: bytes) -> bool:
        return f"hitless/shop/{self.agreed}".encode() in hello

    def opens_session(self, entry_point: str, servers: Sequence[str]) -> bool:
        return entry_point == "port-53-udp" and self.reached in servers


@pytest.fixture
def gateway_of(docker: FakeDocker) -> Iterator[Callable[..., Traefik]]:
    shell = GatewayShell(DockerCli(), "traefik")
    yield lambda *instances: Traefik(shell, lambda: instances)
    shell.close()


DB = Router("db.6379", "db", "HostSNI(`*`)", "db.6379", ("port-6379",), protocol=Protocol.TCP)


def raw(generation: int) -> Routing:
    backends = {"db.6379": BackendRouting((Server("tcp://a:1"),))}
    return routing(Colour.BLUE, {Colour.BLUE: part(1, DB, backends=backends)}, generation)


@pytest.mark.parametrize(
    ("generation", "leads", "is_in_force"),
    [
        *((4, "traefik", True), (4, "web", False), (4, "", False)),
        *((5, "", True), (5, "web", False), (5, "traefik", False)),
        *((6, "web", True), (6, "traefik", False), (6, "", False)),
    ],
)
def test_raw_tcp_is_in_force_when_its_port_leads_where_this_generation_says(
    gateway_of: Callable[..., Traefik], generation: int, leads: str, is_in_force: bool
) -> None:
    gateway = gateway_of(FakeInstance(generation, leads=leads))
    assert gateway.in_force("shop", raw(generation)) is is_in_force
    # an older hitless has delivered it: it leads to the application alone
    assert gateway.in_force("shop", replace(raw(generation), marks_tcp=False))


@pytest.mark.parametrize(("port", "is_in_force"), [(1, True), (80, False)])
def test_an_instance_that_an_older_hitless_has_started_proves_no_raw_tcp(
    gateway_of: Callable[..., Traefik], port: int, is_in_force: bool
) -> None:
    servers = {"loadBalancer": {"servers": [{"address": f"127.0.0.1:{port}"}]}}
    old = FakeInstance(api={"tcpServices": {"shop.generation.marker@file": servers}})
    assert gateway_of(old).in_force("shop", raw(4)) is is_in_force


def error_of(middleware: str) -> dict[str, Any]:
    return {"middlewares": {f"shop.{middleware}.blue@file": {"error": ["it is wrong"]}}}


def test_a_generation_is_in_force_when_it_answers_on_both(gateway_of: Callable[..., Traefik]) -> None:
    first, second = FakeInstance(4), FakeInstance(3)
    gateway = gateway_of(first, second)
    assert not gateway.in_force("shop", SHOP)
    second.generation = 4
    assert gateway.in_force("shop", SHOP)
    first.generation = 3
    assert not gateway.in_force("shop", SHOP)


def test_over_https_it_is_in_force_when_both_agree_on_its_protocol(
    gateway_of: Callable[..., Traefik],
) -> None:
    secure = router(entry_points=("websecure",), settings={"tls": {}})
    shop = routing(Colour.BLUE, {Colour.BLUE: part(1, secure)})
    first, second = FakeInstance(4, agreed=4), FakeInstance(4, agreed=3)
    gateway = gateway_of(first, second)
    assert not gateway.in_force("shop", shop)
    second.agreed = 4
    assert gateway.in_force("shop", shop)
    # the entry point may not exist on this gateway
    second.agreed = 3
    assert gateway.in_force("shop", shop, at=["web"])


def test_udp_is_in_force_when_each_leads_to_a_server_of_the_live_colour(
    gateway_of: Callable[..., Traefik],
) -> None:
    dns = Router("dns.udp", "dns", "", "dns.udp", ("port-53-udp",), protocol=Protocol.UDP)
    colours = {
        colour: part(1, dns, backends={"dns.udp": BackendRouting((Server(f"udp://{colour}-dns-1:53"),))})
        for colour in Colour
    }
    shop = routing(Colour.BLUE, colours)
    first, second = FakeInstance(reached="blue-dns-1:53"), FakeInstance(reached="green-dns-1:53")
    gateway = gateway_of(first, second)
    assert not gateway.in_force("shop", shop)
    # the entry point may not exist on this gateway
    assert gateway.in_force("shop", shop, at=["web"])
    second.reached = "blue-dns-1:53"
    assert gateway.in_force("shop", shop)


@pytest.mark.parametrize(("first", "second"), [({}, ROUTER), (ROUTER, {}), (ROUTER, ROUTER)])
def test_a_route_that_one_instance_still_has_is_left(
    gateway_of: Callable[..., Traefik], first: Json, second: Json
) -> None:
    assert not gateway_of(FakeInstance(api=first), FakeInstance(api=second)).in_force("shop", None)
    assert gateway_of(FakeInstance(), FakeInstance()).in_force("shop", None)


def test_a_complaint_of_either_is_told_once(gateway_of: Callable[..., Traefik]) -> None:
    both, alone = error_of("auth"), error_of("limit")
    instances: tuple[Instance, ...] = (
        FakeInstance(api=both),
        FakeInstance(api={"middlewares": {**both["middlewares"], **alone["middlewares"]}}),
    )
    assert gateway_of(*instances).complaints(SHOP) == (
        "middleware auth: it is wrong",
        "middleware limit: it is wrong",
    )


def test_one_of_them_makes_a_probes_request(gateway_of: Callable[..., Traefik]) -> None:
    first, second = FakeInstance(), FakeInstance()
    probe = Probe("web-1", 8000, "/", "shop.example")
    assert gateway_of(first, second).ask([probe]) == (NOT_FOUND,)
    assert (first.asked, second.asked) == ([probe], [])
