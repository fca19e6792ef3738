"""A gateway of two instances: what is in force is so on both."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from hitless.adapters.docker.cli import DockerCli
from hitless.adapters.gateway.shell import GatewayShell
from hitless.adapters.gateway.traefik import Instance, Traefik
from hitless.domain.common.foreign import Json
from hitless.domain.common.names import Colour
from hitless.domain.release.requirements import Probe
from hitless.ports.balancer import Answer
from tests.adapters.fake_docker import FakeDocker
from tests.domain.builders import part, router, routing

MARKER, NOT_FOUND = Answer(418, ""), Answer(404, "")
ROUTER: Json = {"routers": {"shop.web.live@file": {}}}
SHOP = routing(Colour.BLUE)


@dataclass
class FakeInstance:
    """One Traefik: the generation that it routes by, and what its API says."""

    generation: int = 4
    api: Json = field(default_factory=dict)
    agreed: int = 0
    asked: list[Probe] = field(default_factory=list)

    def rawdata(self) -> Json:
        return self.api

    def ask(self, probes: Sequence[Probe]) -> tuple[Answer, ...]:
        self.asked += probes
        return tuple(MARKER if probe.path == f"/shop/{self.generation}" else NOT_FOUND for probe in probes)

    def closes_idle(self, probe: Probe) -> float | None:
        return None

    def agrees(self, port: int, hello: bytes) -> bool:
        return f"hitless/shop/{self.agreed}".encode() in hello


@pytest.fixture
def gateway_of(docker: FakeDocker) -> Iterator[Callable[..., Traefik]]:
    shell = GatewayShell(DockerCli(), "traefik")
    yield lambda *instances: Traefik(shell, lambda: instances)
    shell.close()


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
