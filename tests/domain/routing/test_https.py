"""What routes over HTTPS become on the gateway."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from hitless.domain.common.foreign import Json
from hitless.domain.routing.entry_points import ALIASES
from hitless.domain.routing.https import certificate_names, named, secured
from hitless.domain.routing.model import Protocol, Router, Routes

RULE = "Host(`shop.example`)"


def router(name: str = "shop", rule: str = RULE, at: tuple[str, ...] = (), **settings: Any) -> Router:
    return Router(name, "app", rule, "shop", at, settings=settings)


def placed(*routers: Router, redirects: bool = True) -> dict[str, tuple[tuple[str, ...], bool]]:
    """Each router's entry points, and whether it has TLS."""
    found = secured(Routes(routers), 443, redirects)
    return {one.name: (one.entry_points, "tls" in one.settings) for one in found.routers}


TLS: Json = {"tls": {}}
DOMAINS: Json = {"domains": [{"main": "a.example", "sans": ["*.a.example"]}, {"main": "b.example"}]}
SECURE = (("websecure",), True)
REDIRECT = (("web",), False)


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (router(), {"shop": ((), False)}),
        (router(at=("web",)), {"shop": (("web",), False)}),
        (router(at=("websecure",)), {"shop": SECURE, "shop.redirect": REDIRECT}),
        (router(at=("websecure",), **TLS), {"shop": SECURE, "shop.redirect": REDIRECT}),
        (router(**TLS), {"shop": SECURE, "shop.redirect": REDIRECT}),
        (router(at=("web",), **TLS), {"shop": SECURE, "shop.redirect": REDIRECT}),
        (router(at=("web", "websecure"), **TLS), {"shop": SECURE, "shop.redirect": REDIRECT}),
        (router(at=("web", "websecure")), {"shop": SECURE, "shop.plain": (("web",), False)}),
        (router(at=("port-9",), **TLS), {"shop": (("port-9",), True)}),
        (
            router(at=("websecure", "port-9")),
            {"shop": SECURE, "shop.plain": (("port-9",), False), "shop.redirect": REDIRECT},
        ),
    ],
    ids=[
        "nowhere",
        "web",
        "websecure",
        "websecure with tls",
        "tls alone",
        "web with tls",
        "both with tls",
        "both",
        "a port with tls",
        "websecure and a port",
    ],
)
def test_where_a_router_is(one: Router, expected: dict[str, object]) -> None:
    assert placed(one) == expected


def test_a_tcp_route_is_left_as_it_is() -> None:
    one = replace(router("db.tcp", "HostSNI(`db.example`)", ("websecure",), **TLS), protocol=Protocol.TCP)
    assert secured(Routes((one,)), 443, True) == Routes((one,))
    assert certificate_names(one) == (("db.example",),)
    assert certificate_names(replace(one, settings={"tls": {"passthrough": True}})) == ()


def test_secured_twice_it_is_the_same() -> None:
    once = secured(
        Routes((router(at=("websecure", "web")), router("api", "Host(`a.example`)", **TLS))), 443, True
    )
    assert secured(once, 443, True) == once


def test_a_route_of_its_own_on_web_is_no_reason_for_a_redirect() -> None:
    own = router("plain", at=("web",))
    assert "shop.redirect" not in placed(router(at=("websecure",)), own)
    everything = router("all", "HostRegexp(`.+`)", ("web",), priority=10_000)
    assert "shop.redirect" not in placed(router(at=("websecure",)), everything)
    other = router("other", "Host(`other.example`)", ("web",))
    assert "shop.redirect" in placed(router(at=("websecure",)), other)


def test_no_redirect_where_none_is_wanted() -> None:
    assert "shop.redirect" not in placed(router(at=("websecure",)), redirects=False)


@pytest.mark.parametrize(("port", "named"), [(443, {}), (8443, {"port": "8443"})])
def test_a_redirect_names_a_port_that_browsers_do_not_know(port: int, named: Json) -> None:
    found = secured(Routes((router(**TLS),)), port, True)
    assert found.middlewares == {"https.redirect": {"redirectScheme": {"scheme": "https", **named}}}
    *_, redirect = found.routers
    assert redirect.middlewares == ("https.redirect",)


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (
            router(at=SECURE[0], rule="Host(`a.example`, `b.example`)"),
            (("a.example",), ("b.example",)),
        ),
        (router(at=SECURE[0], rule="PathPrefix(`/`)"), ()),
        (router(at=("web",), rule="Host(`a.example`)"), ()),
        (
            router(at=SECURE[0], tls=DOMAINS),
            (("a.example", "*.a.example"), ("b.example",)),
        ),
    ],
    ids=["one for each host of its rule", "no host", "not over HTTPS", "its label"],
)
def test_the_names_of_certificates(one: Router, expected: tuple[tuple[str, ...], ...]) -> None:
    assert certificate_names(one) == expected


def test_entry_points_have_their_names_here() -> None:
    assert named(router(at=("https", "websecure", "http", "mine")), ALIASES).entry_points == (
        "websecure",
        "web",
        "mine",
    )
