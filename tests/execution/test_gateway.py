"""A restart of the gateway while commands work on its applications, on a host in memory."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from hitless.domain.common.errors import HitlessError, Locked
from hitless.domain.common.events import Waiting
from hitless.domain.common.names import Colour
from hitless.domain.gateway.acme import STAGING
from hitless.domain.gateway.certificates import Certificate
from hitless.domain.gateway.image import TRAEFIK_IMAGE
from hitless.domain.gateway.settings import GatewaySettings
from hitless.domain.host.journal import Holder
from hitless.domain.host.world import Port
from hitless.domain.routing.model import REDIRECT
from tests.domain.builders import part, router, routing
from tests.execution import commands
from tests.execution.test_adopt import PUBLISHING, FakeGatewayProject, adopt, plain_host
from tests.fakes.host import FakeHost

ANN = Holder("ann@there, process 7", 30, 2)


def restart(host: FakeHost, wait: float = 0.0) -> FakeGatewayProject:
    gateway = FakeGatewayProject(host, there=GatewaySettings())
    commands.gateway_up(host.ports(), gateway, True, {"bind": "10.1.1.1"}, may_replace=True, wait=wait)
    return gateway


def test_ports_that_another_traefik_has_are_published_later() -> None:
    host = FakeHost(has_gateway=False)
    gateway = FakeGatewayProject(host, breaks=(80, 443))
    asked = {"https_port": 443}
    made, _, _ = commands.gateway_up(host.ports(), gateway, False, asked, may_replace=False, holds=True)
    assert made.held == (80, 443)
    # the same once more changes nothing
    assert not commands.gateway_up(host.ports(), gateway, True, asked, may_replace=False, holds=True)[1]


def test_a_restart_is_refused_while_a_command_works_on_an_application() -> None:
    host = FakeHost(at_work={"shop": ANN, "blog": Holder("bob", 1, 1)})
    with pytest.raises(Locked, match=r"works on shop: ann@there, process 7, for 30 s.*; on blog: bob"):
        restart(host)
    assert "gateway" not in host.verbs


def test_no_other_command_can_work_until_the_gateway_is_up_again() -> None:
    host = FakeHost()
    assert [one.bind for one in restart(host).applied] == ["10.1.1.1"]
    assert host.alone_for == ["", "over"]


def test_it_waits_as_long_as_it_is_told_and_no_longer() -> None:
    host = FakeHost(at_work={"shop": ANN})
    with pytest.raises(Locked):
        restart(host, wait=20)
    assert 20 <= host.clock.seconds < 21
    assert [event for event in host.events if isinstance(event, Waiting)] == [
        Waiting("", f"{ANN.describe()} (on shop)")
    ]


def test_it_waits_for_a_docker_command_of_a_hitless_that_has_ended() -> None:
    host = FakeHost(at_work={"shop": Holder("ann", 30, 2, has_ended=True)})
    with pytest.raises(Locked, match="which has ended"):
        restart(host)
    assert 30 <= host.clock.seconds < 31


def test_a_stopped_gateway_has_no_locks_to_wait_for() -> None:
    host = FakeHost(has_gateway=False, at_work={"shop": ANN})
    gateway = FakeGatewayProject(host)
    commands.gateway_up(host.ports(), gateway, False, {}, may_replace=False)
    assert host.alone_for == []


@pytest.mark.parametrize("force", [False, True])
def test_only_force_removes_it_while_a_command_works(force: bool) -> None:
    host = FakeHost(at_work={"shop": ANN})
    removed: list[bool] = []
    gateway = FakeGatewayProject(host, there=GatewaySettings())
    gateway.remove = lambda settings, volumes: removed.append(volumes)  # type: ignore[method-assign]
    if force:
        commands.gateway_down(host.ports(), gateway, ["shop"], True, False)
    else:
        with pytest.raises(Locked, match="works on shop"):
            commands.gateway_down(host.ports(), gateway, [], False, False)
    assert removed == [False] * force


def test_an_adoption_restarts_the_gateway_only_without_commands_on_other_applications() -> None:
    host = plain_host(Port(8080, 8000))
    gateway = FakeGatewayProject(host)
    adopt(host, gateway, PUBLISHING)
    # the second start gives it the port
    assert host.alone_for == ["shop", "over"]

    host = plain_host(Port(8080, 8000))
    host.at_work = {"blog": ANN}
    with pytest.raises(HitlessError, match="works on blog: ann@there") as raised:
        adopt(host, FakeGatewayProject(host), PUBLISHING)
    assert raised.value.is_unfinished
    # the release is live already, and the plain container still has its port
    assert host.verbs.count("gateway") == 1
    assert "web" in host.base


def test_an_image_that_lacks_something_is_refused_before_any_change() -> None:
    host = FakeHost()
    gateway = FakeGatewayProject(host, there=GatewaySettings(), lacks={"odd:1": "has no flock"})
    asked = {"image": "odd:1", "image_asked": True}
    with pytest.raises(HitlessError, match=r"the image odd:1 has no flock$") as raised:
        commands.gateway_up(host.ports(), gateway, True, asked, may_replace=True)
    assert TRAEFIK_IMAGE in raised.value.hint
    assert (gateway.applied, host.alone_for) == ([], [])


OLDER = GatewaySettings(image="traefik:v3.7.4")


def test_an_older_default_image_stays_until_the_gateway_is_replaced() -> None:
    host = FakeHost()
    gateway = FakeGatewayProject(host, there=OLDER)
    made, is_changed, _ = commands.gateway_up(host.ports(), gateway, True, {}, may_replace=False)
    assert (made.image, is_changed) == ("traefik:v3.7.4", False)
    made, _, said = commands.gateway_up(host.ports(), gateway, True, {}, may_replace=True)
    assert made.image == TRAEFIK_IMAGE
    assert said == (f"Traefik's image is {TRAEFIK_IMAGE} now; it was traefik:v3.7.4",)


def test_an_image_that_the_user_named_stays() -> None:
    host = FakeHost()
    asked = {"image": "traefik:v3.7.4", "image_asked": True}
    gateway = FakeGatewayProject(host, there=OLDER)
    # the gateway already runs the image that the user names
    assert not commands.gateway_up(host.ports(), gateway, True, asked, may_replace=False)[1]
    commands.gateway_up(host.ports(), gateway, True, asked, may_replace=True)
    made, _, said = commands.gateway_up(host.ports(), gateway, True, {"bind": "::1"}, may_replace=True)
    assert (made.image, said) == ("traefik:v3.7.4", ())


@pytest.mark.parametrize(
    ("settings", "changes", "said"),
    [
        ({"tls": {}}, {"https_port": 8443}, ()),
        (
            {},
            {"https_port": 8443},
            ("redirects to HTTPS still lead to port 443: deploy shop again to lead them to 8443",),
        ),
        ({}, {"bind": "::1"}, ()),
    ],
)
def test_redirects_of_what_is_deployed_name_the_old_port_for_https(
    settings: dict[str, Any], changes: dict[str, Any], said: tuple[str, ...]
) -> None:
    host = FakeHost(gateway_settings=GatewaySettings(https_port=443))
    redirect = router(middlewares=() if settings else (REDIRECT,), settings=settings)
    host.routings["shop"] = routing(Colour.BLUE, {Colour.BLUE: part(1, redirect)})
    host.in_traefik.update(host.routings)
    gateway = FakeGatewayProject(host, there=GatewaySettings(https_port=443))
    assert commands.gateway_up(host.ports(), gateway, True, changes, may_replace=True)[2] == said


SECURE = GatewaySettings(https_port=443, acme_email="ann@example.org")


def changed(present: GatewaySettings, changes: dict[str, Any], may_forget: bool = False) -> FakeHost:
    """A host whose gateway, with one application over HTTPS, was asked for these changes."""
    host = FakeHost(gateway_settings=present)
    dates = ("2020-01-01T00:00:00Z", "2099-01-01T00:00:00Z")
    found = Certificate("shop.example", ("shop.example",), "CA", *dates, is_renewed=True)
    host.certified.got["shop.example"] = found
    secure = router(entry_points=("websecure",), settings={"tls": {}})
    host.routings["shop"] = routing(Colour.BLUE, {Colour.BLUE: part(1, secure)})
    host.in_traefik.update(host.routings)
    gateway = FakeGatewayProject(host, there=present)
    commands.gateway_up(host.ports(), gateway, True, changes, may_replace=False, may_forget=may_forget)
    return host


def test_a_new_traefik_serves_the_certificates_of_the_old_one() -> None:
    host = changed(SECURE, {"read_timeout": 5.0})
    assert (host.traefiks.served, host.traefiks.forgotten) == ([("shop.example",)], [])


@pytest.mark.parametrize(
    "leaves", [{"acme_email": ""}, {"acme_server": "https://ca.internal/directory"}], ids=str
)
def test_a_ca_whose_certificates_are_in_use_is_left_by_force_alone(leaves: dict[str, str]) -> None:
    with pytest.raises(HitlessError, match=r"nobody would reach shop \(shop.example\)") as raised:
        changed(SECURE, leaves)
    assert "--forget-certificates" in raised.value.hint
    assert changed(SECURE, leaves, may_forget=True).traefiks.served == []


def test_the_ca_for_tests_is_left_at_once() -> None:
    staging = replace(SECURE, acme_server=STAGING)
    assert changed(staging, {"acme_server": ""}).traefiks.live == 1


@pytest.mark.parametrize(
    ("present", "asked", "said"),
    [
        (GatewaySettings(), {"acme_email": "ann@example.org"}, "no port for HTTPS"),
        (GatewaySettings(https_port=443), {"acme_dns": "cloudflare"}, "without an account at the CA"),
        (GatewaySettings(https_port=443), {"acme_server": STAGING}, "without an account at the CA"),
        (GatewaySettings(), {"http3": True}, "on the port for HTTPS, and the gateway has none"),
        (GatewaySettings(https_port=443, http3=True), {"https_port": 0}, "the gateway has none"),
    ],
)
def test_settings_for_https_that_lack_others(
    present: GatewaySettings, asked: dict[str, Any], said: str
) -> None:
    host = FakeHost(gateway_settings=present)
    with pytest.raises(HitlessError, match=said):
        commands.gateway_up(host.ports(), FakeGatewayProject(host, there=present), True, asked, False)
    assert host.traefiks.verbs == []


def test_http3_takes_a_restart_and_a_udp_port_that_no_application_has() -> None:
    secure = GatewaySettings(https_port=443, udp_ports={443: ""})
    host = FakeHost(gateway_settings=secure)
    project = FakeGatewayProject(host, there=secure)
    for asked, may_replace, said in (
        ({"http3": True}, False, "http3 is False, asked for True"),
        ({"http3": True}, True, "UDP port 443 can't be both for HTTP/3 and for applications"),
    ):
        with pytest.raises(HitlessError, match=said):
            commands.gateway_up(host.ports(), project, True, asked, may_replace)
    made, _, _ = commands.gateway_up(
        host.ports(), project, True, {"http3": True, "udp_ports": {53: ""}}, True
    )
    assert made.published_udp == {53: "", 443: ""}
