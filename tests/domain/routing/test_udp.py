"""`traefik.udp.…` labels, and UDP ports that the gateway publishes."""

from __future__ import annotations

from typing import Any

import pytest

from hitless.domain.application import read as reading
from hitless.domain.routing import labels
from hitless.domain.routing.entry_points import (
    entry_point,
    inner_port,
    is_udp,
    port_of,
    shown,
    udp_entry_point,
)
from hitless.domain.routing.model import Backend, Protocol, Router, label_name, label_of
from tests.domain.builders import compose, only, paths, prepared, unrouted

ROUTER, SERVICE = "traefik.udp.routers.dns", "traefik.udp.services.dns.loadbalancer"
LABELS = {f"{ROUTER}.entrypoints": "dns", f"{SERVICE}.server.port": "5300"}
PORT: dict[str, Any] = {"mode": "ingress", "target": 5300, "published": "53", "protocol": "udp"}


@pytest.mark.parametrize("more", [{}, {f"{ROUTER}.service": "dns"}], ids=["the only service", "named"])
def test_a_route_to_a_port_of_the_service(more: dict[str, str]) -> None:
    routes, findings = labels.read("db", {**LABELS, **more})
    assert findings == ()
    assert routes.routers == (
        Router("dns.udp", "db", "", "dns.udp", entry_points=("dns",), protocol=Protocol.UDP),
    )
    assert routes.backends == (Backend("dns.udp", "db", 5300, "udp"),)
    [router] = routes.routers
    assert (router.path, router.is_port) == ("services.db.labels.traefik.udp.routers.dns", False)


def test_names_of_each_protocol_are_apart() -> None:
    tcp = {"traefik.tcp.routers.dns.rule": "HostSNI(`*`)", "traefik.tcp.routers.dns.entrypoints": "port-53"}
    routes, findings = labels.read("db", {**LABELS, **tcp})
    assert findings == ()
    assert [one.name for one in routes.routers] == ["dns.tcp", "dns.udp"]
    assert {label_name(one.name) for one in routes.routers} == {"dns"}
    assert label_of("services", "dns.udp") == "traefik.udp.services.dns"
    assert label_of("services", "dns.tcp") == "traefik.tcp.services.dns"


def test_a_service_of_another_protocol_is_none_of_udp() -> None:
    tcp = {"traefik.tcp.services.other.loadbalancer.server.port": "53", f"{ROUTER}.service": "other"}
    model = compose({"app": unrouted(labels={**LABELS, **tcp})})
    finding = only(tuple(one for one in reading.read(model)[1] if one.is_error))
    assert finding.path == f"services.app.labels.{ROUTER}.service"


def test_one_number_is_published_for_tcp_and_udp() -> None:
    made = prepared(
        {
            "app": unrouted(
                ports=[PORT, {**PORT, "protocol": "tcp"}], x_hitless={"publish": "gateway", "protocol": "tcp"}
            )
        }
    )
    found = {one.entry_points: (one.protocol, one.rule, one.is_port) for one in made.routes.routers}
    assert found == {
        ("port-53-udp",): (Protocol.UDP, "", True),
        ("port-53",): (Protocol.TCP, "HostSNI(`*`)", True),
    }
    assert {(one.port, one.scheme) for one in made.routes.backends} == {(5300, "udp"), (5300, "tcp")}
    assert {one.path for one in made.routes.routers} == {"services.app.ports"}


def test_a_udp_port_twice() -> None:
    model = compose({"app": unrouted(ports=[PORT, PORT], x_hitless={"publish": "gateway"})})
    assert paths(reading.read(model)[1]) == ["services.app.ports"]


def test_the_entry_point_of_a_udp_port() -> None:
    name = udp_entry_point(53)
    assert (is_udp(name), port_of(name), inner_port(name)) == (True, 53, 53)
    assert not is_udp(entry_point(53))
    assert not is_udp("dns-udp")
    assert shown("", 53, over_udp=True) == "*:53/udp"
    assert shown("::1", 53, over_udp=True) == "[::1]:53/udp"
