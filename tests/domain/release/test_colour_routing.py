"""What a colour brings to the routing, and which rules get requests."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from hitless.domain.common.foreign import Json
from hitless.domain.common.names import Colour
from hitless.domain.release.colour_routing import colour_routing
from hitless.domain.release.prepared import Prepared
from hitless.domain.routing.model import Backend, Routes
from hitless.domain.routing.split import ColourRouting, Server, without
from tests.domain.builders import application, part, prepared, router, routing, web

BLUE, GREEN = Colour.BLUE, Colour.GREEN


def test_the_rules_that_get_requests_now() -> None:
    assert routing(None, {BLUE: part()}).rules == ()
    assert routing(GREEN, {BLUE: part(1, router("a")), GREEN: part(2, router("b"))}).rules == (router("b"),)


class TestColourRouting:
    """What a colour brings to the routing."""

    @staticmethod
    def of(containers: tuple[str, ...], **fields: Any) -> ColourRouting:
        backend = Backend("b", "app", 80, **fields)
        found = application()
        routes = Routes((router(),), (backend,), {"z": {"compress": {}}})
        return colour_routing(Prepared(replace(found, routes=routes)), 3, (), {"app": containers})

    def test_a_server_for_every_replica(self) -> None:
        found = self.of(("one", "two"), scheme="h2c", server={"weight": 2})
        assert found.backends["b"].servers == (
            Server("h2c://one:80", {"weight": 2}),
            Server("h2c://two:80", {"weight": 2}),
        )
        assert (found.release, found.routers, found.middlewares) == (3, (router(),), {"z": {"compress": {}}})

    @pytest.mark.parametrize("containers", [("one",), ("one", "two")])
    def test_no_server_is_banned_for_its_answers(self, containers: tuple[str, ...]) -> None:
        assert self.of(containers, load_balancer={"strategy": "p2c"}).backends["b"].load_balancer == {
            "strategy": "p2c"
        }

    @pytest.mark.parametrize(
        "own", [{"maxFailedAttempts": 9}, {"failureWindow": "3s", "maxFailedAttempts": 1}]
    )
    def test_unless_the_user_says_so(self, own: Json) -> None:
        balancer: Json = {"passiveHealthCheck": own}
        found = self.of(("one", "two"), load_balancer=balancer)
        assert found.backends["b"].load_balancer == balancer
        assert without(found, ["two"]).backends["b"].load_balancer == balancer

    def test_a_shared_service_is_the_same_one_for_every_colour(self) -> None:
        labels = {"traefik.http.routers.s3.rule": "Host(`s3.example`)"}
        found = prepared({"app": web(), "s3": {"image": "minio/minio", "expose": ["9000"], "labels": labels}})
        part = colour_routing(found, 1, ("app",), {})
        assert part.backends["s3"].servers == (Server("http://shop.s3.invalid:9000"),)
        assert part.awaited == ("app",)

    def test_a_backend_of_two_replicas_of_a_compose_service(self) -> None:
        found = prepared({"app": web(deploy={"replicas": 2})})
        brought = colour_routing(found, 1, (), {"app": ("shop-blue-app-1", "shop-blue-app-2")})
        assert [server.url for server in brought.backends["shop"].servers] == [
            "http://shop-blue-app-1:8000",
            "http://shop-blue-app-2:8000",
        ]

    def test_what_the_engine_is_yet_to_create_is_a_server_once_it_has_a_name(self) -> None:
        found = prepared({"app": web(deploy={"replicas": 2}), "worker": {"image": "shop:1"}})
        planned = colour_routing(found, 1, ("app", "worker"), {"app": ("one",)})
        assert planned.awaited == ("app",)
        met = planned.met({"app": ("one", "two")})
        assert [server.url for server in met.servers] == ["http://one:8000", "http://two:8000"]
        assert met.awaited == ()
        assert met == colour_routing(found, 1, (), {"app": ("one", "two")})
