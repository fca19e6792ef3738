"""What a proof requests, and one deployment on the clock."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from hitless.domain.application.model import Application
from hitless.domain.common.errors import HitlessError
from hitless.domain.common.events import (
    Began,
    Drained,
    Ended,
    Live,
    Operation,
    Outcome,
    StepBegan,
    StepDone,
    StepId,
    StepKind,
)
from hitless.domain.common.names import Colour
from hitless.domain.proof import observations
from hitless.domain.proof.observations import Period, Target
from hitless.domain.release.prepared import prepare
from tests.domain.builders import GATEWAY, container
from tests.execution.applications import WEB, application


def routed(*rules: str, **labels: str) -> Application:
    """An application with a router for each rule."""
    routers = {
        f"traefik.http.routers.r{number}.{key}": value
        for number, rule in enumerate(rules)
        for key, value in (("rule", rule), ("service", "web"))
    }
    known: dict[str, Any] = dict(WEB["labels"])
    del known["traefik.http.routers.web.rule"]
    return application({"web": {**WEB, "labels": {**known, **routers, **labels}}})


def test_by_itself_it_asks_for_an_example_of_each_route() -> None:
    found = observations.targets(
        routed("Host(`shop.example`)", "Host(`shop.example`) && PathPrefix(`/api`)"), ()
    )

    assert found == (Target("shop.example", "/"), Target("shop.example", "/api"))


def test_a_route_for_any_host_is_asked_by_a_name_of_this_machine() -> None:
    assert observations.targets(routed("PathPrefix(`/`)"), ()) == (Target("localhost", "/"),)


def test_a_path_is_asked_for_on_every_host_that_has_it() -> None:
    shop = routed("Host(`a.example`)", "Host(`b.example`) && PathPrefix(`/api`)")

    assert observations.targets(shop, ("/api/1?x=2", "/cart")) == (
        Target("a.example", "/api/1?x=2"),
        Target("b.example", "/api/1?x=2"),
        Target("a.example", "/cart"),
    )


def test_a_path_that_no_route_takes_is_refused_with_the_routes() -> None:
    with pytest.raises(HitlessError) as refused:
        observations.targets(routed("Host(`a.example`) && Path(`/only`)"), ("/other",))
    assert refused.value.message == "no route of shop takes /other"
    assert "Path(`/only`)" in refused.value.hint


def test_where_no_route_says_what_to_ask_for_a_path_does() -> None:
    shop = routed("Host(`a.example`) && Header(`X-A`, `b`)")
    with pytest.raises(HitlessError, match="no route of shop says by itself"):
        observations.targets(shop, ())


def test_a_route_over_tls_is_not_asked() -> None:
    shop = routed(
        "Host(`a.example`)", "Host(`b.example`)", **{"traefik.http.routers.r1.tls.certresolver": "x"}
    )
    assert observations.targets(shop, ()) == (Target("a.example", "/"),)


def test_an_application_of_tcp_alone_cant_be_asked() -> None:
    labels = {
        "traefik.tcp.routers.db.rule": "HostSNI(`*`)",
        "traefik.tcp.routers.db.entrypoints": "postgres",
        "traefik.tcp.services.db.loadbalancer.server.port": "5432",
    }
    with pytest.raises(HitlessError, match="all routes of shop are of TCP"):
        observations.targets(application({"app": {"image": "shop:1", "labels": labels}}), ())


def test_an_application_over_https_alone_cant_be_asked() -> None:
    shop = routed("Host(`a.example`)", **{"traefik.http.routers.r0.tls": "true"})
    with pytest.raises(HitlessError, match="all routes of shop are over HTTPS"):
        observations.targets(shop, ())


def test_a_port_that_the_gateway_publishes_is_asked_there_and_one_of_tcp_is_not() -> None:
    services: dict[str, Any] = {
        "web": {**WEB, "ports": [{"published": "8080", "target": 8000}], "x-hitless": {"publish": "gateway"}},
        "mail": {
            "image": "mail:1",
            "ports": [{"published": "2525", "target": 25}],
            "x-hitless": {"publish": "gateway", "protocol": "tcp"},
        },
    }
    shop, _ = prepare(application(services), {}, GATEWAY)

    assert observations.targets(shop, ()) == (
        Target("shop.example", "/"),
        Target("localhost", "/", "port-8080"),
    )
    assert observations.targets(shop, ("/cart",))[1].url == "http://localhost:8080/cart"
    assert "mail" not in observations.idle_probes(shop, [container(Colour.GREEN, service="mail")])


def test_idle_connections_are_looked_at_in_one_container_of_each_service() -> None:
    shop, _ = prepare(routed("Host(`shop.example`)"), {}, GATEWAY)
    running = container(Colour.GREEN, service="web")
    ended = replace(running, name="shop-green-web-2", state="exited")
    [(service, probe)] = observations.idle_probes(shop, [running, ended]).items()

    assert (service, probe.container, probe.port) == ("web", running.name, 8000)
    assert (probe.path, probe.host) == ("/health", "shop.example")


def test_the_gateways_sticky_cookies_are_no_session() -> None:
    sticky = "traefik.http.services.web.loadbalancer.sticky.cookie.name"
    cookies = {"sid": "1", "lb": "2", "_1d52e": "3", "_ga": "4"}

    assert observations.without_sticky(routed("Host(`a`)", **{sticky: "lb"}), cookies) == {
        "sid": "1",
        "_ga": "4",
    }
    assert observations.without_sticky(routed("Host(`a`)"), {"lb": "2"}) == {"lb": "2"}


def test_how_long_a_container_gets_to_stop() -> None:
    assert observations.grace_periods(application({"web": WEB})) == {"web": 10.0}
    assert observations.grace_periods(application({"web": {**WEB, "stop_grace_period": "1m30s"}})) == {
        "web": 90.0
    }


def test_a_deployment_on_the_clock() -> None:
    found = observations.timeline(
        [
            (10.0, Began(Operation.PROVE, "shop", 1, "me")),
            (11.0, StepDone(StepId(StepKind.START, Colour.GREEN), 1.0)),
            (13.0, StepDone(StepId(StepKind.GATE, Colour.GREEN), 2.0)),
            (13.0, StepBegan(StepId(StepKind.CUT_OVER, Colour.GREEN))),
            (13.2, StepDone(StepId(StepKind.CUT_OVER, Colour.GREEN), 0.2)),
            (13.2, Live(1, Colour.GREEN, 3.2)),
            (14.0, Drained(Colour.BLUE, 2, 1, 0.8)),
            (14.2, StepBegan(StepId(StepKind.RETIRE, Colour.BLUE))),
            (15.0, StepDone(StepId(StepKind.RETIRE, Colour.BLUE), 0.8)),
            (15.1, Ended(Operation.PROVE, "shop", Outcome.SUCCESSFUL, 5.1)),
        ]
    )

    assert (found.began, found.ended, found.cutting, found.live) == (10.0, 15.1, 13.0, 13.2)
    assert (found.stopping, found.stopped, found.gate) == (14.2, 15.0, 3.0)
    assert (found.in_flight, found.cut) == (2, 1)
    moments = (10.0, 13.1, 13.3, 14.5, 15.05, 16.0)
    assert [found.period(moment) for moment in moments] == [
        Period.STARTING,
        Period.CUTOVER,
        Period.DRAINING,
        Period.STOPPING,
        Period.AFTER,
        Period.AFTER,
    ]


def test_what_an_undo_drains_and_retires_is_no_end_of_the_old_release() -> None:
    found = observations.timeline(
        [
            (10.0, Began(Operation.PROVE, "shop", 1, "me")),
            (14.0, Drained(Colour.GREEN, 1, 0, 0.8)),
            (14.2, StepBegan(StepId(StepKind.RETIRE, Colour.GREEN))),
            (15.0, StepDone(StepId(StepKind.RETIRE, Colour.GREEN), 0.8)),
            (15.1, Ended(Operation.PROVE, "shop", Outcome.FAILED, 5.1)),
        ]
    )

    assert (found.cutting, found.live, found.stopping, found.in_flight) == (None, None, None, 0)
    assert found.period(14.5) is Period.STARTING
