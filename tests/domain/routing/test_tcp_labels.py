"""`traefik.tcp.…` labels: whole connections, by name or by entry point."""

from __future__ import annotations

from hitless.domain.routing import labels
from hitless.domain.routing.model import Backend, Protocol, Router
from tests.domain.builders import only

ROUTER, SERVICE = "traefik.tcp.routers.db", "traefik.tcp.services.db.loadbalancer"
LABELS = {
    f"{ROUTER}.rule": "HostSNI(`db.example`)",
    f"{ROUTER}.entrypoints": "postgres",
    f"{ROUTER}.tls": "true",
}


def test_a_route_to_a_port_of_the_service() -> None:
    routes, findings = labels.read("db", {**LABELS, f"{SERVICE}.server.port": "5432"})
    assert findings == ()
    [router] = routes.routers
    assert router == Router(
        name="db.tcp",
        service="db",
        rule="HostSNI(`db.example`)",
        backend="db.tcp",
        entry_points=("postgres",),
        settings={"tls": {}},
        protocol=Protocol.TCP,
    )
    assert routes.backends == (Backend("db.tcp", "db", 5432, "tcp"),)
    assert (router.path, router.is_port) == ("services.db.labels.traefik.tcp.routers.db", False)


def test_names_of_http_and_tcp_are_apart() -> None:
    http = {
        "traefik.http.routers.db.rule": "Host(`a`)",
        "traefik.http.services.db.loadbalancer.server.port": "80",
    }
    routes, findings = labels.read("db", {**LABELS, **http, f"{SERVICE}.server.port": "5432"})
    assert findings == ()
    assert [(one.name, one.backend) for one in routes.routers] == [("db", "db"), ("db.tcp", "db.tcp")]
    assert [(one.name, one.port) for one in routes.backends] == [("db", 80), ("db.tcp", 5432)]


def test_middlewares_of_tcp() -> None:
    more = {
        f"{ROUTER}.middlewares": "office@docker, few",
        "traefik.tcp.middlewares.office.ipallowlist.sourcerange": "10.0.0.0/8, 192.0.2.1",
        "traefik.tcp.middlewares.few.inflightconn.amount": "10",
    }
    routes, findings = labels.read("db", {**LABELS, **more})
    assert findings == ()
    assert routes.middlewares == {
        "office.tcp": {"ipAllowList": {"sourceRange": ["10.0.0.0/8", "192.0.2.1"]}},
        "few.tcp": {"inFlightConn": {"amount": 10}},
    }
    assert routes.routers[0].middlewares == ("office.tcp", "few.tcp")


def test_what_hitless_can_not_carry_over() -> None:
    _, findings = labels.read("db", {**LABELS, f"{SERVICE}.server.tls": "true"})
    assert only(findings).path == f"services.db.labels.{SERVICE}.server.tls"
    _, findings = labels.read("db", {f"{ROUTER}.entrypoints": "postgres"})
    assert only(findings).path == "services.db.labels.traefik.tcp.routers.db.rule"
