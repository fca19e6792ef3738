"""UDP routes: each has its entry points for itself."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hitless.domain.checks import application as checks
from hitless.domain.checks.route import taken
from hitless.domain.common.findings import Finding
from hitless.domain.common.foreign import Json
from hitless.domain.common.names import Colour
from hitless.domain.routing.model import Protocol
from hitless.domain.routing.split import Routing
from tests.domain.builders import GATEWAY, application, only, part, prepared, router, routing, unrouted, world
from tests.domain.checks.checked import IMAGES

PATH = "services.app.labels.traefik.udp.routers.dns.entrypoints"
POINTS = {"web": 80, "port-53": 53, "port-53-udp": 53}
HEALTHY = {"healthcheck": {"test": ["CMD", "true"]}}


def udp(name: str = "dns", at: str = "port-53-udp") -> dict[str, str]:
    return {
        f"traefik.udp.routers.{name}.entrypoints": at,
        f"traefik.udp.routers.{name}.service": "dns",
        "traefik.udp.services.dns.loadbalancer.server.port": "5300",
    }


def errors(service: Json, *routings: Routing) -> tuple[Finding, ...]:
    made = application({"app": {**HEALTHY, **service}})
    gateway = replace(GATEWAY, entry_points=POINTS, bound=dict.fromkeys(POINTS, ""))
    there = world(*routings, gateway=gateway)
    return tuple(one for one in checks.check(made, there, IMAGES) if one.is_error)


def of_labels(labels: dict[str, str], *routings: Routing) -> tuple[Finding, ...]:
    return errors(unrouted(labels=labels), *routings)


def test_an_application_with_udp_alone() -> None:
    assert of_labels(udp()) == ()


@pytest.mark.parametrize(
    ("at", "said"),
    [
        ("", "has to name its entry points"),
        ("dns", "the gateway has no entry point 'dns'"),
        ("port-54-udp", "the gateway has no entry point 'port-54-udp'"),
        ("web", "web is an entry point of TCP"),
        ("port-53", "port-53 is an entry point of TCP"),
    ],
)
def test_a_route_that_can_not_be_served(at: str, said: str) -> None:
    finding = only(of_labels(udp(at=at)))
    assert finding.path == PATH
    assert said in finding.message


@pytest.mark.parametrize("protocol", ["http", "tcp"])
def test_a_route_of_another_protocol_on_a_udp_entry_point(protocol: str) -> None:
    rule = "Host(`a`)" if protocol == "http" else "HostSNI(`*`)"
    labels = {
        f"traefik.{protocol}.routers.r.rule": rule,
        f"traefik.{protocol}.routers.r.entrypoints": "port-53-udp",
        f"traefik.{protocol}.services.r.loadbalancer.server.port": "80",
    }
    finding = only(of_labels(labels))
    assert finding.path == f"services.app.labels.traefik.{protocol}.routers.r.entrypoints"
    assert "port-53-udp is an entry point of UDP" in finding.message


def test_two_routes_on_one_entry_point() -> None:
    finding = only(of_labels({**udp(), **udp("more")}))
    assert finding.path == PATH.replace("dns", "more")
    assert "is on port-53-udp, too" in finding.message


def test_a_label_and_a_published_port_on_one_entry_point() -> None:
    port = {"target": 5300, "published": "53", "protocol": "udp"}
    finding = only(errors(unrouted(labels=udp(), ports=[port], x_hitless={"publish": "gateway"})))
    assert finding.path == "services.app.ports"


@pytest.mark.parametrize("colour", Colour)
def test_an_entry_point_that_another_application_has_or_is_about_to_get(colour: Colour) -> None:
    theirs = router(entry_points=("port-53-udp",), rule="", protocol=Protocol.UDP)
    other = routing(Colour.BLUE, {Colour.BLUE: part(1), colour: part(1, theirs)}, name="other")
    finding = only(of_labels(udp(), other))
    assert finding.path == PATH
    assert "the application other already has 53/udp" in finding.message
    claims = prepared({"app": unrouted(labels=udp())}).routes.routers
    assert [one.message for one in taken("shop", claims, {"other": other})] == [finding.message]


def test_routes_of_other_protocols_do_not_meet_one_of_udp() -> None:
    theirs = router(entry_points=("port-53",), rule="HostSNI(`*`)", protocol=Protocol.TCP)
    other = routing(Colour.BLUE, {Colour.BLUE: part(1, theirs, router())}, name="other")
    assert of_labels(udp(), other) == ()


def test_a_port_that_the_gateway_does_not_publish() -> None:
    port = {"target": 5300, "published": "54", "protocol": "udp", "host_ip": "127.0.0.1"}
    finding = only(errors(unrouted(ports=[port], x_hitless={"publish": "gateway"})))
    assert "the gateway does not publish the port 54/udp" in finding.message
    assert finding.hint is not None
    assert "--publish 127.0.0.1:54/udp" in finding.hint
    assert "hitless adopt" not in finding.hint


def test_without_a_health_check_a_container_that_runs_is_ready() -> None:
    made = application({"app": unrouted(labels=udp())})
    gateway = replace(GATEWAY, entry_points=POINTS, bound=dict.fromkeys(POINTS, ""))
    finding = only(checks.check(made, world(gateway=gateway), {}))
    assert not finding.is_error
    assert "a container that runs will count as ready" in finding.message


@pytest.mark.parametrize(
    ("http3", "said"), [(True, "443/udp is the gateway's own port for HTTP/3"), (False, "does not publish")]
)
def test_the_udp_port_of_http3_is_the_gateways_own(http3: bool, said: str) -> None:
    port = {"target": 5300, "published": "443", "protocol": "udp"}
    service = {**HEALTHY, **unrouted(ports=[port], x_hitless={"publish": "gateway"})}
    gateway = replace(GATEWAY, https_port=443, http3=http3)
    found = checks.check(application({"app": service}), world(gateway=gateway), IMAGES)
    assert any(said in one.message for one in found if one.is_error), found
