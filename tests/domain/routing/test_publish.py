"""Ports that the gateway publishes in a service's place."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from hitless.domain.application import read as reading
from hitless.domain.application.model import Application, Role
from hitless.domain.checks import application as checks
from hitless.domain.common.findings import Finding
from hitless.domain.common.foreign import Json
from hitless.domain.common.names import Colour
from hitless.domain.release import compose_models, requirements
from hitless.domain.release.colour_routing import colour_routing
from hitless.domain.release.prepared import Prepared, behind
from hitless.domain.routing import entry_points
from hitless.domain.routing.entry_points import entry_point, inner_port, port_of
from hitless.domain.routing.model import Protocol
from tests.domain.builders import (
    GATEWAY,
    WEB_LABELS,
    application,
    compose,
    image,
    only,
    part,
    paths,
    prepared,
    release,
    router,
    routing,
    unrouted,
    web,
    world,
)

PUBLISHED: dict[str, Any] = {"mode": "ingress", "target": 8000, "published": "8080", "protocol": "tcp"}
PORTS = replace(
    GATEWAY,
    entry_points={"web": 80, "port-8080": 60081},
    bound={"web": "", "port-8080": ""},
)
IMAGES = {"app": image(8000, healthcheck=True)}


def app(*ports: Json, labels: Json | None = None, **said: Any) -> Prepared:
    """An application whose one service has its ports published by the gateway."""
    return prepared({"app": service(*ports, labels=labels, **said)})


def service(*ports: Json, labels: Json | None = None, **said: Any) -> dict[str, Any]:
    extension = {"publish": "gateway", **said}
    keys: dict[str, Any] = {"ports": list(ports or [PUBLISHED]), "x_hitless": extension}
    return web(labels, **keys) if labels else unrouted(**keys)


def found(*ports: Json, **said: Any) -> tuple[Finding, ...]:
    """What reading such a service finds."""
    return reading.read(compose({"app": service(*ports, **said)}))[1]


class TestRoutes:
    """What a published port becomes."""

    def test_every_request_on_an_entry_point_of_its_own(self) -> None:
        routes = app().routes
        assert [(one.rule, one.entry_points, one.backend) for one in routes.routers] == [
            ("PathPrefix(`/`)", ("port-8080",), "app.8080")
        ]
        assert [(one.name, one.port, one.scheme) for one in routes.backends] == [("app.8080", 8000, "http")]

    def test_makes_it_a_web_service(self) -> None:
        [only_one] = app().services
        assert only_one.role is Role.WEB

    def test_every_connection_where_it_is_tcp(self) -> None:
        routes = app(protocol="tcp").routes
        assert [(one.rule, one.protocol) for one in routes.routers] == [("HostSNI(`*`)", Protocol.TCP)]
        assert [(one.scheme, one.port) for one in routes.backends] == [("tcp", 8000)]

    def test_the_backend_of_the_labels_where_that_has_the_same_port(self) -> None:
        routes = app(labels=WEB_LABELS).routes
        assert [one.backend for one in routes.routers] == ["shop", "shop"]
        assert len(routes.backends) == 1

    def test_the_container_publishes_nothing(self) -> None:
        made = app()
        model = compose_models.colour_model(made, release(1), Colour.BLUE, GATEWAY)
        assert "ports" not in model["services"]["app"]

    def test_servers_by_name_without_a_ban_of_tcp_ones(self) -> None:
        made = app(protocol="tcp")
        containers = {"app": ("shop-blue-app-1", "shop-blue-app-2")}
        backend = colour_routing(made, 1, (), containers).backends["app.8080"]
        assert [server.url for server in backend.servers] == [
            "tcp://shop-blue-app-1:8000",
            "tcp://shop-blue-app-2:8000",
        ]
        assert backend.load_balancer == {}


class TestByItself:
    """What the gateway publishes for a service with a route, where the file does not ask for it."""

    def made(self, target: int, published: str = "8080", **said: Any) -> Prepared:
        port = {**PUBLISHED, "target": target, "published": published}
        keys: dict[str, Any] = {"x_hitless": said} if said else {}
        return prepared({"app": web(ports=[port], **keys)})

    def test_the_port_of_its_labels(self) -> None:
        made = self.made(8000)
        assert [(one.name, one.backend) for one in made.routes.routers] == [
            ("shop", "shop"),
            ("app.8080", "shop"),
        ]
        [service] = made.services
        assert service.reason == "it has a route; the gateway publishes 8080 (http) for it"
        model = compose_models.colour_model(made, release(1), Colour.BLUE, GATEWAY)
        assert "ports" not in model["services"]["app"]

    @pytest.mark.parametrize(
        ("target", "protocol"), [(8080, Protocol.HTTP), (3000, Protocol.HTTP), (25, Protocol.TCP)]
    )
    def test_another_port_by_what_is_usual(self, target: int, protocol: Protocol) -> None:
        routers = self.made(target).routes.routers
        assert [one.protocol for one in routers] == [Protocol.HTTP, protocol]

    def test_a_port_that_is_for_anything_is_asked_about(self) -> None:
        model = compose({"app": web(ports=[{**PUBLISHED, "target": 9458}])})
        finding = only(reading.read(model)[1])
        assert (finding.path, finding.is_error) == ("services.app.ports", True)
        assert "8080: does 9458 speak HTTP?" in finding.message
        assert self.made(9458, protocol="tcp").routes.routers[1].protocol is Protocol.TCP

    def test_not_against_the_file(self) -> None:
        made = self.made(8000, publish="none")
        assert [one.name for one in made.routes.routers] == ["shop"]
        model = compose_models.colour_model(made, release(1), Colour.BLUE, GATEWAY)
        assert "ports" not in model["services"]["app"]

    def test_not_for_a_service_without_a_route(self) -> None:
        made = prepared({"app": web(), "worker": unrouted(ports=[PUBLISHED])})
        assert [one.name for one in made.routes.routers] == ["shop"]


class TestReading:
    """What can't be published."""

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            ({"protocol": "sctp"}, "no sctp port"),
            ({"published": "8000-8010"}, "one port from 1 to 60000"),
            ({"published": "60001"}, "one port from 1 to 60000"),
        ],
    )
    def test_a_port_that_the_gateway_cant_have(self, change: Json, said: str) -> None:
        finding = only(found({**PUBLISHED, **change}))
        assert (finding.path, finding.is_error) == ("services.app.ports", True)
        assert said in finding.message

    def test_no_port_at_all(self) -> None:
        assert paths(found({"target": 80})) == ["services.app.ports"]

    @pytest.mark.parametrize("said", [{"publish": "host"}, {"publish": True}, {"protocol": "udp"}])
    def test_a_wrong_word(self, said: Json) -> None:
        assert f"services.app.x-hitless.{next(iter(said))}" in paths(found(**said))

    def test_a_protocol_of_nothing(self) -> None:
        model = compose({"app": web(x_hitless={"protocol": "tcp"})})
        assert paths(reading.read(model)[1]) == ["services.app.x-hitless.protocol"]


class TestOnThisHost:
    """What the gateway must have for it."""

    def check(self, made: Application, **gateway: Any) -> tuple[Finding, ...]:
        return checks.check(made, world(gateway=replace(PORTS, **gateway)), IMAGES)

    def test_nothing_is_wrong(self) -> None:
        assert self.check(app()) == ()

    def test_a_port_that_it_does_not_publish(self) -> None:
        finding = only(checks.check(app(), world(), IMAGES))
        assert (finding.path, finding.is_error) == ("services.app.ports", True)
        assert "hitless gateway up --publish 8080" in finding.hint

    def test_a_port_for_one_address_alone_is_not_opened_to_all(self) -> None:
        finding = only(self.check(app({**PUBLISHED, "host_ip": "127.0.0.1"})))
        assert "--publish 127.0.0.1:8080" in finding.hint

    def test_the_gateways_own_port_is_its_entry_point_web(self) -> None:
        made = app({**PUBLISHED, "published": "80"})
        assert behind(made, GATEWAY).routes.routers[0].entry_points == ("web",)
        assert self.check(made) == ()

    def test_which_carries_no_raw_tcp(self) -> None:
        finding = only(self.check(app({**PUBLISHED, "published": "80"}, protocol="tcp")))
        assert "own port for HTTP" in finding.message

    def test_the_same_port_of_another_application(self) -> None:
        theirs = part(1, router(entry_points=("port-8080",), rule="HostSNI(`*`)", protocol=Protocol.TCP))
        other = routing(Colour.BLUE, {Colour.BLUE: theirs}, name="other")
        found = checks.check(app(), world(other, gateway=PORTS), IMAGES)
        assert "the application other already has" in only(found).message

    def test_a_host_on_web_is_no_business_of_another_port(self) -> None:
        other = routing(Colour.BLUE, {Colour.BLUE: part(1, router())}, name="other")
        assert checks.check(app(), world(other, gateway=PORTS), IMAGES) == ()

    def test_tcp_without_a_health_check_is_warned_of(self) -> None:
        made = app(protocol="tcp")
        finding = only(checks.check(made, world(gateway=PORTS), {"app": image(8000)}))
        assert not finding.is_error
        assert "an accepted connection" in finding.message


class TestReadiness:
    """How a candidate without a health check is asked."""

    def test_a_connection_is_all_that_can_be_asked_of_tcp(self) -> None:
        made = app(protocol="tcp")
        [wanted] = requirements.of_services(made, {}, ("app",))
        [probe] = wanted.of("a").probes
        assert (probe.container, probe.port, probe.tcp) == ("a", 8000, True)
        assert requirements.of_routes(made, Colour.BLUE, PORTS, ("app",)) == ()

    def test_docker_says_it_where_it_can(self) -> None:
        [wanted] = requirements.of_services(app(protocol="tcp"), IMAGES, ("app",))
        assert (wanted.healthcheck, wanted.probes) == (True, ())

    def test_a_route_of_http_is_asked_on_its_own_port(self) -> None:
        [probe] = requirements.of_routes(app(), Colour.BLUE, PORTS, ("app",))
        assert (probe.port, probe.path) == (60081, "/")


@pytest.mark.parametrize("port", [1, 79, 80, 8080, 6379, entry_points.HIGHEST])
def test_no_two_entry_points_share_a_port_inside_the_gateway(port: int) -> None:
    name = entry_point(port)
    assert port_of(name) == port
    assert inner_port(name) not in (inner_port("web"), 8080)


def test_the_entry_point_web_has_no_port_of_its_own() -> None:
    assert port_of("web") is None
    assert inner_port("web") == 80


def test_a_route_to_a_server_of_grpc_is_not_asked_by_a_get() -> None:
    labels = {**WEB_LABELS, "traefik.http.services.shop.loadbalancer.server.scheme": "h2c"}
    made = prepared({"app": web(labels, healthcheck={"test": ["CMD", "true"]})})
    assert requirements.of_routes(made, Colour.BLUE, GATEWAY, ("app",)) == ()


def test_one_port_twice_in_a_service_is_an_error_and_not_half_of_it() -> None:
    twice = ({**PUBLISHED, "host_ip": "10.1.1.1"}, {**PUBLISHED, "host_ip": "10.1.1.2", "target": 8001})
    assert only(found(*twice)).message == "8080 is published twice"


def test_one_port_of_two_services_is_an_error() -> None:
    made = application({"app": service(), "other": service(protocol="tcp")})
    images = {**IMAGES, "other": image(8000, healthcheck=True)}
    wrong = only(checks.check(made, world(gateway=PORTS), images))
    assert (wrong.path, wrong.message) == ("services.other.ports", "8080 is published by app, too")


def test_a_port_of_another_application_is_called_so() -> None:
    other = part(1, *app().routes.routers)
    there = world(routing(Colour.BLUE, {Colour.BLUE: other}, name="blog"), gateway=PORTS)
    wrong = only(checks.check(app(), there, IMAGES))
    assert (wrong.path, wrong.message) == (
        "services.app.ports",
        "the application blog already has the port 8080",
    )


def test_no_label_is_advised_where_there_can_be_none() -> None:
    advice = only(checks.check(app(), world(gateway=PORTS), {"app": image(8000, healthcheck=False)}))
    assert advice.hint == "give the service a `healthcheck:`"


def test_an_address_of_ipv6_is_written_as_publish_takes_it() -> None:
    wrong = only(checks.check(app({**PUBLISHED, "host_ip": "::1"}), world(), IMAGES))
    assert "--publish [::1]:8080 " in wrong.hint


def test_a_database_that_would_start_empty_with_each_release_is_warned_of() -> None:
    made = application(
        {"app": unrouted(image="redis:7", ports=[PUBLISHED], x_hitless={"publish": "gateway"})}
    )
    [finding] = checks.check(made, world(gateway=PORTS), IMAGES)
    assert (finding.path, finding.is_error) == ("services.app", False)
    assert "empty at first" in finding.message
