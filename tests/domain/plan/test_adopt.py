"""What adopting an application takes, one situation each."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from hitless.cli.views.adoption import adoption_lines
from hitless.domain.application.model import Application
from hitless.domain.common.findings import Finding
from hitless.domain.common.names import Colour
from hitless.domain.gateway.settings import GatewaySettings
from hitless.domain.host.world import ComposeContainer, Neighbour, Port, World
from hitless.domain.plan.adopt import Adoption, decide
from tests.domain.builders import GATEWAY, application, at, only, part, routing, unrouted, web, world
from tests.domain.routing.test_publish import PUBLISHED, service

LABELLED = application({"app": web()})
PUBLISHING = application({"app": service()})
SETTINGS = GatewaySettings(http_port=8000, bind="127.0.0.1")


def base(name: str = "app", state: str = "running") -> ComposeContainer:
    return ComposeContainer(project="shop", service=name, name=f"shop-{name}-1", state=state)


def neighbour(name: str = "app", *ports: Port, project: str = "shop", **fields: Any) -> Neighbour:
    known: dict[str, Any] = {
        "image": "shop:1",
        "addresses": {"edge": ("10.0.0.9",)},
        "is_labelled": False,
        "is_ours": False,
    }
    return Neighbour(f"{project}-{name}-1", project, name, ports=ports, **{**known, **fields})


TRAEFIK = neighbour("traefik", Port(80, 80), project="edge", image="docker.io/traefik:v2.11")


def decided(
    made: Application,
    *neighbours: Neighbour,
    present: GatewaySettings | None = SETTINGS,
    there: World | None = None,
) -> tuple[Adoption, tuple[Finding, ...]]:
    found = there or world(gateway=None if present is None else world().gateway)
    return decide(made, replace(found, base=found.base or (base(),)), neighbours, present)


def test_behind_our_gateway_nothing_but_the_containers_changes() -> None:
    plain = neighbour(addresses={"traefik_webgateway": ("10.0.0.2",)}, is_labelled=True)
    found, findings = decided(LABELLED, plain)
    assert findings == ()
    assert (found.before, found.after, found.ports) == (None, None, {})
    assert found.addresses == ("10.0.0.2",)
    assert adoption_lines(found) == (
        "deploy shop: hitless plan shows how",
        "drain shop-app-1",
        "remove shop-app-1",
    )


def test_the_port_that_the_application_publishes_changes_hands() -> None:
    found, findings = decided(PUBLISHING, neighbour("app", Port(8080, 8000)))
    assert findings == ()
    assert found.ports == {8080: "shop-app-1"}
    # reached from everywhere as before, though the gateway's own port is on the loopback
    assert found.before == replace(SETTINGS, ports={8080: ""}, held=(8080,))
    assert found.after == replace(SETTINGS, ports={8080: ""})


def test_on_the_address_that_the_file_names() -> None:
    made = application({"app": service({**PUBLISHED, "host_ip": "10.1.1.1"})})
    found, _ = decided(made, neighbour("app", Port(8080, 8000, "10.1.1.1")))
    assert found.after is not None
    assert found.after.ports == {8080: "10.1.1.1"}


def test_a_gateway_that_is_not_up_is_started_without_the_port_at_first() -> None:
    found, _ = decided(PUBLISHING, neighbour("app", Port(8080, 8000)), present=None)
    assert found.before == GatewaySettings(ports={8080: ""}, held=(8080,))
    assert found.after == GatewaySettings(ports={8080: ""})


def test_the_gateways_own_port_which_the_application_has_now() -> None:
    made = application({"app": service({**PUBLISHED, "published": "80"})})
    found, findings = decided(made, neighbour("app", Port(80, 8000)), present=None)
    assert findings == ()
    assert found.ports == {80: "shop-app-1"}
    assert found.before == GatewaySettings(held=(80,))
    assert found.after == GatewaySettings()


def test_a_port_that_nobody_has_is_given_to_the_gateway_first() -> None:
    found, findings = decided(PUBLISHING, neighbour())
    assert findings == ()
    assert (found.before, found.after) == (replace(SETTINGS, ports={8080: "127.0.0.1"}), None)


def test_a_port_that_was_to_change_hands_before() -> None:
    present = replace(SETTINGS, ports={8080: "127.0.0.1"}, held=(8080,))
    found, _ = decided(
        PUBLISHING,
        neighbour("app", Port(8080, 8000)),
        present=present,
        there=world(routing(Colour.BLUE)),
    )
    assert (found.before, found.after) == (None, replace(present, held=()))
    assert found.ports == {8080: "shop-app-1"}


def test_a_port_of_somebody_else() -> None:
    found, findings = decided(PUBLISHING, neighbour(), neighbour("x", Port(8080, 80), project="other"))
    assert "is published by other-x-1" in at(findings, "ports").message
    assert found.ports == {}


def test_another_traefik_hands_over_its_port() -> None:
    found, findings = decided(LABELLED, neighbour(), TRAEFIK)
    assert findings == ()
    assert (found.front, found.ports) == ("edge-traefik-1", {80: "edge-traefik-1"})
    # docs/adoption.md has the gateway on the loopback until then; the site must not end up there
    assert (found.before, found.after) == (None, replace(SETTINGS, http_port=80, bind=""))


def test_also_where_the_gateway_is_not_up_yet() -> None:
    front = replace(TRAEFIK, ports=(Port(88, 80, "10.1.1.1"),))
    found, _ = decided(LABELLED, neighbour(), front, present=None)
    after = GatewaySettings(http_port=88, bind="10.1.1.1")
    assert (found.before, found.after) == (replace(after, held=(88,)), after)


def test_not_while_other_applications_are_behind_it() -> None:
    blog = neighbour("web", project="blog", is_labelled=True)
    found, findings = decided(LABELLED, neighbour(), TRAEFIK, blog)
    assert findings == ()
    assert (found.others, found.ports, found.after) == (("blog",), {}, None)
    assert adoption_lines(found)[-1] == (
        "leave edge-traefik-1 its port while it serves blog, too: adopt that, then this again"
    )


def test_those_that_are_adopted_do_not_count() -> None:
    blog = neighbour("web", project="blog", is_labelled=True)
    there = world(routing(Colour.BLUE, {Colour.BLUE: part()}, name="blog"))
    found, _ = decided(LABELLED, neighbour(), TRAEFIK, blog, there=there)
    assert (found.others, found.ports) == ((), {80: "edge-traefik-1"})


def test_without_a_gateway_the_port_that_it_would_have_is_asked_for() -> None:
    blog = neighbour("web", project="blog", is_labelled=True)
    _, findings = decided(LABELLED, neighbour(), TRAEFIK, blog, present=None)
    assert "keeps its port until blog is adopted, too" in at(findings, "gateway").message


SECURE = replace(TRAEFIK, ports=(Port(80, 80), Port(443, 443)))
HELD = GatewaySettings(https_port=443, held=(80, 443))


def test_a_traefik_that_ends_tls_hands_over_both_ports_at_once() -> None:
    found, findings = decided(LABELLED, neighbour(), SECURE, present=HELD)
    assert findings == ()
    assert found.ports == {80: "edge-traefik-1", 443: "edge-traefik-1"}
    assert (found.before, found.after) == (None, replace(HELD, held=()))


@pytest.mark.parametrize("present", [None, SETTINGS, replace(SETTINGS, https_port=8443)])
def test_but_only_to_a_gateway_that_has_its_certificates_and_redirects_for_that_port(
    present: GatewaySettings | None,
) -> None:
    _, findings = decided(LABELLED, neighbour(), SECURE, present=present)
    assert "--hold --http-port 80 --https-port 443" in only(findings).hint


def test_whose_two_ports_are_on_the_same_addresses() -> None:
    front = replace(SECURE, ports=(Port(80, 80), Port(443, 443, "10.1.1.1")))
    _, findings = decided(LABELLED, neighbour(), front, present=HELD)
    assert "on all addresses and port 443 on 10.1.1.1" in only(findings).message


def test_ports_that_another_traefik_keeps_are_not_taken_by_other_adoptions() -> None:
    # this one publishes a port of its own, and is not behind that Traefik
    found, findings = decided(PUBLISHING, neighbour("app", Port(8080, 8000)), SECURE, present=HELD)
    assert findings == ()
    assert found.ports == {8080: "shop-app-1"}
    assert found.before
    assert found.after
    assert (found.before.held, found.after.held) == ((80, 443, 8080), (80, 443))
    # and once it is gone, nothing keeps the gateway from them
    found, _ = decided(PUBLISHING, neighbour("app", Port(8080, 8000)), present=HELD)
    assert found.after
    assert found.after.held == ()


def test_behind_a_traefik_that_ends_tls_the_others_come_first() -> None:
    blog = neighbour("web", project="blog", is_labelled=True)
    found, findings = decided(LABELLED, neighbour(), SECURE, blog, present=HELD)
    assert findings == ()
    assert (found.others, found.ports, found.before) == (("blog",), {}, None)


def test_a_traefik_whose_dashboard_is_published_too() -> None:
    front = replace(TRAEFIK, ports=(Port(8080, 8080), Port(8000, 8000)))
    found, findings = decided(LABELLED, neighbour(), front)
    assert findings == ()
    assert found.ports == {8000: "edge-traefik-1"}


def test_a_traefik_of_several_ports() -> None:
    _, findings = decided(LABELLED, neighbour(), replace(TRAEFIK, ports=(Port(1, 81), Port(2, 82))))
    assert "has the ports 1, 2" in only(findings).message


def test_a_traefik_that_has_nothing_to_do_with_it() -> None:
    found, findings = decided(LABELLED, neighbour(), replace(TRAEFIK, addresses={"other": ("10.0.0.1",)}))
    assert (found.front, findings) == ("", ())


def test_our_own_gateway_is_no_other_traefik() -> None:
    found, _ = decided(LABELLED, neighbour(), replace(TRAEFIK, is_ours=True))
    assert found.front == ""


def test_what_must_not_run_twice_is_stopped_first_and_what_is_shared_stays() -> None:
    made = application(
        {
            "app": web(),
            "beat": unrouted(image="shop:1", x_hitless={"exclusive": True, "role": "worker"}),
            "db": unrouted(image="postgres:15"),
        }
    )
    there = world(base=(base(), base("beat"), base("db")))
    found, _ = decided(made, neighbour(), neighbour("beat"), neighbour("db"), there=there)
    assert (found.plain, found.exclusive) == (("shop-app-1", "shop-beat-1"), ("shop-beat-1",))


def test_what_is_live_already_is_not_deployed_again() -> None:
    found, _ = decided(LABELLED, neighbour(), there=world(routing(Colour.BLUE)))
    assert found.is_live
    assert adoption_lines(found) == ("remove shop-app-1",)


def test_what_was_scaled_by_hand_is_warned_of() -> None:
    second = replace(neighbour(), name="shop-app-2")
    there = world(base=(base(), replace(base(), name="shop-app-2")))
    _, findings = decided(LABELLED, neighbour(), second, there=there)
    assert (only(findings).message, only(findings).is_error) == ("is 1, but 2 run", False)


def test_a_udp_port_is_not_taken_over() -> None:
    port = {"target": 53, "published": "53", "protocol": "udp"}
    made = application({"app": unrouted(ports=[port], x_hitless={"publish": "gateway"})})
    adoption, findings = decided(made, neighbour("app"))
    assert "hitless adopt can't take over UDP ports" in only(findings).message
    assert adoption.ports == {}
    gateway = replace(world().gateway or GATEWAY, entry_points={"web": 80, "port-53-udp": 53})
    assert decided(made, neighbour("app"), there=world(gateway=gateway))[1] == ()
