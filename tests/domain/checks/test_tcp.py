"""TCP routes of labels: what Traefik can't tell apart, and whether another application has one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from hitless.domain.checks import application as checks
from hitless.domain.checks.tcp import collide
from hitless.domain.common.findings import Finding
from hitless.domain.common.names import Colour
from hitless.domain.routing.model import Protocol, Router
from hitless.domain.routing.split import Routing
from tests.domain.builders import GATEWAY, application, only, part, router, routing, web, world
from tests.domain.checks.checked import IMAGES

PATH = "services.app.labels.traefik.tcp.routers.db"
POINTS = {"web": 80, "websecure": 443, "port-5432": 5432}


AT = ("port-5432",)
HTTP = {"rule": "Host(`a`)", "entrypoints": "port-5432", "service": "h"}


def tcp(name: str = "db", **settings: str) -> dict[str, str]:
    labels = {"rule": "HostSNI(`*`)", "entrypoints": "port-5432", **settings}
    found = {f"traefik.tcp.routers.{name}.{key.replace('_', '.')}": value for key, value in labels.items()}
    return {**found, "traefik.tcp.services.db.loadbalancer.server.port": "5432"}


def errors(labels: dict[str, str], *routings: Routing) -> tuple[Finding, ...]:
    made = application({"app": web(labels, healthcheck={"test": ["CMD", "true"]})})
    gateway = replace(GATEWAY, entry_points=POINTS, https_port=443, bound=dict.fromkeys(POINTS, ""))
    there = world(*routings, gateway=gateway)
    return tuple(one for one in checks.check(made, there, IMAGES) if one.is_error)


@pytest.mark.parametrize(
    "labels",
    [
        tcp(),
        tcp(rule="HostSNI(`db.example`)", tls_passthrough="true"),
        tcp(
            rule="HostSNI(`db.example`) && ALPN(`postgresql`)",
            tls_passthrough="true",
            entrypoints="websecure",
        ),
        tcp(rule="HostSNIRegexp(`^.+$`)", tls="true"),
    ],
    ids=[
        "every connection of a port",
        "by name, TLS by the service",
        "beside HTTPS",
        "any name, TLS by the gateway",
    ],
)
def test_a_route_that_can_be_served(labels: dict[str, str]) -> None:
    assert errors(labels) == ()


@pytest.mark.parametrize(
    ("settings", "part_of_path", "said"),
    [
        ({"rule": "HostSNI(`db.example`)"}, "tls", "does not say that it is for db.example"),
        ({"rule": "Host(`db.example`)", "tls": "true"}, "rule", "host is no matcher of TCP"),
        ({"rule": "HostSNI(`db.example`", "tls": "true"}, "rule", "can't be read"),
        ({"rule": "HostSNIRegexp(`^.+$`)"}, "tls", "nothing that hostsniregexp could match"),
        ({"rule": "HostSNI(`*`) && ALPN(`h2`)"}, "tls", "nothing that alpn could match"),
        ({"entrypoints": ""}, "entrypoints", "has to name its entry points"),
        ({"entrypoints": "web"}, "entrypoints", "entry point for HTTP"),
        ({"entrypoints": "websecure"}, "entrypoints", "is for TLS alone"),
        ({"entrypoints": "postgres"}, "entrypoints", "has no entry point 'postgres'"),
        ({"entrypoints": "port-7000"}, "entrypoints", "has no entry point 'port-7000'"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_route_that_can_not_be_served(settings: dict[str, str], part_of_path: str, said: str) -> None:
    found = [(one.path, said in one.message) for one in errors(tcp(**settings))]
    assert (f"{PATH}.{part_of_path}", True) in found


@pytest.mark.parametrize("is_raw_first", [True, False])
def test_connections_without_tls_beside_others_on_an_entry_point(is_raw_first: bool) -> None:
    by_name = tcp("named", rule="HostSNI(`db.example`)", tls_passthrough="true")
    finding = only(errors({**tcp(), **by_name} if is_raw_first else {**by_name, **tcp()}))
    paths = [PATH, PATH.replace("db", "named")]
    assert finding.path == paths[is_raw_first]
    assert "port-5432, too: connections without TLS need it for themselves" in finding.message


def test_http_beside_raw_tcp_on_an_entry_point() -> None:
    http = {f"traefik.http.routers.h.{key}": value for key, value in HTTP.items()}
    port = {"traefik.http.services.h.loadbalancer.server.port": "80"}
    assert "need it for themselves" in only(errors({**tcp(), **http, **port})).message


def test_tcp_and_https_for_one_name() -> None:
    https = {"traefik.http.routers.h.rule": "Host(`a`)", "traefik.http.routers.h.entrypoints": "websecure"}
    port = {"traefik.http.services.h.loadbalancer.server.port": "80"}
    found = errors(
        {**https, **port, **tcp(rule="HostSNI(`a`)", tls_passthrough="true", entrypoints="websecure")}
    )
    assert (PATH, True) in [(one.path, "takes the same connections" in one.message) for one in found]


@pytest.mark.parametrize(
    ("live", "is_refused"),
    [
        (router("HostSNI(`*`)", entry_points=("port-5432",), protocol=Protocol.TCP), False),
        (
            router("HostSNI(`a`)", entry_points=("port-5432",), protocol=Protocol.TCP, settings={"tls": {}}),
            True,
        ),
        (router("Host(`a`)", entry_points=("port-5432",)), True),
        (router("Host(`a`)", entry_points=("web",)), False),
    ],
    ids=["raw", "TLS", "HTTP", "another entry point"],
)
def test_a_port_that_changes_to_raw_tcp_with_a_release(live: Router, is_refused: bool) -> None:
    found = errors(tcp(), routing(Colour.BLUE, {Colour.BLUE: part(1, live)}))
    assert [(one.path, "it can't be both at once" in one.message) for one in found] == [
        (PATH, True)
    ] * is_refused


def test_a_name_that_lacks_a_certificate() -> None:
    finding = only(errors(tcp(rule="HostSNI(`db.example`)", tls="true")))
    assert finding.path == f"{PATH}.rule"
    assert "no valid certificate for db.example" in finding.message


def test_an_entry_point_that_another_application_has() -> None:
    theirs = part(1, router(entry_points=("port-5432",), rule="HostSNI(`*`)", protocol=Protocol.TCP))
    other = routing(Colour.BLUE, {Colour.BLUE: theirs}, name="other")
    finding = only(errors(tcp(), other))
    assert "other already has the route HostSNI(`*`)" in finding.message


def by(rule: str, **settings: Any) -> Router:
    return router(rule, entry_points=("websecure",), settings=settings, protocol=Protocol.TCP)


@pytest.mark.parametrize(
    ("one", "two", "is_so"),
    [
        (by("HostSNI(`a`)", tls={}), by("HostSNI(`a`) || HostSNI(`b`)", tls={"passthrough": True}), True),
        (by("HostSNI(`a`)", tls={}), by("HostSNI(`b`)", tls={}), False),
        (by("HostSNI(`a`)", tls={}), by("HostSNI(`*`)", tls={}), False),
        (by("HostSNI(`*`)", tls={}), by("HostSNI(`*`)", tls={}), True),
        (by("HostSNI(`a`)", tls={}), by("HostSNI(`*`)", tls={}, priority=99), True),
        (by("HostSNI(`a`)", tls={}), by("HostSNIRegexp(`^.+$`)", tls={}), True),
        (by("HostSNI(`a`)", tls={}), by("HostSNIRegexp(`^.+\\.example$`)", tls={}), False),
        (by("HostSNI(`a`)", tls={}, priority=99), by("HostSNIRegexp(`^.+$`)", tls={}), False),
        (router("Host(`a`)", settings={"tls": {}}), by("HostSNIRegexp(`^.+$`)", tls={}), False),
        (by("HostSNI(`a`)", tls={}), by("HostSNI(`*`)"), True),
        (by("HostSNI(`a`)", tls={}), router("Host(`a`)", settings={"tls": {}}), True),
        (by("HostSNI(`a`)", tls={}), router("Host(`b`)", settings={"tls": {}}), False),
        (by("HostSNI(`a.b`)", tls={}), router("Host(`*.b`)", settings={"tls": {}}), True),
        (by("HostSNI(`a`)", tls={}), router("HostRegexp(`^a$`)", settings={"tls": {}}), True),
        (by("HostSNI(`a`)", tls={}), router("PathPrefix(`/`)", settings={"tls": {}}), False),
        (by("HostSNI(`a`)", tls={}), by("ClientIP(`0.0.0.0/0`)", tls={}, priority=50), True),
    ],
)
def test_two_routes_for_the_same_connections(one: Router, two: Router, is_so: bool) -> None:
    assert (collide(one, two), collide(two, one)) == (is_so, is_so)
