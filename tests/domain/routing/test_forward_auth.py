"""Which backend a `forwardAuth` middleware asks, and which services a route needs for its middlewares."""

from __future__ import annotations

import pytest

from hitless.domain.common.foreign import Json
from hitless.domain.routing import forward_auth
from hitless.domain.routing.model import Backend, Protocol, Router, Routes


def routes(address: str, *more: Router) -> Routes:
    backends = (Backend("ui", "login", 80), Backend("api", "login", 9091), Backend("web", "web", 8000))
    login: Json = {"forwardAuth": {"address": address}}
    chain: Json = {"chain": {"middlewares": ["login@docker"]}}
    return Routes(tuple(more), backends, {"login": login, "all": chain})


@pytest.mark.parametrize(
    ("address", "backend"),
    [
        ("http://login:9091/verify", "api"),
        ("http://login/verify", "ui"),
        ("http://login:9092/", None),
        ("https://login:9091/", None),
        ("http://login.example.org/", None),
        ("http://login:port/", None),
        ("http://ann:secret@login:9091/", None),
        ("", None),
    ],
)
def test_the_one_with_the_port_of_the_address(address: str, backend: str | None) -> None:
    assert forward_auth.asks(routes(address)).get("login") == backend


def test_the_one_whose_port_only_its_image_tells() -> None:
    found = routes("http://later:9091/")
    there = Routes(found.routers, (*found.backends, Backend("later", "later", None)), found.middlewares)
    assert forward_auth.asks(there) == {"login": "later"}


def test_none_that_speaks_no_http() -> None:
    tcp = Router("db", "login", "HostSNI(`*`)", "api", ("port-9091",), protocol=Protocol.TCP)
    assert forward_auth.asks(routes("http://login:9091/", tcp)) == {}


@pytest.mark.parametrize("middlewares", [("login",), ("all",), ("all@docker", "other")])
def test_a_route_needs_what_its_middlewares_ask_also_in_a_chain(middlewares: tuple[str, ...]) -> None:
    router = Router("web", "web", "Host(`a`)", "web", ("web",), middlewares)
    assert forward_auth.services_of(routes("http://login:9091/", router), router) == {"login"}
    other = Router("web", "web", "Host(`a`)", "web", ("web",))
    assert forward_auth.services_of(routes("http://login:9091/", other), other) == set()
